// Total order by a sequencer: the member of rank 0 assigns the places.
#pragma once

#include <deque>
#include <map>

#include "ordering/total_order.h"

namespace groupcomm::ordering {

// Keeps rule T1: a message gets its place when each of its causes has one, was delivered, or is
// held with the same true of its own causes. The sequencer of a view is fixed; when it crashes the
// flush ends the view and with it the numbering.
class SequencerOrder final : public TotalOrder {
 public:
  explicit SequencerOrder(Rank self) : is_sequencer_(self == 0) {}

  void on_held(Rank, const protocol::StampedMessage&) override {}
  void on_clear(Rank sender, const protocol::StampedMessage& message) override;
  void on_places(OrderNumber first, std::span<const MessageReference> places) override;
  void on_clock(Rank, LamportStamp) override {}
  void on_announced(OrderNumber last) override;
  Announcement take_announcement() override;
  OrderNumber announced() const override;
  bool wants_clock_told(LamportStamp) const override { return false; }

 protected:
  void on_room() override;

 private:
  static constexpr std::uint64_t kAheadMax = 1u << 16;

  bool is_sequencer_;
  OrderNumber told_;                               // sequencer: places up to here were announced
  OrderNumber announced_;                          // others: highest place heard of
  std::deque<MessageReference> waiting_;           // sequencer: clear, without room for a place
  std::map<OrderNumber, MessageReference> ahead_;  // others: beyond a missing place, or the room
};

}  // namespace groupcomm::ordering
