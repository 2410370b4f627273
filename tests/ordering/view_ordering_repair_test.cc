// Loss and repair, stability, windows, and what is refused.
#include <gtest/gtest.h>

#include <map>

#include "ordering/view_ordering.h"
#include "tests/ordering/messages.h"
#include "tests/ordering/ordering_net.h"

namespace groupcomm::ordering {
namespace {

using Log = OrderingNet::Log;
using std::chrono::milliseconds;

// One of two members, with a small window.
OrderingOptions member(Rank self, std::uint64_t window_messages) {
  OrderingOptions options;
  options.self = self;
  options.view_size = 2;
  options.window_messages = window_messages;
  return options;
}

// The questions that a member asks now.
std::vector<protocol::Nack> nacks_of(ViewOrdering& ordering, TimePoint now) {
  ordering.observe(now);
  std::vector<protocol::Nack> nacks;
  for (const auto& question : ordering.take_nacks(now)) nacks.push_back(question.nack);
  return nacks;
}

protocol::Nack nack_for(Rank sender, std::uint64_t first, std::uint64_t last) {
  return {
      .missing = {{sender, {number(first), number(last)}}}, .first_place = {}, .last_place = {}};
}

TEST(ViewOrderingRepair, AsksTheSenderForAHoleAfterTenMilliseconds) {
  OrderingNet net(2, Engine::kSequencer);
  for (const std::string text : {"1", "2", "3", "4"}) {
    net.send(0, Order::kFifo, text);
    net.tell(0);
  }
  net.pass_at(0, 1, 3);
  const TimePoint now = net.now();
  EXPECT_EQ(nacks_of(net.at(1), now), std::vector<protocol::Nack>{});
  EXPECT_EQ(net.at(1).nack_deadline(), now + milliseconds(10));
  EXPECT_EQ(nacks_of(net.at(1), now + milliseconds(9)), std::vector<protocol::Nack>{});
  EXPECT_EQ(nacks_of(net.at(1), now + milliseconds(10)),
            std::vector<protocol::Nack>{nack_for(0, 1, 3)});
  EXPECT_EQ(net.at(1).nack_deadline(), now + milliseconds(30));
}

TEST(ViewOrderingRepair, DeliversInOrderOnceAHoleIsFilled) {
  OrderingNet net(2, Engine::kSequencer);
  for (const std::string text : {"1", "2", "3"}) {
    net.send(0, Order::kFifo, text);
    net.tell(0);
  }
  net.lose_first(0, 1);
  net.settle();
  EXPECT_EQ(net.log(1), Log{});
  net.repair_for(milliseconds(50));
  EXPECT_EQ(net.log(1), (Log{"1", "2", "3"}));
}

TEST(ViewOrderingRepair, SeesALostEndFromTheSendersProgress) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kFifo, "lost");
  net.tell(0);
  net.lose(0, 1);
  EXPECT_EQ(net.at(1).nack_deadline(), TimePoint::never());
  net.at(1).on_progress(0, net.at(0).progress());  // a heartbeat
  net.repair_for(milliseconds(50));
  EXPECT_EQ(net.log(1), Log{"lost"});
}

TEST(ViewOrderingRepair, RepairsLostPlaces) {
  OrderingNet net(3, Engine::kSequencer);
  net.hold(0, 2);
  net.send(1, Order::kTotal, "t");
  net.settle();
  EXPECT_EQ(net.log(1), Log{"t"});
  net.lose(0, 2);
  net.release_all();
  net.at(2).on_progress(0, net.at(0).progress());
  EXPECT_EQ(net.log(2), Log{});
  net.repair_for(milliseconds(50));
  EXPECT_EQ(net.log(2), Log{"t"});
}

TEST(ViewOrderingRepair, AsksTheSequencerForMissingPlaces) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kTotal, "a");
  net.send(0, Order::kTotal, "b");
  net.at(1).on_progress(0, net.at(0).progress());
  nacks_of(net.at(1), net.now());
  const auto nacks = nacks_of(net.at(1), net.now() + milliseconds(10));
  ASSERT_EQ(nacks.size(), 2u);
  EXPECT_EQ(nacks[1],
            (protocol::Nack{.missing = {}, .first_place = place(1), .last_place = place(2)}));
}

