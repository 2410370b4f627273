// The end of a view: what the survivors deliver of it (rules F2-F7).
#include <gtest/gtest.h>

#include "ordering/view_ordering.h"
#include "tests/ordering/messages.h"
#include "tests/ordering/ordering_net.h"

namespace groupcomm::ordering {
namespace {

using Log = OrderingNet::Log;

class ViewOrderingFlushTest : public ::testing::TestWithParam<Engine> {
 protected:
  OrderingNet net{3, GetParam()};
};

TEST_P(ViewOrderingFlushTest, DeliversWhatASurvivorHoldsAtAll) {
  net.hold(0, 2);
  for (const Order order : {Order::kReliable, Order::kFifo, Order::kCausal}) {
    net.send(0, order, to_string(order));
  }
  net.settle();
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"reliable", "fifo", "causal"}));
  EXPECT_EQ(net.log(2), net.log(1));
}

TEST_P(ViewOrderingFlushTest, DeliversOwnMessagesThatNobodyElseHolds) {
  net.send(1, Order::kFifo, "f");
  net.send(1, Order::kTotal, "t");
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"f", "t"}));
  EXPECT_EQ(net.log(2), (Log{"f", "t"}));
}

TEST_P(ViewOrderingFlushTest, ForgetsWhatOnlyTheDeadHeld) {
  net.send(0, Order::kFifo, "gone");
  net.send(1, Order::kFifo, "kept");
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), Log{"kept"});
  EXPECT_EQ(net.log(2), Log{"kept"});
}

// Rule F6: nobody can have delivered it, and nobody can fill the hole.
TEST_P(ViewOrderingFlushTest, ForgetsWhatIsBeyondAHoleThatNobodyCanFill) {
  for (const std::string text : {"1", "2", "3"}) {
    net.send(0, Order::kReliable, text);
    net.tell(0);
  }
  net.pass_at(0, 1, 0);
  net.pass_at(0, 1, 1);
  net.lose(0, 1);
  net.pass_at(0, 2, 2);
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), Log{"1"});
  EXPECT_EQ(net.log(2), Log{"1"});
}

TEST_P(ViewOrderingFlushTest, UsesWhatWasReceivedBeyondAHoleThatAnotherCanFill) {
  for (const std::string text : {"1", "2", "3"}) {
    net.send(0, Order::kFifo, text);
    net.tell(0);
  }
  net.pass(0, 1);
  net.pass_at(0, 2, 2);
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"1", "2", "3"}));
  EXPECT_EQ(net.log(2), (Log{"1", "2", "3"}));
}

// Rule F5: clear is a function of the cut.
TEST_P(ViewOrderingFlushTest, VoidsWhatWasCausedByAMessageThatOnlyTheDeadHad) {
  net.hold(0, 1);
  net.send(0, Order::kCausal, "cause");
  net.settle();
  net.send(2, Order::kCausal, "effect");
  net.send(2, Order::kFifo, "behind it");
  net.send(2, Order::kReliable, "free");
  net.settle();
  EXPECT_EQ(net.log(1), Log{"free"});
  net.flush({1});
  EXPECT_EQ(net.log(1), Log{"free"});
}

TEST_P(ViewOrderingFlushTest, VoidsATotalMessageWithAPlaceWhoseCauseIsLost) {
  net.hold(0, 1);
  net.send(0, Order::kCausal, "cause");
  net.settle();
  net.send(2, Order::kTotal, "effect");
  net.settle();
  net.send(1, Order::kTotal, "own");
  net.flush({1});
  EXPECT_EQ(net.log(1), Log{"own"});
}

TEST_P(ViewOrderingFlushTest, GoesOnWithTheOrderThatOneSurvivorKnows) {
  net.hold(0, 2);
  net.send(1, Order::kTotal, "b");
  net.settle();
  net.send(0, Order::kTotal, "a");
  net.settle();
  const Log known = net.log(1);  // by the sequencer: all of it; by stamps: nothing
  net.send(2, Order::kTotal, "c");
  net.flush({1, 2});
  EXPECT_EQ(net.log(1).size(), 3u);
  EXPECT_EQ(Log(net.log(1).begin(), net.log(1).begin() + static_cast<std::ptrdiff_t>(known.size())),
            known);
  EXPECT_EQ(net.log(2), net.log(1));
}

