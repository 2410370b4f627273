// The two engines of total order.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

// Two engines in one cluster would give one message two places.
TEST(Engines, OfTwoKindsHaveNothingToDoWithOneAnother) {
  Room room(3);
  room.start(0);
  room.defaults().engine = TotalOrderEngine::kLamport;
  room.start(1);
  room.start(2);
  room.run_for(seconds(2));
  EXPECT_EQ(room.status(0).phase, "joining");
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2"}));
  const auto says_so = [](const Report& report) {
    return report.warning && report.text.find("another engine of total order") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(room.reports(0).begin(), room.reports(0).end(), says_so), 2);
  EXPECT_EQ(std::count_if(room.reports(1).begin(), room.reports(1).end(), says_so), 1);
}

}  // namespace
}  // namespace groupcomm::daemon