TEST(ViewOrderingRepair, RepeatsAlsoWhatOthersSent) {
  OrderingNet net(3, Engine::kSequencer);
  net.hold(0, 2);
  net.send(0, Order::kFifo, "by 0");
  net.settle();
  const auto answer = net.at(1).on_nack(nack_for(0, 1, 1));
  ASSERT_EQ(answer.repairs.size(), 1u);
  EXPECT_EQ(answer.repairs[0].original, 0u);
  net.at(2).on_repair(0, answer.repairs[0].messages);
  EXPECT_EQ(net.at(2).take_deliveries().size(), 1u);
}

// Else its next message could have a lower stamp than what it was caused by.
TEST(ViewOrderingRepair, RaisesItsClockAlsoByWhatIsRepeated) {
  OrderingNet net(2, Engine::kSequencer);
  net.at(1).on_repair(0, {message(1, Order::kReliable).stamp(50)});
  EXPECT_EQ(net.at(1).clock(), LamportStamp{50});
}

TEST(ViewOrderingRepair, AnswersWhatItHasAndNothingElse) {
  OrderingNet net(2, Engine::kSequencer);
  EXPECT_TRUE(net.at(0).on_nack(nack_for(0, 1, 9)).repairs.empty());
  EXPECT_TRUE(net.at(0).on_nack(nack_for(7, 1, 9)).repairs.empty());
  for (int i = 0; i < 3; ++i) net.send(0, Order::kFifo, "x");
  const auto answer = net.at(0).on_nack(nack_for(0, 2, 1000000));
  ASSERT_EQ(answer.repairs.size(), 1u);
  EXPECT_EQ(answer.repairs[0].messages.size(), 2u);
  EXPECT_TRUE(answer.places.empty());
}

TEST(ViewOrderingRepair, BoundsAnAnswerByMessagesAndBytes) {
  OrderingNet many(2, Engine::kSequencer);
  for (int i = 0; i < 600; ++i) many.send(0, Order::kReliable, "x");
  EXPECT_EQ(many.at(0).on_nack(nack_for(0, 1, 600)).repairs[0].messages.size(), 512u);
  OrderingNet large(2, Engine::kSequencer);
  for (int i = 0; i < 4; ++i) large.send(0, Order::kReliable, std::string(300 << 10, 'x'));
  EXPECT_EQ(large.at(0).on_nack(nack_for(0, 1, 4)).repairs[0].messages.size(), 2u);
}

TEST(ViewOrderingRepair, KeepsAMessageUntilAllHoldIt) {
  OrderingNet net(3, Engine::kSequencer);
  net.hold(2, 0);
  net.send(0, Order::kFifo, "x");
  net.settle();
  EXPECT_EQ(net.at(0).retained_messages(), 1u);
  net.release_all();
  net.settle();
  EXPECT_EQ(net.at(0).retained_messages(), 0u);
}

TEST(ViewOrderingRepair, OpensItsWindowWhenOwnMessagesAreStable) {
  OrderingNet net({member(0, 2), member(1, 2)});
  net.send(0, Order::kFifo, "a");
  EXPECT_TRUE(net.at(0).may_send());
  net.send(0, Order::kFifo, "b");
  EXPECT_FALSE(net.at(0).may_send());
  EXPECT_EQ(net.at(0).unstable_bytes(), 2u);
  net.settle();
  EXPECT_TRUE(net.at(0).may_send());
  EXPECT_EQ(net.at(0).unstable_bytes(), 0u);
}

TEST(ViewOrderingRepair, HoldsTheWindowUntilOwnMessagesAreDeliveredAtHome) {
  OrderingNet net({member(0, 1), member(1, 1)});
  net.hold(0, 1);
  net.send(1, Order::kTotal, "t");
  net.settle();
  EXPECT_FALSE(net.at(1).may_send());
  net.release_all();
  net.settle();
  EXPECT_TRUE(net.at(1).may_send());
}

std::vector<std::size_t> sizes_of_batches(ViewOrdering& ordering) {
  std::vector<std::size_t> sizes;
  while (ordering.has_unsent()) {
    const auto batch = ordering.take_batch();
    EXPECT_TRUE(batch.has_value());
    sizes.push_back(batch ? batch->messages.size() : 0);
    if (batch) {
      EXPECT_EQ(batch->progress.sent, number(6));
    }
  }
  EXPECT_EQ(ordering.take_batch(), std::nullopt);
  return sizes;
}

