// Joins and leaves in the middle of traffic that is not in the total order (rules E1-E4).
#include <gtest/gtest.h>

#include <algorithm>

#include "ordering/view_ordering.h"
#include "tests/ordering/messages.h"
#include "tests/ordering/ordering_net.h"

namespace groupcomm::ordering {
namespace {

using Log = OrderingNet::Log;

class ViewOrderingEpochTest : public ::testing::TestWithParam<Engine> {
 protected:
  // In which epoch of group 1 a member delivered the text: so many joins and leaves came before.
  std::ptrdiff_t epoch_of(Rank rank, const std::string& text) const {
    const Log& log = net.log(rank);
    const auto end = std::find(log.begin(), log.end(), text);
    EXPECT_NE(end, log.end()) << text << " at " << rank;
    return std::count_if(log.begin(), end,
                         [](const std::string& entry) { return entry == "+1" || entry == "-1"; });
  }
  void expect_epoch(const std::string& text, std::ptrdiff_t epoch) const {
    for (Rank rank = 0; rank < net.size(); ++rank) {
      EXPECT_EQ(epoch_of(rank, text), epoch) << text << " at " << rank;
    }
  }

  // A join of rank 0 that rank 0 and 1 learn, and rank 2 does not. Rank 2's clock is beyond its
  // stamp.
  void join_unknown_to_rank_two(std::uint64_t group) {
    net.hold(0, 2);
    net.hold(1, 2);
    for (Rank from = 1; from < 3; ++from) net.hold(from, 0);
    for (int i = 0; i < 5; ++i) {
      net.send(2, {.order = Order::kReliable, .text = "", .kind = protocol::MessageKind::kChunk});
    }
    net.settle();
    net.join(0, group);
    for (Rank from = 1; from < 3; ++from) net.release(from, 0);
    net.settle();
  }

  OrderingNet net{3, GetParam()};
};

TEST_P(ViewOrderingEpochTest, AppliesAJoinAtAll) {
  net.join(1, 1);
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), Log{"+1"});
}

TEST_P(ViewOrderingEpochTest, DeliversOldMessagesBeforeTheJoinHoweverLateTheyAre) {
  net.hold(2, 0);
  net.send(2, Order::kReliable, "old reliable");
  net.send(2, Order::kFifo, "old fifo");
  net.send(2, Order::kCausal, "old causal");
  net.join(1, 1);
  net.settle();
  EXPECT_EQ(net.log(0), Log{});  // the closing of rank 2 waits on the held link
  net.release_all();
  net.settle();
  for (const std::string text : {"old reliable", "old fifo", "old causal"}) expect_epoch(text, 0);
}

TEST_P(ViewOrderingEpochTest, DeliversWhatIsStampedAfterwardsBehindTheJoin) {
  net.hold(0, 2);
  net.hold(1, 2);
  net.hold(2, 0);
  net.join(1, 1);
  net.settle();
  net.release(2, 0);
  net.send(1, Order::kReliable, "by 1");  // rank 1 may or may not have learnt the join
  net.settle();
  net.release_all();
  net.settle();
  net.send(0, Order::kReliable, "new reliable");
  net.send(0, Order::kFifo, "new fifo");
  net.send(0, Order::kCausal, "new causal");
  net.settle();
  for (const std::string text : {"new reliable", "new fifo", "new causal"}) expect_epoch(text, 1);
  expect_epoch("by 1", epoch_of(1, "by 1"));
}

TEST_P(ViewOrderingEpochTest, LetsANewMessageWaitWhereTheJoinIsNotKnownYet) {
  net.join(0, 1);
  net.settle();
  join_unknown_to_rank_two(1);
  net.send(1, Order::kFifo, "new");
  net.settle();
  net.release(1, 2);
  net.settle();
  EXPECT_EQ(net.log(2), Log{"+1"});
  net.release_all();
  net.settle();
  expect_epoch("new", 2);
}

