// Clusters of several sizes that lose, split and regain their daemons.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Gone;
using protocol::Suspended;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

// --- two daemons: rank 0 is half of the view and its quorum --------------------------------------

TEST(TwoDaemons, LetRankZeroGoOnAlone) {
  Room room(2);
  room.open();
  room.kill(1);
  room.run_for(milliseconds(100));
  EXPECT_EQ(room.members(0), Texts{"d0"});
  EXPECT_EQ(room.last_view(0).left,
            (std::vector<Departed>{{room.process(1, 1), LeaveReason::kDaemonLost}}));
  room.say(0, 1, multicast(2, "alone", Order::kSafe));
  room.settle();
  EXPECT_EQ(room.texts(0, 1), Texts{"alone"});
}

TEST(TwoDaemons, SuspendRankOneWithoutRankZero) {
  Room room(2);
  room.open();
  room.kill(0);
  room.run_for(seconds(5));
  EXPECT_EQ(room.status(1).phase, "suspended");
  EXPECT_EQ(room.heard_of<Suspended>(1, 1).size(), 1u);
  room.say(1, 1, multicast(2, "nobody decides"));
  room.settle();
  const std::vector<protocol::Rejected> expected{
      {RequestId{2}, GroupKey{}, RejectReason::kNoPrimary}};
  EXPECT_EQ(room.rejected(1, 1), expected);
  EXPECT_TRUE(room.texts(1, 1).empty());
}

TEST(TwoDaemons, ResumeWhenRankZeroIsBackOutOfItsRecord) {
  Room room(2);
  room.open();
  room.say(1, 1, multicast(2, "before"));
  room.run_for(milliseconds(50));
  room.kill(0);
  room.run_for(seconds(3));
  room.start(0);
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(1), (Texts{"d1", "d0"}));
  EXPECT_EQ(room.status(1).phase, "regular");
  EXPECT_EQ(room.names_in_view(1), Texts{"c1"});
  room.say(1, 1, multicast(3, "after"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(1, 1), (Texts{"before", "after"}));
}

// Rules R2 and F10: rank 0 may have applied the join in a view that died with it, so it makes no
// view of the old order's here.
TEST(TwoDaemons, MakeAJoinPartOfTheRecoveredViewWhereItsPlaceDiedWithRankZero) {
  Room room(2);
  room.open();
  room.greet(1, 2);
  room.set_filter([](const auto& from, const auto&, const auto& body) {
    return from != "d1" || !std::holds_alternative<protocol::Batch>(body);
  });
  room.say(1, 2, join(1, "room"));
  room.settle();
  room.kill(0);
  room.set_filter({});
  room.run_for(seconds(3));
  room.start(0);
  room.run_for(seconds(2));
  const GroupView view = room.last_view(1);
  EXPECT_EQ(view.id.place, OrderNumber{});
  EXPECT_TRUE(view.recovered);
  EXPECT_EQ(view.joined, std::vector<ProcessId>{room.process(1, 2)});
  ASSERT_EQ(view.left.size(), 1u);
  EXPECT_EQ(view.left[0].process, room.process(0, 1));
  EXPECT_EQ(room.last_view(1, 2).members, view.members);
}

// Rule D5: nobody who counted it out is alive any more, and still it is not taken for a joiner.
TEST(TwoDaemons, DoNotAdmitAMemberAgainThatWasCountedOutLongAgo) {
  Room room(2);
  room.open();
  const Incarnation frozen = room.process(1, 1).key.daemon;
  room.cut(0, 1);
  for (int restart = 0; restart < 2; ++restart) {
    room.vanish(0);
    room.start(0);
    room.run_for(seconds(5));
  }
  EXPECT_EQ(room.members(0), Texts{"d0"});
  room.heal();
  room.run_for(seconds(2));
  EXPECT_TRUE(room.gave_up(1));
  for (const InstallView& install : room.installed(0)) {
    if (install.view.id.counter == 1) continue;
    for (const protocol::DaemonMember& member : install.view.members) {
      EXPECT_NE(member.id.incarnation, frozen);
    }
  }
}

