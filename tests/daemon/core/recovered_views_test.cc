// What clients see where a quorum is gone or comes back out of its records (rules F10 and V5).
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Deliver;
using protocol::SafeNotice;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Rule F10: those who applied the join are dead, and so is the view that it made; but its message,
// which names no sender, has survived here.
TEST(RecoveredViews, NameAMemberWhoseJoinOnlyTheDeadHadApplied) {
  Room room(3);
  room.open();
  room.greet(0, 2);
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return from != "d2" || to != "d1";  // its closing
  });
  room.say(0, 2, join(1, "room"));
  room.say(0, 2, multicast(2, "hello", Order::kReliable));
  room.run_for(milliseconds(50));
  ASSERT_EQ(room.texts(0, 1), Texts{"hello"});
  ASSERT_EQ(room.last_view(0).members.size(), 4u);
  ASSERT_EQ(room.last_view(1).members.size(), 3u);
  const ProcessId sender = room.process(0, 2);
  room.kill(0);
  room.kill(2);
  room.set_filter({});
  room.run_for(seconds(3));
  EXPECT_EQ(room.texts(1, 1), Texts{});
  room.start(0);
  room.start(2);
  room.run_for(seconds(3));
  const auto deliveries = room.heard_of<Deliver>(1, 1);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].payload.text(), "hello");
  EXPECT_EQ(deliveries[0].sender, sender);
  EXPECT_EQ(room.heard_of<protocol::Transition>(1, 1).size(), 1u);
  const GroupView view = room.last_view(1);
  EXPECT_TRUE(view.recovered);
  EXPECT_EQ(room.names_in_view(1), Texts{"c1"});
}

// Rules N3 and F10: d0 has handed the message, since a member there that did not see it has left.
// Here that leave is part of the next view, and until then a notice would speak of that member.
TEST(RecoveredViews, GiveNoNoticeThatRestsOnALeaveWhichOnlyTheDeadHadApplied) {
  Room room(3);
  room.open();
  room.enter(0, 2);
  protocol::Multicast send = multicast(2, "x", Order::kReliable);
  send.notify_safe = true;
  room.say(1, 1, send);
  room.run_for(milliseconds(50));
  for (const std::size_t i : {0u, 1u, 2u}) room.consume_all(i, 1);
  room.run_for(milliseconds(50));
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return from != "d2" || to != "d1";  // its closing
  });
  room.lose_client(0, 2);
  room.run_for(milliseconds(50));
  ASSERT_EQ(room.last_view(0).members.size(), 3u);
  ASSERT_EQ(room.last_view(1).members.size(), 4u);
  room.kill(0);
  room.kill(2);
  room.set_filter({});
  room.run_for(seconds(3));
  ASSERT_TRUE(room.heard_of<SafeNotice>(1, 1).empty());
  room.start(0);
  room.start(2);
  room.run_for(seconds(3));
  ASSERT_EQ(room.heard_of<SafeNotice>(1, 1).size(), 1u);
  EXPECT_EQ(room.names_in_view(1), Texts{"c1"});
  const auto& heard = room.heard(1, 1);
  const auto notice = std::find_if(heard.begin(), heard.end(), [](const auto& message) {
    return std::holds_alternative<SafeNotice>(message);
  });
  EXPECT_TRUE(std::none_of(notice, heard.end(), [](const auto& message) {
    return std::holds_alternative<protocol::ViewChanged>(message);
  }));
}

// Rule R3: what d1 had accepted came to nothing, and it never heard of the view in which the others
// counted on it. Of those one is gone, and the other started again: they need what d1 says.
TEST(RecoveredViews, NeedOneThatHadAcceptedAnotherFirstView) {
  Room room(3);
  room.set_filter(
      [](const auto&, const auto&, const auto& body) { return !is_body<protocol::Propose>(body); });
  room.start_all();
  room.run_for(seconds(1));
  ASSERT_TRUE(room.record(1).accepted.has_value());
  protocol::DurableRecord decided = room.record(0);
  decided.decided = room.record(1).accepted->value.next;
  decided.decided.id.proposer = decided.decided.members[0].id.incarnation;
  decided.decided.lineage = decided.decided.id.proposer;
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.set_record(0, decided);
  room.set_filter({});
  room.start(0);
  room.start(1);
  room.run_for(seconds(6));
  EXPECT_EQ(sorted(room.members(0)), (Texts{"d0", "d1"}));
  EXPECT_EQ(sorted(room.members(1)), (Texts{"d0", "d1"}));
}

// Rule V5: what was sent while the view was being left waits; when the quorum is lost it is
// refused, and a join waits on.
TEST(RecoveredViews, RefuseWhatWaitedWhenTheQuorumWasLost) {
  Room room(3);
  room.open();
  room.greet(2, 2);
  room.set_filter([](const auto&, const auto&, const auto& body) {
    return !std::holds_alternative<protocol::Propose>(body);
  });
  room.kill(0);
  room.settle();
  ASSERT_EQ(room.status(2).phase, "flushing");
  room.say(2, 1, multicast(7, "waits"));
  room.say(2, 2, join(1, "room"));
  room.settle();
  EXPECT_TRUE(room.rejected(2, 1).empty());
  room.kill(1);
  room.settle();
  ASSERT_EQ(room.status(2).phase, "suspended");
  const std::vector<protocol::Rejected> expected{
      {RequestId{7}, GroupKey{}, RejectReason::kNoPrimary}};
  EXPECT_EQ(room.rejected(2, 1), expected);
  EXPECT_TRUE(room.rejected(2, 2).empty());
  room.set_filter({});
  room.start(0);
  room.start(1);
  room.run_for(seconds(3));
  EXPECT_EQ(room.last_view(2, 2).members.size(), 2u);
  EXPECT_EQ(room.texts(2, 1), Texts{});
}

// Rule R8. The one at rank 0 leaves, is a quorum of two by itself, and decides so from its record
// after a restart; and starts again before it has told the other, whom it has left alone.
TEST(RecoveredViews, AreNotAwaitedByAMemberThatNobodyCanTellHowItsViewEnded) {
  Room room(2);
  room.start_all();
  room.run_for(seconds(2));
  ASSERT_EQ(room.members(1), (Texts{"d0", "d1"}));
  room.set_filter([](const std::string& from, const std::string&, const protocol::PeerBody& body) {
    return from != "d0" || !(std::holds_alternative<protocol::Propose>(body) ||
                             std::holds_alternative<protocol::Install>(body));
  });
  room.ask_to_leave(0);
  room.run_for(milliseconds(200));
  room.kill(0);
  room.cut(0, 1);
  room.start(0);
  room.run_for(seconds(2));
  room.kill(0);
  room.heal();
  room.set_filter(
      [](const std::string&, const std::string&, const protocol::PeerBody&) { return true; });
  room.start(0);
  room.run_for(seconds(20));
  ASSERT_TRUE(room.gave_up(1));
  room.start(1);
  room.run_for(seconds(5));
  EXPECT_EQ(room.members(0).size(), 2u);
  EXPECT_EQ(room.members(0), room.members(1));
}

}  // namespace
}  // namespace groupcomm::daemon
