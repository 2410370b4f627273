#include "daemon/host/clock.h"

#include <sys/random.h>

#include <chrono>
#include <ctime>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

TimePoint monotonic_now() {
  timespec time{};
  CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &time), 0);
  return TimePoint{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

Incarnation draw_incarnation() {
  std::uint32_t random = 0;
  CHECK_EQ(getrandom(&random, sizeof random, 0), static_cast<ssize_t>(sizeof random));
  const auto seconds = static_cast<std::uint64_t>(std::time(nullptr));
  return Incarnation{seconds << 32 | random};
}

}  // namespace groupcomm::daemon
