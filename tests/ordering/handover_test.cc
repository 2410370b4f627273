#include "ordering/handover.h"

#include <gtest/gtest.h>

namespace groupcomm::ordering {
namespace {

MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }
OrderNumber place(std::uint64_t value) { return OrderNumber{value}; }

TEST(Handover, HasNothingToTellWhereNobodyAsks) {
  const Handover handover(2);
  EXPECT_FALSE(handover.is_active());
  EXPECT_EQ(handover.handed_by_all(), number(0));
  EXPECT_FALSE(handover.all_caught_up());
}

TEST(Handover, TellsUpToTheFirstThatIsNotHanded) {
  Handover handover(2);
  handover.on_held(1, number(3));
  handover.on_held(1, number(5));
  EXPECT_TRUE(handover.is_active());
  EXPECT_EQ(handover.line(1, number(7)), number(2));
  EXPECT_EQ(handover.line(0, number(7)), number(7));  // nobody asks there
  handover.on_handed(1, number(5));
  EXPECT_EQ(handover.line(1, number(7)), number(2));
  handover.on_handed(1, number(3));
  EXPECT_EQ(handover.line(1, number(7)), number(7));
}

TEST(Handover, CountsTheSlowestMember) {
  Handover handover(2);
  handover.on_told(0, number(9), false, {});
  handover.on_told(1, number(4), false, {});
  handover.on_applied({});
  EXPECT_EQ(handover.handed_by_all(), number(4));
}

TEST(Handover, CountsWhatIsSaidOnceTheSameLeavesHaveTakenEffectHere) {
  Handover handover(1);
  handover.on_told(0, number(4), false, place(10));
  handover.on_told(0, number(6), false, place(12));
  handover.on_told(0, number(8), true, place(14));
  handover.on_applied(place(9));
  EXPECT_EQ(handover.handed_by_all(), number(0));
  handover.on_applied(place(10));
  EXPECT_EQ(handover.handed_by_all(), number(4));
  EXPECT_FALSE(handover.all_caught_up());
  handover.on_applied(place(14));
  EXPECT_EQ(handover.handed_by_all(), number(8));
  EXPECT_TRUE(handover.all_caught_up());
}

// However often something newer is said, what was said before counts in its time.
TEST(Handover, GoesOnBehindAMemberThatIsAlwaysAhead) {
  Handover handover(1);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    handover.on_told(0, number(i), false, place(i));
    handover.on_applied(place(i / 2));
  }
  EXPECT_GT(handover.handed_by_all(), number(20));
}

TEST(Handover, ForgetsNothingByAnOldFrame) {
  Handover handover(1);
  handover.on_told(0, number(5), true, place(3));
  handover.on_told(0, number(2), false, place(1));
  handover.on_told(0, number(5), false, place(3));
  handover.on_applied(place(3));
  EXPECT_EQ(handover.handed_by_all(), number(5));
  EXPECT_TRUE(handover.all_caught_up());
}

}  // namespace
}  // namespace groupcomm::ordering
