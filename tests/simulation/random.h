// Randomness that is the same on every machine and with every compiler.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/time_point.h"

namespace groupcomm::simulation {

// xoshiro256** seeded by splitmix64. Only integers: the distributions of the standard library and
// floating-point functions differ between implementations.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // 0 to n - 1. REQUIRES: n > 0.
  std::uint64_t below(std::uint64_t n) {
    CHECK(n > 0);
    return next() % n;
  }
  // first to last, both included.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) {
    CHECK_LE(first, last);
    return first + below(last - first + 1);
  }
  // True n times in a million.
  bool chance(std::uint64_t per_million) { return below(1'000'000) < per_million; }
  bool percent(std::uint64_t n) { return below(100) < n; }

  // Mostly near the mean, at times many times as long: half to one and a half of it, doubled
  // again and again with probability one in four.
  Duration about(Duration mean) {
    const auto ns = static_cast<std::uint64_t>(mean.count());
    std::uint64_t value = ns / 2 + below(ns + 1);
    for (int i = 0; i < 5 && below(4) == 0; ++i) value *= 2;
    return Duration(static_cast<std::int64_t>(value));
  }
  Duration between(Duration first, Duration last) {
    return Duration(static_cast<std::int64_t>(between(static_cast<std::uint64_t>(first.count()),
                                                      static_cast<std::uint64_t>(last.count()))));
  }

  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  // A generator of its own, so that more draws in one part of a run do not change the others.
  Random fork() { return Random(next()); }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  static std::uint64_t split_mix(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_[4];
};

}  // namespace groupcomm::simulation
