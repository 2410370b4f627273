// Safe notices (rules N1-N3): who is told that all members have its message, and when.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Numbers = std::vector<std::uint64_t>;

class SafeNotices : public testing::Test {
 protected:
  SafeNotices() { room.open(); }

  static protocol::Multicast asking(std::uint64_t request, Order order = Order::kTotal,
                                    const std::string& group = "room") {
    protocol::Multicast send = multicast(request, "x", order, group);
    send.notify_safe = true;
    return send;
  }
  void say(const protocol::ClientMessage& message) {
    room.say(0, 1, message);
    room.run_for(milliseconds(50));
  }
  void consume(std::size_t i) {
    room.consume_all(i, 1);
    room.run_for(milliseconds(50));
  }
  // The numbers of the sends that c0 was told to be safe.
  Numbers noticed(const std::string& group = "room") {
    Numbers numbers;
    for (const auto& notice : room.heard_of<protocol::SafeNotice>(0, 1)) {
      if (notice.group == group_key(group)) numbers.push_back(notice.number.value);
    }
    return numbers;
  }

  Room room{3};
};

TEST_F(SafeNotices, ComeWhenAllMembersHaveSeenTheMessage) {
  say(asking(2));
  consume(0);
  consume(1);
  EXPECT_EQ(noticed(), Numbers{});
  consume(2);
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, AreOfAnyOrder) {
  const std::vector<Order> orders = {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal,
                                     Order::kSafe};
  std::uint64_t request = 2;
  for (const Order order : orders) say(asking(request++, order));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(noticed(), (Numbers{1, 2, 3, 4, 5}));
}

TEST_F(SafeNotices, AreForThoseWhoAskOnly) {
  say(multicast(2, "nobody asks"));
  say(asking(3));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(noticed(), Numbers{2});
}

TEST_F(SafeNotices, TellTheMembersThatSomebodyWaits) {
  say(multicast(2, "nobody asks"));
  say(asking(3));
  const auto deliveries = room.heard_of<protocol::Deliver>(1, 1);
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_FALSE(deliveries[0].report_soon);
  EXPECT_TRUE(deliveries[1].report_soon);
}

TEST_F(SafeNotices, WaitForAllMembersOfADaemon) {
  room.enter(2, 2);
  say(asking(2));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(noticed(), Numbers{});
  room.consume_all(2, 2);
  room.run_for(milliseconds(50));
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, DoNotWaitForThoseWhoLeftOrDied) {
  say(asking(2));
  consume(0);
  consume(1);
  room.lose_client(2, 1);
  room.run_for(milliseconds(50));
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, OfOneMemberOnly) {
  protocol::Multicast send = asking(2);
  send.to = room.process(1, 1).key;
  say(send);
  EXPECT_EQ(noticed(), Numbers{});
  consume(1);
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, DoNotWaitForOneselfWhereOneDiscardsIt) {
  protocol::Multicast send = asking(2);
  send.self_discard = true;
  say(send);
  consume(1);
  consume(2);
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, ComeForEachGroupOfAMessage) {
  for (const std::size_t i : {0u, 1u}) room.say(i, 1, join(20, "hall"));
  room.run_for(milliseconds(50));
  protocol::Multicast send = asking(21);
  send.more_groups = {group_key("hall")};
  say(send);
  for (const std::size_t i : {1u, 2u}) consume(i);
  EXPECT_EQ(noticed(), Numbers{});
  consume(0);
  EXPECT_EQ(noticed("room"), Numbers{1});
  EXPECT_EQ(noticed("hall"), Numbers{1});
}

TEST_F(SafeNotices, DoNotWaitForADaemonThatDied) {
  say(asking(2));
  consume(0);
  consume(1);
  room.kill(2);
  room.run_for(seconds(1));
  EXPECT_EQ(noticed(), Numbers{1});
}

TEST_F(SafeNotices, OfAnEarlierViewWaitForWhoIsStillAMember) {
  say(asking(2));
  consume(0);
  room.kill(2);
  room.run_for(seconds(1));
  EXPECT_EQ(noticed(), Numbers{});
  // One of this view is not held up by what is left of the last, nor the other way round.
  say(asking(3));
  EXPECT_EQ(noticed(), Numbers{});
  consume(0);
  consume(1);
  Numbers all = noticed();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Numbers{1, 2}));
}

TEST_F(SafeNotices, DoNotComeWhereTheSendFailed) {
  room.say(1, 1, join(20, "hall"));
  room.run_for(milliseconds(50));
  // Both are on their way at the same time: the leave gets its place first.
  room.say(1, 1, leave(21, "hall"));
  protocol::Multicast send = asking(2, Order::kTotal, "hall");
  send.more_groups = {group_key("room")};
  room.say(2, 1, send);
  room.run_for(milliseconds(50));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(room.heard_of<protocol::SendFail>(2, 1),
            (std::vector<protocol::SendFail>{{group_key("hall"), SendNumber{1}}}));
  EXPECT_EQ(room.heard_of<protocol::SafeNotice>(2, 1),
            (std::vector<protocol::SafeNotice>{{group_key("room"), SendNumber{1}}}));
}

TEST_F(SafeNotices, GoToSendersThatAreNoMembers) {
  room.greet(0, 2);
  room.say(0, 2, asking(1));
  room.run_for(milliseconds(50));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(room.heard_of<protocol::SafeNotice>(0, 2).size(), 1u);
}

// A member that reads nothing for long must not fill the memory of the sender's daemon.
TEST_F(SafeNotices, AreAwaitedInBoundedNumber) {
  const std::uint64_t window = DaemonOptions{}.client_window_messages;
  for (std::uint64_t n = 0; n < window + 10; ++n) room.say(0, 1, asking(2 + n, Order::kFifo));
  room.run_for(seconds(1));
  EXPECT_EQ(room.texts(1, 1).size(), window);
  room.say(0, 1, multicast(2 + window + 10, "behind them"));
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(noticed().size(), window);
  EXPECT_EQ(room.texts(1, 1).size(), window + 11);
  for (const std::size_t i : {0u, 1u, 2u}) consume(i);
  EXPECT_EQ(noticed().size(), window + 10);
}

// Rule N1: a member that has ended is one until its leave has its place and takes effect.
TEST_F(SafeNotices, WaitForTheLeaveOfAMemberThatHasEnded) {
  room.set_filter([](const std::string& from, const auto&, const auto& body) {
    return from != "d1" || std::holds_alternative<protocol::Heartbeat>(body);
  });
  room.lose_client(1, 1);
  say(asking(2, Order::kReliable));
  consume(0);
  consume(2);
  room.run_for(milliseconds(300));
  EXPECT_EQ(noticed(), Numbers{});
  EXPECT_EQ(room.names_in_view(0).size(), 3u);
  room.set_filter({});
  room.run_for(milliseconds(500));
  EXPECT_EQ(room.names_in_view(0).size(), 2u);
  EXPECT_EQ(noticed(), Numbers{1});
}

}  // namespace
}  // namespace groupcomm::daemon
