// What is kept of the view before.
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Alone in a view: what is kept of the view before is never let go.
TEST(RetiredView, IsForgottenByOneWhoIsAlone) {
  Room room(2);
  room.strike_from_configurations(1);
  room.start(0);
  room.run_for(seconds(2));
  room.start(1);
  room.run_for(seconds(2));
  ASSERT_EQ(room.members(0), (Texts{"d0", "d1"}));
  room.kill(1);
  room.run_for(seconds(60));
  ASSERT_EQ(room.members(0), Texts{"d0"});
  EXPECT_FALSE(room.is_connected(0, 1));
}

}  // namespace
}  // namespace groupcomm::daemon
