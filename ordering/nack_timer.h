// When to ask for a repetition.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "groupcomm/time_point.h"

namespace groupcomm::ordering {

// PROTOCOL.md rule L2: a gap is asked for when nothing has filled it for a while (frames of two
// lanes overtake one another), then again with growing pauses. Every step forward starts anew.
class NackTimer {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(10);
  static constexpr Duration kMax = std::chrono::milliseconds(160);

  // `position` rises with every step towards closing the gap.
  void observe(TimePoint now, bool has_gap, std::uint64_t position) {
    if (!has_gap) {
      due_.reset();
    } else if (!due_ || position != position_) {
      pause_ = kFirst;
      due_ = now + pause_;
    }
    position_ = position;
  }

  bool is_due(TimePoint now) const { return due_ && *due_ <= now; }

  // The question was asked.
  void on_asked(TimePoint now) {
    pause_ = std::min(2 * pause_, kMax);
    due_ = now + pause_;
  }

  TimePoint deadline() const { return due_.value_or(TimePoint::never()); }

 private:
  std::optional<TimePoint> due_;
  Duration pause_ = kFirst;
  std::uint64_t position_ = 0;
};

}  // namespace groupcomm::ordering
