#include "daemon/core/daemon_core.h"

#include <gtest/gtest.h>

#include "tests/daemon/core/cluster.h"

namespace groupcomm::daemon {
namespace {

using protocol::Deliver;
using protocol::Gone;
using protocol::Hello;
using protocol::Join;
using protocol::Leave;
using protocol::Multicast;
using protocol::Rejected;
using protocol::ViewChanged;
using std::chrono::milliseconds;
using std::chrono::seconds;

Join join(const std::string& group) {
  return {.request = RequestId{1}, .group = group, .options = {}};
}

Multicast multicast(std::uint64_t request, const std::string& text, Order order = Order::kTotal) {
  Multicast multicast;
  multicast.request = RequestId{request};
  multicast.group = group_key("room");
  multicast.order = order;
  multicast.payload = Payload::copy_of(text);
  return multicast;
}

// Three daemons, each with one client that is in "room".
class DaemonCoreTest : public ::testing::TestWithParam<TotalOrderEngine> {
 protected:
  DaemonCoreTest() : cluster(3, GetParam()) {
    cluster.start_all();
    cluster.run_for(seconds(2));
    for (std::size_t i = 0; i < 3; ++i) {
      cluster.say(i, 1, Hello{.name = "client" + std::to_string(i)});
      cluster.say(i, 1, join("room"));
      cluster.settle();
    }
  }

  ViewChanged last_view(std::size_t i) {
    const auto views = cluster.heard_of<ViewChanged>(i, 1);
    EXPECT_FALSE(views.empty());
    return views.empty() ? ViewChanged{} : views.back();
  }

  Cluster cluster;
};

TEST(DaemonCore, ServesAloneWithoutPeersAtOnce) {
  Cluster cluster(1);
  cluster.start(0);
  EXPECT_EQ(cluster.status(0).phase, "regular");
  cluster.say(0, 1, Hello{.name = "alice"});
  cluster.say(0, 1, join("room"));
  cluster.say(0, 1, multicast(2, "hello", Order::kSafe));
  cluster.settle();
  EXPECT_EQ(cluster.texts(0, 1), std::vector<std::string>{"hello"});
}

TEST_P(DaemonCoreTest, FormsOneViewOfAllDaemons) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(cluster.status(i).phase, "regular");
    EXPECT_EQ(cluster.status(i).members.size(), 3u);
    EXPECT_EQ(cluster.status(i).view, cluster.status(0).view);
  }
}

TEST_P(DaemonCoreTest, GivesMembersTheSameGroupView) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(last_view(i).view.members.size(), 3u);
    EXPECT_EQ(last_view(i).view.id, last_view(0).view.id);
    EXPECT_EQ(last_view(i).view.my_rank, i);
  }
}

TEST_P(DaemonCoreTest, DeliversEveryOrderToAllMembers) {
  std::uint64_t request = 1;
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    cluster.say(0, 1, multicast(++request, to_string(order), order));
    cluster.settle();
  }
  const std::vector<std::string> expected{"reliable", "fifo", "causal", "total", "safe"};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.texts(i, 1), expected);
}

TEST_P(DaemonCoreTest, DeliversTotalOrderAlikeFromAllSenders) {
  for (std::uint64_t round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < 3; ++i) {
      cluster.say(i, 1, multicast(2 + round, std::to_string(i) + ":" + std::to_string(round)));
    }
    if (round % 3 == 0) cluster.settle();
  }
  cluster.settle();
  cluster.run_for(milliseconds(100));
  EXPECT_EQ(cluster.texts(0, 1).size(), 60u);
  EXPECT_EQ(cluster.texts(1, 1), cluster.texts(0, 1));
  EXPECT_EQ(cluster.texts(2, 1), cluster.texts(0, 1));
}

TEST_P(DaemonCoreTest, RemovesTheClientsOfADeadDaemonInOneView) {
  cluster.kill(0);
  cluster.settle();
  cluster.run_for(milliseconds(200));
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(cluster.status(i).members.size(), 2u);
    ASSERT_EQ(last_view(i).view.left.size(), 1u);
    EXPECT_EQ(last_view(i).view.left[0].reason, LeaveReason::kDaemonLost);
    EXPECT_EQ(last_view(i).view.id, last_view(1).view.id);
  }
  cluster.say(1, 1, multicast(2, "still here"));
  cluster.settle();
  cluster.run_for(milliseconds(100));
  EXPECT_EQ(cluster.texts(2, 1), std::vector<std::string>{"still here"});
}

