// How often something is said to the same daemon.
#pragma once

#include <cstddef>
#include <map>

#include "groupcomm/identity.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// At least a pause between two frames to one incarnation. What is remembered is bounded, whoever
// asks: an entry that is older than the pause says nothing and may go, and where too many are
// younger, newcomers wait.
class Pauses {
 public:
  Pauses(Duration pause, std::size_t entries_max) : pause_(pause), entries_max_(entries_max) {}

  // False: the last time is too short ago. True: this is the last time now.
  bool take(TimePoint now, Incarnation to) {
    const auto last = last_.find(to);
    if (last != last_.end() && now < last->second + pause_) return false;
    if (last == last_.end() && last_.size() >= entries_max_) {
      std::erase_if(last_, [&](const auto& entry) { return entry.second + pause_ <= now; });
      if (last_.size() >= entries_max_) return false;
    }
    last_[to] = now;
    return true;
  }

  void clear() { last_.clear(); }
  std::size_t size() const { return last_.size(); }

 private:
  Duration pause_;
  std::size_t entries_max_;
  std::map<Incarnation, TimePoint> last_;
};

}  // namespace groupcomm::daemon
