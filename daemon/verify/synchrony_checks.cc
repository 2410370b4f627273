// D6, D7 and D16: who must have delivered what by the end of a view.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

using StayIndex = History::StayIndex;

// For each message, whether a member delivered it in one stay; one vector serves all stays.
class DeliveredSet {
 public:
  explicit DeliveredSet(const History& history) : marks_(history.messages().size()) {}
  void fill(const Stay& stay) {
    ++round_;
    for (const DeliveryInfo& delivery : stay.deliveries) mark(delivery.message);
  }
  bool contains(Index message) const { return marks_[static_cast<std::size_t>(message)] == round_; }
  void mark(Index message) { marks_[static_cast<std::size_t>(message)] = round_; }

 private:
  std::vector<std::uint32_t> marks_;
  std::uint32_t round_ = 0;
};

const Record* end_of(const Membership& membership, std::size_t stay) {
  return stay + 1 < membership.stays.size() ? membership.stays[stay + 1].record : nullptr;
}

// Everything that any of the companions delivered, each message once.
std::vector<DeliveryInfo> union_of(const History& history, const std::vector<StayIndex>& bucket,
                                   DeliveredSet& scratch) {
  std::vector<DeliveryInfo> all;
  scratch.fill(history.stay(bucket.front()));
  all = history.stay(bucket.front()).deliveries;
  for (std::size_t i = 1; i < bucket.size(); ++i) {
    for (const DeliveryInfo& delivery : history.stay(bucket[i]).deliveries) {
      if (scratch.contains(delivery.message)) continue;
      scratch.mark(delivery.message);
      all.push_back(delivery);
    }
  }
  return all;
}

}  // namespace

void check_synchrony(const History& history, Findings& findings) {
  DeliveredSet scratch(history);
  for (const auto& [views, bucket] : history.companions()) {
    if (bucket.size() < 2) continue;
    const std::vector<DeliveryInfo> all = union_of(history, bucket, scratch);
    for (const StayIndex index : bucket) {
      const Membership& membership = history.memberships()[index.membership];
      const Stay& stay = history.stay(index);
      scratch.fill(stay);
      for (const DeliveryInfo& delivery : all) {
        if (scratch.contains(delivery.message)) continue;
        if (!history.is_addressed(history.message(delivery.message), membership.process)) continue;
        findings.add("D6",
                     history.member_name(membership.member) + " did not deliver " +
                         history.message_name(delivery.message) + ", a companion did",
                     {delivery.record, stay.record, end_of(membership, index.stay)});
      }
    }
  }
}

namespace {

// The daemon's part of a group view's id: what is stamped in one daemon view is delivered there.
std::string_view daemon_part(std::string_view view_id) {
  return view_id.substr(0, view_id.find('/'));
}

// Whether the sender came so far that its message, undelivered, cannot come any more: it has
// installed a view that rests on a later daemon view, or has left, or was told that its daemon is
// excluded, or the run has settled.
const Record* too_late(const History& history, const MessageInfo& message,
                       const Membership& membership) {
  const Record* reached = nullptr;
  const std::string_view stamped = daemon_part(history.view_name(message.stamped_view));
  bool is_past = false;
  for (const Stay& stay : membership.stays) {
    if (stay.view == message.stamped_view) is_past = true;
    if (is_past && daemon_part(history.view_name(stay.view)) != stamped) reached = stay.record;
  }
  if (reached != nullptr) return reached;
  if (membership.gone != nullptr) {
    const std::string& reason = std::get<record::Gone>(*membership.gone).reason;
    return reason == "left" || reason == "excluded" ? membership.gone : nullptr;
  }
  const bool is_settled = history.has_settled(membership.process);
  return is_settled ? membership.stays.back().record : nullptr;
}

}  // namespace

void check_self_delivery(const History& history, Findings& findings) {
  DeliveredSet delivered(history);
  for (const Membership& membership : history.memberships()) {
    const auto stream = history.streams().find({membership.process, membership.group});
    if (stream == history.streams().end()) continue;
    delivered.fill(membership.stays.front());
    for (const Stay& stay : membership.stays) {
      for (const DeliveryInfo& delivery : stay.deliveries) delivered.mark(delivery.message);
    }
    for (const Index index : stream->second) {
      const MessageInfo& message = history.message(index);
      if (message.stamped_view == kNone || message.daemon_send == nullptr) continue;
      if (!message.daemon_send->member || delivered.contains(index)) continue;
      if (!history.has_member(message.stamped_view, membership.member)) continue;
      if (!history.is_addressed(message, membership.process)) continue;
      if (history.has_send_fail(index)) continue;
      const Record* end = too_late(history, message, membership);
      if (end == nullptr) continue;
      const Record send = *message.send();
      findings.add("D7", "a member did not deliver its own accepted message", {&send, end});
    }
  }
}