TEST_P(DaemonCoreTest, TakesARestartedDaemonBackAsANewIncarnation) {
  cluster.kill(2);
  cluster.run_for(milliseconds(300));
  cluster.start(2);
  cluster.run_for(seconds(1));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.status(i).members.size(), 3u);
  EXPECT_EQ(last_view(0).view.members.size(), 2u);
}

TEST_P(DaemonCoreTest, FreezesAndSuspendsTheMinorityAndTellsItTheTruth) {
  cluster.cut(0, 1);
  cluster.cut(0, 2);
  cluster.run_for(seconds(4));
  EXPECT_EQ(cluster.status(0).phase, "suspended");
  EXPECT_FALSE(cluster.heard_of<protocol::Suspended>(0, 1).empty());
  EXPECT_EQ(cluster.status(1).members.size(), 2u);
  cluster.heal();
  cluster.run_for(seconds(2));
  EXPECT_TRUE(cluster.gave_up(0));
  ASSERT_FALSE(cluster.heard_of<Gone>(0, 1).empty());
  EXPECT_EQ(cluster.heard_of<Gone>(0, 1).back().reason, GoneReason::kExcluded);
}

TEST_P(DaemonCoreTest, GoesOnInTheOldViewsStateWhenAQuorumComesBack) {
  cluster.cut(0, 1);
  cluster.cut(0, 2);
  cluster.cut(1, 2);
  cluster.run_for(seconds(5));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.status(i).phase, "suspended");
  cluster.heal();
  cluster.run_for(seconds(5));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(cluster.status(i).phase, "regular");
    EXPECT_EQ(cluster.status(i).members.size(), 3u);
    EXPECT_EQ(last_view(i).view.members.size(), 3u);
  }
}

TEST_P(DaemonCoreTest, LeavesCleanlyWithReasonLeave) {
  cluster.ask_to_leave(1);
  cluster.settle();
  cluster.run_for(milliseconds(200));
  EXPECT_TRUE(cluster.finished(1));
  ASSERT_EQ(last_view(0).view.left.size(), 1u);
  EXPECT_EQ(last_view(0).view.left[0].reason, LeaveReason::kLeave);
}

TEST_P(DaemonCoreTest, ReformsOutOfRecordsAfterAllWereKilled) {
  for (std::size_t i = 0; i < 3; ++i) cluster.kill(i);
  for (std::size_t i = 0; i < 3; ++i) cluster.start(i);
  cluster.run_for(seconds(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(cluster.status(i).phase, "regular");
    EXPECT_EQ(cluster.status(i).members.size(), 3u);
  }
}

TEST_P(DaemonCoreTest, RemovesALostClientByOneControlMessage) {
  cluster.lose_client(1, 1);
  cluster.settle();
  ASSERT_EQ(last_view(0).view.left.size(), 1u);
  EXPECT_EQ(last_view(0).view.left[0].reason, LeaveReason::kCrash);
  EXPECT_EQ(last_view(2).view.id, last_view(0).view.id);
  EXPECT_EQ(cluster.status(0).view, cluster.status(2).view);
}

TEST_P(DaemonCoreTest, TellsALeaverThatItLeft) {
  cluster.say(1, 1, Leave{.request = RequestId{2}, .group = "room"});
  cluster.settle();
  ASSERT_EQ(cluster.heard_of<Gone>(1, 1).size(), 1u);
  EXPECT_EQ(cluster.heard_of<Gone>(1, 1)[0].reason, GoneReason::kLeft);
  EXPECT_EQ(last_view(0).view.left[0].reason, LeaveReason::kLeave);
}

TEST_P(DaemonCoreTest, RefusesASendToAGroupThatNobodyIsIn) {
  Multicast nowhere = multicast(2, "lost");
  nowhere.group = group_key("nowhere");
  cluster.say(0, 1, nowhere);
  cluster.settle();
  ASSERT_EQ(cluster.heard_of<Rejected>(0, 1).size(), 1u);
  EXPECT_EQ(cluster.heard_of<Rejected>(0, 1)[0].reason, RejectReason::kNoSuchGroup);
}

INSTANTIATE_TEST_SUITE_P(Engines, DaemonCoreTest,
                         ::testing::Values(TotalOrderEngine::kSequencer,
                                           TotalOrderEngine::kLamport),
                         [](const auto& parameter) {
                           return parameter.param == TotalOrderEngine::kSequencer
                                      ? std::string("Sequencer")
                                      : std::string("Lamport");
                         });

}  // namespace
}  // namespace groupcomm::daemon
