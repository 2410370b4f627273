// D1, D2, D3, D5 and D18: what every delivery promises by itself.
#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

void check_integrity(const History& history, const DeliveryInfo& delivery, Findings& findings) {
  const MessageInfo& message = history.message(delivery.message);
  const ProcessInfo& sender = history.process(message.sender);
  if (history.level() == Role::kDaemon) return;  // daemons have no send records
  if (message.send() == nullptr) {
    // Without its daemon's trace, a sender that was killed may have had messages accepted that it
    // did not live to write down.
    const bool can_tell =
        sender.daemon_traced || (sender.has_trace && sender.ended && !sender.crashed);
    if (history.is_cut(daemon_of(history.process_name(message.sender)))) {
      findings.leave_open("D1");
    } else if (can_tell) {
      findings.add("D1", history.message_name(delivery.message) + " was never sent",
                   {delivery.record});
    }
  } else if (sender.daemon_traced && message.daemon_send == nullptr) {
    findings.add("D1", history.message_name(delivery.message) + " was never stamped",
                 {delivery.record});
  }
}

template <typename A>
bool is_same_content(const A& a, const record::Deliver& b) {
  return a.hash == b.hash && a.size == b.size && a.order == b.order;
}

void check_content(const History& history, const DeliveryInfo& delivery, Findings& findings) {
  const MessageInfo& message = history.message(delivery.message);
  const auto& delivered = std::get<record::Deliver>(*delivery.record);
  for (const record::Send* send : {message.client_send, message.daemon_send}) {
    if (send == nullptr || is_same_content(*send, delivered)) continue;
    const Record as_record = *send;
    findings.add("D3", history.message_name(delivery.message) + " was changed on its way",
                 {&as_record, delivery.record});
  }
  // Daemons write no send records of their own: they must agree with one another.
  if (!is_same_content(std::get<record::Deliver>(*message.first_delivery), delivered)) {
    findings.add("D3", history.message_name(delivery.message) + " differs between two receivers",
                 {message.first_delivery, delivery.record});
  }
}

void check_view(const History& history, const Membership& membership, std::size_t index,
                std::size_t position, Findings& findings) {
  const Stay& stay = membership.stays[index];
  const DeliveryInfo& delivery = stay.deliveries[position];
  const bool is_lost = history.is_lost_before_recovery(membership, index);
  const MessageInfo& message = history.message(delivery.message);
  // Where all who had a join or leave in common died, the others put the message elsewhere, and
  // say so by a transition; also one that dies itself before it comes to the next view.
  const bool is_forgotten =
      is_lost && (message.home_is_transitional || position >= stay.before_transition);
  // So do the sides of a partition, each by itself.
  const bool is_apart = history.is_partitionable() && position >= stay.before_transition &&
                        history.ends_apart(membership, index);
  if (message.home != stay.view && !is_forgotten && !is_apart) {
    findings.add("D5", history.message_name(delivery.message) + " was delivered in two views",
                 {message.home_record, delivery.record});
  }
  const bool from_member = history.level() == Role::kDaemon ||
                           (message.daemon_send != nullptr && message.daemon_send->member);
  const bool is_after = message.home == stay.view && message.home_is_transitional;
  const bool is_of_the_dead = (is_after || is_apart) && history.ends_in_recovery(membership, index);
  if (from_member && !is_of_the_dead && !history.has_process(stay.view, message.sender)) {
    findings.add("D18", "a member's message was delivered in a view without its sender",
                 {stay.record, delivery.record});
  }
  if (message.send() != nullptr && !history.is_addressed(message, membership.process)) {
    const Record send = *message.send();
    findings.add("D1", "a message was delivered to a member that it was not meant for",
                 {&send, delivery.record});
  }
}

// The processes that a member is told to be gone for good. A daemon that was to join, but was lost
// before it could, has never been anything and may join yet.
void note_lost(const Stay& stay, std::set<std::string>& lost) {
  for (const std::string& joined : std::get<record::View>(*stay.record).joined) lost.erase(joined);
  for (const record::Left& left : std::get<record::View>(*stay.record).left) {
    if (left.reason == "crash" || left.reason == "daemon_lost" || left.reason == "partition") {
      lost.emplace(split_member(left.member).first);
    }
  }
}

void check_stay(const History& history, const Membership& membership, std::size_t index,
                const std::set<std::string>& lost, Findings& findings) {
  const Stay& stay = membership.stays[index];
  for (std::size_t i = 0; i < stay.deliveries.size(); ++i) {
    const DeliveryInfo& delivery = stay.deliveries[i];
    check_integrity(history, delivery, findings);
    check_content(history, delivery, findings);
    check_view(history, membership, index, i, findings);
    const Index sender = history.message(delivery.message).sender;
    if (!lost.empty() && lost.contains(history.process_name(sender))) {
      findings.add("D18", "a message was delivered after its sender was said to be lost",
                   {stay.record, delivery.record});
    }
  }
}

}  // namespace

void check_deliveries(const History& history, Findings& findings) {
  std::map<Index, std::vector<const Membership*>> by_process;
  for (const Membership& membership : history.memberships()) {
    by_process[membership.process].push_back(&membership);
    std::set<std::string> lost;
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      // Components that come together bring back who was cut off.
      if (!history.is_partitionable()) note_lost(membership.stays[i], lost);
      check_stay(history, membership, i, lost, findings);
    }
  }
  std::vector<const Record*> seen(history.messages().size());
  for (const auto& [process, memberships] : by_process) {
    std::fill(seen.begin(), seen.end(), nullptr);
    for (const Membership* membership : memberships) {
      for (const Stay& stay : membership->stays) {
        for (const DeliveryInfo& delivery : stay.deliveries) {
          const Record*& before = seen[static_cast<std::size_t>(delivery.message)];
          if (before != nullptr) {
            findings.add("D2", history.message_name(delivery.message) + " was delivered twice",
                         {before, delivery.record});
          }
          before = delivery.record;
        }
      }
    }
  }
}

}  // namespace groupcomm::verify