// The case that a closing number of the sender cannot settle: a message that is stamped with the
// old epoch and must follow a total message which is ordered behind the join.
TEST_P(ViewOrderingEpochTest, MovesToTheNewEpochWhatFollowsATotalMessageBehindTheJoin) {
  net.hold(2, 0);
  net.hold(2, 1);
  net.join(0, 1);  // the lowest stamp, and the first to be clear at rank 0
  net.send(2, Order::kTotal, "total");
  net.send(2, Order::kFifo, "fifo");
  net.send(2, {.order = Order::kCausal, .text = "causal", .session = 2});
  net.send(2, {.order = Order::kFifo, .text = "independent", .session = 3});
  net.send(2, Order::kReliable, "reliable");
  net.settle();
  net.release_all();
  net.settle();
  for (const std::string text : {"total", "fifo", "causal"}) expect_epoch(text, 1);
  for (const std::string text : {"independent", "reliable"}) expect_epoch(text, 0);
}

TEST_P(ViewOrderingEpochTest, JudgesATotalMessageByItsPlaceAndNotByItsStamp) {
  net.hold(2, 0);
  net.hold(2, 1);
  net.join(0, 1);
  net.send(2, Order::kTotal, "total");
  net.settle();
  net.release_all();
  net.settle();
  expect_epoch("total", 1);
}

TEST_P(ViewOrderingEpochTest, DoesNotHoldUpOtherGroups) {
  net.hold(2, 0);
  net.join(1, 1);
  net.settle();
  net.send(1, {.order = Order::kFifo, .text = "elsewhere", .groups = {2}});
  net.settle();
  EXPECT_EQ(net.log(0), Log{"elsewhere"});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(0), (Log{"elsewhere", "+1"}));
}

TEST_P(ViewOrderingEpochTest, WaitsWithAMessageToSeveralGroupsForAllOfThem) {
  net.join(0, 2);
  net.settle();
  join_unknown_to_rank_two(1);
  net.send(1, {.order = Order::kFifo, .text = "both", .groups = {2, 1}});
  net.settle();
  net.release(1, 2);
  net.settle();
  EXPECT_EQ(net.log(2), Log{"+2"});
  net.release_all();
  net.settle();
  EXPECT_EQ(net.log(2), (Log{"+2", "+1", "both"}));
}

TEST_P(ViewOrderingEpochTest, ChangesAllGroupsOfALeaveAtOneMoment) {
  net.join(0, 1);
  net.join(0, 2);
  net.settle();
  net.hold(2, 0);
  net.send(2, {.order = Order::kFifo, .text = "old", .groups = {2}});
  net.leave(1, {1, 2});
  net.settle();
  EXPECT_EQ(net.log(0), (Log{"+1", "+2"}));
  net.release_all();
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_EQ(net.log(rank), (Log{"+1", "+2", "old", "-1"}));
}

TEST_P(ViewOrderingEpochTest, AppliesAJoinOnlyWhenAQuorumAcknowledgedIt) {
  for (const Rank from : {1u, 2u}) net.hold(from, 0);
  for (const Rank to : {1u, 2u}) net.hold(0, to);
  net.join(0, 1);
  net.settle();
  EXPECT_EQ(net.log(0), Log{});
}

TEST_P(ViewOrderingEpochTest, TakesClosingsOutOfTheWayInTheEnd) {
  net.join(0, 1);
  net.settle();
  for (Rank rank = 0; rank < 3; ++rank) EXPECT_TRUE(net.at(rank).is_quiet());
}

TEST_P(ViewOrderingEpochTest, StaysLiveWhereSeveralJoinsAndOrdersMeet) {
  for (int round = 0; round < 5; ++round) {
    for (Rank rank = 0; rank < 3; ++rank) {
      net.hold(rank, (rank + 1) % 3);
      net.send(rank, Order::kTotal, "t");
      net.join(rank, 1 + static_cast<std::uint64_t>(round) % 2);
      net.send(rank, Order::kFifo, "f");
      net.send(rank, {.order = Order::kCausal, .text = "c", .session = 2, .groups = {2}});
    }
    net.settle();
    net.release_all();
    net.settle();
  }
  for (Rank rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(net.log(rank).size(), 60u);
    EXPECT_TRUE(net.at(rank).is_quiet());
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ViewOrderingEpochTest,
                         ::testing::Values(Engine::kSequencer, Engine::kLamport),
                         [](const auto& parameter) {
                           return parameter.param == Engine::kSequencer ? std::string("Sequencer")
                                                                        : std::string("Lamport");
                         });

}  // namespace
}  // namespace groupcomm::ordering
