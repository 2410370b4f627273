// Time as the pure cores see it: handed in by the host, monotonic, with no epoch of its own.
#pragma once

#include <chrono>
#include <compare>

namespace groupcomm {

using Duration = std::chrono::nanoseconds;

// A moment on the host's monotonic clock (CLOCK_BOOTTIME) or on the simulator's virtual one.
// Moments of different processes must never be compared.
struct TimePoint {
  Duration since_origin{0};

  auto operator<=>(const TimePoint&) const = default;

  static constexpr TimePoint never() { return TimePoint{Duration::max()}; }
};

constexpr TimePoint operator+(TimePoint t, Duration d) {
  return t == TimePoint::never() ? t : TimePoint{t.since_origin + d};
}
constexpr Duration operator-(TimePoint a, TimePoint b) { return a.since_origin - b.since_origin; }

}  // namespace groupcomm