TEST(ViewOrderingRepair, PutsNoMoreIntoABatchThanItsBoundButOneMessageAtLeast) {
  for (const auto& [bytes, sizes] : std::map<std::uint64_t, std::vector<std::size_t>>{
           {1, {1, 1, 1, 1, 1, 1}}, {450, {2, 2, 1, 1}}, {1u << 20, {6}}}) {
    SCOPED_TRACE(std::to_string(bytes));
    ViewOrdering ordering({.self = 0, .view_size = 2, .batch_bytes = bytes});
    for (const std::size_t size : {100u, 200u, 100u, 100u, 1000u, 10u}) {
      auto message = std::make_shared<protocol::StampedMessage>();
      message->order = Order::kFifo;
      message->payload = Payload::copy_of(std::string(size, 'x'));
      ordering.stamp(std::move(message));
      ordering.settle();
    }
    EXPECT_EQ(sizes_of_batches(ordering), sizes);
  }
}

// --- when to speak -------------------------------------------------------------------------------

TEST(ViewOrderingNews, HasNoneAtFirstAndNoneTwice) {
  OrderingNet net(2, Engine::kSequencer);
  EXPECT_FALSE(net.at(0).has_urgent_news());
  EXPECT_FALSE(net.tell(0));
  net.send(0, Order::kFifo, "x");
  EXPECT_TRUE(net.at(0).has_urgent_news());
  EXPECT_TRUE(net.tell(0));
  EXPECT_FALSE(net.at(0).has_urgent_news());
  EXPECT_FALSE(net.tell(0));
}

TEST(ViewOrderingNews, AcknowledgesAtOnceWhatSomebodyWaitsFor) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kSafe, "s");
  net.tell(0);
  net.pass(0, 1);
  EXPECT_TRUE(net.at(1).has_urgent_news());
}

TEST(ViewOrderingNews, AcknowledgesTheRestWithinTenMilliseconds) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kFifo, "f");
  net.tell(0);
  net.pass(0, 1);
  EXPECT_FALSE(net.at(1).has_urgent_news());
  net.at(1).observe(net.now());
  EXPECT_EQ(net.at(1).progress_deadline(), net.now() + milliseconds(10));
  net.at(1).observe(net.now() + milliseconds(5));
  EXPECT_EQ(net.at(1).progress_deadline(), net.now() + milliseconds(10));
  EXPECT_TRUE(net.tell(1));
  EXPECT_EQ(net.at(1).progress_deadline(), TimePoint::never());
}

TEST(ViewOrderingNews, AcknowledgesAfterSixtyFourMessages) {
  OrderingNet net(2, Engine::kSequencer);
  for (int i = 0; i < 64; ++i) {
    EXPECT_FALSE(net.at(1).has_urgent_news());
    net.send(0, Order::kFifo, "f");
    net.tell(0);
    net.pass(0, 1);
  }
  EXPECT_TRUE(net.at(1).has_urgent_news());
}

TEST(ViewOrderingNews, TellsPlacesAtOnce) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(1, Order::kTotal, "t");
  net.tell(1);
  net.pass(1, 0);
  EXPECT_TRUE(net.at(0).has_urgent_news());
}

TEST(ViewOrderingNews, TellsAClockThatOthersWaitFor) {
  OrderingNet net(2, Engine::kLamport);
  net.send(0, Order::kTotal, "t");
  net.tell(0);
  net.pass(0, 1);
  EXPECT_TRUE(net.at(1).has_urgent_news());
  net.tell(1);
  EXPECT_FALSE(net.at(1).has_urgent_news());
  net.pass(1, 0);
  EXPECT_EQ(net.log(0), Log{"t"});
}

TEST(ViewOrderingNews, SaysHowFarItIs) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kTotal, "a");
  net.send(1, Order::kFifo, "b");
  net.settle();
  const protocol::Progress expected{.sent = number(1),
                                    .received = {number(1), number(1)},
                                    .ordered = place(1),
                                    .announced = place(1),
                                    .clock = LamportStamp{1},
                                    .handed = {},
                                    .caught_up = false,
                                    .applied = {}};
  EXPECT_EQ(net.at(0).progress(), expected);
}

