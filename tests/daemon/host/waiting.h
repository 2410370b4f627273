// Waiting for something to happen on real sockets: by their descriptors, never by sleeping.
#pragma once

#include <functional>
#include <vector>

#include "daemon/host/clock.h"
#include "daemon/host/readiness.h"

namespace groupcomm::daemon {

// Notes what is ready.
inline void look_at(const std::vector<Source>& sources) {
  for (const Source& source : sources) {
    if (source.is_ready != nullptr) *source.is_ready = true;
  }
}

// Calls `attempt` until it returns true, each time when one of the descriptors has become readable
// or the deadline that `attempt` may need has come. False after ten seconds.
inline bool wait_until(const std::vector<int>& descriptors, const std::function<bool()>& attempt,
                       const std::function<TimePoint()>& deadline = TimePoint::never) {
  Readiness readiness;
  for (const int descriptor : descriptors) readiness.add(descriptor, 0);
  const TimePoint end = monotonic_now() + std::chrono::seconds(10);
  while (!attempt()) {
    const TimePoint now = monotonic_now();
    if (now > end) return false;
    readiness.wait(now, std::min(end + std::chrono::milliseconds(1), deadline()));
  }
  return true;
}

}  // namespace groupcomm::daemon
