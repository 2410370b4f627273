// What every member of the view holds.
#pragma once

#include <algorithm>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/quorum.h"

namespace groupcomm::ordering {

// Keeps rules S1 and S2. Acknowledgements are cumulative: of messages, by sender, and of places in
// the total order. Both are about what could be delivered at the acknowledging member, not about
// bytes that arrived: else a safe message could be delivered whose cause only the dead had.
// Lines only rise inside a view and are never taken over from another.
class StabilityTracker {
 public:
  explicit StabilityTracker(std::size_t view_size)
      : received_(view_size, std::vector<MessageNumber>(view_size)), ordered_(view_size) {}

  void on_received(Rank member, Rank sender, MessageNumber number) {
    MessageNumber& line = received_[member][sender];
    line = std::max(line, number);
  }
  void on_ordered(Rank member, OrderNumber place) {
    ordered_[member] = std::max(ordered_[member], place);
  }

  // That member has acknowledged the sender's messages up to here.
  MessageNumber received(Rank member, Rank sender) const { return received_[member][sender]; }
  // Every member holds the sender's messages up to here.
  MessageNumber stable(Rank sender) const {
    MessageNumber line = received_[0][sender];
    for (const auto& member : received_) line = std::min(line, member[sender]);
    return line;
  }

  // A quorum holds the sender's messages up to this one: every flush will find them.
  bool is_held_by_quorum(Rank sender, MessageNumber number) const {
    const auto holds = [&](const auto& member) { return member[sender] >= number; };
    const auto present = std::count_if(received_.begin(), received_.end(), holds);
    return is_quorum(received_.size(), static_cast<std::size_t>(present), holds(received_[0]));
  }

  // Every member acknowledged the order up to here.
  OrderNumber ordered_by_all() const { return *std::min_element(ordered_.begin(), ordered_.end()); }

  // A quorum acknowledged this place.
  bool is_ordered_by_quorum(OrderNumber place) const {
    const auto acknowledged = [&](OrderNumber line) { return line >= place; };
    const auto present = std::count_if(ordered_.begin(), ordered_.end(), acknowledged);
    return is_quorum(ordered_.size(), static_cast<std::size_t>(present), acknowledged(ordered_[0]));
  }

 private:
  std::vector<std::vector<MessageNumber>> received_;  // [member][sender]
  std::vector<OrderNumber> ordered_;                  // [member]
};

}  // namespace groupcomm::ordering
