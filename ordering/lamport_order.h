// Total order by Lamport stamps: symmetric, with no member that all depend on.
#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "ordering/total_order.h"

namespace groupcomm::ordering {

// Keeps rule T2 [Lamport 1978]: messages are placed by (stamp, rank). A message has its place when
// everybody's clock has reached its stamp, because whatever comes later has a larger one. A clock
// counts once all messages that were stamped before it are held: links do not keep order.
class LamportOrder final : public TotalOrder {
 public:
  explicit LamportOrder(std::size_t view_size) : clocks_(view_size) {}

  void on_held(Rank sender, const protocol::StampedMessage& message) override;
  void on_clear(Rank, const protocol::StampedMessage&) override {}
  void on_places(OrderNumber, std::span<const MessageReference>) override {}
  void on_clock(Rank rank, LamportStamp clock) override;
  void on_announced(OrderNumber) override {}
  Announcement take_announcement() override { return {}; }
  OrderNumber announced() const override { return known(); }
  bool wants_clock_told(LamportStamp told) const override;

 private:
  void place_messages();

  std::vector<LamportStamp> clocks_;  // by rank
  LamportStamp highest_held_;         // of any message that others may wait to place
  std::set<std::tuple<LamportStamp, Rank, MessageNumber>> unplaced_;
};

}  // namespace groupcomm::ordering
