#include "groupcomm/wire/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace groupcomm::wire {
namespace {

std::vector<std::uint64_t> sample(std::size_t count) {
  std::vector<std::uint64_t> words(count);
  std::mt19937_64 random(count);
  for (auto& word : words) word = random();
  return words;
}

std::uint64_t sum_of(const std::vector<std::uint64_t>& words) {
  return checksum(words.data(), words.size());
}

// As groupcomm.capnp says it, word by word.
std::uint64_t as_documented(const std::vector<std::uint64_t>& words) {
  const auto step = [](std::uint64_t h, std::uint64_t word) {
    return std::rotl(h ^ (word * 0x9FB21C651E98DF25), 29) * 0xD6E8FEB86659FD93;
  };
  std::array<std::uint64_t, 4> lanes = {0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0,
                                        0x082EFA98EC4E6C89};
  for (std::size_t i = 0; i < words.size(); ++i) lanes[i % 4] = step(lanes[i % 4], words[i]);
  std::uint64_t sum = words.size();
  for (const std::uint64_t lane : lanes) sum = step(sum, lane);
  return sum ^ (sum >> 32);
}

TEST(Checksum, IsWhatTheSchemaSays) {
  for (std::size_t count = 0; count < 20; ++count) {
    EXPECT_EQ(sum_of(sample(count)), as_documented(sample(count))) << count;
  }
}

TEST(Checksum, DoesNotDependOnAlignment) {
  const auto words = sample(9);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::string room(shift + 72, ' ');
    std::memcpy(room.data() + shift, words.data(), 72);
    EXPECT_EQ(checksum(room.data() + shift, 9), sum_of(words));
  }
}

TEST(Checksum, ChangesWithEveryBit) {
  for (std::size_t count = 1; count < 12; ++count) {
    const auto words = sample(count);
    for (std::size_t bit = 0; bit < 64 * count; ++bit) {
      auto damaged = words;
      damaged[bit / 64] ^= std::uint64_t{1} << (bit % 64);
      EXPECT_NE(sum_of(damaged), sum_of(words));
    }
  }
}

TEST(Checksum, ChangesWithEveryTwoBits) {
  const std::vector<std::uint64_t> zeros(8);
  std::set<std::uint64_t> sums{sum_of(zeros)};
  for (std::size_t first = 0; first < 64 * zeros.size(); ++first) {
    for (std::size_t second = 0; second < first; ++second) {
      auto damaged = zeros;
      damaged[first / 64] ^= std::uint64_t{1} << (first % 64);
      damaged[second / 64] ^= std::uint64_t{1} << (second % 64);
      EXPECT_TRUE(sums.insert(sum_of(damaged)).second) << first << " " << second;
    }
  }
}

TEST(Checksum, ChangesWithTheNumberAndTheOrderOfWords) {
  std::set<std::uint64_t> sums;
  for (std::size_t count = 0; count < 50; ++count) {
    EXPECT_TRUE(sums.insert(sum_of(std::vector<std::uint64_t>(count))).second) << count;
  }
  const auto words = sample(12);
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      auto swapped = words;
      std::swap(swapped[i], swapped[j]);
      EXPECT_NE(sum_of(swapped), sum_of(words)) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace groupcomm::wire
