// M10: the reasons why members left, beside what became of them and of their daemons.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

const record::View& view_of(const Stay& stay) { return std::get<record::View>(*stay.record); }

bool is_of_daemon(const std::string& reason) {
  return reason == "daemon_lost" || reason == "partition";
}

class DepartureCheck {
 public:
  DepartureCheck(const History& daemons, const History& clients, Findings& findings)
      : daemons_(daemons), clients_(clients), findings_(findings) {
    for (const Membership& membership : clients.memberships()) {
      ends_[{membership.group, membership.member}] = membership.gone;
    }
    for (const Membership& membership : daemons.memberships()) {
      daemon_ends_[daemons.process_name(membership.process)] = &membership;
    }
  }

  void run() {
    for (const Membership& membership : daemons_.memberships()) {
      for (const Stay& stay : membership.stays) check_daemons(stay);
    }
    for (const Membership& membership : clients_.memberships()) {
      check_end(membership);
      for (std::size_t i = 1; i < membership.stays.size(); ++i) {
        for (const record::Left& left : view_of(membership.stays[i]).left) {
          check_member(membership, i, left);
        }
      }
    }
  }

 private:
  using Fate = std::pair<std::string, const Record*>;  // reason, and the first view that says so

  void report(const std::string& who, const std::string& reason, const std::string& why,
              const std::vector<const Record*>& records) {
    findings_.add("M10", who + " is said to have left by " + reason + ", but " + why, records);
  }

  // What a member is told of its own end: that it has left, where it wanted to; and that it is
  // excluded, where its daemon knows that it is.
  void check_end(const Membership& membership) {
    if (membership.gone == nullptr) return;
    const std::string& told = std::get<record::Gone>(*membership.gone).reason;
    const std::string& process = clients_.process_name(membership.process);
    if (told == "left" && !has_asked(process, clients_.group_name(membership.group))) {
      findings_.add("M10", process + " is told that it has left, but it never wanted to",
                    {membership.gone});
    }
    const auto daemon = daemon_ends_.find(daemon_of(process));
    if (told != "excluded" || clients_.is_partitionable() || daemon == daemon_ends_.end()) return;
    if (is_excluded(*daemon->second)) return;
    findings_.add("M10", process + " is told that it is excluded, but its daemon is not",
                  {daemon->second->gone, membership.gone});
  }

  // Or may have been, and died as it was told.
  bool is_excluded(const Membership& daemon) const {
    if (daemon.gone != nullptr) return std::get<record::Gone>(*daemon.gone).reason == "excluded";
    const std::string& name = daemons_.process_name(daemon.process);
    return daemons_.process(daemon.process).crashed || daemons_.is_cut(name);
  }

  // Where the driver of the run has told who wanted to leave.
  bool has_asked(const std::string& who, const std::string& group) const {
    const auto& leavers = clients_.run().leavers;
    return !leavers || leavers->contains(who) || leavers->contains(who + " " + group);
  }

  // Notes what became of the daemons that are missing in this view.
  void check_daemons(const Stay& stay) {
    const record::View& view = view_of(stay);
    known_.insert(view.id);
    told_.insert({view.id, view.p});
    for (const record::Left& left : view.left) {
      const auto [fate, is_new] =
          fates_.try_emplace({view.id, left.member}, left.reason, stay.record);
      if (!is_new) {
        if (fate->second.first == left.reason) continue;
        report(left.member, left.reason, "others were told: " + fate->second.first,
               {fate->second.second, stay.record});
      } else if (left.reason == "leave" && !has_asked(left.member, "")) {
        report(left.member, left.reason, "it never wanted to", {stay.record});
      } else if (left.reason != "leave" && !is_of_daemon(left.reason)) {
        report(left.member, left.reason, "it is a daemon", {stay.record});
      }
    }
  }

  void check_member(const Membership& membership, std::size_t i, const record::Left& left) {
    const Stay& after = membership.stays[i];
    const std::string base(daemon_view_of(view_of(after).id));
    const bool is_first_of_base = base != daemon_view_of(view_of(membership.stays[i - 1]).id);
    const auto fate = fates_.find({base, std::string(daemon_of(left.member))});
    const bool has_lost_daemon = is_first_of_base && fate != fates_.end();
    if (has_lost_daemon && left.reason == fate->second.first) return;
    if (is_of_daemon(left.reason)) {
      // Components that come together leave out whom one of them cannot take.
      const bool may_be_left_out = clients_.is_partitionable() && left.reason == "partition";
      if (!known_.contains(base) || may_be_left_out) return;
      // Others may have come to that view from elsewhere, and not know what its own daemon lost.
      const std::string own(daemon_of(view_of(after).p));
      if (clients_.is_cut(own) && !told_.contains({base, own})) return findings_.leave_open("M10");
      return report(
          left.member, left.reason,
          has_lost_daemon ? "its daemon by " + fate->second.first : "its daemon is still there",
          {has_lost_daemon ? fate->second.second : nullptr, after.record});
    }
    // What was announced before may come with the view of daemons.
    const bool may_be_late =
        clients_.is_flush(membership.group) || clients_.ends_apart(membership, i - 1);
    if (has_lost_daemon && !may_be_late) {
      return report(left.member, left.reason, "its daemon by " + fate->second.first,
                    {fate->second.second, after.record});
    }
    check_own(membership.group, left, after.record);
  }

  // That it left by itself, as it knows itself.
  void check_own(Index group, const record::Left& left, const Record* view) {
    const std::string process(split_member(left.member).first);
    if (left.reason == "leave" && !has_asked(process, clients_.group_name(group))) {
      return report(left.member, left.reason, "it never wanted to", {view});
    }
    if (left.reason == "leave") return;
    const auto end = ends_.find({group, clients_.find_member(left.member)});
    if (end == ends_.end() || end->second == nullptr) return;
    const std::string& told = std::get<record::Gone>(*end->second).reason;
    // Its connection may break, or its daemon be lost, before it is told that it is evicted.
    const bool fits = told == "daemon_lost" || (told == "evicted" && left.reason == "evicted") ||
                      (told == "excluded" && clients_.is_partitionable());
    if (!fits) report(left.member, left.reason, "it was told: " + told, {view, end->second});
  }

  const History& daemons_;
  const History& clients_;
  Findings& findings_;
  std::map<std::pair<Index, Index>, const Record*> ends_;      // by group and member
  std::map<std::string_view, const Membership*> daemon_ends_;  // by daemon
  std::map<std::pair<std::string, std::string>, Fate> fates_;  // by view of daemons and daemon
  std::set<std::string> known_;                                // views of daemons
  std::set<std::pair<std::string, std::string>> told_;         // the same, and who tells of it
};

}  // namespace

void check_departures(const History& daemons, const History& clients, Findings& findings) {
  DepartureCheck(daemons, clients, findings).run();
}

}  // namespace groupcomm::verify
