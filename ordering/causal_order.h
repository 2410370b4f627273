// CBCAST with one vector-clock slot for each daemon.
#pragma once

#include <deque>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/vector_time.h"

namespace groupcomm::ordering {

// Keeps rule O3 [Birman, Schiper, Stephenson 1991]: messages are taken so that each comes after
// everything that its daemon had delivered when it stamped it. All entries are relative to one
// view. Only the head of a rank's queue is ever tested, so a step costs O(members).
//
// Used twice with different further conditions of the caller: once for "all causes are held"
// (rule O1) and once for delivery.
class CausalOrder {
 public:
  explicit CausalOrder(std::size_t view_size) : seen_(view_size), queues_(view_size) {}

  // The next causal, total or safe message of this rank. REQUIRES: in the order of their numbers.
  void add(Rank sender, protocol::MessagePointer message) {
    CHECK_EQ(message->causal_number, seen_[sender].plus(queues_[sender].size() + 1));
    queues_[sender].push_back(std::move(message));
  }

  // The head of a rank's queue if all its causes have been taken, else nullptr.
  const protocol::StampedMessage* ready(Rank sender) const {
    const auto& queue = queues_[sender];
    if (queue.empty()) return nullptr;
    const protocol::StampedMessage& head = *queue.front();
    return is_next(seen_, sender, head.causal_number, *head.context) ? &head : nullptr;
  }

  // Takes the head of a rank's queue. REQUIRES: ready(sender).
  protocol::MessagePointer take(Rank sender) {
    CHECK(ready(sender) != nullptr);
    protocol::MessagePointer head = std::move(queues_[sender].front());
    queues_[sender].pop_front();
    ++seen_[sender];
    return head;
  }

  const VectorTime& seen() const { return seen_; }
  bool is_waiting(Rank sender) const { return !queues_[sender].empty(); }

 private:
  VectorTime seen_;  // by rank, how many were taken
  std::vector<std::deque<protocol::MessagePointer>> queues_;
};

}  // namespace groupcomm::ordering
