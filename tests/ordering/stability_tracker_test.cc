#include "ordering/stability_tracker.h"

#include <gtest/gtest.h>

namespace groupcomm::ordering {
namespace {

constexpr MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }
constexpr OrderNumber place(std::uint64_t value) { return OrderNumber{value}; }

TEST(StabilityTracker, IsAsStableAsTheSlowestMember) {
  StabilityTracker tracker(3);
  tracker.on_received(0, 1, number(7));
  tracker.on_received(1, 1, number(9));
  EXPECT_EQ(tracker.stable(1), number(0));
  tracker.on_received(2, 1, number(4));
  EXPECT_EQ(tracker.stable(1), number(4));
}

TEST(StabilityTracker, KeepsTheSendersApart) {
  StabilityTracker tracker(2);
  for (Rank member = 0; member < 2; ++member) {
    tracker.on_received(member, 0, number(3));
    tracker.on_received(member, 1, number(8));
  }
  EXPECT_EQ(tracker.stable(0), number(3));
  EXPECT_EQ(tracker.stable(1), number(8));
}

TEST(StabilityTracker, NeverGoesBackWithAnOldAcknowledgement) {
  StabilityTracker tracker(1);
  tracker.on_received(0, 0, number(5));
  tracker.on_received(0, 0, number(2));
  EXPECT_EQ(tracker.stable(0), number(5));
  tracker.on_ordered(0, place(5));
  tracker.on_ordered(0, place(2));
  EXPECT_EQ(tracker.ordered_by_all(), place(5));
}

TEST(StabilityTracker, KnowsWhatAllHaveOrdered) {
  StabilityTracker tracker(3);
  tracker.on_ordered(0, place(6));
  tracker.on_ordered(1, place(4));
  EXPECT_EQ(tracker.ordered_by_all(), place(0));
  tracker.on_ordered(2, place(5));
  EXPECT_EQ(tracker.ordered_by_all(), place(4));
}

TEST(StabilityTracker, KnowsWhatAQuorumHasOrdered) {
  StabilityTracker tracker(3);
  tracker.on_ordered(1, place(4));
  EXPECT_FALSE(tracker.is_ordered_by_quorum(place(4)));
  tracker.on_ordered(2, place(3));
  EXPECT_TRUE(tracker.is_ordered_by_quorum(place(3)));
  EXPECT_FALSE(tracker.is_ordered_by_quorum(place(4)));
}

TEST(StabilityTracker, CountsHalfAsAQuorumOnlyWithRankZero) {
  StabilityTracker without_zero(4);
  without_zero.on_ordered(2, place(1));
  without_zero.on_ordered(3, place(1));
  EXPECT_FALSE(without_zero.is_ordered_by_quorum(place(1)));
  StabilityTracker with_zero(4);
  with_zero.on_ordered(0, place(1));
  with_zero.on_ordered(3, place(1));
  EXPECT_TRUE(with_zero.is_ordered_by_quorum(place(1)));
}

TEST(StabilityTracker, KnowsWhatAQuorumHolds) {
  StabilityTracker tracker(3);
  tracker.on_received(2, 1, number(5));
  EXPECT_FALSE(tracker.is_held_by_quorum(1, number(5)));
  tracker.on_received(1, 1, number(4));
  EXPECT_TRUE(tracker.is_held_by_quorum(1, number(4)));
  EXPECT_FALSE(tracker.is_held_by_quorum(1, number(5)));
  EXPECT_FALSE(tracker.is_held_by_quorum(0, number(1)));
}

}  // namespace
}  // namespace groupcomm::ordering
