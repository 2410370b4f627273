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

}  // namespace
}  // namespace groupcomm::daemon
