// Daemons that come into a view: how soon (rule D7).
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Far less than a heartbeat.
constexpr milliseconds kAtOnce{10};

TEST(Newcomers, FormTheirFirstViewWithoutWaitingForATimer) {
  Cluster cluster(5);
  cluster.start_all();
  cluster.run_for(kAtOnce);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(cluster.status(i).members.size(), 5u) << i;
}

TEST(Newcomers, ComeIntoAViewWithoutWaitingForATimer) {
  Cluster cluster(3);
  cluster.start(0);
  cluster.start(1);
  cluster.run_for(milliseconds(1050));
  ASSERT_EQ(cluster.status(0).members.size(), 2u);
  cluster.start(2);
  cluster.settle();
  cluster.run_for(kAtOnce);
  EXPECT_EQ(cluster.status(0).members.size(), 3u);
  EXPECT_EQ(cluster.status(2).members.size(), 3u);
}

// Two of three are a quorum, and begin as soon as they hear one another.
TEST(Newcomers, ThatHearAMemberLateComeInAsSoonAsTheyDo) {
  Cluster cluster(3);
  cluster.cut(1, 2);
  cluster.start_all();
  cluster.run_for(milliseconds(1050));
  ASSERT_EQ(cluster.status(0).members.size(), 2u);
  cluster.heal();
  cluster.run_for(milliseconds(100) + kAtOnce);  // the next beacon is the first that is heard
  EXPECT_EQ(cluster.status(0).members.size(), 3u);
}

// Rule D2: it may have been its predecessor's port that was found closed.
TEST(Newcomers, AreNotTakenForDeadForARefusalThatCameLate) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run_for(milliseconds(1050));
  cluster.kill(2);
  cluster.run_for(milliseconds(500));
  cluster.start(2);
  cluster.run_for(milliseconds(100));
  ASSERT_EQ(cluster.status(0).members.size(), 3u);
  const std::size_t views = cluster.installed(0).size();
  cluster.refuse(0, 2);
  cluster.run_for(milliseconds(500));
  EXPECT_EQ(cluster.installed(0).size(), views);
  EXPECT_TRUE(cluster.is_running(2));
}

// What was under way when the last connection broke is lost.
TEST(Newcomers, AreToldHowThingsStandAsSoonAsThereIsAConnection) {
  Cluster cluster(3);
  cluster.start(0);
  cluster.start(1);
  cluster.run_for(milliseconds(1050));
  const auto last_heartbeat = [&] {
    return std::get<protocol::Heartbeat>(cluster.last_frame<protocol::Heartbeat>(0, 1).body).number;
  };
  const auto last_beacon = [&] {
    return std::get<protocol::Beacon>(cluster.last_frame<protocol::Beacon>(0, 2).body).number;
  };
  const std::uint64_t before = last_heartbeat();
  cluster.link_up(0, 1);
  cluster.settle();
  EXPECT_EQ(last_heartbeat(), before + 1);
  const BeaconNumber earlier = last_beacon();
  cluster.link_up(0, 2);
  cluster.settle();
  EXPECT_GT(last_beacon(), earlier);
}

}  // namespace
}  // namespace groupcomm::daemon
