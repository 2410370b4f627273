// Messages as applications see them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "groupcomm/identity.h"
#include "groupcomm/payload.h"
#include "groupcomm/result.h"
#include "groupcomm/view.h"

namespace groupcomm {

// What is promised about the order of a message (SEMANTICS.md). Each includes the ones above it,
// and all are reliable and delivered in one view. A later message of one sender never overtakes
// an earlier one unless one of the two is kReliable.
enum class Order : std::uint8_t {
  kReliable,  // no order
  kFifo,      // in the order of its sender
  kCausal,    // after everything that its sender had delivered
  kTotal,     // in one order at all members, which respects causality
  kSafe,      // total, and delivered only when every daemon of the view holds it
};
std::string to_string(Order order);
Result<Order> parse_order(std::string_view text);

inline constexpr std::size_t kPayloadBytesMax = 64u << 20;

// Why a send, join, leave or block_ok was refused. It then has no effect, ever.
enum class RejectReason : std::uint8_t {
  kWouldBlock,   // no credit now; try again after the next event
  kBlocked,      // between block_ok and the next view
  kNotMember,    // the addressee, or the caller where it must be one, is not a member
  kNoPrimary,    // no quorum: the group is suspended
  kTooBig,       // payload over 64 MiB; of a join: there are too many members already
  kGone,         // not connected; or, for what was queued: the connection ended before the answer
  kNoSuchGroup,  // nobody is in the group
  kBadName,      // the name breaks the rules of identity.h
  kBadOption,    // the group exists with other options
};
std::string to_string(RejectReason reason);

// A message handed to a member.
struct Message {
  ProcessId sender;
  SendNumber number;  // counts the sender's accepted messages to this group from 1
  Order order = Order::kTotal;
  Payload payload;
  bool operator==(const Message&) const = default;
};

}  // namespace groupcomm
