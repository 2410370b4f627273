// CBCAST with one vector-clock slot for each daemon.
#pragma once

#include <memory>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/ring.h"
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

  // The next causal, total or safe message of this rank. REQUIRES: in the order of their numbers;
  // the message stays where it is until it is taken or forgotten.
  void add(Rank sender, const protocol::StampedMessage& message) {
    Queue& queue = queues_[sender];
    CHECK_EQ(message.causal_number, seen_[sender].plus(queue.waiting.size() + 1));
    queue.waiting.push_back(&message);
  }

  // The head of a rank's queue if all its causes have been taken, else nullptr.
  const protocol::StampedMessage* ready(Rank sender) {
    Queue& queue = queues_[sender];
    if (queue.waiting.empty()) return nullptr;
    const protocol::StampedMessage& head = *queue.waiting.front();
    // Neighbours share their vector time, and what was taken stays so.
    if (head.context == queue.satisfied) return &head;
    if (!is_next(seen_, sender, head.causal_number, *head.context)) return nullptr;
    queue.satisfied = head.context;
    return &head;
  }

  // Takes the head of a rank's queue. REQUIRES: ready(sender).
  void take(Rank sender) {
    CHECK(ready(sender) != nullptr);
    queues_[sender].waiting.pop_front();
    ++seen_[sender];
  }

  // Forgets what waits of this rank beyond `last`, a number in its stream.
  void truncate_after(Rank sender, MessageNumber last) {
    auto& waiting = queues_[sender].waiting;
    while (!waiting.empty() && waiting[waiting.size() - 1]->number > last) waiting.pop_back();
  }

  const VectorTime& seen() const { return seen_; }

 private:
  struct Queue {
    Ring<const protocol::StampedMessage*> waiting;
    std::shared_ptr<const VectorTime> satisfied;  // all that is in it has been taken
  };

  VectorTime seen_;  // by rank, how many were taken
  std::vector<Queue> queues_;
};

}  // namespace groupcomm::ordering
