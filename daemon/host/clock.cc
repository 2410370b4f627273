#include "daemon/host/clock.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

TimePoint monotonic_now() {
  timespec time{};
  CHECK_EQ(clock_gettime(CLOCK_BOOTTIME, &time), 0);
  return TimePoint{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

Incarnation draw_incarnation(Incarnation previous) {
  constexpr int kRandomBits = 20;
  std::uint32_t random = 0;
  CHECK_EQ(getrandom(&random, sizeof random, 0), static_cast<ssize_t>(sizeof random));
  random >>= 32 - kRandomBits;
  timespec time{};
  CHECK_EQ(clock_gettime(CLOCK_REALTIME, &time), 0);
  const auto milliseconds = static_cast<std::uint64_t>(time.tv_sec) * 1000 +
                            static_cast<std::uint64_t>(time.tv_nsec) / 1000000;
  const std::uint64_t drawn = milliseconds << kRandomBits | random;
  // A wall clock that was set back must not make a later incarnation look like an earlier one.
  return Incarnation{std::max(drawn, previous.value + 1)};
}

}  // namespace groupcomm::daemon
