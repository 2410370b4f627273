// Every order, on links that hold back, reorder and repeat.
#include "ordering/view_ordering.h"

#include <gtest/gtest.h>

#include "tests/ordering/messages.h"
#include "tests/ordering/ordering_net.h"

namespace groupcomm::ordering {
namespace {

using Log = OrderingNet::Log;

class ViewOrderingTest : public ::testing::TestWithParam<Engine> {
 protected:
  OrderingNet net{3, GetParam()};
};

TEST_P(ViewOrderingTest, DeliversAtOnceAloneInAView) {
  OrderingNet alone(1, GetParam());
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    alone.send(0, order, to_string(order));
  }
  EXPECT_EQ(alone.log(0), (Log{"reliable", "fifo", "causal", "total", "safe"}));
  EXPECT_TRUE(alone.at(0).is_quiet());
}

TEST_P(ViewOrderingTest, DeliversReliableFifoAndCausalAtHomeWithoutAskingAnybody) {
  net.send(1, Order::kReliable, "r");
  net.send(1, Order::kFifo, "f");
  net.send(1, Order::kCausal, "c");
  EXPECT_EQ(net.log(1), (Log{"r", "f", "c"}));
}

TEST_P(ViewOrderingTest, DeliversEveryOrderToAll) {
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    net.send(2, order, to_string(order));
    net.settle();
  }
  for (Rank rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(net.log(rank), (Log{"reliable", "fifo", "causal", "total", "safe"}));
  }
}

TEST_P(ViewOrderingTest, ReleasesEverythingInTheEnd) {
  for (const Order order : {Order::kReliable, Order::kCausal, Order::kTotal, Order::kSafe}) {
    for (Rank rank = 0; rank < 3; ++rank) net.send(rank, order, "x");
  }
  EXPECT_FALSE(net.at(0).is_quiet());
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) {
    EXPECT_TRUE(net.at(rank).is_quiet());
    EXPECT_EQ(net.at(rank).retained_messages(), 0u);
    EXPECT_EQ(net.at(rank).unstable_bytes(), 0u);
  }
}

TEST_P(ViewOrderingTest, PutsReorderedBatchesIntoTheirSendersOrder) {
  for (const std::string text : {"1", "2", "3", "4"}) {
    net.send(0, Order::kFifo, text);
    net.tell(0);
  }
  net.pass_reversed(0, 1);
  EXPECT_EQ(net.log(1), (Log{"1", "2", "3", "4"}));
}

TEST_P(ViewOrderingTest, DeliversRepeatedBatchesOnce) {
  net.send(0, Order::kFifo, "once");
  net.tell(0);
  net.repeat(0, 1);
  net.repeat(0, 1);
  net.settle();
  EXPECT_EQ(net.log(1), Log{"once"});
}

TEST_P(ViewOrderingTest, LetsAReliableMessageOvertakeAHeldOne) {
  net.hold(0, 2);
  net.send(0, Order::kCausal, "cause");
  net.settle();
  net.send(1, Order::kCausal, "effect");
  net.send(1, Order::kReliable, "free");
  net.settle();
  EXPECT_EQ(net.log(2), Log{"free"});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(2), (Log{"free", "cause", "effect"}));
}

// Rule O2: the cross-level rule.
TEST_P(ViewOrderingTest, LetsNoFifoMessageOvertakeAnEarlierStrongerOneOfItsSession) {
  net.hold(2, 0);
  net.hold(2, 1);
  net.send(1, Order::kSafe, "safe");
  net.send(1, Order::kFifo, "fifo");
  OrderingNet::What other{.order = Order::kFifo, .text = "other session", .session = 2};
  net.send(1, other);
  net.settle();
  for (const Rank rank : {0u, 1u}) EXPECT_EQ(net.log(rank), Log{"other session"});
  net.release_all();
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(net.log(rank), (Log{"other session", "safe", "fifo"}));
  }
}

TEST_P(ViewOrderingTest, KeepsFifoOverTheGroupsOfASession) {
  net.hold(2, 0);
  net.hold(2, 1);
  net.send(1, {.order = Order::kSafe, .text = "to 1", .groups = {1}});
  net.send(1, {.order = Order::kFifo, .text = "to 2", .groups = {2}});
  net.settle();
  EXPECT_EQ(net.log(0), Log{});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(0), (Log{"to 1", "to 2"}));
}

