// What clients ask for, and what happens to those that break the protocol.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Accepted;
using protocol::ClientMessage;
using protocol::Disconnect;
using protocol::Gone;
using protocol::Hello;
using protocol::Refused;
using protocol::Rejected;
using protocol::ViewChanged;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Two names with one fingerprint.
constexpr const char* kTwin = "8yn0iYCKYHlIj4-BwPqk";
constexpr const char* kOtherTwin = "GReLUrM4wMqfg9yzV3KQ";

std::vector<Rejected> rejection(std::uint64_t request, const std::string& group,
                                RejectReason reason) {
  return {{RequestId{request}, group.empty() ? GroupKey{} : group_key(group), reason}};
}

// Two daemons with a member each.
class ClientServiceTest : public ::testing::Test {
 protected:
  ClientServiceTest() { room.open(); }

  void say(std::uint64_t session, ClientMessage message) {
    room.say(0, session, std::move(message));
    room.run_for(milliseconds(30));
  }
  void say_all(std::uint64_t session, std::vector<ClientMessage> messages) {
    room.say_all(0, session, std::move(messages));
    room.run_for(milliseconds(30));
  }
  // The session is over, and the other member was told so.
  void expect_thrown_out(const std::string& why) {
    const auto words = room.heard_of<Disconnect>(0, 1);
    ASSERT_EQ(words.size(), 1u);
    EXPECT_EQ(words[0].reason, why);
    EXPECT_TRUE(room.is_closed(0, 1));
    EXPECT_EQ(room.names_in_view(1), Texts{"c1"});
    ASSERT_EQ(room.last_view(1).left.size(), 1u);
    EXPECT_EQ(room.last_view(1).left[0].reason, LeaveReason::kCrash);
  }

  Room room{2};
};

// --- connections ---------------------------------------------------------------------------------

TEST_F(ClientServiceTest, WelcomesAClientWithItsIdentityAndItsWindow) {
  room.greet(0, 5);
  const auto welcomes = room.heard_of<protocol::Welcome>(0, 5);
  ASSERT_EQ(welcomes.size(), 1u);
  const protocol::Welcome expected{
      .process = {"c0", "d0", {room.status(0).daemon.incarnation, SessionId{5}}},
      .daemon_version = "test",
      .protocol_version = protocol::kProtocolVersion,
      .send_window_bytes = room.defaults().client_window_bytes,
      .send_window_messages = room.defaults().client_window_messages,
      .queue_bytes = room.defaults().client_queue_bytes};
  EXPECT_EQ(welcomes[0], expected);
}

TEST_F(ClientServiceTest, RefusesAConnectionThatDoesNotBeginWithAHello) {
  say(5, join(1, "room"));
  ASSERT_EQ(room.heard(0, 5).size(), 1u);
  EXPECT_EQ(std::get<Refused>(room.heard(0, 5)[0]),
            Refused{"the first message of a connection must be a Hello"});
  EXPECT_TRUE(room.is_closed(0, 5));
  EXPECT_EQ(room.names_in_view(1), (Texts{"c0", "c1"}));
}

TEST_F(ClientServiceTest, LooksAtNothingBehindWhatItRefused) {
  say_all(5, {join(1, "room"), Hello{.name = "late"}, join(2, "room")});
  EXPECT_EQ(room.heard(0, 5).size(), 1u);
}

TEST_F(ClientServiceTest, RefusesAnotherVersionOfTheProtocol) {
  say(5, Hello{.version = 99, .name = "old"});
  EXPECT_EQ(std::get<Refused>(room.heard(0, 5)[0]),
            Refused{"the daemon speaks protocol version 1, the client version 99"});
  EXPECT_TRUE(room.is_closed(0, 5));
}

TEST_F(ClientServiceTest, ThrowsOutAClientThatGreetsTwice) {
  say(1, Hello{.name = "again"});
  expect_thrown_out("a second Hello");
}

TEST_F(ClientServiceTest, ThrowsOutAClientThatConsumesMoreThanItWasGiven) {
  say(1, multicast(2, "x"));
  const std::uint64_t told = room.told_bytes(0, 1);
  say(1, protocol::Consumed{.bytes_total = told});
  EXPECT_FALSE(room.is_closed(0, 1));
  say(1, protocol::Consumed{.bytes_total = told + 1});
  expect_thrown_out("more was consumed than delivered");
}

