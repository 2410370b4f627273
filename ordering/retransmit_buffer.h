// The messages of one sender that may still be needed.
#pragma once

#include <memory>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/ring.h"

namespace groupcomm::ordering {

// A message and how far it has come here.
struct Retained {
  protocol::MessagePointer message;  // nullptr: not received yet
  // Of the message's earlier chunks, once all are held; most have none.
  std::unique_ptr<std::vector<Payload>> chunks;
  bool clear = false;  // it and all its causes are held here (rule O1)
  bool delivered = false;
};

// Keeps rule S1: a message is kept until every member of the view holds it and it was delivered
// here, so that any member can repeat it to any other.
class RetransmitBuffer {
 public:
  // REQUIRES: not released, not there yet.
  Retained& put(MessageNumber number, protocol::MessagePointer message) {
    CHECK(number >= first_);
    const std::size_t index = number.value - first_.value;
    if (index >= entries_.size()) entries_.resize(index + 1);
    CHECK(entries_[index].message == nullptr);
    entries_[index].message = std::move(message);
    return entries_[index];
  }

  // nullptr: never received, or released.
  Retained* find(MessageNumber number) {
    if (number < first_ || number.value - first_.value >= entries_.size()) return nullptr;
    Retained& entry = entries_[number.value - first_.value];
    return entry.message == nullptr ? nullptr : &entry;
  }
  const Retained* find(MessageNumber number) const {
    return const_cast<RetransmitBuffer*>(this)->find(number);
  }

  // Forgets one message, as if it had never been received.
  void erase(MessageNumber number) {
    if (Retained* entry = find(number)) *entry = Retained{};
  }

  bool is_released(MessageNumber number) const { return number < first_; }
  MessageNumber first() const { return first_; }
  MessageNumber end() const { return first_.plus(entries_.size()); }

  // REQUIRES: the first entry exists.
  const Retained& front() const { return entries_.front(); }
  bool empty() const { return entries_.empty(); }
  void release_front() {
    entries_.pop_front();
    ++first_;
  }

  // Forgets everything beyond `last`.
  void truncate_after(MessageNumber last) {
    const std::uint64_t kept = last < first_ ? 0 : last.value - first_.value + 1;
    if (kept < entries_.size()) entries_.resize(kept);
  }

 private:
  MessageNumber first_{1};
  Ring<Retained> entries_;
};

}  // namespace groupcomm::ordering
