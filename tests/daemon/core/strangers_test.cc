// Daemons that nobody configured here, and those of another cluster.
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

TEST(Strangers, AreConnectedWhileTheyAreMembersAndLetGoAfterwards) {
  Room room(2);
  room.open();
  room.start(2);  // it knows d0 and d1; these do not know it
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
  EXPECT_TRUE(room.is_connected(0, 2));
  room.run_for(seconds(30));
  EXPECT_TRUE(room.is_connected(0, 2));
  room.kill(2);
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.run_for(seconds(30));
  EXPECT_FALSE(room.is_connected(0, 2));
  EXPECT_TRUE(room.is_connected(0, 1));
  room.start(2);
  room.run_for(seconds(3));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
  EXPECT_TRUE(room.is_connected(0, 2));
}

TEST(Strangers, ThatAreConfiguredStayConnectedHoweverLongTheyAreDown) {
  Room room(3);
  room.open();
  room.kill(2);
  room.run_for(seconds(60));
  EXPECT_TRUE(room.is_connected(0, 2));
}

TEST(Strangers, OfAnotherLineageAreReportedOnce) {
  Room room(2);
  room.open();
  protocol::PeerFrame frame;
  frame.header.cluster = group_key(room.defaults().cluster).value;
  frame.header.lineage = Incarnation{77};
  frame.header.sender = {"x", Incarnation{5}};
  frame.body = protocol::Beacon{};
  const auto before = room.reports(0).size();
  for (int k = 0; k < 3; ++k) room.take(0, frame);
  ASSERT_EQ(room.reports(0).size(), before + 1);
  EXPECT_TRUE(room.reports(0).back().warning);
  EXPECT_NE(room.reports(0).back().text.find("formed apart from this one"), std::string::npos);
}

TEST(Strangers, WithTheNameOfALivingMemberAreNotTakenIn) {
  Room room(3);
  room.open();
  const auto view = room.last_view(0).id;
  protocol::PeerFrame frame;
  frame.header.cluster = group_key(room.defaults().cluster).value;
  frame.header.sender = {"d2", Incarnation{1u << 30}};
  protocol::Beacon beacon;
  beacon.address = "tcp://127.0.0.1:9999";
  const auto before = room.reports(0).size();
  for (int k = 0; k < 30; ++k) {
    beacon.number = BeaconNumber{static_cast<std::uint64_t>(k + 1)};
    frame.body = beacon;
    room.take(0, frame);
    room.take(1, frame);
    room.run_for(milliseconds(100));
  }
  EXPECT_EQ(room.last_view(0).id, view);
  EXPECT_FALSE(room.gave_up(2));
  ASSERT_EQ(room.reports(0).size(), before + 1);
  EXPECT_NE(room.reports(0).back().text.find("claims the name of a member"), std::string::npos);
}

TEST(Strangers, WithTheNameOfAMemberThatIsGoneAreTakenInFromAnotherAddress) {
  Room room(3);
  room.open();
  room.vanish(2);
  room.move(2, 5002);
  room.start(2);
  room.run_for(seconds(6));
  EXPECT_EQ(room.members(0).size(), 3u);
  EXPECT_EQ(room.status(0).members[2].address, "tcp://127.0.0.1:5002");
}

protocol::PeerFrame beacon_of(Room& room, const std::string& name, std::uint64_t incarnation) {
  protocol::PeerFrame frame;
  frame.header.cluster = group_key(room.defaults().cluster).value;
  frame.header.sender = {name, Incarnation{incarnation}};
  protocol::Beacon beacon;
  beacon.address = "tcp://127.0.0.1:9";
  beacon.number = BeaconNumber{1};
  frame.body = std::move(beacon);
  return frame;
}

// Rule P4: each that is connected costs sockets.
TEST(Strangers, AreRefusedBeyondABound) {
  Room room(2);
  room.open();
  const std::uint64_t before = room.counter(0, "frames_refused");
  for (std::uint64_t k = 0; k < 1000; ++k) {
    room.take(0, beacon_of(room, "x" + std::to_string(k), 1000 + k));
  }
  EXPECT_GE(room.counter(0, "frames_refused"), before + 1000 - 128);
  room.run_for(seconds(60));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.start(2);  // those are silent: there is room again
  room.run_for(seconds(3));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
}

// Rule P5.
TEST(Strangers, ThatHaveDrawnTheSameIncarnationDoNotBothKeepIt) {
  Cluster cluster(3);
  const Incarnation same{1u << 30};
  cluster.start_as(0, same);
  cluster.start_as(1, same);
  cluster.start(2);
  cluster.run_for(seconds(2));
  EXPECT_TRUE(cluster.gave_up(1));
  EXPECT_EQ(cluster.status(0).members.size(), 2u);
  cluster.start_as(1, Incarnation{same.value + 1});
  cluster.run_for(seconds(2));
  EXPECT_EQ(cluster.status(0).members.size(), 3u);
}

