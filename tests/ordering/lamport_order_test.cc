#include "ordering/lamport_order.h"

#include <gtest/gtest.h>

#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

References places_of(const TotalOrder& order) {
  References places;
  for (OrderNumber at = order.first_kept(); at <= order.known(); ++at) {
    places.push_back(order.at(at));
  }
  return places;
}

void hold(LamportOrder& order, Rank sender, std::uint64_t value, std::uint64_t stamp) {
  order.on_held(sender, *message(value, Order::kTotal).stamp(stamp));
  order.on_clock(sender, LamportStamp{stamp});
}

TEST(LamportOrder, PlacesAMessageWhenEverybodysClockHasReachedItsStamp) {
  LamportOrder order(3);
  hold(order, 1, 1, 5);
  order.on_clock(0, LamportStamp{5});
  EXPECT_EQ(order.known(), place(0));
  order.on_clock(2, LamportStamp{4});
  EXPECT_EQ(order.known(), place(0));
  order.on_clock(2, LamportStamp{5});
  EXPECT_EQ(places_of(order), References{reference(1, 1)});
}

TEST(LamportOrder, OrdersByStampAndThenByRank) {
  LamportOrder order(2);
  order.on_held(1, *message(1, Order::kTotal).stamp(3));
  order.on_held(1, *message(2, Order::kTotal).stamp(6));
  order.on_held(0, *message(1, Order::kTotal).stamp(3));
  order.on_held(0, *message(9, Order::kSafe).stamp(4));
  order.on_clock(0, LamportStamp{6});
  order.on_clock(1, LamportStamp{6});
  const References expected{reference(0, 1), reference(1, 1), reference(0, 9), reference(1, 2)};
  EXPECT_EQ(places_of(order), expected);
}

TEST(LamportOrder, PlacesOnlyAsFarAsTheSlowestClock) {
  LamportOrder order(2);
  hold(order, 0, 1, 2);
  hold(order, 0, 2, 8);
  order.on_clock(1, LamportStamp{7});
  EXPECT_EQ(places_of(order), References{reference(0, 1)});
}

TEST(LamportOrder, NeverPutsAClockBack) {
  LamportOrder order(2);
  order.on_clock(1, LamportStamp{9});
  order.on_clock(1, LamportStamp{3});
  hold(order, 0, 1, 8);
  EXPECT_EQ(order.known(), place(1));
}

TEST(LamportOrder, WantsAClockToldThatOthersWaitFor) {
  LamportOrder order(2);
  EXPECT_FALSE(order.wants_clock_told(LamportStamp{0}));
  order.on_held(0, *message(1, Order::kTotal).stamp(4));
  EXPECT_TRUE(order.wants_clock_told(LamportStamp{3}));
  EXPECT_FALSE(order.wants_clock_told(LamportStamp{4}));
  order.on_clock(0, LamportStamp{4});
  order.on_clock(1, LamportStamp{4});
  EXPECT_EQ(order.known(), place(1));
  EXPECT_TRUE(order.wants_clock_told(LamportStamp{3}));  // it is placed here, not at the others
}

TEST(LamportOrder, AnnouncesNothingAndMissesNoPlaces) {
  LamportOrder order(1);
  hold(order, 0, 1, 1);
  EXPECT_EQ(order.take_announcement().places, References{});
  order.on_announced(place(7));
  EXPECT_EQ(order.announced(), place(1));
}

TEST(LamportOrder, FindsNoMorePlacesWhenFrozen) {
  LamportOrder order(1);
  order.freeze();
  hold(order, 0, 1, 1);
  EXPECT_EQ(order.known(), place(0));
}

}  // namespace
}  // namespace groupcomm::ordering