TEST_F(ClientServiceTest, ThrowsOutAClientThatTakesBackWhatItConsumed) {
  say(1, multicast(2, "x"));
  const std::uint64_t told = room.told_bytes(0, 1);
  say(1, protocol::Consumed{.bytes_total = told});
  say(1, protocol::Consumed{.bytes_total = told - 1});
  expect_thrown_out("more was consumed than delivered");
}

TEST_F(ClientServiceTest, EndsASessionThatSaysBye) {
  say(1, protocol::Bye{});
  EXPECT_TRUE(room.is_closed(0, 1));
  ASSERT_EQ(room.last_view(1).left.size(), 1u);
  EXPECT_EQ(room.last_view(1).left[0].reason, LeaveReason::kLeave);
}

TEST_F(ClientServiceTest, LeavesAllGroupsOfALostClientByOneControlMessage) {
  say(1, join(2, "other"));
  room.say(1, 1, join(2, "other"));
  room.run_for(milliseconds(30));
  room.lose_client(0, 1);
  room.run_for(milliseconds(30));
  const auto views = room.heard_of<ViewChanged>(1, 1);
  ASSERT_GE(views.size(), 2u);
  const ViewChanged& last = views.back();
  const ViewChanged& before = views[views.size() - 2];
  EXPECT_NE(last.group, before.group);
  EXPECT_EQ(last.view.id, before.view.id);
  EXPECT_EQ(last.view.left, before.view.left);
  EXPECT_EQ(last.view.left, (std::vector<Departed>{{room.process(0, 1), LeaveReason::kCrash}}));
}

TEST_F(ClientServiceTest, LeavesAGroupWhoseJoinWasUnderWayWhenTheClientWasLost) {
  room.greet(0, 5);
  room.say(0, 5, join(1, "room"));
  room.lose_client(0, 5);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.names_in_view(1), (Texts{"c0", "c1"}));
  EXPECT_EQ(room.counter(1, "groups"), 1u);
}

// --- windows -------------------------------------------------------------------------------------

TEST(ClientServiceWindow, ThrowsOutAClientThatSendsBeyondItsWindow) {
  Room room(1);
  room.defaults().client_window_messages = 4;
  room.open();
  std::vector<ClientMessage> flood;
  for (std::uint64_t i = 0; i < 10'000; ++i) flood.emplace_back(multicast(2 + i, "x"));
  room.say_all(0, 1, flood);
  room.settle();
  ASSERT_EQ(room.heard_of<Disconnect>(0, 1).size(), 1u);
  EXPECT_EQ(room.heard_of<Disconnect>(0, 1)[0].reason,
            "more was sent than the daemon's window allows");
  EXPECT_TRUE(room.is_closed(0, 1));
  EXPECT_TRUE(room.texts(0, 1).empty());
  EXPECT_EQ(room.counter(0, "client_requests_queued"), 0u);
}

// As a client does that closes.
TEST(ClientServiceWindow, LetsAClientLeaveAllItsGroupsAtOnce) {
  constexpr std::size_t kGroups = 2 * protocol::kJoinsMax + 100;
  Room room(1);
  room.defaults().client_window_messages = 1;
  room.open();
  std::vector<ClientMessage> leaves;
  for (std::uint64_t i = 0; i < kGroups; ++i) {
    room.say(0, 1, join(2 + i, "g" + std::to_string(i)));
    leaves.emplace_back(leave(2 + kGroups + i, "g" + std::to_string(i)));
    if (i % protocol::kJoinsMax == 0) room.settle();
  }
  room.settle();
  room.say_all(0, 1, leaves);
  room.settle();
  EXPECT_TRUE(room.heard_of<Disconnect>(0, 1).empty());
  EXPECT_EQ(room.heard_of<protocol::Gone>(0, 1).size(), kGroups);
}

TEST(ClientServiceWindow, ThrowsOutAClientThatSendsMoreBytesThanItsWindow) {
  Room room(1);
  room.open();
  protocol::Multicast large = multicast(2, std::string(1 << 20, 'x'));
  std::vector<ClientMessage> flood(80, ClientMessage(large));  // they share their bytes
  room.say_all(0, 1, flood);
  room.settle();
  EXPECT_EQ(room.heard_of<Disconnect>(0, 1).size(), 1u);
}

TEST(ClientServiceWindow, LetsAClientSendItsWholeWindow) {
  Room room(1);
  room.defaults().client_window_messages = 4;
  room.open();
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < 4; ++i) room.say(0, 1, multicast(2 + 4 * round + i, "x"));
    room.settle();
  }
  EXPECT_EQ(room.texts(0, 1).size(), 12u);
  EXPECT_FALSE(room.is_closed(0, 1));
}