TEST(Strangers, ThatHaveDrawnTheSameIncarnationComeTogetherFromTwoSidesOfAPartition) {
  Cluster cluster(3);
  cluster.defaults().partitionable = true;
  const Incarnation same{1u << 30};
  cluster.cut(0, 1);
  cluster.cut(1, 2);
  cluster.start_as(0, same);
  cluster.start_as(1, same);
  cluster.start(2);
  cluster.run_for(seconds(5));
  EXPECT_EQ(cluster.status(0).members.size(), 2u);
  EXPECT_EQ(cluster.status(1).members.size(), 1u);
  cluster.heal();
  cluster.run_for(seconds(2));
  EXPECT_TRUE(cluster.gave_up(1));
  EXPECT_FALSE(cluster.gave_up(0));
  cluster.start_as(1, Incarnation{same.value + 1});
  cluster.run_for(seconds(8));
  EXPECT_EQ(cluster.status(0).members.size(), 3u);
}

TEST(Strangers, WithTheIncarnationOfAMemberAreToldSoByTheOthers) {
  Room room(3);
  room.start(1);
  room.start(2);
  room.run_for(seconds(2));
  const Incarnation same = room.status(2).daemon.incarnation;
  room.cut(0, 2);
  room.start_as(0, same);
  room.run_for(seconds(2));
  EXPECT_TRUE(room.gave_up(0));
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2"}));
  room.heal();
  room.start_as(0, Incarnation{same.value + 1});
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2", "d0"}));
}

