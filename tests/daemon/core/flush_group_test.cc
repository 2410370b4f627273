// Groups with sync = flush: members hold back before the view changes (rules H1-H4).
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Block;
using protocol::Gone;
using protocol::Rejected;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

constexpr GroupOptions kFlush{.flush = true, .uniform = false};

// Daemons whose session 1 is in the flush group "hall"; session 2 of each is greeted and in no
// group. The tests answer blocks themselves.
class FlushGroupTest : public ::testing::TestWithParam<TotalOrderEngine> {
 protected:
  explicit FlushGroupTest(std::size_t size = 3) : room(size, GetParam()), size(size) {
    room.start_all();
    room.run_for(seconds(2));
    for (std::size_t i = 0; i < size; ++i) {
      for (const std::uint64_t session : {1u, 2u}) room.greet(i, session);
    }
    for (std::size_t i = 0; i < size; ++i) {
      room.say(i, 1, join(1, "hall", kFlush));
      room.run_for(milliseconds(20));
      for (std::size_t j = 0; j < i; ++j) agree(j, 1);
      room.run_for(milliseconds(20));
    }
  }

  void agree(std::size_t i, std::uint64_t session) {
    room.say(i, session,
             protocol::BlockOk{RequestId{++requests}, "hall", views_of(i, session).size()});
    room.settle();
  }
  protocol::Multicast to_hall(std::size_t i, const std::string& text, Order order = Order::kTotal) {
    protocol::Multicast send = multicast(++requests, text, order, "hall");
    send.views_seen = {views_of(i, 1).size()};
    return send;
  }
  // The texts that a member was given in each of its views.
  std::vector<Texts> texts_by_view(std::size_t i) {
    std::vector<Texts> texts;
    for (const auto& message : room.heard(i, 1)) {
      if (std::holds_alternative<protocol::ViewChanged>(message)) texts.emplace_back();
      if (const auto* delivery = std::get_if<protocol::Deliver>(&message)) {
        texts.back().emplace_back(delivery->payload.text());
      }
    }
    return texts;
  }
  std::vector<protocol::ViewChanged> views_of(std::size_t i, std::uint64_t session) {
    return room.heard_of<protocol::ViewChanged>(i, session);
  }
  std::size_t blocks(std::size_t i) { return room.heard_of<Block>(i, 1).size(); }

  Room room;
  std::size_t size;
  std::uint64_t requests = 1000;
};

INSTANTIATE_TEST_SUITE_P(Engines, FlushGroupTest,
                         ::testing::Values(TotalOrderEngine::kSequencer,
                                           TotalOrderEngine::kLamport));

TEST_P(FlushGroupTest, LetsTheFirstMemberInAtOnceAndAsksItForTheNext) {
  EXPECT_EQ(blocks(0), 2u);
  EXPECT_EQ(blocks(1), 1u);
  EXPECT_EQ(blocks(2), 0u);
  EXPECT_EQ(views_of(0, 1).size(), 3u);
  EXPECT_EQ(views_of(2, 1).size(), 1u);
}

TEST_P(FlushGroupTest, ChangesTheViewOnlyOnceAllMembersHoldBack) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(room.heard_of<Block>(i, 1).back(), Block{group_key("hall")});
  agree(0, 1);
  agree(1, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.last_view(0).members.size(), 3u);
  agree(2, 1);
  room.run_for(milliseconds(50));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(room.last_view(i).members.size(), 4u);
  EXPECT_EQ(room.last_view(0, 2).members.size(), 4u);
}

TEST_P(FlushGroupTest, IsDoneWithAClientWhoseAnswerIsMoreThanMayWait) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  // It is in one group.
  const std::size_t fit = 2 * room.defaults().client_window_messages + 2 * protocol::kJoinsMax + 1;
  std::vector<protocol::ClientMessage> messages(fit, leave(1, "elsewhere"));
  messages.push_back(protocol::BlockOk{RequestId{++requests}, "hall", views_of(1, 1).size()});
  room.say_all(1, 1, messages);
  EXPECT_TRUE(room.is_closed(1, 1));
}

TEST_P(FlushGroupTest, DeliversInTheOldViewWhatWasSentBetweenBlockAndBlockOk) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  const std::size_t views = views_of(0, 1).size();
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    room.say(1, 1, to_hall(1, "last words", order));
  }
  room.say(1, 1, protocol::BlockOk{RequestId{++requests}, "hall", views_of(1, 1).size()});
  room.say(1, 1, to_hall(1, "too late"));
  agree(0, 1);
  agree(2, 1);
  room.run_for(milliseconds(100));
  ASSERT_EQ(views_of(0, 1).size(), views + 1);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto texts = texts_by_view(i);
    EXPECT_EQ(texts[texts.size() - 2], Texts(5, "last words"));
    EXPECT_TRUE(texts.back().empty());
  }
  ASSERT_EQ(room.rejected(1, 1).size(), 1u);
  EXPECT_EQ(room.rejected(1, 1)[0].reason, RejectReason::kBlocked);
}

