#include "daemon/core/pauses.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;

TEST(Pauses, LieBetweenTwoFramesToTheSame) {
  Pauses pauses(milliseconds(50), 4);
  const TimePoint start{milliseconds(1000)};
  EXPECT_TRUE(pauses.take(start, Incarnation{1}));
  EXPECT_FALSE(pauses.take(start + milliseconds(49), Incarnation{1}));
  EXPECT_TRUE(pauses.take(start + milliseconds(49), Incarnation{2}));
  EXPECT_TRUE(pauses.take(start + milliseconds(50), Incarnation{1}));
}

TEST(Pauses, RememberSoManyOnly) {
  Pauses pauses(milliseconds(50), 4);
  const TimePoint start{milliseconds(1000)};
  for (std::uint64_t k = 1; k <= 4; ++k) EXPECT_TRUE(pauses.take(start, Incarnation{k}));
  EXPECT_FALSE(pauses.take(start, Incarnation{5}));
  EXPECT_EQ(pauses.size(), 4u);
  EXPECT_TRUE(pauses.take(start + milliseconds(50), Incarnation{5}));
  EXPECT_EQ(pauses.size(), 1u);
}

}  // namespace
}  // namespace groupcomm::daemon
