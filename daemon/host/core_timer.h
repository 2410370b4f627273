// When the core has to be told that a timer expired.
#pragma once

#include <algorithm>

#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// The core never names a deadline before its last step, so under a load that never ends the newest
// one is always yet to come: the earliest that it named since the last expiry counts.
class CoreTimer {
 public:
  // True where a deadline has come: then the core is to be told. `deadline`: what it names now.
  bool take_expired(TimePoint now, TimePoint deadline) {
    due_ = due(deadline);
    if (due_ > now) return false;
    due_ = TimePoint::never();
    return true;
  }
  TimePoint due(TimePoint deadline) const { return std::min(due_, deadline); }

 private:
  TimePoint due_ = TimePoint::never();
};

}  // namespace groupcomm::daemon