// Rule D6: it died before it was admitted, and nobody has heard of it since but by late frames.
TEST(TwoDaemons, DoNotAdmitAGhost) {
  Room room(2);
  room.open();
  room.kill(1);
  room.run_for(seconds(2));
  ASSERT_EQ(room.members(0), Texts{"d0"});
  const auto hears_somebody = [](const protocol::PeerBody& body) {
    const auto* beacon = std::get_if<protocol::Beacon>(&body);
    return beacon != nullptr && !beacon->hears.empty();
  };
  room.set_filter([&](const auto& from, const auto&, const auto& body) {
    return from != "d1" || !hears_somebody(body);
  });
  room.start(1);
  room.run_for(milliseconds(300));
  const auto late = room.last_frame<protocol::Beacon>(1, 0);
  ASSERT_TRUE(hears_somebody(late.body));
  room.vanish(1);
  room.set_filter({});
  room.run_for(seconds(60));
  const std::size_t views = room.installed(0).size();
  room.receive(0, late);
  room.run_for(seconds(5));
  EXPECT_EQ(room.installed(0).size(), views);
  room.start(1);
  room.run_for(milliseconds(300));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
}

// --- three daemons -------------------------------------------------------------------------------

// The third is decided to be a member and never learns it; then it and one more die.
class ThreeDaemons : public ::testing::Test {
 protected:
  ThreeDaemons() {
    room.start(0);
    room.start(1);
    room.run_for(seconds(2));
    room.set_filter([](const auto&, const auto& to, const auto& body) {
      return to != "d2" || !std::holds_alternative<protocol::Install>(body);
    });
    room.start(2);
    room.run_for(milliseconds(300));
    EXPECT_EQ(room.members(1), (Texts{"d0", "d1", "d2"}));
    room.vanish(2);
    room.vanish(0);
    room.set_filter({});
  }
  Room room{3};
};

// Rule R5: its record is as old as the member, so it knows that it promised nothing.
TEST_F(ThreeDaemons, GoOnWithOneThatNeverLearntThatItWasIn) {
  room.start(2);
  room.run_for(seconds(8));
  EXPECT_EQ(room.status(1).phase, "regular");
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2"}));
}

TEST_F(ThreeDaemons, DoNotCountAVoteWhoseRecordWasLost) {
  room.wipe(2);
  for (int restart = 0; restart < 2; ++restart) {
    room.start(2);
    room.run_for(seconds(8));
    EXPECT_EQ(room.status(1).phase, "suspended");
    room.vanish(2);
  }
}

// Rule V5: one that has not found a view yet serves nobody, and says so at once.
TEST(TwoDaemons, RefuseASendBeforeTheirFirstView) {
  Room room(2);
  room.start(1);
  room.greet(1, 1);
  room.say(1, 1, multicast(1, "too early"));
  room.settle();
  const std::vector<protocol::Rejected> expected{
      {RequestId{1}, GroupKey{}, RejectReason::kNoPrimary}};
  EXPECT_EQ(room.rejected(1, 1), expected);
}

// --- four daemons --------------------------------------------------------------------------------

TEST(FourDaemons, GoOnInTheHalfWithRankZero) {
  Room room(4);
  room.open();
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {2u, 3u}) room.cut(a, b);
  }
  room.run_for(seconds(4));
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(room.members(i), (Texts{"d0", "d1"}));
  for (const std::size_t i : {2u, 3u}) EXPECT_EQ(room.status(i).phase, "suspended");
  room.heal();
  room.run_for(seconds(2));
  for (const std::size_t i : {2u, 3u}) {
    EXPECT_TRUE(room.gave_up(i));
    EXPECT_EQ(room.heard_of<Gone>(i, 1),
              (std::vector<Gone>{{group_key("room"), GoneReason::kExcluded}}));
  }
}

TEST(FourDaemons, TellSendersOfAnExcludedDaemonWhatWasNotDelivered) {
  Room room(4);
  room.open();
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {2u, 3u}) room.cut(a, b);
  }
  room.say(2, 1, multicast(2, "was delivered here", Order::kFifo));
  room.say(2, 1, multicast(3, "waits for its place", Order::kTotal));
  room.run_for(seconds(4));
  room.heal();
  room.run_for(seconds(2));
  ASSERT_TRUE(room.gave_up(2));
  EXPECT_EQ(room.heard_of<protocol::Accepted>(2, 1).back().up_to, RequestId{3});
  EXPECT_EQ(room.texts(2, 1), Texts{"was delivered here"});
  EXPECT_EQ(room.heard_of<protocol::SendFail>(2, 1),
            (std::vector<protocol::SendFail>{{group_key("room"), SendNumber{2}}}));
  EXPECT_TRUE(room.heard_of<protocol::SendFail>(3, 1).empty());
}

