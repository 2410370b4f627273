#include "ordering/receive_window.h"

#include <algorithm>

#include "groupcomm/check.h"

namespace groupcomm::ordering {

bool ReceiveWindow::accept(MessageNumber number) {
  if (number <= held_ || number.value - held_.value > kAheadMax) return false;
  highest_known_ = std::max(highest_known_, number);
  if (number != held_.next()) return ahead_.insert(number).second;
  held_ = number;
  while (!ahead_.empty() && *ahead_.begin() == held_.next()) {
    ++held_;
    ahead_.erase(ahead_.begin());
  }
  return true;
}

void ReceiveWindow::on_sent(MessageNumber number) {
  // A larger number is told again when more is held; or it is a lie, and what is asked for is
  // bounded.
  highest_known_ = std::max(highest_known_, std::min(number, held_.plus(kAheadMax)));
}

void ReceiveWindow::retract(MessageNumber number) {
  CHECK_LE(number, held_);
  for (MessageNumber beyond = number.next(); beyond <= held_; ++beyond) ahead_.insert(beyond);
  held_ = number.previous();
}

void ReceiveWindow::end_at(MessageNumber number) {
  ahead_.erase(ahead_.upper_bound(number), ahead_.end());
  highest_known_ = number;
}

std::vector<protocol::NumberRange> ReceiveWindow::missing(std::size_t ranges_max) const {
  std::vector<protocol::NumberRange> ranges;
  MessageNumber first = held_.next();
  for (const MessageNumber received : ahead_) {
    if (ranges.size() == ranges_max) return ranges;
    if (first < received) ranges.push_back({first, received.previous()});
    first = received.next();
  }
  if (first <= highest_known_ && ranges.size() < ranges_max) {
    ranges.push_back({first, highest_known_});
  }
  return ranges;
}

}  // namespace groupcomm::ordering
