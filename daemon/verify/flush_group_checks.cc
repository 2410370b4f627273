// D4, D8 and L4: what groups with `sync = flush` promise beyond the others.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

// Its sender, as a member, knew another view than this one when it asked for the send. Who asked to
// leave before that is no member any more, or another one.
bool is_asked_elsewhere(const History& history, const MessageInfo& message, Index view) {
  const record::Send* asked = message.client_send;
  if (asked == nullptr || asked->asked_in.empty()) return false;
  const Index known = history.find_view(message.group, asked->asked_in);
  if (known == view) return false;
  return known == kNone || history.membership_in(known, message.sender) ==
                               history.membership_in(view, message.sender);
}

bool is_of_another_view(const History& history, const MessageInfo& message, Index view) {
  const record::Send* sent = message.daemon_send;
  if (sent == nullptr) sent = message.client_send;
  if (sent == nullptr || !sent->member) return false;
  return sent->view != history.view_name(view) || is_asked_elsewhere(history, message, view);
}

}  // namespace

void check_sending_view(const History& history, Findings& findings) {
  for (const Membership& membership : history.memberships()) {
    if (!history.is_flush(membership)) continue;
    for (std::size_t s = 0; s < membership.stays.size(); ++s) {
      const Stay& stay = membership.stays[s];
      // The sender may have gone on to a view that only another side of a partition knows, or that
      // nobody knows who still lives.
      const bool is_apart = history.ends_in_recovery(membership, s);
      const std::size_t count = is_apart ? stay.before_transition : stay.deliveries.size();
      for (std::size_t i = 0; i < std::min(count, stay.deliveries.size()); ++i) {
        const DeliveryInfo& delivery = stay.deliveries[i];
        const MessageInfo& message = history.message(delivery.message);
        if (!is_of_another_view(history, message, stay.view)) continue;
        const Record send = message.client_send != nullptr ? *message.client_send : *message.send();
        findings.add("D4",
                     history.message_name(delivery.message) +
                         " was delivered in another view than it was sent in",
                     {&send, delivery.record});
      }
    }
  }
}

namespace {

// One membership between its events: who is asked to hold back, and who has agreed.
struct Contract {
  std::string view;
  const Record* record = nullptr;  // of the view
  const Record* block = nullptr;
  const Record* block_ok = nullptr;
};

// p's agreement not to send any more in a view.
struct Agreement {
  std::string view;
  std::uint64_t newest_request = 0;
  const Record* record = nullptr;
};

class ContractCheck {
 public:
  ContractCheck(const History& history, Findings& findings)
      : history_(history), findings_(findings) {}

  void run() {
    for_each_client_record(history_.run(),
                           [&](const Record& record, const auto& r) { on(record, r); });
    check_sends();
    if (history_.is_converged()) check_unblocked();
  }

 private:
  using Key = std::pair<std::string, std::string>;  // member and group

  template <typename R>
  void on(const Record&, const R&) {}
  void on(const Record& record, const record::View& r) {
    Contract& contract = contracts_[{r.p, r.g}];
    const bool is_flush = r.flush || history_.run().flush_groups.contains(r.g);
    if (is_flush && contract.record != nullptr && contract.block == nullptr) {
      findings_.add("D8", r.p + " was told a view, and not asked to hold back before it",
                    {contract.record, &record});
    }
    contract = {.view = r.id, .record = &record};
  }
  void on(const Record&, const record::Gone& r) { contracts_.erase({r.p, r.g}); }
  void on(const Record&, const record::Exit& r) { end_process(r.p); }
  void on(const Record&, const record::Crash& r) { end_process(r.p); }
  void on(const Record& record, const record::Block& r) {
    const auto contract = contracts_.find({r.p, r.g});
    if (contract == contracts_.end()) return;
    if (contract->second.block != nullptr) {
      findings_.add("D8", "a member was asked twice to hold back for one view",
                    {contract->second.block, &record});
    }
    contract->second.block = &record;
  }
  void on(const Record& record, const record::BlockOk& r) {
    const auto contract = contracts_.find({r.p, r.g});
    if (contract == contracts_.end()) return;
    if (contract->second.block == nullptr || contract->second.block_ok != nullptr) {
      findings_.add("D8", "a member agreed to hold back without being asked",
                    {contract->second.block_ok, &record});
    }
    contract->second.block_ok = &record;
    if (!r.request) return;
    agreements_[{std::string(split_member(r.p).first), r.g}].push_back(
        {.view = contract->second.view, .newest_request = *r.request, .record = &record});
  }

  void end_process(const std::string& process) {
    std::erase_if(contracts_, [&](const auto& entry) {
      return split_member(entry.first.first).first == process;
    });
  }

  // What was asked for after the agreement must not be accepted in the view that it is about.
  void check_sends() {
    for (const MessageInfo& message : history_.messages()) {
      if (message.client_send == nullptr || !message.client_send->request) continue;
      const auto agreed = agreements_.find(
          {history_.process_name(message.sender), history_.group_name(message.group)});
      if (agreed == agreements_.end()) continue;
      const std::string& view =
          message.daemon_send != nullptr ? message.daemon_send->view : message.client_send->view;
      for (const Agreement& agreement : agreed->second) {
        if (agreement.view != view) continue;
        if (*message.client_send->request <= agreement.newest_request) continue;
        const Record send = *message.client_send;
        findings_.add("D8", "a message was accepted in a view after its sender agreed to hold back",
                      {agreement.record, &send});
      }
    }
  }

  void check_unblocked() {
    for (const auto& [key, contract] : contracts_) {
      if (contract.block == nullptr) continue;
      if (history_.run().unsettled_daemons.contains(daemon_of(key.first))) continue;
      findings_.add("L4", key.first + " is held back for ever in " + key.second, {contract.block});
    }
  }

  const History& history_;
  Findings& findings_;
  std::map<Key, Contract> contracts_;
  std::map<Key, std::vector<Agreement>> agreements_;  // by process and group
};

}  // namespace

void check_block_contract(const History& history, Findings& findings) {
  ContractCheck(history, findings).run();
}

}  // namespace groupcomm::verify