// Neither hears the other. One of them counts, so that the other is the double of a member, also
// where it had begun a view that would have the same name.
TEST(Strangers, WithOneIncarnationAreNotTakenForOne) {
  Room room(3);
  room.cut(1, 2);
  room.start(0);
  room.start_as(1, Incarnation{1'000'000'000});
  room.start_as(2, Incarnation{1'000'000'000});
  room.run_for(seconds(5));
  ASSERT_NE(room.gave_up(1), room.gave_up(2));
  const std::size_t stays = room.gave_up(1) ? 2 : 1;
  EXPECT_EQ(room.members(0), (Texts{"d0", "d" + std::to_string(stays)}));
  EXPECT_EQ(room.members(stays), room.members(0));
}

// It is alone with the member whose incarnation it has drawn, which nobody configured to know it.
TEST(Strangers, WithTheIncarnationOfTheOnlyMemberHearIt) {
  Room room(2);
  room.strike_from_configurations(1);
  room.start(0);
  room.run_for(seconds(2));
  ASSERT_EQ(room.members(0), Texts{"d0"});
  room.start_as(1, room.status(0).daemon.incarnation);
  room.run_for(seconds(2));
  EXPECT_TRUE(room.gave_up(1));
}

// The member does not hear it, and whoever does was not configured to know it.
TEST(Strangers, WithTheIncarnationOfAMemberAreConnectedToBeToldSo) {
  Room room(3);
  room.strike_from_configurations(2);
  room.start(0);
  room.start(1);
  room.run_for(seconds(2));
  ASSERT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.cut(1, 2);
  room.start_as(2, room.status(1).daemon.incarnation);
  room.run_for(seconds(2));
  EXPECT_TRUE(room.gave_up(2));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
}

// It is another daemon, and has left nothing.
TEST(Strangers, WithTheIncarnationOfOneThatHasLeftComeIn) {
  Room room(4);
  for (const std::size_t i : {0u, 1u, 2u}) room.start(i);
  room.run_for(seconds(2));
  const Incarnation same = room.status(2).daemon.incarnation;
  room.ask_to_leave(2);
  room.run_for(seconds(2));
  ASSERT_TRUE(room.finished(2));
  room.start_as(3, same);
  room.run_for(seconds(2));
  ASSERT_FALSE(room.gave_up(3));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d3"}));
  EXPECT_EQ(room.members(3), room.members(0));
  room.run_for(seconds(5));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d3"}));
}

// It comes back with the incarnation of the member that it left alone, and goes on from records.
TEST(Strangers, WithTheIncarnationOfTheRestOfTheirViewAreHeardByIt) {
  Room room(2);
  room.open();
  ASSERT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.vanish(0);
  room.start_as(0, room.status(1).daemon.incarnation);
  room.run_for(seconds(3));
  EXPECT_EQ(room.members(0), Texts{"d0"});
  ASSERT_TRUE(room.gave_up(1));
  room.start(1);
  room.run_for(seconds(3));
  EXPECT_EQ(room.members(0).size(), 2u);
}

// Rule D5: what was heard late of a member that died does not let it in when somebody else is heard
// under its incarnation.
TEST(Strangers, WithTheIncarnationOfADeadMemberAreNotTakenForIt) {
  Room room(4);
  for (std::size_t i = 0; i < 3; ++i) room.start(i);
  room.run_for(milliseconds(700));
  ASSERT_EQ(room.members(1).size(), 3u);
  const Incarnation same = room.status(0).daemon.incarnation;
  const auto beacon = room.last_frame<protocol::Beacon>(0, 1);
  room.kill(0);
  room.receive(1, beacon);
  room.run_for(milliseconds(300));
  ASSERT_EQ(room.members(1), (Texts{"d1", "d2"}));
  room.start_as(3, same);
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2", "d3"}));
  EXPECT_EQ(room.installed(1).size(), 3u);
}

// Ever new incarnations of one name take no more room than one.
TEST(Strangers, TakeOneRoomForEachName) {
  Room room(2);
  room.open();
  const std::uint64_t before = room.counter(0, "frames_refused");
  for (std::uint64_t k = 0; k < 1000; ++k) room.take(0, beacon_of(room, "x", 1000 + k));
  EXPECT_EQ(room.counter(0, "frames_refused"), before);
}

std::size_t count_reports(Room& room, std::size_t i, const std::string& text) {
  std::size_t count = 0;
  for (const Report& report : room.reports(i)) {
    if (report.warning && report.text.find(text) != std::string::npos) ++count;
  }
  return count;
}

// Rule P1.
TEST(Strangers, OfAnotherClusterAreNotHeard) {
  Room room(2);
  room.open();
  protocol::PeerFrame frame = beacon_of(room, "x", 5);
  ++frame.header.cluster;
  const std::uint64_t before = room.counter(0, "frames_refused");
  room.take(0, frame);
  EXPECT_EQ(room.counter(0, "frames_refused"), before + 1);
  EXPECT_FALSE(room.find_last<protocol::Beacon>(0, 2).has_value());
  EXPECT_EQ(room.reports(0).size(), room.reports(1).size());
}

// Rule D3: an earlier incarnation proves nothing about the one that lives.
TEST(Strangers, OfAPastIncarnationAreNotHeard) {
  Room room(2);
  room.open();
  const auto late = room.last_frame<protocol::Heartbeat>(1, 0);
  room.kill(1);
  room.start(1);
  room.run_for(seconds(2));
  const std::uint64_t refused = room.counter(0, "frames_refused");
  const std::size_t views = room.installed(0).size();
  room.take(0, late);
  room.run_for(seconds(2));
  EXPECT_EQ(room.counter(0, "frames_refused"), refused + 1);
  EXPECT_EQ(room.installed(0).size(), views);
}

// Rule D3, as the one sees it that is not taken in: its operator has to know why.
TEST(Strangers, WithTheNameOfALivingMemberSaySo) {
  Room room(3);
  room.start(2);
  protocol::PeerFrame frame = beacon_of(room, "d0", 1u << 20);
  frame.header.lineage = Incarnation{77};
  auto& beacon = std::get<protocol::Beacon>(frame.body);
  beacon.active = true;
  beacon.decided.emplace();
  beacon.decided->id = {4, Incarnation{1u << 20}, 1};
  beacon.decided->lineage = frame.header.lineage;
  beacon.decided->members = {{frame.header.sender, "tcp://127.0.0.1:9"},
                             {{"d2", Incarnation{1u << 21}}, "tcp://127.0.0.1:9999"}};
  frame.header.view = beacon.decided->id;
  for (std::uint64_t k = 1; k <= 3; ++k) {
    beacon.number = BeaconNumber{k};
    room.take(2, frame);
  }
  EXPECT_EQ(count_reports(room, 2, "has a member of the name d2 at tcp://127.0.0.1:9999"), 1u);
}

// Rule R4.
TEST(Strangers, ThatAreConfiguredWithOtherPeersAreReportedOnce) {
  Room room(3);
  room.start(0);
  protocol::PeerFrame frame = beacon_of(room, "d1", 1u << 20);
  auto& beacon = std::get<protocol::Beacon>(frame.body);
  beacon.decided.emplace();
  beacon.decided->id.proposer = Incarnation{4711};  // stands for the names
  beacon.decided->members = {{{"d0", {}}, ""}, {{"d1", {}}, ""}};
  for (std::uint64_t k = 1; k <= 3; ++k) {
    beacon.number = BeaconNumber{k};
    room.take(0, frame);
    room.run_for(milliseconds(100));
  }
  EXPECT_EQ(count_reports(room, 0, "d1#"), 1u);
  EXPECT_EQ(count_reports(room, 0, "configured with other peers"), 1u);
  EXPECT_EQ(room.status(0).phase, "joining");
}

}  // namespace
}  // namespace groupcomm::daemon