// --- requests ------------------------------------------------------------------------------------

TEST_F(ClientServiceTest, RejectsALeaveOfAGroupThatItIsNotIn) {
  say(1, leave(2, "elsewhere"));
  EXPECT_EQ(room.rejected(0, 1), rejection(2, "elsewhere", RejectReason::kNotMember));
}

TEST_F(ClientServiceTest, RejectsABlockOkThatNobodyAskedFor) {
  say(1, protocol::BlockOk{.request = RequestId{2}, .group = "elsewhere"});
  EXPECT_EQ(room.rejected(0, 1), rejection(2, "elsewhere", RejectReason::kNotMember));
}

TEST_F(ClientServiceTest, RejectsASecondJoin) {
  say(1, join(2, "room"));
  ASSERT_EQ(room.rejected(0, 1).size(), 1u);
  EXPECT_EQ(room.rejected(0, 1)[0].request, RequestId{2});
  EXPECT_EQ(room.names_in_view(1), (Texts{"c0", "c1"}));
}

TEST_F(ClientServiceTest, RejectsAJoinWithOtherOptionsAtItsPlaceInTheOrder) {
  const GroupOptions uniform{.flush = false, .uniform = true};
  room.say(0, 1, join(2, "new", uniform));
  room.say(1, 1, join(2, "new"));
  room.run_for(milliseconds(50));
  const bool first_won = room.rejected(0, 1).empty();
  const std::size_t loser = first_won ? 1 : 0;
  EXPECT_EQ(room.rejected(loser, 1), rejection(2, "new", RejectReason::kBadOption));
  EXPECT_TRUE(room.rejected(1 - loser, 1).empty());
  // What was behind the join goes on.
  room.say(loser, 1, multicast(3, "still here"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(1 - loser, 1), Texts{"still here"});
}

TEST_F(ClientServiceTest, RejectsANameWithTheFingerprintOfAnotherGroup) {
  say(1, join(2, kTwin));
  say(1, join(3, kOtherTwin));
  EXPECT_EQ(room.rejected(0, 1).size(), 1u);
  room.say(1, 1, join(2, kOtherTwin));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.rejected(1, 1), rejection(2, kOtherTwin, RejectReason::kBadName));
}

TEST_F(ClientServiceTest, HoldsWhatIsBehindAJoinUntilItTookEffect) {
  room.greet(0, 5);
  say_all(5, {join(1, "new"), multicast(2, "hello", Order::kFifo, "new"), leave(3, "new"),
              multicast(4, "gone", Order::kFifo, "new")});
  const auto& heard = room.heard(0, 5);
  ASSERT_EQ(heard.size(), 6u);
  EXPECT_TRUE(std::holds_alternative<ViewChanged>(heard[1]));
  EXPECT_EQ(room.texts(0, 5), Texts{"hello"});
  EXPECT_EQ(room.heard_of<Gone>(0, 5), (std::vector<Gone>{{group_key("new"), GoneReason::kLeft}}));
  EXPECT_EQ(room.rejected(0, 5), rejection(4, "new", RejectReason::kNoSuchGroup));
}

TEST_F(ClientServiceTest, CountsTheMembershipsOfAClient) {
  for (std::uint32_t joins = 1; joins <= 3; ++joins) {
    say(1, join(10 + joins, "again"));
    EXPECT_EQ(room.last_view(0).members, (std::vector<GroupMember>{{room.process(0, 1), joins}}));
    say(1, leave(20 + joins, "again"));
  }
}

TEST_F(ClientServiceTest, CountsOnlyAcceptedSends) {
  say(1, multicast(2, "one"));
  say(1, multicast(3, "nowhere", Order::kTotal, "nowhere"));
  say(1, multicast(4, "two"));
  const auto deliveries = room.heard_of<protocol::Deliver>(1, 1);
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(deliveries[0].number, SendNumber{1});
  EXPECT_EQ(deliveries[1].number, SendNumber{2});
  EXPECT_EQ(room.rejected(0, 1), rejection(3, "nowhere", RejectReason::kNoSuchGroup));
  EXPECT_EQ(room.heard_of<Accepted>(0, 1).back(), Accepted{RequestId{4}});
}

