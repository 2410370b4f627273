#include "ordering/quorum.h"

#include <gtest/gtest.h>

#include <bit>

namespace groupcomm::ordering {
namespace {

TEST(Quorum, NeedsMoreThanHalf) {
  EXPECT_TRUE(is_quorum(3, 2, false));
  EXPECT_FALSE(is_quorum(3, 1, true));
  EXPECT_TRUE(is_quorum(4, 3, false));
  EXPECT_FALSE(is_quorum(5, 2, true));
  EXPECT_TRUE(is_quorum(5, 3, false));
  EXPECT_TRUE(is_quorum(1, 1, true));
  EXPECT_FALSE(is_quorum(1, 0, false));
}

TEST(Quorum, TakesExactlyHalfOnlyWithRankZero) {
  EXPECT_TRUE(is_quorum(2, 1, true));
  EXPECT_FALSE(is_quorum(2, 1, false));
  EXPECT_TRUE(is_quorum(4, 2, true));
  EXPECT_FALSE(is_quorum(4, 2, false));
}

TEST(Quorum, AnyTwoShareAMember) {
  for (unsigned size = 1; size <= 7; ++size) {
    const unsigned sets = 1u << size;
    const auto is_quorum_set = [&](unsigned set) {
      return is_quorum(size, static_cast<std::size_t>(std::popcount(set)), (set & 1) != 0);
    };
    for (unsigned a = 0; a < sets; ++a) {
      for (unsigned b = 0; b < sets; ++b) {
        if (!is_quorum_set(a) || !is_quorum_set(b)) continue;
        ASSERT_NE(a & b, 0u) << size << " members: " << a << " and " << b;
      }
    }
  }
}

}  // namespace
}  // namespace groupcomm::ordering
