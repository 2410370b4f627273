// What a daemon thinks of itself after a stall (rule D8), and of members that send nothing (D9).
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Gone;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

// --- after a stall -------------------------------------------------------------------------------

class StallTest : public ::testing::TestWithParam<Order> {
 protected:
  StallTest() { room.open(); }

  // Says something at d0 every 20 ms.
  void talk(int times) {
    for (int k = 0; k < times; ++k) {
      ++requests;
      room.say(0, 1, multicast(requests, std::to_string(requests), GetParam()));
      room.run_for(milliseconds(20));
    }
  }

  Room room{3};
  std::uint64_t requests = 1;
};

INSTANTIATE_TEST_SUITE_P(Orders, StallTest,
                         ::testing::Values(Order::kReliable, Order::kFifo, Order::kCausal,
                                           Order::kTotal, Order::kSafe));

TEST_P(StallTest, DeliversNothingMoreWhereTheOthersWentOn) {
  talk(3);
  const Texts before = room.texts(2, 1);
  room.freeze(2);
  talk(200);  // four seconds: the others go on after one and a half
  ASSERT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.thaw(2);
  room.run_for(seconds(1));
  EXPECT_TRUE(room.gave_up(2));
  EXPECT_EQ(room.texts(2, 1), before);
  EXPECT_EQ(room.heard_of<Gone>(2, 1),
            (std::vector<Gone>{{group_key("room"), GoneReason::kExcluded}}));
}

// Rule C7. What it reads after the stall it has delivered to nobody.
TEST_P(StallTest, TellsTheSenderWhatItCouldNotDeliverAnyMore) {
  if (GetParam() != Order::kTotal && GetParam() != Order::kSafe) return;  // delivered at once
  room.freeze(0);
  room.say(2, 1, multicast(9, "late", GetParam()));
  room.run_for(milliseconds(1));
  room.freeze(2);
  room.thaw(0);
  room.run_for(seconds(4));
  ASSERT_EQ(room.texts(0, 1), Texts{"late"});
  room.thaw(2);
  room.run_for(seconds(1));
  ASSERT_TRUE(room.gave_up(2));
  EXPECT_EQ(room.texts(2, 1), Texts{});
  EXPECT_EQ(room.heard_of<protocol::SendFail>(2, 1),
            (std::vector<protocol::SendFail>{{group_key("room"), SendNumber{1}}}));
}

TEST_P(StallTest, GoesOnWhereTheOthersStoodStillToo) {
  const auto view = room.last_view(2).id;
  talk(3);
  for (std::size_t i = 0; i < 3; ++i) room.freeze(i);
  room.run_for(seconds(5));
  for (std::size_t i = 0; i < 3; ++i) room.thaw(i);
  talk(20);
  EXPECT_EQ(room.last_view(2).id, view);
  EXPECT_EQ(room.texts(2, 1), room.texts(0, 1));
  EXPECT_EQ(room.texts(2, 1).size(), 23u);
}

TEST_P(StallTest, AShortOneCostsNothing) {
  const auto view = room.last_view(2).id;
  room.freeze(2);
  talk(40);
  room.thaw(2);
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.last_view(2).id, view);
  EXPECT_EQ(room.texts(2, 1).size(), 40u);
}

// The others answer when its view is suspended (M15): what it read comes with the next view.
TEST_P(StallTest, DeliversNothingThatItHeldBackWhenItWasSuspended) {
  room.freeze(2);
  talk(1);
  room.freeze(0);
  room.freeze(1);
  room.run_for(seconds(2));
  room.set_filter([](const auto&, const auto&, const auto& body) {
    return is_body<protocol::Heartbeat>(body) || is_body<protocol::Batch>(body);
  });
  room.thaw(2);
  room.refuse(2, 0);
  room.refuse(2, 1);
  ASSERT_EQ(room.status(2).phase, "suspended");
  room.thaw(0);
  room.thaw(1);
  room.run_for(milliseconds(500));
  ASSERT_EQ(room.status(2).phase, "suspended");
  EXPECT_EQ(room.texts(2, 1), Texts{});
  room.set_filter({});
  room.run_for(seconds(3));
  EXPECT_EQ(room.status(2).phase, "regular");
  EXPECT_EQ(room.texts(2, 1), Texts{"2"});
}

// --- members that send nothing -------------------------------------------------------------------

bool is_bulk(const protocol::PeerBody& body) {
  return is_body<protocol::Batch>(body) || is_body<protocol::Repair>(body);
}

