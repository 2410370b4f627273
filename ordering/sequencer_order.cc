#include "ordering/sequencer_order.h"

#include <algorithm>

namespace groupcomm::ordering {

void SequencerOrder::on_clear(Rank sender, const protocol::StampedMessage& message) {
  if (!is_sequencer_ || is_frozen()) return;
  waiting_.push_back({sender, message.number});
  on_room();
}

void SequencerOrder::on_room() {
  for (; !waiting_.empty() && has_room(); waiting_.pop_front()) append(waiting_.front());
  while (!ahead_.empty() && ahead_.begin()->first <= known().next()) {
    if (ahead_.begin()->first == known().next()) {
      if (!has_room()) return;
      append(ahead_.begin()->second);
    }
    ahead_.erase(ahead_.begin());
  }
}

void SequencerOrder::on_places(OrderNumber first, std::span<const MessageReference> places) {
  if (is_sequencer_ || is_frozen()) return;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const OrderNumber place = first.plus(i);
    if (place == known().next() && has_room()) {
      append(places[i]);
    } else if (place > known() && place.value - known().value <= kAheadMax) {
      ahead_.emplace(place, places[i]);
    }
  }
  if (!places.empty()) on_announced(first.plus(places.size() - 1));
  on_room();
}

void SequencerOrder::on_announced(OrderNumber last) {
  // A larger one is told again when more is known; or it is a lie, and what is asked for is
  // bounded.
  announced_ = std::max(announced_, std::min(last, known().plus(kAheadMax)));
}

TotalOrder::Announcement SequencerOrder::take_announcement() {
  Announcement announcement;
  if (!is_sequencer_) return announcement;
  // What was released is known to all: alone in a view, before it was ever told.
  announcement.first = std::max(told_.next(), first_kept());
  for (OrderNumber place = announcement.first; place <= known(); ++place) {
    announcement.places.push_back(at(place));
  }
  told_ = known();
  return announcement;
}

// What there is no room for is not missing.
OrderNumber SequencerOrder::announced() const {
  return has_room() ? std::max(announced_, known()) : known();
}

}  // namespace groupcomm::ordering
