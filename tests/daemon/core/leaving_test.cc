// Daemons that leave, and lost frames: those who stay must not miss the decision.
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Without rank 0 the other one is no quorum, and could not decide it again.
TEST(Leaving, RankZeroOfTwoRepeatsTheDecision) {
  Room room(2);
  room.open();
  int sent = 0;
  room.set_filter([&](const auto& from, const auto&, const auto& body) {
    return from != "d0" || !is_body<protocol::Install>(body) || sent++ > 0;
  });
  room.ask_to_leave(0);
  room.run_for(seconds(2));
  EXPECT_TRUE(room.finished(0));
  EXPECT_EQ(room.status(1).phase, "regular");
  EXPECT_EQ(room.members(1), Texts{"d1"});
}

TEST(Leaving, TwoOfThreeRepeatTheDecision) {
  Room room(3);
  room.open();
  int sent = 0;
  room.set_filter([&](const auto&, const auto& to, const auto& body) {
    return to != "d2" || !is_body<protocol::Install>(body) || sent++ > 0;
  });
  room.ask_to_leave(0);
  room.ask_to_leave(1);
  room.run_for(seconds(2));
  EXPECT_EQ(room.status(2).phase, "regular");
  EXPECT_EQ(room.members(2), Texts{"d2"});
}

TEST(Leaving, WaitsWhileTheWayIsBlocked) {
  Room room(2);
  room.open();
  bool is_accepted = false;
  room.set_filter([&](const auto& from, const auto&, const auto& body) {
    is_accepted = is_accepted || is_body<protocol::Accept>(body);
    return from != "d0" || !is_accepted;
  });
  room.ask_to_leave(0);
  room.run_for(milliseconds(1500));
  EXPECT_FALSE(room.finished(0));
  room.set_filter({});
  room.run_for(seconds(1));
  EXPECT_TRUE(room.finished(0));
  EXPECT_EQ(room.members(1), Texts{"d1"});
}

// One of those who stay went on and has died since: it will not say so.
TEST(Leaving, DoesNotWaitForTheDead) {
  Room room(3);
  room.open();
  room.set_filter([&](const auto& from, const auto& to, const auto&) {
    return from != "d2" || to != "d0";  // what d2 says to d0
  });
  room.ask_to_leave(0);
  room.run_for(milliseconds(100));
  EXPECT_FALSE(room.finished(0));
  room.kill(2);
  room.run_for(milliseconds(100));
  EXPECT_TRUE(room.finished(0));
  EXPECT_EQ(room.members(1), Texts{"d1"});
}

}  // namespace
}  // namespace groupcomm::daemon