TEST_P(ViewOrderingFlushTest, OrdersTheRestByStampAndRank) {
  for (Rank from = 0; from < 3; ++from) {
    for (Rank to = 0; to < 3; ++to) net.hold(from, to);
  }
  net.send(2, Order::kTotal, "2.1");
  net.send(1, Order::kTotal, "1.1");
  net.send(1, Order::kSafe, "1.2");
  net.send(2, Order::kTotal, "2.2");
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"1.1", "2.1", "~1.2", "2.2"}));
  EXPECT_EQ(net.log(2), net.log(1));
}

TEST_P(ViewOrderingFlushTest, MarksASafeMessageThatIsNotKnownToBeHeldByAll) {
  net.hold(2, 1);
  net.hold(2, 0);
  net.send(1, Order::kSafe, "safe");
  net.settle();
  EXPECT_EQ(net.log(1), Log{});
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), Log{"~safe"});
}

TEST_P(ViewOrderingFlushTest, DoesNotMarkASafeMessageThatAllHold) {
  net.hold(0, 2);
  net.send(1, Order::kSafe, "safe");
  net.settle();
  net.hold(1, 0);
  net.release(0, 2);
  net.settle();
  EXPECT_EQ(net.log(2), Log{"safe"});
  net.flush({1, 2});
  EXPECT_EQ(net.log(2), Log{"safe"});
}

TEST_P(ViewOrderingFlushTest, AppliesAPendingJoinBehindTheOldMessagesOfTheCut) {
  net.hold(0, 1);
  net.hold(0, 2);
  net.hold(2, 1);
  net.send(2, Order::kFifo, "old");
  net.join(1, 1);
  net.settle();  // no closing of rank 0 ever comes
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"old", "+1"}));
  EXPECT_EQ(net.log(2), (Log{"old", "+1"}));
}

TEST_P(ViewOrderingFlushTest, AppliesAPendingJoinThoughAnOldMessageOfTheCutIsVoid) {
  net.hold(0, 1);
  net.send(0, Order::kCausal, "cause");
  net.settle();
  net.send(2, Order::kCausal, "void");
  net.settle();
  net.join(1, 1);
  net.flush({1});
  EXPECT_EQ(net.log(1), Log{"+1"});
}

TEST_P(ViewOrderingFlushTest, AppliesAJoinBeforeWhatWasStampedWithItsEpoch) {
  net.join(0, 1);
  net.hold(2, 1);
  net.settle();
  net.send(0, Order::kFifo, "new");
  net.settle();
  net.flush({1, 2});
  EXPECT_EQ(net.log(1), (Log{"+1", "new"}));
  EXPECT_EQ(net.log(2), (Log{"+1", "new"}));
}

TEST_P(ViewOrderingFlushTest, JoinsChunksThatWereRefilled) {
  const auto chunk = protocol::MessageKind::kChunk;
  net.hold(0, 2);
  net.send(0, {.order = Order::kReliable, .text = "a", .kind = chunk});
  net.send(0, {.order = Order::kFifo, .text = "b", .chunks = 1});
  net.settle();
  net.flush({1, 2});
  EXPECT_EQ(net.log(2), Log{"ab"});
}

TEST_P(ViewOrderingFlushTest, KeepsNothingBackOfAFullWindow) {
  for (int i = 0; i < 200; ++i) net.send(1, i % 2 == 0 ? Order::kTotal : Order::kFifo, "x");
  net.flush({1, 2});
  EXPECT_EQ(net.log(1).size(), 200u);
  EXPECT_EQ(net.log(2), net.log(1));
}

INSTANTIATE_TEST_SUITE_P(Engines, ViewOrderingFlushTest,
                         ::testing::Values(Engine::kSequencer, Engine::kLamport),
                         [](const auto& parameter) {
                           return parameter.param == Engine::kSequencer ? std::string("Sequencer")
                                                                        : std::string("Lamport");
                         });

// --- step by step --------------------------------------------------------------------------------