namespace {

// That every member of a view which lives on delivers a message there; where it was made after a
// transition, only those who came along.
struct Promise {
  const Record* record = nullptr;
  const record::Transition* among = nullptr;
  Order order = Order::kTotal;
  Index next = kNone;  // where who made it went
};
using Promises = std::map<Index, std::map<Index, Promise>>;  // by view, then message

void add_promise(Promises& promises, Index view, Index message, const Promise& promise) {
  const auto [entry, is_new] = promises[view].emplace(message, promise);
  if (!is_new && promise.among == nullptr) entry->second.among = nullptr;
}

Index next_of(const Membership& membership, std::size_t stay) {
  return stay + 1 < membership.stays.size() ? membership.stays[stay + 1].view : kNone;
}

// Daemons do not record transitions; what the sides of a partition promised the clients tell.
bool has_gone_apart(const History& history, const Membership& membership, std::size_t stay) {
  return history.level() == Role::kDaemon && history.is_partitionable() &&
         history.ends_apart(membership, stay);
}

Promises promises_of(const History& history) {
  Promises promises;
  for (const Membership& membership : history.memberships()) {
    const bool is_uniform = history.is_uniform(membership);
    const Order weakest = is_uniform ? Order::kTotal : Order::kSafe;
    for (std::size_t s = 0; s < membership.stays.size(); ++s) {
      const Stay& stay = membership.stays[s];
      if (has_gone_apart(history, membership, s)) continue;
      for (std::size_t i = 0; i < stay.deliveries.size(); ++i) {
        const DeliveryInfo& delivery = stay.deliveries[i];
        const Order order = std::get<record::Deliver>(*delivery.record).order;
        if (order < weakest) continue;
        const bool is_after = i >= stay.before_transition;
        add_promise(promises, stay.view, delivery.message,
                    {.record = delivery.record,
                     .among = is_after ? stay.transition : nullptr,
                     .order = order,
                     .next = next_of(membership, s)});
      }
    }
  }
  return promises;
}

bool is_promised_to(const History& history, const Promise& promise, const Membership& membership,
                    std::size_t stay) {
  if (promise.among == nullptr) return true;
  // Who was to come along may have gone on apart.
  if (history.is_partitionable() && promise.next != next_of(membership, stay)) return false;
  const std::vector<std::string>& names = promise.among->transitional;
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return split_member(name).first == history.process_name(membership.process);
  });
}

void check_promises(const History& history, const Promises& promises, Findings& findings) {
  DeliveredSet delivered(history);
  for (const Membership& membership : history.memberships()) {
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      const auto promised = promises.find(membership.stays[i].view);
      if (promised == promises.end() || !history.is_complete(membership, i)) continue;
      // All the quorum that held a total message may be dead where recovery says so, or on another
      // side of a partition; a safe one was held by all, too.
      const bool is_apart = i + 1 < membership.stays.size() && history.ends_apart(membership, i);
      delivered.fill(membership.stays[i]);
      for (const auto& [message, promise] : promised->second) {
        if (delivered.contains(message)) continue;
        if (has_gone_apart(history, membership, i)) continue;
        if (is_apart && promise.order != Order::kSafe) continue;
        if (!is_promised_to(history, promise, membership, i)) continue;
        if (!history.is_addressed(history.message(message), membership.process)) continue;
        findings.add("D16",
                     history.member_name(membership.member) + " went on without " +
                         history.message_name(message) + ", which was safe",
                     {promise.record, membership.stays[i].record, end_of(membership, i)});
      }
    }
  }
}

bool has_delivered(const Membership& membership, Index message) {
  return std::any_of(membership.stays.begin(), membership.stays.end(), [&](const Stay& stay) {
    return std::any_of(stay.deliveries.begin(), stay.deliveries.end(),
                       [&](const DeliveryInfo& delivery) { return delivery.message == message; });
  });
}

// Where a quorum died with it, a join may have taken effect among the dead, and for the others only
// with a later view: the joiner came in behind what was sent to the dead.
bool came_behind(const History& history, const Membership& membership, Index view) {
  if (!history.is_recovered(membership.stays.front().view)) return false;
  const auto first = parse_view_order(history.view_name(membership.stays.front().view));
  const auto sent_in = parse_view_order(history.view_name(view));
  return first && sent_in && *sent_in < *first;
}

// Whoever was still a member when a sender was told that all have its message has delivered it,
// even if it died later.
void check_notice(const History& history, const SafeNotice& notice, Findings& findings) {
  const MessageInfo& message = history.message(notice.message);
  // Nobody may have delivered it: that is right where nobody else was to.
  const Index sent_in = message.home == kNone ? message.stamped_view : message.home;
  if (notice.view == kNone || sent_in == kNone) return;
  for (const Membership& membership : history.memberships()) {
    if (membership.group != message.group) continue;
    if (!history.has_member(sent_in, membership.member)) continue;
    if (!history.has_member(notice.view, membership.member)) continue;
    if (!history.is_addressed(message, membership.process)) continue;
    if (has_delivered(membership, notice.message)) continue;
    if (came_behind(history, membership, sent_in)) continue;
    if (history.has_parted(message, membership)) continue;
    if (membership.gone == nullptr && history.is_cut(history.process_name(membership.process))) {
      findings.leave_open("D16");
      continue;
    }
    findings.add("D16",
                 history.member_name(membership.member) + " never delivered " +
                     history.message_name(notice.message) + ", which was said to be safe",
                 {notice.record});
  }
}

}  // namespace

void check_safe(const History& history, Findings& findings) {
  check_promises(history, promises_of(history), findings);
  for (const SafeNotice& notice : history.safe_notices()) {
    check_notice(history, notice, findings);
  }
}

}  // namespace groupcomm::verify
