// What a member lacks of a cut, and whom it asks (rule F5).
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Rule F5: a path that drops what is large.
TEST(Cuts, AreAskedOfOthersWhereTheProposersDataDoNotCome) {
  Room room(9);
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return from != "d0" || to == "d1" || to == "d8" || !is_body<protocol::Batch>(body);
  });
  room.say(0, 1, multicast(2, "one", Order::kFifo));
  room.settle();
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d1" || !is_body<protocol::Repair>(body);
  });
  room.kill(0);
  room.run_for(milliseconds(500));
  for (std::size_t i = 1; i < 9; ++i) EXPECT_EQ(room.texts(i, 1), Texts{"one"});
}

// Neither a repeated proposal nor a repeated decision is a reason to ask again (rule F5).
TEST(Cuts, AreAskedForAtTheirOwnPace) {
  for (const std::size_t size : {4u, 6u}) {  // the quorum waits for it, or goes on
    Room room(size);
    room.open();
    int questions = 0;
    room.set_filter([&](const std::string& from, const std::string& to, const auto& body) {
      if (from == "d2" && is_body<protocol::Nack>(body)) ++questions;
      if (to == "d2" && is_body<protocol::Repair>(body)) return false;
      return from != "d0" || to != "d2" || !is_body<protocol::Batch>(body);
    });
    room.say(0, 1, multicast(2, "one", Order::kFifo));
    room.settle();
    room.kill(0);
    room.run_for(milliseconds(300));
    questions = 0;
    room.run_for(milliseconds(960));
    EXPECT_LE(questions, size == 4 ? 9 : 16);
  }
}

TEST(Cuts, AreAskedOfAllBeforeThePausesGrow) {
  for (std::size_t holder = 2; holder < 12; ++holder) {
    Room room(12);
    room.open();
    room.set_filter([&](const std::string& from, const std::string& to, const auto& body) {
      return from != "d0" || to == Room::name(holder) || !is_body<protocol::Batch>(body);
    });
    room.say(0, 1, multicast(2, "one", Order::kFifo));
    room.settle();
    room.kill(0);
    room.run_for(milliseconds(400));
    EXPECT_EQ(room.texts(1, 1), Texts{"one"}) << holder;
  }
}

// Its ballots are overdue, but it begins none while it has a decision.
TEST(Cuts, OfADecisionAreAwaitedWithoutABusyLoop) {
  Room room(5);
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto& body) {
    if (to == "d4" && is_body<protocol::Repair>(body)) return false;
    return from != "d0" || to != "d4" || !is_body<protocol::Batch>(body);
  });
  room.say(0, 1, multicast(2, "one", Order::kFifo));
  room.settle();
  room.kill(0);
  room.run_for(milliseconds(200));
  room.kill(1);
  room.run_for(milliseconds(5000));
  ASSERT_TRUE(room.is_running(4));
  EXPECT_LT(room.timers_expired(4), 400);
}

}  // namespace
}  // namespace groupcomm::daemon
