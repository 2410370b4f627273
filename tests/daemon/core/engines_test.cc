// The two engines of total order.
#include <gtest/gtest.h>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Two engines in one cluster would give one message two places.
TEST(Engines, OfTwoKindsMakeTwoClusters) {
  Room room(3);
  room.start(0);
  room.defaults().engine = TotalOrderEngine::kLamport;
  room.start(1);
  room.start(2);
  room.run_for(seconds(2));
  EXPECT_EQ(room.status(0).phase, "joining");
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2"}));
}

}  // namespace
}  // namespace groupcomm::daemon
