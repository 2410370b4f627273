// From a transition event on, what is delivered holds only among those who come along.
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

TEST(Transitions, ComeBeforeASafeMessageThatNotAllHold) {
  Room room(3);
  room.open();
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || is_body<protocol::Heartbeat>(body);
  });
  room.cut(0, 2);  // it holds the message of d1 and cannot say so
  room.say(1, 1, multicast(2, "safe", Order::kSafe));
  room.settle();
  EXPECT_TRUE(room.texts(0, 1).empty());
  room.kill(2);
  room.set_filter({});
  room.run_for(milliseconds(500));
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(room.texts(i, 1), Texts{"safe"});
    const std::vector<protocol::Transition> expected{
        {group_key("room"), {room.process(0, 1), room.process(1, 1)}}};
    EXPECT_EQ(room.heard_of<protocol::Transition>(i, 1), expected);
  }
}

TEST(Transitions, AreToldToWhoJoinsBehindThem) {
  Room room(3);
  room.open();
  room.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d2" || is_body<protocol::Heartbeat>(body);
  });
  room.cut(0, 2);  // so that nothing safe can be delivered, nor what is ordered behind it
  room.say(1, 1, multicast(2, "before", Order::kSafe));
  room.settle();
  room.greet(1, 5);
  room.say(1, 5, join(3, "room"));
  room.settle();
  room.say(1, 1, multicast(4, "behind", Order::kSafe));
  room.settle();
  EXPECT_TRUE(room.heard_of<protocol::ViewChanged>(1, 5).empty());
  room.kill(2);
  room.set_filter({});
  room.run_for(milliseconds(500));
  EXPECT_EQ(room.texts(1, 1), (Texts{"before", "behind"}));
  EXPECT_EQ(room.texts(1, 5), Texts{"behind"});
  const std::vector<protocol::Transition> expected{
      {group_key("room"), {room.process(0, 1), room.process(1, 1), room.process(1, 5)}}};
  EXPECT_EQ(room.heard_of<protocol::Transition>(1, 5), expected);
}

}  // namespace
}  // namespace groupcomm::daemon
