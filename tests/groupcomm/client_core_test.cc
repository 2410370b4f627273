#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/groupcomm/client_core_fixture.h"

namespace groupcomm {
namespace {

// --- connection ----------------------------------------------------------------------------------

TEST_F(ClientCoreTest, SaysHelloWithItsName) {
  core.on_connecting();
  EXPECT_EQ(core.take_outgoing(),
            std::vector<protocol::ClientMessage>{protocol::Hello{.name = "alice"}});
  EXPECT_FALSE(core.connected());
}

TEST_F(ClientCoreTest, IsConnectedAfterTheWelcome) {
  connect();
  EXPECT_TRUE(core.connected());
  EXPECT_EQ(core.process(), kAlice);
}

TEST_F(ClientCoreTest, EndsWhenItIsRefused) {
  core.on_connecting();
  say(protocol::Refused{.reason = "full"});
  EXPECT_FALSE(core.is_open());
  EXPECT_EQ(told(), "disconnected refused by the daemon: full");
}

TEST_F(ClientCoreTest, FindsFaultWithAMessageBeforeTheWelcome) {
  core.on_connecting();
  EXPECT_EQ(say_wrong(protocol::Accepted{}), "the daemon sent a message before its welcome");
}

TEST_F(ClientCoreTest, FindsFaultWithASecondWelcome) {
  connect();
  EXPECT_EQ(say_wrong(protocol::Welcome{.process = kAlice, .daemon_version = {}}),
            "the daemon sent a second welcome");
}

TEST_F(ClientCoreTest, FindsFaultWithAnotherProtocolVersion) {
  core.on_connecting();
  EXPECT_NE(
      say_wrong(protocol::Welcome{.process = kAlice, .daemon_version = {}, .protocol_version = 9}),
      "");
}

TEST_F(ClientCoreTest, AnswersEverythingWhenTheConnectionBreaks) {
  connect();
  join("room");
  const Queued sent = send("room", "hello");
  const Queued joined = core.join("hall", {});
  core.on_disconnected("link lost");
  EXPECT_EQ(told(), "rejected " + to_string(sent.request) + " room gone; rejected " +
                        to_string(joined.request) +
                        " hall gone; gone room daemon_lost; disconnected link lost");
  EXPECT_FALSE(core.is_open());
  core.on_disconnected("again");
  EXPECT_EQ(told(), "");
}

TEST_F(ClientCoreTest, ALeaveThatIsUnderWayIsAnsweredByTheGoneOfALostConnection) {
  connect();
  join("room");
  core.leave("room");
  const Queued again = core.join("room", {});
  core.on_disconnected("link lost");
  EXPECT_EQ(told(), "rejected " + to_string(again.request) +
                        " room gone; gone room daemon_lost; disconnected link lost");
}

TEST_F(ClientCoreTest, ADisconnectOfTheDaemonEndsTheConnection) {
  connect();
  join("room");
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kExcluded},
      protocol::Disconnect{.reason = "excluded: by n2"}, protocol::Accepted{});
  EXPECT_EQ(told(), "gone room excluded; disconnected excluded: by n2");
  EXPECT_FALSE(core.is_open());
}

TEST_F(ClientCoreTest, ForgetsTheOldConnectionButNotTheCountOfRequests) {
  connect();
  join("room");
  const Queued before = send("room", "1");
  core.on_disconnected("link lost");
  core.take_upcalls();
  connect();
  EXPECT_EQ(core.view("room"), nullptr);
  const Queued after = send("room", "2");
  EXPECT_GT(after.request, before.request);
  say(protocol::Accepted{.up_to = after.request});
  EXPECT_EQ(told(), "accepted room 1");
}

TEST_F(ClientCoreTest, AfterByeNothingMoreIsAskedButAnswersStillCome) {
  connect();
  join("room");
  core.leave("room");
  core.bye();
  EXPECT_EQ(send("room", "late").refused, RejectReason::kGone);
  const auto outgoing = core.take_outgoing();
  ASSERT_EQ(outgoing.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<protocol::Bye>(outgoing.back()));
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft});
  EXPECT_EQ(told(), "gone room left");
}