TEST(ViewOrderingFlush, StatesWhatIsHeldWithoutHolesAndTheKnownPlaces) {
  OrderingNet net(3, Engine::kSequencer);
  net.send(0, Order::kTotal, "a");
  net.tell(0);
  net.send(0, Order::kReliable, "b");
  net.tell(0);
  net.send(0, Order::kReliable, "c");
  net.tell(0);
  net.pass_at(0, 1, 0);
  net.pass_at(0, 1, 1);
  net.at(1).freeze();
  const FlushState state = net.at(1).flush_state();
  EXPECT_EQ(state.held, (std::vector<MessageNumber>{number(1), number(0), number(0)}));
  EXPECT_EQ(state.first_place, place(1));
  EXPECT_EQ(state.places, References{reference(0, 1)});
}

TEST(ViewOrderingFlush, AsksForWhatIsMissingOfTheCut) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kReliable, "1");
  net.tell(0);
  net.pass(0, 1);
  net.at(1).freeze();
  const auto missing = net.at(1).missing_for({number(3), number(0)});
  const std::vector<protocol::MissingMessages> expected{{0, {number(2), number(3)}}};
  EXPECT_EQ(missing, expected);
}

TEST(ViewOrderingFlush, DeliversNothingBetweenTheFreezeAndTheEnd) {
  OrderingNet net(2, Engine::kSequencer);
  for (const std::string text : {"1", "2"}) net.send(0, Order::kReliable, text);
  const auto answer = net.at(0).on_nack(
      {.missing = {{0, {number(1), number(2)}}}, .first_place = {}, .last_place = {}});
  ViewOrdering& survivor = net.at(1);
  survivor.freeze();
  survivor.want({number(2), number(0)});
  survivor.on_refill(0, answer.repairs[0].messages);
  EXPECT_TRUE(survivor.take_deliveries().empty());
  EXPECT_TRUE(survivor.missing_for({number(2), number(0)}).empty());
  EXPECT_TRUE(survivor.finish({number(2), number(0)}, place(1), {}));
  EXPECT_EQ(survivor.take_deliveries().size(), 2u);
}

// A released message that comes again, late, is not pulled: it would hide what is missing.
TEST(ViewOrderingFlush, MissesWhatItMissesWhateverComesAgain) {
  OrderingNet net(2, Engine::kSequencer);
  net.send(0, Order::kReliable, "1");
  const auto released = net.at(0).on_nack(
      {.missing = {{0, {number(1), number(1)}}}, .first_place = {}, .last_place = {}});
  net.pass(0, 1);
  net.pass(1, 0);
  net.pass(0, 1);
  for (const std::string text : {"2", "3"}) net.send(0, Order::kReliable, text);
  ViewOrdering& survivor = net.at(1);
  survivor.freeze();
  const std::vector<MessageNumber> cut{number(3), number(0)};
  survivor.want(cut);
  survivor.on_refill(0, released.repairs[0].messages);
  EXPECT_EQ(survivor.missing_for(cut),
            (std::vector<protocol::MissingMessages>{{0, {number(2), number(3)}}}));
}

// A ballot fails after a part of its cut was pulled, and an older value with a smaller cut is
// adopted: what was pulled for the first must not be delivered, nor be counted as held.
TEST(ViewOrderingFlush, IsNotBoundByTheCutOfABallotThatFailed) {
  OrderingNet net(3, Engine::kSequencer);
  for (const std::string text : {"1", "2", "3"}) net.send(0, Order::kReliable, text);
  const auto answer = net.at(0).on_nack(
      {.missing = {{0, {number(1), number(2)}}}, .first_place = {}, .last_place = {}});
  ViewOrdering& survivor = net.at(1);
  survivor.freeze();
  survivor.want({number(3), number(0), number(0)});
  survivor.on_refill(0, answer.repairs[0].messages);
  EXPECT_EQ(survivor.flush_state().held,
            (std::vector<MessageNumber>{number(0), number(0), number(0)}));
  const std::vector<MessageNumber> adopted{number(1), number(0), number(0)};
  survivor.want(adopted);
  EXPECT_TRUE(survivor.missing_for(adopted).empty());
  EXPECT_TRUE(survivor.finish(adopted, place(1), {}));
  const auto deliveries = survivor.take_deliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].reference, reference(0, 1));
}

