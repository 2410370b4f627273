// Keeps what strangers do from filling the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// For lines of one kind that others can cause as often as they like. At most one of them a second
// is to be logged; the last of those that were kept back is, with their number.
class LogLimit {
 public:
  // What is to be logged now, if anything.
  std::optional<std::string> take(std::string line, TimePoint now);
  // The same once there is nothing new, at next_deadline() or later.
  std::optional<std::string> poll(TimePoint now);

  // When lines that were kept back are due; never where there are none.
  TimePoint next_deadline() const;

 private:
  std::string last_;         // of the lines that were kept back
  std::uint64_t count_ = 0;  // how many were
  TimePoint quiet_until_{};
};

}  // namespace groupcomm::daemon
