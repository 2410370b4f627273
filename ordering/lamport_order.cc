#include "ordering/lamport_order.h"

#include <algorithm>

namespace groupcomm::ordering {

void LamportOrder::on_held(Rank sender, const protocol::StampedMessage& message) {
  unplaced_.emplace(message.stamp, sender, message.number);
  highest_held_ = std::max(highest_held_, message.stamp);
}

void LamportOrder::on_clock(Rank rank, LamportStamp clock) {
  if (clock <= clocks_[rank]) return;
  clocks_[rank] = clock;
  place_messages();
}

void LamportOrder::place_messages() {
  if (is_frozen()) return;
  const LamportStamp reached = *std::min_element(clocks_.begin(), clocks_.end());
  while (!unplaced_.empty() && std::get<LamportStamp>(*unplaced_.begin()) <= reached) {
    const auto& [stamp, sender, number] = *unplaced_.begin();
    append({sender, number});
    unplaced_.erase(unplaced_.begin());
  }
}

bool LamportOrder::wants_clock_told(LamportStamp told) const { return told < highest_held_; }

}  // namespace groupcomm::ordering
