#include "daemon/core/refill.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;

class RefillTest : public testing::Test {
 protected:
  RefillTest() {
    refill_.observe(now_, view_, 2000);
    EXPECT_TRUE(refill_.is_due(now_));
    refill_.on_asked(now_, 1);
  }

  const ViewId view_{.counter = 7, .proposer = {}, .round = 1};
  TimePoint now_{std::chrono::seconds(1000)};
  Refill refill_;
};

TEST_F(RefillTest, AsksAfterGrowingPausesWhereNothingComes) {
  for (const milliseconds pause : {milliseconds(30), milliseconds(60), milliseconds(120),
                                   milliseconds(240), milliseconds(240)}) {
    EXPECT_EQ(refill_.due(), now_ + pause);
    now_ = now_ + (pause - milliseconds(1));
    refill_.observe(now_, view_, 2000);
    EXPECT_FALSE(refill_.is_due(now_));
    now_ = now_ + milliseconds(1);
    EXPECT_TRUE(refill_.is_due(now_));
    refill_.on_asked(now_, 1);
  }
}

TEST_F(RefillTest, LengthensThePauseOnlyWhenAllHaveBeenAsked) {
  for (const Rank holder : {2u, 3u, 4u}) {
    EXPECT_EQ(refill_.due(), now_ + Refill::kPause);
    now_ = refill_.due();
    refill_.on_asked(now_, holder);
  }
  now_ = refill_.due();
  refill_.on_asked(now_, 1);
  EXPECT_EQ(refill_.due(), now_ + 2 * Refill::kPause);
}

// The progress of a cut that nobody has goes on over all ballots for it (rule R2).
TEST_F(RefillTest, BeginsAnewWithTheNextBallotButForTheProgress) {
  const TimePoint begin = now_;
  for (const std::uint64_t counter : {7u, 8u}) {
    refill_.on_asked(now_, 1);
    refill_.stop();
    EXPECT_EQ(refill_.due(), TimePoint::never());
    now_ = now_ + milliseconds(1000);
    const ViewId next{.counter = counter, .proposer = {}, .round = 1};
    refill_.prefer(next, 5);
    EXPECT_EQ(refill_.next_holder(), 5u);
    refill_.observe(now_, next, 2000);
    EXPECT_TRUE(refill_.is_due(now_));
    EXPECT_EQ(refill_.progress(), counter == 7 ? begin : now_);
    refill_.on_asked(now_, 1);
    EXPECT_EQ(refill_.due(), now_ + Refill::kPause);
  }
}

TEST_F(RefillTest, DoesNotAskForEachFrameOfAnAnswer) {
  for (std::uint64_t gaps = 1990; gaps > 1500; gaps -= 10) {
    refill_.on_frame(100);
    refill_.observe(now_, view_, gaps);
    ASSERT_FALSE(refill_.is_due(now_)) << gaps;
  }
  EXPECT_TRUE(refill_.is_due(now_ + Refill::kBetweenFramesMin));
}

TEST_F(RefillTest, WaitsForTheNextFrameTwiceAsLongAsForTheLastOne) {
  const TimePoint asked = now_;
  now_ = asked + milliseconds(20);
  refill_.observe(now_, view_, 1999);
  EXPECT_EQ(refill_.due(), now_ + milliseconds(40));
  for (std::uint64_t gaps = 1998; gaps > 1900; --gaps) {
    now_ = now_ + milliseconds(6);
    refill_.observe(now_, view_, gaps);
    ASSERT_EQ(refill_.due(), now_ + milliseconds(12));
  }
  now_ = now_ + std::chrono::seconds(1);
  refill_.observe(now_, view_, 1900);
  EXPECT_EQ(refill_.due(), now_ + Refill::kPauseMax);
}

TEST_F(RefillTest, AsksAtOnceWhenAllMessagesOfAnAnswerAreThere) {
  refill_.observe(now_, view_, 2000 - ordering::kRepairMessagesMax + 1);
  EXPECT_FALSE(refill_.is_due(now_));
  refill_.observe(now_, view_, 2000 - ordering::kRepairMessagesMax);
  EXPECT_TRUE(refill_.is_due(now_));
}

TEST_F(RefillTest, AsksAtOnceWhenAllBytesOfAnAnswerAreThere) {
  refill_.on_frame(ordering::kRepairBytesMax - 1);
  refill_.observe(now_, view_, 1999);
  EXPECT_FALSE(refill_.is_due(now_));
  refill_.on_frame(1);
  refill_.observe(now_, view_, 1998);
  EXPECT_TRUE(refill_.is_due(now_));
}

TEST_F(RefillTest, CountsNothingThatWasThere) {
  for (int i = 0; i < 10; ++i) {
    refill_.on_frame(ordering::kRepairBytesMax);
    refill_.observe(now_, view_, 2000);
    ASSERT_FALSE(refill_.is_due(now_));
  }
  EXPECT_EQ(refill_.progress(), now_);
  const TimePoint later = now_ + milliseconds(10);
  refill_.observe(later, view_, 2000);
  EXPECT_EQ(refill_.progress(), now_);
  refill_.observe(later, view_, 1999);
  EXPECT_EQ(refill_.progress(), later);
}

TEST_F(RefillTest, AsksTheOthersInTurnButWhoHoldsAllFirst) {
  EXPECT_EQ(refill_.next_holder(), 2u);
  refill_.prefer(view_, 0);
  EXPECT_EQ(refill_.next_holder(), 2u);
  refill_.prefer(ViewId{.counter = 8, .proposer = {}, .round = 1}, 0);
  EXPECT_EQ(refill_.next_holder(), 0u);
  refill_.on_asked(now_, 0);
  EXPECT_EQ(refill_.next_holder(), 1u);
}

}  // namespace
}  // namespace groupcomm::daemon