// Rule O3.
TEST_P(ViewOrderingTest, HoldsAnAnswerUntilTheQuestionWasDelivered) {
  net.hold(0, 2);
  net.send(0, Order::kCausal, "question");
  net.settle();
  net.send(1, {.order = Order::kCausal, .text = "answer", .groups = {2}});  // in another group
  net.settle();
  EXPECT_EQ(net.log(1), (Log{"question", "answer"}));
  EXPECT_EQ(net.log(2), Log{});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(2), (Log{"question", "answer"}));
}

TEST_P(ViewOrderingTest, FollowsCausalityOverASecondHop) {
  net.hold(0, 2);
  net.send(0, Order::kCausal, "a");
  net.settle();
  net.send(1, Order::kCausal, "b");
  net.settle();
  net.send(0, Order::kCausal, "c");
  net.settle();
  EXPECT_EQ(net.log(2), Log{});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(2), (Log{"a", "b", "c"}));
}

TEST_P(ViewOrderingTest, CarriesNoCausalityByFifoDeliveries) {
  net.hold(0, 2);
  net.send(0, Order::kFifo, "fifo");
  net.settle();
  net.send(1, Order::kCausal, "causal");
  net.settle();
  EXPECT_EQ(net.log(2), Log{"causal"});
}

TEST_P(ViewOrderingTest, GivesTotalMessagesOneOrderAtAll) {
  for (int round = 0; round < 10; ++round) {
    for (Rank rank = 0; rank < 3; ++rank) {
      net.send(rank, round % 2 == 0 ? Order::kTotal : Order::kSafe,
               std::to_string(rank) + ":" + std::to_string(round));
      if (round % 3 == static_cast<int>(rank)) net.tell(rank);
    }
    net.pass_reversed(static_cast<Rank>(round % 3), static_cast<Rank>((round + 1) % 3));
  }
  net.settle();
  EXPECT_EQ(net.log(0).size(), 30u);
  EXPECT_EQ(net.log(1), net.log(0));
  EXPECT_EQ(net.log(2), net.log(0));
}

// Rule D15: neither engine may order by arrival.
TEST_P(ViewOrderingTest, PlacesATotalMessageBehindItsCauses) {
  net.hold(1, 0);
  net.send(1, Order::kCausal, "cause");
  net.settle();
  net.send(2, Order::kTotal, "effect");
  net.settle();  // rank 0, which gives the places, has the effect only
  EXPECT_EQ(net.log(0), Log{});
  EXPECT_EQ(net.at(0).progress().ordered, place(0));
  net.release_all();
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), (Log{"cause", "effect"}));
}

TEST_P(ViewOrderingTest, WaitsWithASafeMessageUntilAllHoldIt) {
  net.hold(2, 0);
  net.hold(2, 1);
  net.send(0, Order::kSafe, "safe");
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(net.log(rank), rank == 2 && GetParam() == Engine::kSequencer ? Log{"safe"} : Log{});
  }
  net.release_all();
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), Log{"safe"});
}

TEST_P(ViewOrderingTest, AcknowledgesNoSafeMessageWhoseCauseIsMissing) {
  net.hold(0, 2);
  net.send(0, Order::kCausal, "cause");
  net.settle();
  net.send(1, Order::kSafe, "safe");
  net.settle();
  EXPECT_EQ(net.at(2).progress().received,
            (std::vector<MessageNumber>{number(0), number(0), number(0)}));
  EXPECT_EQ(net.log(1), Log{"cause"});
  net.release_all();
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), (Log{"cause", "safe"}));
}

TEST_P(ViewOrderingTest, JoinsChunksAndLetsSmallMessagesPassBetweenThem) {
  const auto chunk = protocol::MessageKind::kChunk;
  net.send(0, {.order = Order::kReliable, .text = "a", .kind = chunk});
  net.send(0, {.order = Order::kFifo, .text = "small", .session = 2});
  net.send(0, {.order = Order::kReliable, .text = "b", .kind = chunk});
  net.send(0, {.order = Order::kTotal, .text = "c", .chunks = 2});
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), (Log{"small", "abc"}));
}

