// Daemons that come into a view: how soon (rule D7), and which do not come any more (rule D5).
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
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

TEST(Newcomers, ShowTheGroupsThatTheyFindToThoseWhoWatchedBefore) {
  Room room(3);
  room.start(0);
  room.start(1);
  room.run_for(milliseconds(1050));
  room.enter(0, 1);
  room.cut(0, 2);
  room.cut(1, 2);
  room.start(2);
  room.greet(2, 5);
  room.say(2, 5, protocol::Watch{RequestId{1}, {"room"}});
  ASSERT_TRUE(room.heard_of<protocol::WatchedView>(2, 5).empty());
  room.heal();
  room.run_for(seconds(1));
  ASSERT_EQ(room.members(2).size(), 3u);
  const auto watched = room.heard_of<protocol::WatchedView>(2, 5);
  ASSERT_EQ(watched.size(), 1u);
  EXPECT_EQ(watched[0].group, "room");
  EXPECT_EQ(watched[0].view.id, room.last_view(0).id);
  EXPECT_EQ(watched[0].view.members, room.last_view(0).members);
  EXPECT_TRUE(watched[0].view.primary);
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
// Rule D5: d0 takes d2 for one that has left, by a beacon that names an older view with it, when
// the view that lets it in is nearly decided; what it answers is lost. What a quorum decides stands
// above that.
TEST(Newcomers, AreHeardOnceTheyAreInWhateverAMemberTookThemFor) {
  Cluster cluster(3);
  cluster.start(0);
  cluster.start(1);
  cluster.run_for(seconds(2));
  cluster.kill(1);
  cluster.run_for(seconds(1));
  cluster.start(1);
  cluster.run_for(seconds(2));
  ASSERT_EQ(cluster.status(0).members.size(), 2u);
  cluster.set_filter(
      [](const auto&, const auto&, const auto& body) { return !is_body<protocol::Accept>(body); });
  cluster.start(2);
  cluster.run_for(kAtOnce);
  ASSERT_TRUE(cluster.find_last<protocol::Accept>(1, 0).has_value());
  ASSERT_TRUE(cluster.installed(2).empty());
  protocol::PeerFrame frame = cluster.last_frame<protocol::Beacon>(2, 0);
  auto& beacon = std::get<protocol::Beacon>(frame.body);
  beacon.decided = cluster.installed(0).front().view;
  beacon.decided->members.push_back({frame.header.sender, beacon.address});
  cluster.receive(0, frame);
  cluster.set_filter([](const auto&, const auto&, const protocol::PeerBody& body) {
    const auto* install = std::get_if<protocol::Install>(&body);
    return install == nullptr || install->departed == Incarnation{};
  });
  cluster.run_for(seconds(1));
  ASSERT_EQ(cluster.status(0).members.size(), 3u);
  const std::size_t views = cluster.installed(0).size();
  cluster.run_for(seconds(6));
  EXPECT_EQ(cluster.installed(0).size(), views);
  EXPECT_FALSE(cluster.gave_up(2));
}

// d2 is named in a view of all, is told so without the groups, and is counted out before it hears
// them. Of the others d0 remembers that, and d1 has started again.
class CountedOut : public testing::Test {
 protected:
  CountedOut() {
    room.start(0);
    room.start(1);
    room.run_for(seconds(2));
    room.set_filter([](const auto&, const std::string& to, const protocol::PeerBody& body) {
      return to != "d2" || !is_body<protocol::Install>(body);
    });
    room.start(2);
    room.run_for(milliseconds(200));
    EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
    protocol::PeerFrame decision = room.last_frame<protocol::Install>(0, 2);
    std::get<protocol::Install>(decision.body).groups.reset();
    room.receive(2, decision);
    EXPECT_TRUE(room.installed(2).empty());
    room.cut(0, 2);
    room.cut(1, 2);
    room.set_filter({});
    room.run_for(seconds(6));
    room.kill(1);
    room.run_for(seconds(1));
    room.start(1);
    room.run_for(seconds(2));
    EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
    EXPECT_TRUE(room.is_running(2));
  }

  Room room{3};
};

// Its own beacons, which would tell d1 what it is, are lost: it must know by itself.
TEST_F(CountedOut, BeforeItWasInADaemonEndsAsSoonAsItHearsOfALaterView) {
  room.set_filter([](const std::string& from, const auto&, const auto&) { return from != "d2"; });
  room.heal();
  room.cut(0, 2);
  room.run_for(seconds(1));
  EXPECT_TRUE(room.gave_up(2));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  room.set_filter({});
  room.heal();
  room.start(2);
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
}

// Rule D5. It was heard by one that did not know yet that the others had gone on without it.
TEST(Newcomers, AreNotThoseWhoLeftBeforeTheirListenerKnew) {
  Room room(3);
  room.start_all();
  room.run_for(seconds(2));
  const protocol::DurableRecord old = room.record(0);
  room.cut(0, 2);
  room.cut(1, 2);
  room.run_for(seconds(4));
  ASSERT_EQ(sorted(room.members(0)), (Texts{"d0", "d1"}));
  room.kill(0);
  room.kill(1);
  room.set_record(0, old);
  room.heal();
  // Else d0 and d2 would be a quorum, as if d0 had promised nothing.
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return (from != "d2" && to != "d2") || is_body<protocol::Beacon>(body) ||
           is_body<protocol::Heartbeat>(body);
  });
  room.cut(0, 1);
  room.start(0);
  room.start(1);
  room.run_for(milliseconds(300));
  room.freeze(2);
  room.heal();
  for (int i = 0; i < 30; ++i) {
    room.run_for(milliseconds(100));
    EXPECT_NE(room.members(0).size(), 3u);
  }
  EXPECT_EQ(sorted(room.members(0)), (Texts{"d0", "d1"}));
}

}  // namespace
}  // namespace groupcomm::daemon
