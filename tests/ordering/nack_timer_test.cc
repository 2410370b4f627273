#include "ordering/nack_timer.h"

#include <gtest/gtest.h>

#include <vector>

namespace groupcomm::ordering {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint at(int ms) { return TimePoint{milliseconds(1000 + ms)}; }

TEST(NackTimer, IsSilentWithoutAGap) {
  NackTimer timer;
  timer.observe(at(0), false, 5);
  EXPECT_EQ(timer.deadline(), TimePoint::never());
  EXPECT_FALSE(timer.is_due(at(1000)));
}

TEST(NackTimer, GivesAGapTenMillisecondsToFillItself) {
  NackTimer timer;
  timer.observe(at(0), true, 5);
  EXPECT_EQ(timer.deadline(), at(10));
  EXPECT_FALSE(timer.is_due(at(9)));
  EXPECT_TRUE(timer.is_due(at(10)));
}

TEST(NackTimer, DoesNotPutOffAGapThatIsOnlySeenAgain) {
  NackTimer timer;
  timer.observe(at(0), true, 5);
  timer.observe(at(7), true, 5);
  EXPECT_EQ(timer.deadline(), at(10));
}

TEST(NackTimer, DoublesItsPausesUpToALimit) {
  NackTimer timer;
  timer.observe(at(0), true, 5);
  std::vector<Duration> pauses;
  for (int i = 0; i < 6; ++i) {
    const TimePoint now = timer.deadline();
    timer.on_asked(now);
    timer.observe(now, true, 5);
    pauses.push_back(timer.deadline() - now);
  }
  const std::vector<Duration> expected{milliseconds(20),  milliseconds(40),  milliseconds(80),
                                       milliseconds(160), milliseconds(160), milliseconds(160)};
  EXPECT_EQ(pauses, expected);
}

TEST(NackTimer, BeginsAnewWithEveryStepForward) {
  NackTimer timer;
  timer.observe(at(0), true, 5);
  timer.on_asked(at(10));
  timer.on_asked(at(30));
  timer.observe(at(40), true, 6);
  EXPECT_EQ(timer.deadline(), at(50));
  timer.on_asked(at(50));
  EXPECT_EQ(timer.deadline(), at(70));
}

TEST(NackTimer, ForgetsAGapThatWasFilled) {
  NackTimer timer;
  timer.observe(at(0), true, 5);
  timer.on_asked(at(10));
  timer.observe(at(15), false, 9);
  EXPECT_FALSE(timer.is_due(at(1000)));
  timer.observe(at(20), true, 9);
  EXPECT_EQ(timer.deadline(), at(30));
}

}  // namespace
}  // namespace groupcomm::ordering