TEST(FourDaemons, TakeExcludedDaemonsBackAsNewIncarnations) {
  Room room(4);
  room.open();
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {2u, 3u}) room.cut(a, b);
  }
  room.run_for(seconds(4));
  room.heal();
  room.run_for(seconds(1));
  for (const std::size_t i : {2u, 3u}) {
    ASSERT_TRUE(room.gave_up(i));
    room.start(i);
  }
  room.run_for(seconds(2));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(room.status(i).members.size(), 4u);
  room.enter(2, 7);
  EXPECT_EQ(room.names_in_view(0), (Texts{"c0", "c1", "c2"}));
}

// --- five daemons --------------------------------------------------------------------------------

TEST(FiveDaemons, SurviveTheLossOfTwoAtOnce) {
  Room room(5);
  room.open();
  room.kill(0);
  room.kill(3);
  room.run_for(milliseconds(500));
  for (const std::size_t i : {1u, 2u, 4u}) {
    EXPECT_EQ(room.members(i), (Texts{"d1", "d2", "d4"}));
    EXPECT_EQ(room.last_view(i).id, room.last_view(1).id);
  }
  room.say(4, 1, multicast(2, "on"));
  room.run_for(milliseconds(100));
  for (const std::size_t i : {1u, 2u, 4u}) EXPECT_EQ(room.texts(i, 1), Texts{"on"});
}

TEST(FiveDaemons, LoseOneAfterAnotherDownToTwo) {
  Room room(5);
  room.open();
  for (const std::size_t i : {4u, 3u, 2u}) {
    room.kill(i);
    room.run_for(seconds(1));
  }
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(room.members(i), (Texts{"d0", "d1"}));
}

TEST(FiveDaemons, ChangeTheViewThoughTheProposerDiesInIt) {
  for (const bool has_proposed : {false, true}) {
    Room room(5);
    room.open();
    bool seen = false;
    room.set_filter([&](const std::string& from, const std::string&, const auto& body) {
      const bool is_it =
          has_proposed ? is_body<protocol::Propose>(body) : is_body<protocol::Prepare>(body);
      seen = seen || (from == "d0" && is_it);
      return from != "d0" || !seen || is_it;
    });
    room.say(3, 1, multicast(2, "in flight", Order::kFifo));
    room.kill(4);
    for (int i = 0; i < 20 && !seen; ++i) room.run_for(milliseconds(10));
    EXPECT_TRUE(seen);
    room.kill(0);
    room.set_filter({});
    room.run_for(seconds(3));
    for (const std::size_t i : {1u, 2u, 3u}) {
      EXPECT_EQ(room.members(i), (Texts{"d1", "d2", "d3"})) << has_proposed;
      EXPECT_EQ(room.texts(i, 1), Texts{"in flight"});
    }
  }
}

// A value was accepted in which the dead member is: it must be decided, and left again.
TEST(FiveDaemons, AgreeOnWhatTheDeadProposerMayHaveDecided) {
  Room room(5);
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return from != "d0" || !is_body<protocol::Propose>(body) || to == "d1";
  });
  room.kill(4);
  room.run_for(milliseconds(20));
  room.kill(0);
  room.set_filter({});
  room.run_for(seconds(4));
  for (const std::size_t i : {1u, 2u, 3u}) {
    EXPECT_EQ(room.members(i), (Texts{"d1", "d2", "d3"}));
    ASSERT_GE(room.installed(i).size(), 2u);
    const auto& before = room.installed(i)[room.installed(i).size() - 2];
    EXPECT_EQ(before.view.members.size(), 4u);
    EXPECT_EQ(before.view.id, room.installed(1)[room.installed(1).size() - 2].view.id);
  }
}

// --- silence, one-way links and bridges ----------------------------------------------------------

TEST(DaemonViews, LeaveASilentDaemonBehindWithinAFewSeconds) {
  Room room(3);
  room.open();
  room.vanish(2);
  room.run_for(milliseconds(1400));
  EXPECT_EQ(room.status(0).members.size(), 3u);
  room.run_for(milliseconds(1600));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
}

TEST(DaemonViews, LeaveADaemonBehindThatHearsAndIsNotHeard) {
  Room room(3);
  room.open();
  room.set_filter(
      [](const std::string& from, const std::string&, const auto&) { return from != "d2"; });
  room.run_for(seconds(5));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  EXPECT_FALSE(room.is_running(2) && room.status(2).phase == "regular");
}

TEST(DaemonViews, TakeOneSideOfABridge) {
  Room room(3);
  room.open();
  room.cut(0, 2);
  room.run_for(seconds(6));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  const bool serves = room.is_running(2) && room.status(2).phase == "regular";
  EXPECT_FALSE(serves);
}

