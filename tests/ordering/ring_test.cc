#include "ordering/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>

namespace groupcomm::ordering {
namespace {

TEST(Ring, IsADeque) {
  std::mt19937_64 random(1);
  Ring<std::uint64_t> ring;
  std::deque<std::uint64_t> deque;
  for (std::uint64_t i = 1; i < 20000; ++i) {
    switch (random() % 8) {
      case 0:
      case 1:
        if (deque.empty()) break;
        ring.pop_front();
        deque.pop_front();
        break;
      case 2:
        if (deque.empty()) break;
        ring.pop_back();
        deque.pop_back();
        break;
      case 3: {
        const std::size_t size =
            deque.size() + random() % 5 - std::min<std::size_t>(deque.size(), 2);
        ring.resize(size);
        deque.resize(size);
        break;
      }
      default: ring.push_back(i); deque.push_back(i);
    }
    ASSERT_EQ(ring.size(), deque.size());
    ASSERT_EQ(ring.empty(), deque.empty());
    for (std::size_t at = 0; at < deque.size(); at += 1 + deque.size() / 7) {
      ASSERT_EQ(ring[at], deque[at]);
    }
    if (deque.empty()) continue;
    ASSERT_EQ(ring.front(), deque.front());
    ASSERT_EQ(ring[deque.size() - 1], deque.back());
  }
}

TEST(Ring, KeepsNothingThatHasGone) {
  const auto value = std::make_shared<int>(1);
  Ring<std::shared_ptr<int>> ring;
  for (int i = 0; i < 20; ++i) ring.push_back(value);
  ring.pop_front();
  ring.pop_back();
  ring.resize(5);
  EXPECT_EQ(value.use_count(), 6);
  ring.resize(9);
  EXPECT_EQ(ring[8], nullptr);
}

TEST(RingDeathTest, StopsWhereThereIsNothingToTake) {
  Ring<int> ring;
  EXPECT_DEATH(ring.pop_front(), "CHECK failed");
  EXPECT_DEATH(ring.pop_back(), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