TEST_P(FlushGroupTest, RefusesWhatWasSentBeforeAViewThatItsSenderHadNotSeen) {
  const protocol::Multicast early = to_hall(1, "for the view before");
  room.kill(2);
  room.run_for(milliseconds(300));  // a view came with the view of daemons
  const std::size_t views = views_of(1, 1).size();
  EXPECT_GT(views, early.views_seen[0]);
  room.say(1, 1, early);
  room.run_for(milliseconds(50));
  ASSERT_EQ(room.rejected(1, 1).size(), 1u);
  EXPECT_EQ(room.rejected(1, 1)[0].reason, RejectReason::kBlocked);
  room.say(1, 1, to_hall(1, "for this view"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(0, 1), Texts{"for this view"});
}

TEST_P(FlushGroupTest, GivesOneViewForAllThatWasAnnouncedMeanwhile) {
  const std::size_t views = views_of(0, 1).size();
  room.say(0, 2, join(1, "hall", kFlush));
  room.say(1, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  room.lose_client(2, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(views_of(0, 1).size(), views);
  agree(0, 1);
  agree(1, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(views_of(0, 1).size(), views + 1);
  const GroupView view = room.last_view(0);
  EXPECT_EQ(view.joined, (std::vector<ProcessId>{room.process(0, 2), room.process(1, 2)}));
  ASSERT_EQ(view.left.size(), 1u);
  EXPECT_EQ(view.left[0].reason, LeaveReason::kCrash);
  EXPECT_EQ(blocks(0), 3u);
}

TEST_P(FlushGroupTest, DoesNotWaitForOneWhoLeaves) {
  room.say(2, 1, leave(++requests, "hall"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(blocks(2), 0u);
  agree(0, 1);
  agree(1, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.heard_of<Gone>(2, 1), (std::vector<Gone>{{group_key("hall"), GoneReason::kLeft}}));
  EXPECT_EQ(room.last_view(0).members.size(), 2u);
}

TEST_P(FlushGroupTest, EvictsAMemberThatDoesNotAnswer) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  agree(0, 1);
  agree(1, 1);
  room.run_for(milliseconds(900));
  EXPECT_FALSE(room.is_closed(2, 1));
  room.run_for(milliseconds(200));
  EXPECT_TRUE(room.is_closed(2, 1));
  EXPECT_EQ(room.heard_of<Gone>(2, 1),
            (std::vector<Gone>{{group_key("hall"), GoneReason::kEvicted}}));
  const GroupView view = room.last_view(0);
  EXPECT_EQ(view.members.size(), 3u);
  ASSERT_EQ(view.left.size(), 1u);
  EXPECT_EQ(view.left[0].reason, LeaveReason::kEvicted);
}

// Each waits for the other's answer, which stands behind its own join.
TEST_P(FlushGroupTest, TakesAnswersFromMembersWhoseOwnJoinWaits) {
  room.say(0, 2, join(1, "other", kFlush));
  room.run_for(milliseconds(50));
  room.say(0, 1, join(++requests, "other", kFlush));  // needs the answer of (0, 2)
  room.say(0, 2, join(++requests, "hall", kFlush));   // needs that of (0, 1)
  room.run_for(milliseconds(50));
  room.say(0, 2, protocol::BlockOk{RequestId{++requests}, "other", 1});
  room.say(0, 1, to_hall(0, "behind the join"));
  agree(0, 1);
  agree(1, 1);
  agree(2, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.last_view(1).members.size(), 4u);
  EXPECT_EQ(room.last_view(0, 2).members.size(), 4u);
  EXPECT_FALSE(room.is_closed(0, 1));
  ASSERT_EQ(room.rejected(0, 1).size(), 1u);
  EXPECT_EQ(room.rejected(0, 1)[0].reason, RejectReason::kBlocked);
}

// d0's notices wait for the leave of d1's member, that for all to hold back, and d0's answer would
// wait behind its next send, which waits for notices.
TEST_P(FlushGroupTest, TakesAnswersFromMembersWhoseSendWaitsForNotices) {
  const std::uint64_t window = DaemonOptions{}.client_window_messages;
  for (std::uint64_t n = 0; n <= window; ++n) {
    protocol::Multicast send = to_hall(0, "x");
    send.notify_safe = true;
    room.say(0, 1, send);
  }
  room.run_for(seconds(1));
  ASSERT_EQ(room.texts(1, 1).size(), window);
  const std::uint64_t last = requests;
  room.lose_client(1, 1);
  room.run_for(milliseconds(100));
  for (const std::size_t i : {0u, 2u}) {
    room.consume_all(i, 1);
    agree(i, 1);
  }
  room.run_for(milliseconds(100));
  const std::vector<Rejected> expected{
      {RequestId{last}, group_key("hall"), RejectReason::kBlocked}};
  EXPECT_EQ(room.heard_of<Rejected>(0, 1), expected);
  EXPECT_EQ(views_of(0, 1).back().view.members.size(), 2u);
  EXPECT_EQ(room.heard_of<protocol::SafeNotice>(0, 1).size(), window);
}

TEST_P(FlushGroupTest, TakesWhatWaitsIntoTheNextViewOfDaemons) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  agree(0, 1);
  room.kill(2);
  room.run_for(milliseconds(300));
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(room.last_view(i).members.size(), 3u);
    EXPECT_EQ(room.last_view(i).joined, std::vector<ProcessId>{room.process(0, 2)});
    EXPECT_EQ(room.last_view(i).left.size(), 1u);
  }
  EXPECT_EQ(blocks(0), 3u);  // not again for the view of daemons
  room.say(1, 1, to_hall(1, "free again"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(0, 1), Texts{"free again"});
}

TEST_P(FlushGroupTest, TellsMembersToHoldBackWhenDaemonsChange) {
  const std::size_t before = blocks(0);
  room.kill(2);
  room.run_for(milliseconds(300));
  EXPECT_EQ(blocks(0), before + 1);
  EXPECT_EQ(room.last_view(0).members.size(), 2u);
}

// Also who comes in with the cut, when the view of daemons is being left already.
TEST_P(FlushGroupTest, AsksBeforeEachViewButTheFirst) {
  room.set_filter([](const std::string&, const std::string&, const protocol::PeerBody& body) {
    return !std::holds_alternative<protocol::Batch>(body);
  });
  room.say(1, 2, join(1, "vault", kFlush));
  room.settle();
  room.kill(2);
  room.run_for(milliseconds(300));
  std::vector<std::string> heard;
  for (const auto& message : room.heard(1, 2)) {
    if (std::holds_alternative<protocol::ViewChanged>(message)) heard.emplace_back("view");
    if (std::holds_alternative<Block>(message)) heard.emplace_back("block");
  }
  EXPECT_EQ(heard, (Texts{"view", "block", "view"}));
}

TEST_P(FlushGroupTest, RefusesAJoinWithoutTheOption) {
  room.say(0, 2, join(1, "hall"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.rejected(0, 2),
            (std::vector<Rejected>{{RequestId{1}, group_key("hall"), RejectReason::kBadOption}}));
  EXPECT_EQ(blocks(0), 2u);
}

TEST_P(FlushGroupTest, TakesSendsOfOutsidersMeanwhile) {
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  room.say(1, 2, multicast(1, "from outside", Order::kTotal, "hall"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(0, 1), Texts{"from outside"});
}

TEST_P(FlushGroupTest, IgnoresAnswersToAnEarlierBlock) {
  room.say(0, 1, protocol::BlockOk{RequestId{++requests}, "hall", 1});
  room.settle();
  EXPECT_TRUE(room.rejected(0, 1).empty());
  room.say(0, 1, to_hall(0, "not held"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(1, 1), Texts{"not held"});
}

// Only sends to the group that it holds back for are refused, behind a join of its own.
TEST_P(FlushGroupTest, KeepsSendsToOtherGroupsWhereAnAnswerOvertakesThem) {
  room.say(0, 2, join(1, "other", kFlush));
  room.run_for(milliseconds(50));
  room.say(0, 1, join(++requests, "other", kFlush));  // needs the answer of (0, 2)
  room.say(0, 2, join(++requests, "hall", kFlush));   // needs that of (0, 1)
  room.run_for(milliseconds(50));
  room.say(0, 1, multicast(++requests, "kept", Order::kFifo, "other"));
  agree(0, 1);
  agree(1, 1);
  agree(2, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.last_view(1).members.size(), 4u) << "the answer did not wait";
  EXPECT_EQ(room.texts(0, 2), Texts{});
  room.say(0, 2, protocol::BlockOk{RequestId{++requests}, "other", 1});
  room.run_for(milliseconds(50));
  EXPECT_TRUE(room.rejected(0, 1).empty());
  EXPECT_EQ(room.texts(0, 2), Texts{"kept"});
}

// Rule F10: those who applied the last hold are dead, and so is the view that it made; but a
// message of the new member, which names no sender, has survived here.
TEST_P(FlushGroupTest, NamesAMemberWithWhoseJoinOnlyTheDeadWentOn) {
  if (GetParam() == TotalOrderEngine::kLamport) return;  // d0 would wait for d1's clock
  room.say(0, 2, join(1, "hall", kFlush));
  room.run_for(milliseconds(50));
  agree(1, 1);
  agree(2, 1);
  room.run_for(milliseconds(50));
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return from != "d2" || to != "d1";  // its closing
  });
  agree(0, 1);
  room.run_for(milliseconds(100));
  ASSERT_EQ(room.last_view(0).members.size(), 4u);
  ASSERT_EQ(room.last_view(1).members.size(), 3u);
  protocol::Multicast hello = multicast(++requests, "hello", Order::kReliable, "hall");
  hello.views_seen = {views_of(0, 2).size()};
  room.say(0, 2, hello);
  room.run_for(milliseconds(50));
  const ProcessId sender = room.process(0, 2);
  room.kill(0);
  room.kill(2);
  room.set_filter({});
  room.run_for(seconds(3));
  room.start(0);
  room.start(2);
  room.run_for(seconds(3));
  const auto deliveries = room.heard_of<protocol::Deliver>(1, 1);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].sender, sender);
}

}  // namespace
}  // namespace groupcomm::daemon