TEST(ViewOrderingFlush, GivesOthersWhatItPulledItself) {
  OrderingNet net(3, Engine::kSequencer);
  net.send(0, Order::kReliable, "1");
  const protocol::Nack nack{
      .missing = {{0, {number(1), number(1)}}}, .first_place = {}, .last_place = {}};
  const auto answer = net.at(0).on_nack(nack);
  net.at(1).freeze();
  net.at(1).want({number(1), number(0), number(0)});
  net.at(1).on_refill(0, answer.repairs[0].messages);
  const auto second = net.at(1).on_nack(nack);
  ASSERT_EQ(second.repairs.size(), 1u);
  EXPECT_EQ(second.repairs[0].messages, answer.repairs[0].messages);
}

TEST(ViewOrderingFlush, TakesNoRefillBeyondTheCutNorBeforeOneIsKnown) {
  OrderingNet net(2, Engine::kSequencer);
  for (const std::string text : {"1", "2"}) net.send(0, Order::kReliable, text);
  const auto answer = net.at(0).on_nack(
      {.missing = {{0, {number(1), number(2)}}}, .first_place = {}, .last_place = {}});
  ViewOrdering& survivor = net.at(1);
  survivor.freeze();
  survivor.on_refill(0, answer.repairs[0].messages);
  EXPECT_EQ(survivor.missing_for({number(1), number(0)}).size(), 1u);
  survivor.want({number(1), number(0)});
  survivor.on_refill(0, answer.repairs[0].messages);
  const std::vector<protocol::MissingMessages> expected{{0, {number(2), number(2)}}};
  EXPECT_EQ(survivor.missing_for({number(2), number(0)}), expected);
}

TEST(ViewOrderingFlush, StillRepeatsTheCutToOthersWhenItIsDone) {
  OrderingNet net(3, Engine::kSequencer);
  net.send(0, Order::kFifo, "x");
  net.tell(0);
  net.pass(0, 1);
  net.flush({1});
  const auto answer = net.at(1).on_nack(
      {.missing = {{0, {number(1), number(1)}}}, .first_place = {}, .last_place = {}});
  EXPECT_EQ(answer.repairs.size(), 1u);
}

TEST(ViewOrderingFlushDeathTest, NeitherStampsNorFinishesOutOfTurn) {
  OrderingNet net(2, Engine::kSequencer);
  EXPECT_DEATH((void)net.at(1).finish({number(0), number(0)}, place(1), {}), "CHECK failed");
  net.at(1).freeze();
  EXPECT_DEATH(net.send(1, Order::kFifo, "x"), "CHECK failed");
  EXPECT_DEATH((void)net.at(1).finish({number(1), number(0)}, place(1), {}), "CHECK failed");
}

// Rule L3 holds for what is pulled, and for what came beyond a hole.
TEST(ViewOrderingFlush, AsksAgainForWhatIsNoneOfItsDaemons) {
  for (const bool came_before : {false, true}) {
    OrderingNet net(2, Engine::kSequencer);
    for (const std::string text : {"1", "2"}) net.send(0, Order::kReliable, text);
    const auto messages =
        net.at(0)
            .on_nack(
                {.missing = {{0, {number(1), number(2)}}}, .first_place = {}, .last_place = {}})
            .repairs.at(0)
            .messages;
    auto forged = std::make_shared<protocol::StampedMessage>(*messages[1]);
    forged->stamp = messages[0]->stamp;
    ViewOrdering& survivor = net.at(1);
    if (came_before) survivor.on_repair(0, {forged});
    survivor.freeze();
    const std::vector<MessageNumber> cut{number(2), number(0)};
    survivor.want(cut);
    survivor.on_refill(0, {messages[0], forged});
    EXPECT_EQ(survivor.missing_for(cut),
              (std::vector<protocol::MissingMessages>{{0, {number(2), number(2)}}}));
    EXPECT_EQ(survivor.take_refused(), 1u);
    survivor.on_refill(0, messages);
    EXPECT_TRUE(survivor.missing_for(cut).empty());
    EXPECT_TRUE(survivor.finish(cut, place(1), {}));
    const auto deliveries = survivor.take_deliveries();
    ASSERT_EQ(deliveries.size(), 2u);
    EXPECT_EQ(deliveries[1].message, messages[1]);
  }
}

}  // namespace
}  // namespace groupcomm::ordering
