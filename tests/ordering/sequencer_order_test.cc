#include "ordering/sequencer_order.h"

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

TEST(SequencerOrder, GivesPlacesAtRankZeroInTheOrderInWhichMessagesBecomeClear) {
  SequencerOrder order(0);
  order.on_held(1, *message(4, Order::kTotal));
  EXPECT_EQ(order.known(), place(0));
  order.on_clear(2, *message(1, Order::kSafe));
  order.on_clear(1, *message(4, Order::kTotal));
  EXPECT_EQ(places_of(order), (References{reference(2, 1), reference(1, 4)}));
}

TEST(SequencerOrder, AnnouncesEachPlaceOnce) {
  SequencerOrder order(0);
  order.on_clear(1, *message(1, Order::kTotal));
  order.on_clear(1, *message(2, Order::kTotal));
  auto first = order.take_announcement();
  EXPECT_EQ(first.first, place(1));
  EXPECT_EQ(first.places, (References{reference(1, 1), reference(1, 2)}));
  EXPECT_EQ(order.take_announcement().places, References{});
  order.on_clear(0, *message(7, Order::kTotal));
  auto second = order.take_announcement();
  EXPECT_EQ(second.first, place(3));
  EXPECT_EQ(second.places, References{reference(0, 7)});
}

TEST(SequencerOrder, DoesNotAnnounceWhatAllKnowAlready) {
  SequencerOrder order(0);
  order.on_clear(0, *message(1, Order::kTotal));
  order.on_clear(0, *message(2, Order::kTotal));
  order.release_through(place(1));
  const auto announcement = order.take_announcement();
  EXPECT_EQ(announcement.first, place(2));
  EXPECT_EQ(announcement.places, References{reference(0, 2)});
}

TEST(SequencerOrder, TakesNoPlacesFromOthersAtRankZero) {
  SequencerOrder order(0);
  const References places{reference(1, 1)};
  order.on_places(place(1), places);
  EXPECT_EQ(order.known(), place(0));
}

TEST(SequencerOrder, GivesNoPlacesElsewhere) {
  SequencerOrder order(1);
  order.on_clear(1, *message(1, Order::kTotal));
  EXPECT_EQ(order.known(), place(0));
  EXPECT_EQ(order.take_announcement().places, References{});
}

TEST(SequencerOrder, LearnsPlacesOnceInWhateverOrderTheyCome) {
  SequencerOrder order(1);
  order.on_places(place(3), References{reference(0, 3), reference(2, 1)});
  EXPECT_EQ(order.known(), place(0));
  EXPECT_EQ(order.announced(), place(4));
  order.on_places(place(1), References{reference(0, 1), reference(0, 2), reference(0, 3)});
  order.on_places(place(1), References{reference(0, 1)});
  EXPECT_EQ(order.announced(), place(4));
  EXPECT_EQ(places_of(order),
            (References{reference(0, 1), reference(0, 2), reference(0, 3), reference(2, 1)}));
}

TEST(SequencerOrder, SeesAMissingPlaceFromWhatTheSequencerSays) {
  SequencerOrder order(1);
  order.on_announced(place(2));
  EXPECT_EQ(order.announced(), place(2));
  order.on_announced(place(1));
  EXPECT_EQ(order.announced(), place(2));
}

TEST(SequencerOrder, FindsNoMorePlacesWhenFrozen) {
  SequencerOrder sequencer(0);
  sequencer.freeze();
  sequencer.on_clear(0, *message(1, Order::kTotal));
  EXPECT_EQ(sequencer.known(), place(0));
  SequencerOrder other(1);
  other.freeze();
  other.on_places(place(1), References{reference(0, 1)});
  EXPECT_EQ(other.known(), place(0));
}

TEST(SequencerOrder, NeverWantsAClockTold) {
  SequencerOrder order(1);
  order.on_held(0, *message(1, Order::kTotal).stamp(9));
  EXPECT_FALSE(order.wants_clock_told(LamportStamp{0}));
}

// --- room for places (rule T4) -------------------------------------------------------------------

TEST(SequencerOrder, GivesNoMorePlacesThanAFlushCanTell) {
  SequencerOrder order(0);
  const std::uint64_t all = TotalOrder::kPlacesMax + 3;
  for (std::uint64_t n = 1; n <= all; ++n) order.on_clear(1, *message(n, Order::kTotal));
  EXPECT_EQ(order.known(), place(TotalOrder::kPlacesMax));
  EXPECT_TRUE(order.release_through(place(2)));
  EXPECT_EQ(order.known(), place(TotalOrder::kPlacesMax + 2));
  EXPECT_TRUE(order.release_through(place(5)));
  EXPECT_EQ(order.known(), place(all));
  EXPECT_EQ(order.at(place(all)), reference(1, all));
  EXPECT_FALSE(order.release_through(place(6)));
}

TEST(SequencerOrder, TakesInNoMorePlacesThanAFlushCanTell) {
  SequencerOrder order(1);
  const std::uint64_t all = TotalOrder::kPlacesMax + 3;
  References places;
  for (std::uint64_t n = 1; n <= all; ++n) places.push_back(reference(0, n));
  order.on_places(place(1), places);
  EXPECT_EQ(order.known(), place(TotalOrder::kPlacesMax));
  EXPECT_EQ(order.announced(), order.known());  // nothing is missing: there is no room
  EXPECT_TRUE(order.release_through(place(4)));
  EXPECT_EQ(order.known(), place(all));
}

TEST(SequencerOrder, GivesNoPlacesOnceItIsFrozen) {
  SequencerOrder order(0);
  for (std::uint64_t n = 1; n <= TotalOrder::kPlacesMax + 1; ++n) {
    order.on_clear(1, *message(n, Order::kTotal));
  }
  order.freeze();
  EXPECT_FALSE(order.release_through(place(9)));
  EXPECT_EQ(order.known(), place(TotalOrder::kPlacesMax));
}

}  // namespace
}  // namespace groupcomm::ordering
