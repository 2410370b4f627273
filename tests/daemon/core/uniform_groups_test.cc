// Total order in groups with the option uniform.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

bool has_closing(const protocol::PeerBody& body) {
  const auto is_closing = [](const auto& message) {
    return message->kind == protocol::MessageKind::kClosing;
  };
  if (const auto* batch = std::get_if<protocol::Batch>(&body)) {
    return std::any_of(batch->messages.begin(), batch->messages.end(), is_closing);
  }
  if (const auto* repair = std::get_if<protocol::Repair>(&body)) {
    return std::any_of(repair->messages.begin(), repair->messages.end(), is_closing);
  }
  return false;
}

// U1: a group that is uniform now, and was not when its sender's daemon stamped.
TEST(UniformGroups, WaitForAQuorumAlsoWhereTheyWereMadeAnew) {
  Room room(4);
  room.open();
  room.greet(2, 2);  // x, the only member of the old group
  room.say(2, 2, join(1, "g"));
  room.run_for(milliseconds(50));
  room.greet(0, 2);  // y
  room.greet(3, 2);  // y2
  room.greet(2, 3);  // z, never a member
  room.greet(1, 3);  // w, never a member
  const auto crosswise = [](const auto& from, const auto& to, const auto& body) {
    const bool between = (from == "d1" && to == "d2") || (from == "d2" && to == "d1");
    return !(between && has_closing(body));
  };
  // As the leave comes to rank 0, and before its place is known elsewhere, others join.
  const GroupOptions uniform{.flush = false, .uniform = true};
  bool is_told = false;
  room.set_filter([&](const auto& from, const auto& to, const auto& body) {
    if (from == "d2" && to == "d3" && is_body<protocol::Batch>(body) && !is_told) {
      is_told = true;
      room.say(0, 2, join(2, "g", uniform));
      room.say(3, 2, join(2, "g", uniform));
    }
    return crosswise(from, to, body);
  });
  room.say(2, 2, leave(2, "g"));
  room.settle();
  ASSERT_EQ(room.names_in_view(0, 2), (Texts{"c0", "c3"}));
  // From here on nothing comes from rank 0, and w's message comes there late.
  bool is_late = true;
  room.set_filter([&](const auto& from, const auto& to, const auto& body) {
    if (!crosswise(from, to, body)) return false;
    if (from == "d0" && is_body<protocol::Batch>(body)) return false;
    return !(is_late && from == "d1" && to == "d0" && is_body<protocol::Batch>(body));
  });
  room.say(2, 3, multicast(2, "m1", Order::kTotal, "g"));
  room.say(1, 3, multicast(2, "m2", Order::kTotal, "g"));
  room.settle();
  EXPECT_EQ(room.texts(0, 2), Texts{}) << "no quorum acknowledged it";
  is_late = false;
  room.run_for(milliseconds(60));
  const Texts dead = room.texts(0, 2);
  room.kill(0);
  room.set_filter({});
  room.run_for(seconds(4));
  const Texts living = room.texts(3, 2);
  EXPECT_TRUE(dead.size() <= living.size() && std::equal(dead.begin(), dead.end(), living.begin()));
}

}  // namespace
}  // namespace groupcomm::daemon
