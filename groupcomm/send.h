// What an application asks for when it sends, and what it is told at once.
#pragma once

#include <optional>

#include "groupcomm/identity.h"
#include "groupcomm/message.h"

namespace groupcomm {

// One send, as the application asks for it.
struct SendOptions {
  Order order = Order::kTotal;
  std::optional<ProcessId> to = {};  // to this member only
  bool self_discard = false;         // not to myself
  bool notify_safe = false;          // tell me when every member has delivered it
};

// What a call gives at once: the request that later events name, or why it is refused.
struct Queued {
  RequestId request;                    // 0 where it is refused
  std::optional<RejectReason> refused;  // set: nothing was queued, and nothing will be sent

  bool ok() const { return !refused.has_value(); }
};

}  // namespace groupcomm