// The later ones notice first: to them the members on the other side were silent before.
TEST(DaemonViews, TakeTheLowerSideOfABridgeThoughTheOtherNoticesFirst) {
  Room room(5);
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return !((from == "d0" || from == "d1") && (to == "d3" || to == "d4"));
  });
  room.run_for(milliseconds(150));
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {3u, 4u}) room.cut(a, b);
  }
  room.run_for(seconds(3));
  for (const std::size_t i : {0u, 1u, 2u}) EXPECT_EQ(room.members(i), (Texts{"d0", "d1", "d2"}));
}

// --- clients in a change -------------------------------------------------------------------------

TEST(DaemonViews, QueueWhatIsSentDuringAFlushForTheNextView) {
  Room room(3);
  room.open();
  room.set_filter([](const std::string&, const std::string&, const auto& body) {
    return !is_body<protocol::Propose>(body);
  });
  room.kill(2);
  room.run_for(milliseconds(20));
  EXPECT_EQ(room.status(0).phase, "flushing");
  room.say(0, 1, multicast(2, "queued"));
  room.settle();
  EXPECT_TRUE(room.heard_of<protocol::Accepted>(0, 1).empty());
  EXPECT_EQ(room.counter(0, "client_requests_queued"), 1u);
  room.set_filter({});
  room.run_for(milliseconds(300));
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(room.texts(i, 1), Texts{"queued"});
    const auto& heard = room.heard(i, 1);
    const auto view = std::find_if(heard.rbegin(), heard.rend(), [](const auto& message) {
      return std::holds_alternative<protocol::ViewChanged>(message);
    });
    const auto delivery = std::find_if(heard.rbegin(), heard.rend(), [](const auto& message) {
      return std::holds_alternative<protocol::Deliver>(message);
    });
    EXPECT_LT(delivery, view);  // counted from the end: behind the view
  }
}

TEST(DaemonViews, SendALargePayloadAgainWhoseChunksTheOldViewHad) {
  Room room(3);
  room.defaults().window_messages = 2;
  room.open();
  room.cut(1, 2);
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || is_body<protocol::Heartbeat>(body) == false;
  });
  const std::string chunk(protocol::kChunkBytesMax, 'x');
  for (int i = 0; i < 4; ++i) {
    room.say(0, 1, protocol::MulticastChunk{Payload::copy_of(chunk)});
  }
  room.say(0, 1, multicast(2, "end"));
  room.settle();
  EXPECT_TRUE(room.texts(1, 1).empty());
  room.kill(2);
  room.set_filter({});
  room.run_for(seconds(1));
  std::string whole;
  for (int i = 0; i < 4; ++i) whole += chunk;
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(room.texts(i, 1), Texts{whole + "end"});
}

TEST(DaemonViews, DeliverOneSetOfMessagesBeforeTheNextViewToAllSurvivors) {
  Room room(3);
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    const bool is_data = is_body<protocol::Batch>(body) || is_body<protocol::Repair>(body);
    return from != "d0" || to != "d2" || !is_data;
  });
  for (std::uint64_t i = 0; i < 20; ++i) {
    room.say(0, 1, multicast(2 + i, std::to_string(i), static_cast<Order>(i % 4)));
  }
  room.settle();
  room.kill(0);
  room.run_for(milliseconds(500));
  Texts one = room.texts(1, 1);
  Texts other = room.texts(2, 1);
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  EXPECT_EQ(one.size(), 20u);
  EXPECT_EQ(one, other);
}

// An answer has a frame for each hole, and no frame is a reason to ask again (rule F5).
TEST(DaemonViews, AskOnceForAllHolesOfACut) {
  Room room(3);
  room.open();
  int batches = 0;
  int questions = 0;
  int answers = 0;
  room.set_filter([&](const std::string& from, const std::string& to, const auto& body) {
    if (is_body<protocol::Nack>(body)) ++questions;
    if (is_body<protocol::Repair>(body)) ++answers;
    if (from != "d0" || to != "d2") return true;
    if (is_body<protocol::Repair>(body)) return false;
    return !is_body<protocol::Batch>(body) || ++batches % 2 == 0;
  });
  for (std::uint64_t i = 0; i < 40; ++i) {
    room.say(0, 1, multicast(2 + i, std::to_string(i), Order::kFifo));
    room.settle();
  }
  ASSERT_EQ(questions, 0);
  room.kill(0);
  room.run_for(milliseconds(500));
  EXPECT_EQ(room.texts(2, 1), room.texts(1, 1));
  EXPECT_EQ(room.texts(2, 1).size(), 40u);
  EXPECT_EQ(questions, 1);
  EXPECT_EQ(answers, 20);
}

