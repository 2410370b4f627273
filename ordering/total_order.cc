#include "ordering/total_order.h"

#include "groupcomm/check.h"

namespace groupcomm::ordering {

bool TotalOrder::release_through(OrderNumber place) {
  CHECK_LE(place, known());
  while (base_ < place) {
    places_.pop_front();
    ++base_;
  }
  const OrderNumber before = known();
  if (!frozen_) on_room();
  return before < known();
}

void TotalOrder::extend(OrderNumber first, std::span<const MessageReference> places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const OrderNumber place = first.plus(i);
    if (place <= base_) continue;
    if (place <= known()) {
      CHECK(at(place) == places[i]);
    } else if (place == known().next()) {
      append(places[i]);
    }
  }
}

void TotalOrder::replace_after(OrderNumber keep, const std::vector<MessageReference>& rest) {
  CHECK(frozen_);
  CHECK_LE(keep, known());
  CHECK_LE(base_, keep);
  while (known() > keep) places_.pop_back();
  for (const MessageReference& reference : rest) append(reference);
}

}  // namespace groupcomm::ordering
