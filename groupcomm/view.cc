#include "groupcomm/view.h"

namespace groupcomm {

std::string to_string(const ViewId& id) {
  return std::to_string(id.counter) + "." + to_string(id.proposer) + "." + std::to_string(id.round);
}

std::string to_string(const GroupViewId& id) {
  return to_string(id.daemon_view) + "/" + std::to_string(id.place.value);
}

std::string to_string(LeaveReason reason) {
  switch (reason) {
    case LeaveReason::kLeave: return "leave";
    case LeaveReason::kCrash: return "crash";
    case LeaveReason::kDaemonLost: return "daemon_lost";
    case LeaveReason::kPartition: return "partition";
    case LeaveReason::kEvicted: return "evicted";
  }
  return "unknown";
}

std::string to_string(GoneReason reason) {
  switch (reason) {
    case GoneReason::kLeft: return "left";
    case GoneReason::kExcluded: return "excluded";
    case GoneReason::kEvicted: return "evicted";
    case GoneReason::kDaemonLost: return "daemon_lost";
  }
  return "unknown";
}

}  // namespace groupcomm
