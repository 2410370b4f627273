#include "groupcomm/message.h"

namespace groupcomm {

std::string to_string(Order order) {
  switch (order) {
    case Order::kReliable: return "reliable";
    case Order::kFifo: return "fifo";
    case Order::kCausal: return "causal";
    case Order::kTotal: return "total";
    case Order::kSafe: return "safe";
  }
  return "unknown";
}

Result<Order> parse_order(std::string_view text) {
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    if (to_string(order) == text) return order;
  }
  return Failure{"unknown order \"" + std::string(text) +
                 "\": use reliable, fifo, causal, total or safe"};
}

std::string to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::kWouldBlock: return "would_block";
    case RejectReason::kBlocked: return "blocked";
    case RejectReason::kNotMember: return "not_member";
    case RejectReason::kNoPrimary: return "no_primary";
    case RejectReason::kTooBig: return "too_big";
    case RejectReason::kGone: return "gone";
    case RejectReason::kNoSuchGroup: return "no_such_group";
    case RejectReason::kBadName: return "bad_name";
    case RejectReason::kBadOption: return "bad_option";
  }
  return "unknown";
}

}  // namespace groupcomm