TEST_F(ClientCoreTest, RefusesEverythingWhileNotConnected) {
  EXPECT_EQ(core.join("room", {}).refused, RejectReason::kGone);
  EXPECT_EQ(core.leave("room").refused, RejectReason::kGone);
  EXPECT_EQ(core.block_ok("room").refused, RejectReason::kGone);
  EXPECT_EQ(send("room", "x").refused, RejectReason::kGone);
  EXPECT_EQ(core.query_status(), RequestId{});
  EXPECT_TRUE(core.take_outgoing().empty());
}

// --- membership ----------------------------------------------------------------------------------

TEST_F(ClientCoreTest, AJoinIsAnsweredByTheFirstView) {
  connect();
  const Queued queued = core.join("room", {.flush = true});
  EXPECT_EQ(core.take_outgoing(),
            (std::vector<protocol::ClientMessage>{protocol::Join{
                .request = queued.request, .group = "room", .options = {.flush = true}}}));
  EXPECT_EQ(core.view("room"), nullptr);
  say(protocol::ViewChanged{.group = "room", .view = view_of_alice(1)});
  EXPECT_EQ(told(), "view room 1");
  ASSERT_NE(core.view("room"), nullptr);
  EXPECT_EQ(*core.view("room"), view_of_alice(1));
}

TEST_F(ClientCoreTest, RefusesBadNamesAndASecondJoin) {
  connect();
  EXPECT_EQ(core.join("", {}).refused, RejectReason::kBadName);
  EXPECT_EQ(core.join("a\nb", {}).refused, RejectReason::kBadName);
  EXPECT_EQ(core.leave(std::string(256, 'x')).refused, RejectReason::kBadName);
  EXPECT_TRUE(core.join("room", {}).ok());
  EXPECT_EQ(core.join("room", {}).refused, RejectReason::kBadOption);
}

TEST_F(ClientCoreTest, ARejectedJoinMayBeRepeated) {
  connect();
  const Queued queued = core.join("room", {});
  say(protocol::Rejected{
      .request = queued.request, .group = group_key("room"), .reason = RejectReason::kBadOption});
  EXPECT_EQ(told(), "rejected " + to_string(queued.request) + " room bad_option");
  EXPECT_TRUE(core.join("room", {}).ok());
}

TEST_F(ClientCoreTest, LeavingAGroupThatItIsNotInIsRefused) {
  connect();
  EXPECT_EQ(core.leave("room").refused, RejectReason::kNotMember);
  join("room");
  EXPECT_TRUE(core.leave("room").ok());
  EXPECT_EQ(core.leave("room").refused, RejectReason::kNotMember);
}

TEST_F(ClientCoreTest, MessagesStillComeBetweenLeaveAndGone) {
  connect();
  join("room");
  core.leave("room");
  say(delivery("room", 0, "last words"),
      protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft});
  EXPECT_EQ(told(), "message room bob last words; gone room left");
  EXPECT_EQ(core.view("room"), nullptr);
}

TEST_F(ClientCoreTest, IgnoresLateMessagesOfAGroupThatItWasIn) {
  connect();
  join("room");
  core.leave("room");
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft},
      delivery("room", 0, "late"), protocol::Suspended{.group = group_key("room")},
      protocol::Transition{.group = group_key("room"), .transitional = {}},
      protocol::Block{.group = group_key("room")},
      protocol::ViewChanged{.group = "room", .view = view_of_alice(9)},
      protocol::Gone{.group = group_key("room"), .reason = GoneReason::kExcluded});
  EXPECT_EQ(told(), "gone room left");
}

TEST_F(ClientCoreTest, AwaitsNothingOfASuspendedGroup) {
  connect();
  join("room");
  EXPECT_TRUE(core.awaits_memberships());
  say(protocol::Suspended{.group = group_key("room")});
  core.leave_all();
  EXPECT_NE(core.view("room"), nullptr);
  EXPECT_FALSE(core.awaits_memberships()) << "nobody answers before a quorum is back";
  join("hall");
  EXPECT_TRUE(core.awaits_memberships());
}

TEST_F(ClientCoreTest, LeaveAndJoinAtOnceAreTwoMemberships) {
  connect();
  join("room");
  EXPECT_TRUE(core.leave("room").ok());
  EXPECT_TRUE(core.join("room", {}).ok());
  say(protocol::ViewChanged{.group = "room", .view = view_of_alice(5)},
      protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft},
      delivery("room", 0, "between"),
      protocol::ViewChanged{.group = "room", .view = view_of_alice(6)});
  EXPECT_EQ(told(), "view room 5; gone room left; view room 6");
  EXPECT_NE(core.view("room"), nullptr);
}