class MuteTest : public ::testing::Test {
 protected:
  MuteTest() { room.open(); }

  bool is_reported(std::size_t i, const std::string& what) {
    const auto& reports = room.reports(i);
    return std::any_of(reports.begin(), reports.end(), [&](const Report& report) {
      return report.text.find(what) != std::string::npos;
    });
  }
  void talk_everywhere() {
    for (std::size_t i = 0; i < 3; ++i) {
      if (room.is_running(i)) room.say(i, 1, multicast(++requests, "x"));
    }
    room.run_for(milliseconds(20));
  }

  Room room{3};
  std::uint64_t requests = 1;
};

TEST_F(MuteTest, AreLeftOutWhereOnlyTheirMessagesAreLost) {
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || !is_bulk(body);
  });
  talk_everywhere();
  room.run_for(seconds(8));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  EXPECT_TRUE(is_reported(0, "suspects d2: it is heard, but messages that it was asked for"));
  room.say(0, 1, multicast(++requests, "goes on", Order::kSafe));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(1, 1).back(), "goes on");
}

TEST_F(MuteTest, AreLeftOutWhereNoMessageReachesThem) {
  room.set_filter([](const std::string&, const std::string& to, const auto& body) {
    return to != "d2" || !is_bulk(body);
  });
  talk_everywhere();
  room.run_for(seconds(10));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.say(0, 1, multicast(++requests, "goes on", Order::kSafe));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(1, 1).back(), "goes on");
}

TEST_F(MuteTest, AreTakenBackAfterAWhile) {
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || !is_bulk(body);
  });
  talk_everywhere();
  room.run_for(seconds(8));
  ASSERT_TRUE(room.gave_up(2));
  room.set_filter({});
  room.start(2);
  room.run_for(seconds(10));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.run_for(seconds(30));
  EXPECT_EQ(room.members(0).size(), 3u);
}

// Where no view came about in time, all stay in the next one. That a beacon of it comes late does
// not make it one of those who are to wait.
TEST_F(MuteTest, AreHeardAgainWhereTheyStayedMembers) {
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return !is_body<protocol::Prepare>(body) && !(from == "d1" && to == "d2" && is_bulk(body));
  });
  talk_everywhere();
  for (int i = 0; i < 100 && !is_reported(2, "suspects d1"); ++i) room.run_for(milliseconds(100));
  ASSERT_TRUE(is_reported(2, "suspects d1"));
  room.set_filter([](const auto&, const auto&, const auto& body) {  //
    return !is_body<protocol::Prepare>(body);
  });
  room.run_for(seconds(6));
  room.set_filter({});
  room.run_for(seconds(1));
  const auto view = room.status(0).view;
  ASSERT_EQ(room.members(0).size(), 3u);

  protocol::PeerFrame late = room.last_frame<protocol::Heartbeat>(1, 2);
  late.header.view = {};
  protocol::Beacon beacon;
  beacon.address = "tcp://127.0.0.1:4001";
  beacon.number = BeaconNumber{1};
  late.body = beacon;
  room.receive(2, late);
  room.run_for(seconds(5));
  EXPECT_EQ(room.status(0).view, view);
  EXPECT_EQ(room.texts(2, 1).size(), 3u);
}

// One of the two goes, and the third keeps either.
TEST_F(MuteTest, AmongTwoWhoseMessagesDoNotPassOneIsLeftOut) {
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    const bool is_between = (from == "d1" && to == "d2") || (from == "d2" && to == "d1");
    return !is_between || !is_bulk(body);
  });
  talk_everywhere();
  room.run_for(seconds(12));
  EXPECT_EQ(room.members(0).size(), 2u);
  const std::size_t other = room.members(0)[1] == "d1" ? 1 : 2;
  room.say(other, 1, multicast(++requests, "goes on", Order::kSafe));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(0, 1).back(), "goes on");
}

TEST_F(MuteTest, NobodyIsLeftOutForLossThatPasses) {
  const auto view = room.last_view(0).id;
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || !is_bulk(body);
  });
  talk_everywhere();
  room.run_for(seconds(3));
  room.set_filter({});
  room.run_for(seconds(5));
  EXPECT_EQ(room.last_view(0).id, view);
  EXPECT_EQ(room.texts(0, 1).size(), 3u);
}

}  // namespace
}  // namespace groupcomm::daemon