TEST_P(ViewOrderingTest, GivesTheChainOfAForgottenSessionAFreshStart) {
  net.send(0, Order::kSafe, "held");
  net.at(0).forget_session(SessionId{1});
  net.send(0, Order::kFifo, "free");
  EXPECT_EQ(net.log(0), Log{"free"});
}

INSTANTIATE_TEST_SUITE_P(Engines, ViewOrderingTest,
                         ::testing::Values(Engine::kSequencer, Engine::kLamport),
                         [](const auto& parameter) {
                           return parameter.param == Engine::kSequencer ? std::string("Sequencer")
                                                                        : std::string("Lamport");
                         });

// --- what only one of the engines does -----------------------------------------------------------

TEST(ViewOrdering, DeliversATotalMessageOfTheSequencerAtHomeAtOnce) {
  OrderingNet net(3, Engine::kSequencer);
  net.send(0, Order::kTotal, "t");
  EXPECT_EQ(net.log(0), Log{"t"});
}

TEST(ViewOrdering, WaitsWithAUniformMessageForAQuorumOnly) {
  OrderingNet net(3, Engine::kSequencer);
  net.hold(0, 2);
  net.hold(2, 0);
  net.send(0, {.order = Order::kTotal, .text = "u", .uniform = true});
  EXPECT_EQ(net.log(0), Log{});
  net.settle();
  EXPECT_EQ(net.log(0), Log{"u"});
  EXPECT_EQ(net.log(1), Log{"u"});
}

// Rule T1: else a total message behind a safe one would cost a round trip more.
TEST(ViewOrdering, PlacesMessagesThatAreClearAndNotDelivered) {
  OrderingNet net(3, Engine::kSequencer);
  net.hold(2, 0);
  net.send(1, Order::kSafe, "safe");
  net.send(1, Order::kTotal, "total");
  net.settle();
  EXPECT_EQ(net.log(0), Log{});
  EXPECT_EQ(net.at(0).progress().announced, place(2));
}

TEST(ViewOrdering, CountsALamportClockOnlyWhenAllBeforeItIsHeld) {
  OrderingNet net(2, Engine::kLamport);
  net.send(1, Order::kTotal, "first");
  net.tell(1);
  // A heartbeat of rank 1 overtakes its message.
  net.at(0).on_progress(1, net.at(1).progress());
  net.send(0, Order::kTotal, "second");
  EXPECT_EQ(net.log(0), Log{});
  net.settle();
  EXPECT_EQ(net.log(0), (Log{"first", "second"}));
  EXPECT_EQ(net.log(1), net.log(0));
}

// E25: a clock of another member that is as far as this is taken over, and nothing wraps.
class FarClocks : public ::testing::TestWithParam<std::tuple<Engine, std::uint64_t>> {};

TEST_P(FarClocks, OrderLikeOthers) {
  const auto [engine, clock] = GetParam();
  OrderingNet net(3, engine);
  protocol::Progress progress = net.at(1).progress();
  progress.clock = LamportStamp{clock};
  net.at(0).on_progress(1, progress);
  net.settle();
  for (int round = 0; round < 4; ++round) {
    for (Rank rank = 0; rank < 3; ++rank) {
      net.send(rank, Order::kTotal, "t");
      net.send(rank, Order::kCausal, "c");
      net.send(rank, Order::kSafe, "s");
    }
    net.settle();
  }
  EXPECT_EQ(net.log(0).size(), 36u);
  EXPECT_EQ(net.log(1).size(), 36u);
  EXPECT_EQ(net.log(2).size(), 36u);
  EXPECT_GT(net.deliveries(2).back().message->stamp, LamportStamp{clock});
  net.send(2, Order::kTotal, "last");
  net.tell(2);
  net.flush({0, 1});
  EXPECT_EQ(net.log(0), net.log(1));
}

INSTANTIATE_TEST_SUITE_P(Engines, FarClocks,
                         ::testing::Combine(::testing::Values(Engine::kSequencer, Engine::kLamport),
                                            ::testing::Values((std::uint64_t{1} << 32) - 3,
                                                              std::uint64_t{1} << 47)));

}  // namespace
}  // namespace groupcomm::ordering