TEST_F(ClientServiceTest, ServesTheSessionsInTurn) {
  room.greet(0, 5);
  std::vector<ClientMessage> many;
  for (std::uint64_t i = 0; i < 3; ++i) many.emplace_back(multicast(2 + i, "many"));
  room.say_all(0, 1, many);
  room.say(0, 5, multicast(1, "one"));
  room.run_for(milliseconds(50));
  const Texts texts = room.texts(1, 1);
  EXPECT_LT(std::find(texts.begin(), texts.end(), "one") - texts.begin(), 3);
}

// --- questions -----------------------------------------------------------------------------------

TEST_F(ClientServiceTest, AnswersHowTheDaemonIs) {
  say(1, protocol::StatusQuery{RequestId{7}});
  const auto replies = room.heard_of<protocol::StatusReply>(0, 1);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].request, RequestId{7});
  const protocol::DaemonStatus& status = *replies[0].status;
  EXPECT_EQ(status.phase, "regular");
  EXPECT_EQ(status.view, room.status(0).view);
  ASSERT_EQ(status.members.size(), 2u);
  EXPECT_EQ(status.members[0].state, "self");
  EXPECT_EQ(status.members[1].state, "alive");
  EXPECT_TRUE(std::is_sorted(status.counters.begin(), status.counters.end()));
}

TEST_F(ClientServiceTest, TellsWhatAPeerHasNotAcknowledged) {
  room.cut(0, 1);
  for (std::uint64_t i = 0; i < 3; ++i) say(1, multicast(2 + i, "unheard", Order::kFifo));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.status(0).members[0].unacknowledged, 0u);
  EXPECT_EQ(room.status(0).members[1].unacknowledged, 3u);
  room.heal();
  room.run_for(milliseconds(300));
  EXPECT_EQ(room.status(0).members[1].unacknowledged, 0u);
}

TEST_F(ClientServiceTest, AnswersWhichGroupsThereAre) {
  const GroupOptions uniform{.flush = false, .uniform = true};
  say(1, join(2, "a", uniform));
  say(1, protocol::GroupsQuery{RequestId{7}});
  const auto replies = room.heard_of<protocol::GroupsReply>(0, 1);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].request, RequestId{7});
  ASSERT_EQ(replies[0].groups.size(), 2u);
  EXPECT_EQ(replies[0].groups[0].name, "a");
  EXPECT_EQ(replies[0].groups[0].options, uniform);
  EXPECT_EQ(replies[0].groups[0].members, std::vector<ProcessId>{room.process(0, 1)});
  EXPECT_EQ(replies[0].groups[1].name, "room");
  EXPECT_EQ(replies[0].groups[1].members,
            (std::vector<ProcessId>{room.process(0, 1), room.process(1, 1)}));
}

TEST_F(ClientServiceTest, ShowsAWatcherTheViewsOfAGroup) {
  room.greet(0, 5);
  say(5, protocol::Watch{RequestId{1}, {"room"}});
  using Watched = protocol::WatchedView;
  ASSERT_EQ(room.heard_of<Watched>(0, 5).size(), 1u);
  EXPECT_EQ(room.heard_of<Watched>(0, 5)[0].view.members, room.last_view(0).members);
  say(1, join(2, "not watched"));
  EXPECT_EQ(room.heard_of<Watched>(0, 5).size(), 1u);
  room.greet(0, 6);
  say(6, protocol::Watch{RequestId{1}, {"room"}});
  ASSERT_EQ(room.heard_of<Watched>(0, 6).size(), 1u);
  EXPECT_EQ(room.heard_of<Watched>(0, 6)[0].group, "room");
  room.lose_client(1, 1);
  room.run_for(milliseconds(30));
  ASSERT_EQ(room.heard_of<Watched>(0, 5).size(), 2u);
  EXPECT_EQ(room.heard_of<Watched>(0, 5)[1].view.left[0].reason, LeaveReason::kCrash);
  say(1, leave(3, "room"));
  ASSERT_EQ(room.heard_of<Watched>(0, 5).size(), 3u);
  EXPECT_TRUE(room.heard_of<Watched>(0, 5)[2].view.members.empty());  // it is no more
}

TEST_F(ClientServiceTest, ShowsAWatcherOfEverythingAllGroups) {
  room.greet(0, 5);
  say(5, protocol::Watch{RequestId{1}, {}});
  say(1, join(2, "new"));
  const auto views = room.heard_of<protocol::WatchedView>(0, 5);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].group, "room");
  EXPECT_EQ(views[1].group, "new");
}

}  // namespace
}  // namespace groupcomm::daemon