TEST(DaemonViews, KeepAJoinThatWasUnderWay) {
  Room room(3);
  room.open();
  room.set_filter(
      [](const std::string& from, const std::string&, const auto&) { return from != "d2"; });
  room.greet(1, 5);
  room.say(1, 5, join(1, "room"));
  room.settle();
  EXPECT_TRUE(room.heard_of<protocol::ViewChanged>(1, 5).empty());
  room.kill(2);
  room.set_filter({});
  room.run_for(milliseconds(500));
  EXPECT_EQ(room.names_in_view(0), (Texts{"c0", "c1", "c1"}));
  EXPECT_EQ(room.last_view(1, 5).id, room.last_view(0).id);
}

// --- daemons that leave --------------------------------------------------------------------------

TEST(DaemonViews, LetSeveralDaemonsLeaveAtOnce) {
  Room room(3);
  room.open();
  room.ask_to_leave(1);
  room.ask_to_leave(2);
  room.run_for(seconds(3));
  EXPECT_TRUE(room.finished(1));
  EXPECT_TRUE(room.finished(2));
  EXPECT_EQ(room.members(0), Texts{"d0"});
  for (const Departed& departed : room.last_view(0).left) {
    EXPECT_EQ(departed.reason, LeaveReason::kLeave);
  }
  EXPECT_EQ(room.names_in_view(0), Texts{"c0"});
}

TEST(DaemonViews, LetAllDaemonsLeaveAtOnce) {
  Room room(3);
  room.open();
  for (std::size_t i = 0; i < 3; ++i) room.ask_to_leave(i);
  room.run_for(seconds(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(room.finished(i));
    EXPECT_EQ(room.heard_of<Gone>(i, 1),
              (std::vector<Gone>{{group_key("room"), GoneReason::kDaemonLost}}));
    EXPECT_TRUE(room.is_closed(i, 1));
  }
}

TEST(DaemonViews, LetADaemonLeaveThatIsOutside) {
  Cluster cluster(3);
  cluster.start(0);
  cluster.run_for(seconds(1));
  EXPECT_EQ(cluster.status(0).phase, "joining");
  cluster.ask_to_leave(0);
  EXPECT_TRUE(cluster.finished(0));
}

TEST(DaemonViews, StartAgainOutOfRecordsAfterAllHaveLeft) {
  Room room(3);
  room.open();
  for (std::size_t i = 0; i < 3; ++i) room.ask_to_leave(i);
  room.run_for(seconds(3));
  room.start_all();
  room.run_for(seconds(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(room.status(i).phase, "regular");
    EXPECT_EQ(room.status(i).members.size(), 3u);
    EXPECT_EQ(room.counter(i, "groups"), 0u);
  }
}

// --- daemons that come ---------------------------------------------------------------------------

TEST(DaemonViews, TellAJoinerHowTheGroupsStand) {
  Room room(3);
  room.start(0);
  room.start(1);
  room.run_for(seconds(2));
  room.enter(0, 1);
  room.say(0, 1, join(2, "other", {.flush = false, .uniform = true}));
  room.run_for(milliseconds(50));
  room.start(2);
  room.run_for(seconds(1));
  EXPECT_EQ(room.members(2), (Texts{"d0", "d1", "d2"}));
  room.greet(2, 1);
  room.say(2, 1, protocol::GroupsQuery{RequestId{1}});
  room.settle();
  const auto replies = room.heard_of<protocol::GroupsReply>(2, 1);
  ASSERT_EQ(replies.size(), 1u);
  ASSERT_EQ(replies[0].groups.size(), 2u);
  EXPECT_EQ(replies[0].groups[0].name, "other");
  EXPECT_TRUE(replies[0].groups[0].options.uniform);
  EXPECT_EQ(replies[0].groups[1].members, std::vector<ProcessId>{room.process(0, 1)});
}

TEST(DaemonViews, FormOneViewHoweverTheDaemonsStart) {
  for (std::size_t first = 0; first < 5; ++first) {
    Cluster cluster(5);
    for (std::size_t k = 0; k < 5; ++k) {
      cluster.start((first + 2 * k) % 5);
      cluster.run_for(milliseconds(150 * first));
    }
    cluster.run_for(seconds(3));
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(cluster.status(i).members.size(), 5u);
      EXPECT_EQ(cluster.status(i).view, cluster.status(0).view);
    }
  }
}

}  // namespace
}  // namespace groupcomm::daemon