TEST_F(ClientCoreTest, AMembershipMayEndBeforeItsFirstView) {
  connect();
  core.join("room", {});
  core.leave("room");
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft});
  EXPECT_EQ(told(), "gone room left");
  EXPECT_TRUE(core.join("room", {}).ok());
}

TEST_F(ClientCoreTest, LeavesAllItsGroups) {
  connect();
  EXPECT_FALSE(core.awaits_memberships());
  join("room");
  core.join("hall", {});
  EXPECT_TRUE(core.awaits_memberships());
  core.leave_all();
  core.leave_all();
  EXPECT_EQ(core.take_outgoing().size(), 3u);
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft},
      protocol::Gone{.group = group_key("hall"), .reason = GoneReason::kLeft});
  EXPECT_FALSE(core.awaits_memberships());
}

TEST_F(ClientCoreTest, JoiningAndLeavingInALoopIsBounded) {
  connect();
  Queued last;
  for (int i = 0; i < 100 && last.ok(); ++i) {
    last = i % 2 == 0 ? core.join("room", {}) : core.leave("room");
  }
  EXPECT_EQ(last.refused, RejectReason::kWouldBlock);
}

TEST_F(ClientCoreTest, JoiningManyGroupsAtOnceIsBounded) {
  connect();
  for (std::size_t i = 0; i < protocol::kJoinsMax; ++i) {
    ASSERT_TRUE(core.join("g" + std::to_string(i), {}).ok()) << i;
  }
  EXPECT_EQ(core.join("one more", {}).refused, RejectReason::kWouldBlock);
  EXPECT_TRUE(core.leave("g7").ok());
  EXPECT_EQ(core.join("one more", {}).refused, RejectReason::kWouldBlock);
  say(protocol::ViewChanged{.group = "g3", .view = view_of_alice(1)});
  EXPECT_TRUE(core.join("one more", {}).ok());
  EXPECT_EQ(core.join("two more", {}).refused, RejectReason::kWouldBlock);
  core.on_disconnected("test");
  connect();
  EXPECT_TRUE(core.join("two more", {}).ok());
}

TEST_F(ClientCoreTest, AnEvictionWhileLeavingLeavesTheLeaveToBeRejected) {
  connect();
  join("room");
  const Queued leave = core.leave("room");
  const Queued again = core.join("room", {});
  ASSERT_TRUE(again.ok());
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kEvicted},
      protocol::Rejected{
          .request = leave.request, .group = group_key("room"), .reason = RejectReason::kNotMember},
      protocol::ViewChanged{.group = "room", .view = view_of_alice(8)});
  EXPECT_EQ(told(), "gone room evicted; rejected " + to_string(leave.request) +
                        " room not_member; view room 8");
}

TEST_F(ClientCoreTest, FindsFaultWithMessagesOfAGroupThatItNeverJoined) {
  connect();
  EXPECT_NE(say_wrong(delivery("room", 0, "x")), "");
  EXPECT_NE(say_wrong(protocol::Suspended{.group = group_key("room")}), "");
  EXPECT_NE(say_wrong(protocol::Gone{.group = group_key("room")}), "");
  EXPECT_NE(say_wrong(protocol::ViewChanged{.group = "room", .view = view_of_alice(1)}), "");
  core.join("room", {});
  EXPECT_NE(say_wrong(delivery("room", 0, "x")), "");
}

TEST_F(ClientCoreTest, FindsFaultWithAViewThatItIsNotIn) {
  connect();
  core.join("room", {});
  GroupView view = view_of_alice(1, {kBob});
  view.my_rank = 0;
  EXPECT_NE(say_wrong(protocol::ViewChanged{.group = "room", .view = view}), "");
  view.my_rank = 7;
  EXPECT_NE(say_wrong(protocol::ViewChanged{.group = "room", .view = view}), "");
}

TEST_F(ClientCoreTest, FindsFaultWithAViewThatIsNotNewer) {
  connect();
  join("room");
  EXPECT_NE(say_wrong(protocol::ViewChanged{.group = "room", .view = *core.view("room")}), "");
}

TEST_F(ClientCoreTest, FindsFaultWithALeaveThatNobodyAskedFor) {
  connect();
  join("room");
  EXPECT_NE(say_wrong(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft}), "");
}

}  // namespace
}  // namespace groupcomm
