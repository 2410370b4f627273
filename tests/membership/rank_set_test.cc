// RankSet is a set, in order.
#include "membership/rank_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace groupcomm::membership {
namespace {

std::vector<Rank> list(const RankSet& ranks) { return {ranks.begin(), ranks.end()}; }

TEST(RankSet, IsEmptyAtFirst) {
  const RankSet ranks;
  EXPECT_TRUE(ranks.empty());
  EXPECT_EQ(ranks.size(), 0u);
  EXPECT_EQ(ranks.begin(), ranks.end());
  EXPECT_FALSE(ranks.contains(0));
}

TEST(RankSet, HoldsTheLowestAndTheHighestRank) {
  const Rank highest = protocol::kDaemonsMax - 1;
  RankSet ranks{highest, 0};
  EXPECT_EQ(list(ranks), (std::vector<Rank>{0, highest}));
  ranks.erase(0);
  EXPECT_EQ(list(ranks), std::vector<Rank>{highest});
  EXPECT_TRUE(ranks.contains(highest));
}

TEST(RankSet, DoesAsASetDoes) {
  std::mt19937 random(1);
  std::set<Rank> expected;
  RankSet ranks;
  for (int i = 0; i < 10'000; ++i) {
    const Rank rank = random() % protocol::kDaemonsMax;
    if (random() % 2 == 0) {
      expected.insert(rank);
      ranks.insert(rank);
    } else {
      expected.erase(rank);
      ranks.erase(rank);
    }
    ASSERT_EQ(ranks.size(), expected.size());
    ASSERT_EQ(ranks.contains(rank), expected.contains(rank));
  }
  EXPECT_EQ(list(ranks), std::vector<Rank>(expected.begin(), expected.end()));
  EXPECT_EQ(ranks, RankSet(expected.begin(), expected.end()));
}

TEST(RankSetDeathTest, StopsOnARankThatNoViewHas) {
  RankSet ranks;
  EXPECT_DEATH(ranks.insert(protocol::kDaemonsMax), "CHECK");
}

}  // namespace
}  // namespace groupcomm::membership
