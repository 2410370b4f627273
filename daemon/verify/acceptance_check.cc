// L2: what a daemon has accepted reaches those whom it is for, or its sender is told.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

const record::View& view_of(const Stay& stay) { return std::get<record::View>(*stay.record); }

std::string_view base_of(const Stay& stay) { return daemon_view_of(view_of(stay).id); }

// Where one goes from a view of daemons: to the next one, or nowhere where the run has settled in
// it. Nothing: one goes no further, or nobody knows.
using Way = std::optional<std::string_view>;
constexpr std::string_view kNowhere = "";

class AcceptanceCheck {
 public:
  AcceptanceCheck(const History& daemons, const History& clients, Findings& findings)
      : clients_(clients), findings_(findings), delivered_(clients.messages().size()) {
    for (const Membership& membership : daemons.memberships()) {
      for (std::size_t i = 0; i < membership.stays.size(); ++i) {
        if (!daemons.is_complete(membership, i)) continue;
        const bool is_last = i + 1 == membership.stays.size();
        const record::View& view = view_of(membership.stays[i]);
        daemons_.emplace(view.id, view.members);
        ways_[{daemons.member_name(membership.member), view.id}] =
            is_last ? kNowhere : std::string_view(view_of(membership.stays[i + 1]).id);
      }
    }
    for (Index i = 0; at(i) < clients.messages().size(); ++i) {
      const MessageInfo& message = clients.message(i);
      if (message.daemon_send == nullptr || message.stamped_view == kNone) continue;
      if (way_of_sender(message)) stamped_[message.stamped_view].push_back(i);
    }
  }

  void run() {
    for (const Membership& membership : clients_.memberships()) {
      ++round_;
      for (const Stay& stay : membership.stays) {
        for (const DeliveryInfo& delivery : stay.deliveries) {
          delivered_[at(delivery.message)] = round_;
        }
      }
      for (std::size_t i = 0; i < membership.stays.size(); ++i) check_stay(membership, i);
    }
    if (clients_.is_converged()) check_undelivered();
  }

 private:
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }

  Way way_of_daemon(std::string_view daemon, std::string_view base) const {
    const auto way = ways_.find(std::pair(std::string(daemon), std::string(base)));
    return way == ways_.end() ? Way() : way->second;
  }
  Way way_of_sender(const MessageInfo& message) const {
    return way_of_daemon(daemon_of(clients_.process_name(message.sender)),
                         daemon_view_of(message.daemon_send->view));
  }
  Way way_of(const Membership& membership, std::string_view base) const {
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      if (base_of(membership.stays[i]) != base || !clients_.is_complete(membership, i)) continue;
      if (i + 1 == membership.stays.size()) return kNowhere;
      const std::string_view next = base_of(membership.stays[i + 1]);
      if (next != base) return next;
    }
    return std::nullopt;
  }

  // Whoever was there at the stamp, and goes the way of the sender's daemon.
  void check_stay(const Membership& membership, std::size_t i) {
    const Stay& stay = membership.stays[i];
    const auto stamped = stamped_.find(stay.view);
    if (stamped == stamped_.end()) return;
    const Way way = way_of(membership, base_of(stay));
    if (!way) return;
    for (const Index index : stamped->second) {
      const MessageInfo& message = clients_.message(index);
      if (delivered_[at(index)] == round_ || way != way_of_sender(message)) continue;
      if (!clients_.is_addressed(message, membership.process)) continue;
      const Record send = *message.daemon_send;
      findings_.add("L2",
                    clients_.member_name(membership.member) + " went on without " +
                        clients_.message_name(index) + ", whose daemon went on with it",
                    {&send, stay.record, membership.stays.back().record});
    }
  }

  // Nobody may have delivered it, as nobody was there or all have died; in the first case its
  // sender knows that.
  void check_undelivered() {
    for (const auto& [view, stamped] : stamped_) {
      for (const Index index : stamped) {
        const MessageInfo& message = clients_.message(index);
        if (message.home != kNone || clients_.has_send_fail(index)) continue;
        if (message.daemon_send->self_discard && message.daemon_send->member) continue;
        if (!clients_.has_settled(message.sender) || may_be_lost(message)) continue;
        const Record send = *message.daemon_send;
        findings_.add(
            "L2",
            clients_.message_name(index) + " was delivered by nobody, and its sender not told",
            {&send});
      }
    }
  }

  // With a member that was there, perhaps, and goes not the way of the sender's daemon. One that
  // died may never have been told that it was a member.
  bool may_be_lost(const MessageInfo& message) const {
    const std::string_view base = daemon_view_of(message.daemon_send->view);
    const Way way = way_of_sender(message);
    const auto daemons = daemons_.find(base);
    if (daemons == daemons_.end()) return true;
    const bool has_lost_daemon =
        std::any_of(daemons->second.begin(), daemons->second.end(),
                    [&](const std::string& daemon) { return way_of_daemon(daemon, base) != way; });
    if (has_lost_daemon) return true;
    for (Index i = 0; at(i) < clients_.processes().size(); ++i) {
      const ProcessInfo& process = clients_.process(i);
      if (process.has_trace && !process.ended) continue;
      const std::string_view daemon = daemon_of(clients_.process_name(i));
      if (std::count(daemons->second.begin(), daemons->second.end(), daemon) > 0) return true;
    }
    return false;
  }

  const History& clients_;
  Findings& findings_;
  std::map<std::pair<std::string, std::string>, std::string_view> ways_;  // by daemon and view
  std::map<std::string_view, std::vector<std::string>> daemons_;          // by their view
  std::map<Index, std::vector<Index>> stamped_;  // by view of the group: what was stamped there
  std::vector<std::uint32_t> delivered_;         // by message: the last round that delivered it
  std::uint32_t round_ = 0;
};

}  // namespace

void check_acceptance(const History& daemons, const History& clients, Findings& findings) {
  AcceptanceCheck(daemons, clients, findings).run();
}

}  // namespace groupcomm::verify