// --- what is refused -----------------------------------------------------------------------------

class ViewOrderingFits : public ::testing::Test {
 protected:
  bool fits(const protocol::MessagePointer& message) const {
    return ordering.fits(1, std::vector<protocol::MessagePointer>{message});
  }
  static MessageBuilder causal() { return message(5, Order::kCausal).causal(3, {0, 0}); }

  ViewOrdering ordering{{.self = 0, .view_size = 2}};
};

TEST_F(ViewOrderingFits, TakesWhatKeepsToTheRules) {
  EXPECT_TRUE(fits(message(1, Order::kReliable)));
  EXPECT_TRUE(fits(causal()));
  EXPECT_TRUE(fits(causal().predecessor(4).after(4)));
}

TEST_F(ViewOrderingFits, RefusesAMessageWithoutANumber) {
  EXPECT_FALSE(fits(message(0, Order::kReliable)));
}

TEST_F(ViewOrderingFits, RefusesARankBeyondTheView) {
  EXPECT_FALSE(ordering.fits(2, std::vector<protocol::MessagePointer>{}));
}

TEST_F(ViewOrderingFits, RefusesACauseThatIsNotBefore) {
  EXPECT_FALSE(fits(message(5, Order::kFifo).predecessor(5)));
  EXPECT_FALSE(fits(message(5, Order::kFifo).after(6)));
}

TEST_F(ViewOrderingFits, RefusesACausalMessageWithoutAVectorTimeOfTheView) {
  EXPECT_FALSE(fits(message(5, Order::kCausal)));
  EXPECT_FALSE(fits(message(5, Order::kTotal).causal(1, {0, 0, 0})));
  EXPECT_FALSE(fits(message(5, Order::kSafe).causal(0, {0, 0})));
}

TEST_F(ViewOrderingFits, RefusesAPoisonedClock) {
  const std::uint64_t limit = std::uint64_t{1} << 48;
  EXPECT_TRUE(fits(message(1, Order::kReliable).stamp(limit)));
  EXPECT_FALSE(fits(message(1, Order::kReliable).stamp(limit + 1)));
  protocol::Progress progress = ordering.progress();
  progress.clock = LamportStamp{limit};
  EXPECT_TRUE(ordering.fits(1, progress));
  progress.clock = LamportStamp{limit + 1};
  EXPECT_FALSE(ordering.fits(1, progress));
}

// Rule P6: many steps of that size come near the end of all numbers, and not to it.
TEST_F(ViewOrderingFits, RefusesAStampBeyondTheLast) {
  const std::uint64_t last = std::uint64_t{1} << 62;
  protocol::Progress progress = ordering.progress();
  for (std::uint64_t clock = 0; clock < last; clock += std::uint64_t{1} << 48) {
    progress.clock = LamportStamp{clock + (std::uint64_t{1} << 48)};
    ASSERT_TRUE(ordering.fits(1, progress));
    ordering.on_progress(1, progress);
  }
  EXPECT_EQ(ordering.clock(), LamportStamp{last});
  EXPECT_TRUE(fits(message(1, Order::kReliable).stamp(last)));
  EXPECT_FALSE(fits(message(1, Order::kReliable).stamp(last + 1)));
  progress.clock = LamportStamp{last + 1};
  EXPECT_FALSE(ordering.fits(1, progress));
}

TEST_F(ViewOrderingFits, RefusesProgressOfAnotherSizeOfView) {
  protocol::Progress progress = ordering.progress();
  progress.received.resize(3);
  EXPECT_FALSE(ordering.fits(1, progress));
}

TEST_F(ViewOrderingFits, RefusesABatchWithOneBadPart) {
  protocol::Batch batch;
  batch.progress = ordering.progress();
  EXPECT_TRUE(ordering.fits(1, batch));
  batch.places = {reference(1, 1), reference(2, 1)};
  EXPECT_FALSE(ordering.fits(1, batch));
  batch.places.clear();
  batch.messages = {message(1, Order::kReliable), message(0, Order::kReliable)};
  EXPECT_FALSE(ordering.fits(1, batch));
}

}  // namespace
}  // namespace groupcomm::ordering
