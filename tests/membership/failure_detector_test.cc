#include "membership/failure_detector.h"

#include <gtest/gtest.h>

namespace groupcomm::membership {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Incarnations = std::vector<Incarnation>;

constexpr TimePoint at(int ms) { return TimePoint{seconds(100) + milliseconds(ms)}; }
constexpr Incarnation kOne{1};
constexpr Incarnation kTwo{2};
const DaemonId one{"a", kOne};
const DaemonId two{"b", kTwo};

// A detector with a floor of one second.
class FailureDetectorTest : public ::testing::Test {
 protected:
  // Heard every so many milliseconds, from one moment to another.
  void hear(const DaemonId& id, int from, int to, int step) {
    for (int ms = from; ms <= to; ms += step) detector.on_heard(at(ms), id);
  }

  FailureDetector detector{seconds(1)};
};

TEST_F(FailureDetectorTest, HearsNobodyAtFirst) {
  EXPECT_FALSE(detector.is_heard(at(0), kOne));
  EXPECT_EQ(detector.heard(at(0)), Incarnations{});
  EXPECT_EQ(detector.next_deadline(at(0)), TimePoint::never());
}

TEST_F(FailureDetectorTest, HearsADaemonUntilTheFloorHasPassed) {
  detector.on_heard(at(0), one);
  EXPECT_TRUE(detector.is_heard(at(999), kOne));
  EXPECT_FALSE(detector.is_heard(at(1000), kOne));
  EXPECT_EQ(detector.next_deadline(at(0)), at(1000));
  EXPECT_EQ(detector.next_deadline(at(1000)), TimePoint::never());
}

TEST_F(FailureDetectorTest, ListsThoseThatAreHeard) {
  detector.on_heard(at(0), two);
  detector.on_heard(at(500), one);
  EXPECT_EQ(detector.heard(at(900)), (Incarnations{kOne, kTwo}));
  EXPECT_EQ(detector.heard(at(1200)), Incarnations{kOne});
  EXPECT_EQ(detector.next_deadline(at(900)), at(1000));
}

TEST_F(FailureDetectorTest, HearsAgainADaemonThatWasSilent) {
  detector.on_heard(at(0), one);
  EXPECT_FALSE(detector.is_heard(at(1500), kOne));
  detector.on_heard(at(1500), one);
  EXPECT_TRUE(detector.is_heard(at(1600), kOne));
}

TEST_F(FailureDetectorTest, AllowsThreeTimesTheLongestGapOfLate) {
  hear(one, 0, 500, 100);
  detector.on_heard(at(1100), one);  // a gap of 600 ms
  EXPECT_TRUE(detector.is_heard(at(1100 + 1799), kOne));
  EXPECT_FALSE(detector.is_heard(at(1100 + 1800), kOne));
}

TEST_F(FailureDetectorTest, AllowsAtMostFourTimesTheFloor) {
  detector.on_heard(at(0), one);
  detector.on_heard(at(3000), one);
  EXPECT_TRUE(detector.is_heard(at(3000 + 3999), kOne));
  EXPECT_FALSE(detector.is_heard(at(3000 + 4000), kOne));
}

TEST_F(FailureDetectorTest, ForgetsALongGapAfterSomeSeconds) {
  detector.on_heard(at(0), one);
  detector.on_heard(at(900), one);
  hear(one, 1000, 7900, 100);
  EXPECT_TRUE(detector.is_heard(at(7900 + 2600), kOne));
  hear(one, 8000, 9000, 100);
  EXPECT_TRUE(detector.is_heard(at(9999), kOne));
  EXPECT_FALSE(detector.is_heard(at(10000), kOne));
}

TEST_F(FailureDetectorTest, SurvivesASilenceOfManyWindows) {
  detector.on_heard(at(0), one);
  detector.on_heard(at(1000000), one);
  EXPECT_TRUE(detector.is_heard(at(1000000 + 3999), kOne));
  hear(one, 1000100, 1010000, 100);
  EXPECT_FALSE(detector.is_heard(at(1011000), kOne));
}

TEST_F(FailureDetectorTest, BelievesARefusedConnectionAtOnce) {
  detector.on_heard(at(0), one);
  detector.on_refused(at(10), kOne);
  EXPECT_FALSE(detector.is_heard(at(11), kOne));
  EXPECT_EQ(detector.heard(at(11)), Incarnations{});
}

TEST_F(FailureDetectorTest, KnowsWhoIsNew) {
  detector.on_heard(at(0), one);
  EXPECT_TRUE(detector.is_newcomer(at(100), kOne));
  EXPECT_FALSE(detector.is_newcomer(at(200), kOne));
  EXPECT_FALSE(detector.is_newcomer(at(100), kTwo));
}

TEST_F(FailureDetectorTest, IsNotMisledByFramesThatWereUnderWay) {
  detector.on_heard(at(0), one);
  detector.on_refused(at(10), kOne);
  detector.on_heard(at(100), one);
  EXPECT_FALSE(detector.is_heard(at(101), kOne));
  detector.on_heard(at(300), one);  // too late for that: it lives
  EXPECT_TRUE(detector.is_heard(at(301), kOne));
}

TEST_F(FailureDetectorTest, TakesNoRefusalForADaemonThatItNeverHeard) {
  detector.on_refused(at(0), kOne);
  detector.on_heard(at(1), one);
  EXPECT_TRUE(detector.is_heard(at(2), kOne));
}

TEST_F(FailureDetectorTest, IsLinkedOnlyWhereItIsHeardToo) {
  detector.on_heard(at(0), one);
  EXPECT_FALSE(detector.is_linked(at(1), kOne));
  detector.on_hears_us(at(500), kOne);
  EXPECT_TRUE(detector.is_linked(at(501), kOne));
  EXPECT_FALSE(detector.is_linked(at(1000), kOne));
  detector.on_hears_us(at(1), kTwo);
  EXPECT_FALSE(detector.is_linked(at(2), kTwo));
}

TEST_F(FailureDetectorTest, IsLinkedNoMoreWhenThatWasNotSaidForATimeOut) {
  detector.on_heard(at(0), one);
  detector.on_hears_us(at(0), kOne);
  hear(one, 100, 2000, 100);
  EXPECT_TRUE(detector.is_linked(at(999), kOne));
  EXPECT_FALSE(detector.is_linked(at(1000), kOne));
  EXPECT_TRUE(detector.is_heard(at(1000), kOne));
  detector.on_hears_us(at(1500), kOne);
  detector.excuse(seconds(2));
  EXPECT_TRUE(detector.is_linked(at(4400), kOne));
}

TEST_F(FailureDetectorTest, SaysWhyADaemonIsNotLinked) {
  EXPECT_EQ(detector.why_not_linked(at(0), kOne), "nothing was ever heard of it");
  detector.on_heard(at(0), one);
  EXPECT_EQ(detector.why_not_linked(at(9), kOne), "it never said that it hears this daemon");
  detector.on_hears_us(at(100), kOne);
  hear(one, 100, 1500, 100);
  EXPECT_EQ(detector.why_not_linked(at(1500), kOne),
            "it has not said for 1400 ms that it hears this daemon");
  EXPECT_EQ(detector.why_not_linked(at(2502), kOne), "nothing was heard of it for 1002 ms");
  detector.on_refused(at(2502), kOne);
  EXPECT_EQ(detector.why_not_linked(at(2502), kOne), "its process is gone");
}

TEST_F(FailureDetectorTest, DoesNotCountItsOwnStallAsTheSilenceOfOthers) {
  detector.on_heard(at(0), one);
  detector.on_heard(at(400), two);
  detector.excuse(seconds(5));
  EXPECT_EQ(detector.heard(at(5900)), (Incarnations{kOne, kTwo}));
  EXPECT_EQ(detector.heard(at(6100)), Incarnations{kTwo});
}

TEST_F(FailureDetectorTest, DoesNotTakeAnExcusedStallForAGap) {
  detector.on_heard(at(0), one);
  detector.excuse(seconds(5));
  detector.on_heard(at(5100), one);
  EXPECT_FALSE(detector.is_heard(at(6100), kOne));
}

TEST_F(FailureDetectorTest, TellsTheIncarnationsOfANameApart) {
  const DaemonId again{"a", kTwo};
  detector.on_heard(at(0), one);
  detector.on_heard(at(0), again);
  EXPECT_EQ(detector.heard_by_name(at(1), "a"), (Incarnations{kOne, kTwo}));
  detector.on_refused(at(1), kOne);
  EXPECT_EQ(detector.heard_by_name(at(2), "a"), Incarnations{kTwo});
  EXPECT_EQ(detector.heard_by_name(at(2), "b"), Incarnations{});
}

TEST_F(FailureDetectorTest, ForgetsWhatIsAskedToAndWhatWasSilentForVeryLong) {
  detector.on_heard(at(0), one);
  detector.forget(kOne);
  EXPECT_FALSE(detector.is_heard(at(1), kOne));
  detector.on_heard(at(0), one);
  detector.expire(at(0) + minutes(10));
  EXPECT_TRUE(detector.is_heard(at(1), kOne));
  detector.expire(at(0) + minutes(10) + milliseconds(1));
  EXPECT_FALSE(detector.is_heard(at(1), kOne));
}

}  // namespace
}  // namespace groupcomm::membership
