// Where the stream of one daemon stands.
#pragma once

#include <algorithm>

#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"

namespace groupcomm::ordering {

// What the stamps of a daemon's next message must follow (rule L3): stamps rise, causal, total and
// safe messages are counted without a gap, and each closing closes more than the one before. Only
// the message that comes next can be tested, so that one beyond a hole may still turn out to be
// none of its daemon's.
class StreamHead {
 public:
  bool is_followed_by(const protocol::StampedMessage& message) const {
    if (message.stamp <= stamp_) return false;
    if (message.is_causal() && message.causal_number != causal_.next()) return false;
    return message.kind != protocol::MessageKind::kClosing || message.closes > closes_;
  }

  // REQUIRES: is_followed_by(message).
  void take(const protocol::StampedMessage& message) {
    stamp_ = message.stamp;
    if (message.is_causal()) causal_ = message.causal_number;
    closes_ = std::max(closes_, message.closes);
  }

 private:
  LamportStamp stamp_;
  CausalNumber causal_;
  OrderNumber closes_;
};

}  // namespace groupcomm::ordering
