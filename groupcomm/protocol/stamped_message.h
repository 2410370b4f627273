// A message on its way between daemons: what the application gave, and the stamps that order it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/view.h"

namespace groupcomm::protocol {

// One entry for each rank of the view: how many causal, total and safe messages of that daemon.
using VectorTime = std::vector<CausalNumber>;

enum class MessageKind : std::uint8_t {
  kData,     // an application's message, or the last chunk of one
  kChunk,    // an earlier chunk of a large message, no order of its own; empty: void
  kJoin,     // control: a process joins a group
  kLeave,    // control: a process leaves groups, asked or not
  kClosing,  // control: from here on the daemon stamps with epochs that count `closes` (E3)
  kHold,     // control: the members of a group at this daemon hold back (H2)
};

// A group that a message is for, and its stamps there.
struct Destination {
  GroupKey group;
  Epoch epoch;        // control messages of its channel whose place the daemon had learnt (E1)
  SendNumber number;  // counts the process's accepted messages to the group; 0 for control
  bool operator==(const Destination&) const = default;
};

// What a kJoin or kLeave changes; of a kHold it says nothing.
struct ControlBody {
  std::string group_name;   // kJoin only
  GroupOptions options;     // kJoin only
  std::uint32_t joins = 0;  // kJoin only: which membership of the process this is, from 1
  LeaveReason reason = LeaveReason::kLeave;  // kLeave only
  bool operator==(const ControlBody&) const = default;
};

// Immutable once stamped. The stamping daemon's rank is not inside: it is the frame's sender.
struct StampedMessage {
  MessageNumber number;
  MessageKind kind = MessageKind::kData;
  Order order = Order::kTotal;
  bool uniform = false;  // total order that waits for a quorum's acknowledgement
  bool self_discard = false;
  bool notify_safe = false;

  // For causal, total and safe: position among such messages of this daemon, and what was
  // delivered here before, by rank; the own entry is causal_number - 1. Shared by the messages
  // between two deliveries: entries other than the own one are the same, and the own entry of
  // `context` must not be used.
  CausalNumber causal_number;
  std::shared_ptr<const VectorTime> context;
  LamportStamp stamp;         // rises with every message of the daemon, and with causality
  MessageNumber predecessor;  // the session's last fifo-or-stronger message before, in this view
  MessageNumber after;        // E2: its daemon's newest total or safe message that it waits for

  SessionId session;  // who sends
  Destination destination;
  std::vector<Destination> more_destinations;
  std::optional<ProcessKey> to;
  std::uint32_t chunks = 0;  // how many kChunk messages of the session come before
  std::string sender_name;   // the session's process name; set where a receiver may not know it
  OrderNumber closes;        // kClosing only
  std::optional<ControlBody> control;
  Payload payload;

  bool is_ordered() const { return order == Order::kTotal || order == Order::kSafe; }
  bool is_causal() const { return order >= Order::kCausal; }
  bool is_control() const {
    return kind == MessageKind::kJoin || kind == MessageKind::kLeave || kind == MessageKind::kHold;
  }
};

using MessagePointer = std::shared_ptr<const StampedMessage>;

// Names a message inside a view.
struct MessageReference {
  Rank sender = 0;
  MessageNumber number;
  auto operator<=>(const MessageReference&) const = default;
};

}  // namespace groupcomm::protocol
