// D14 and M15: what members and senders are told of the fate of their messages.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

// How many sends of each process ended without an answer, as its connection did.
std::map<std::string, std::size_t> unanswered_sends(const History& history) {
  std::map<std::string, std::size_t> unanswered;
  for_each_client_record(history.run(), [&]<typename R>(const Record&, const R& r) {
    if constexpr (std::is_same_v<R, record::Reject>) {
      if (r.reason == "gone") ++unanswered[r.p];
    }
  });
  return unanswered;
}

// What a process's daemon accepted, and the process was never told of. A message to several groups
// is one.
std::map<std::pair<std::string_view, std::uint64_t>, const record::Send*> untold_sends(
    const History& history, const ProcessInfo& process) {
  std::map<std::pair<std::string_view, std::uint64_t>, const record::Send*> untold;
  for (const Index index : process.daemon_sends) {
    const MessageInfo& message = history.message(index);
    if (message.client_send != nullptr || !message.daemon_send->daemon_number) continue;
    const record::Send& send = *message.daemon_send;
    untold.emplace(std::pair(daemon_view_of(send.view), *send.daemon_number), &send);
  }
  return untold;
}

// Whoever lives on, or ended in order, knows the fate of all that it asked for, but of what it was
// told to be gone.
void check_rejections(const History& history, Findings& findings) {
  const std::map<std::string, std::size_t> unanswered = unanswered_sends(history);
  for (Index i = 0; i < static_cast<Index>(history.processes().size()); ++i) {
    const ProcessInfo& process = history.process(i);
    const bool is_told_all = (process.ended && !process.crashed) || history.has_settled(i);
    if (!process.has_trace || !process.daemon_traced || !is_told_all) continue;
    const auto untold = untold_sends(history, process);
    const auto unknown = unanswered.find(history.process_name(i));
    const std::size_t allowed = unknown == unanswered.end() ? 0 : unknown->second;
    if (untold.size() <= allowed) continue;
    const Record first = *untold.begin()->second;
    findings.add("D14",
                 "of " + history.process_name(i) + " " + std::to_string(untold.size()) +
                     " messages were accepted without its being told, and it knows of " +
                     std::to_string(allowed) + " whose fate is unknown",
                 {&first});
  }
}

// Accepted means stamped: a daemon writes that down before it says so.
void check_acceptances(const History& history, Findings& findings) {
  for (Index i = 0; i < static_cast<Index>(history.messages().size()); ++i) {
    const MessageInfo& message = history.message(i);
    if (message.client_send == nullptr || message.daemon_send != nullptr) continue;
    if (!history.process(message.sender).daemon_traced) continue;
    const Record send = *message.client_send;
    findings.add("D14",
                 history.message_name(i) + " was accepted, and its daemon has not stamped it",
                 {&send});
  }
}

// Finds the messages of which a sender was told that nobody is left to have them. Before a daemon
// that was excluded tells its clients the end, the same word says something else: so it counts only
// for processes that were told more afterwards.
class Undeliverable {
 public:
  explicit Undeliverable(const History& history) {
    for_each_client_record(history.run(),
                           [&](const Record& record, const auto& r) { on(record, r); });
    for (const auto& [process, fails] : open_) {
      if (const Index index = history.find_process(process); index != kNone) {
        if (history.has_settled(index)) known_.insert(fails.begin(), fails.end());
      }
    }
  }

  // By message: the record that says so, or nullptr. Empty: there is none.
  std::vector<const Record*> by_message(const History& history) const {
    std::vector<const Record*> told;
    if (known_.empty()) return told;
    for (const MessageInfo& message : history.messages()) {
      const auto found = known_.find({history.process_name(message.sender),
                                      history.group_name(message.group), message.number});
      told.push_back(found == known_.end() ? nullptr : found->second);
    }
    return told;
  }

 private:
  using Key = std::tuple<std::string, std::string, std::uint64_t>;
  using Fails = std::map<Key, const Record*>;

  template <typename R>
  void on(const Record&, const R&) {}
  void on(const Record& record, const record::SendFail& r) {
    const std::string process(split_member(r.p).first);
    open_[process].emplace(Key{process, r.g, r.number}, &record);
  }
  void on(const Record&, const record::View& r) { confirm(r.p); }
  void on(const Record&, const record::Deliver& r) { confirm(r.p); }
  void on(const Record&, const record::Exit& r) { open_.erase(r.p); }
  void on(const Record&, const record::Crash& r) { open_.erase(r.p); }
  void on(const Record&, const record::Gone& r) {
    if (r.reason == "excluded") open_.erase(std::string(split_member(r.p).first));
  }
  void confirm(const std::string& member) {
    if (open_.empty()) return;
    const auto found = open_.find(std::string(split_member(member).first));
    if (found == open_.end()) return;
    known_.insert(found->second.begin(), found->second.end());
    open_.erase(found);
  }

  std::map<std::string, Fails> open_;  // by process: nothing has followed yet
  Fails known_;
};

// Who died, or went on apart, may have been the only one to know another order of a leave and the
// message.
void check_failures(const History& history, Findings& findings) {
  if (history.is_partitionable()) return;
  const std::vector<const Record*> failed = Undeliverable(history).by_message(history);
  if (failed.empty()) return;
  for (const Membership& membership : history.memberships()) {
    for (std::size_t s = 0; s < membership.stays.size(); ++s) {
      if (!history.is_complete(membership, s) || history.ends_apart(membership, s)) continue;
      for (const DeliveryInfo& delivery : membership.stays[s].deliveries) {
        const Record* told = failed[static_cast<std::size_t>(delivery.message)];
        if (told == nullptr) continue;
        findings.add("D14",
                     history.message_name(delivery.message) +
                         " was delivered, and its sender told that it cannot be",
                     {told, delivery.record});
      }
    }
  }
}

// One membership from the word that there is no quorum to the next view or the end.
class SuspensionCheck {
 public:
  SuspensionCheck(const History& history, Findings& findings)
      : history_(history), findings_(findings) {}

  void run() {
    for_each_client_record(history_.run(),
                           [&](const Record& record, const auto& r) { on(record, r); });
    for (const auto& [key, pause] : pauses_) {
      const Index process = history_.find_process(key.first);
      if (process == kNone || !history_.has_settled(process)) continue;
      findings_.add("L4", key.first + " is suspended for ever in " + key.second, {pause.begin});
    }
  }

 private:
  using Key = std::pair<std::string, std::string>;  // process and group
  struct Pause {
    const Record* begin = nullptr;
    const Record* delivery = nullptr;  // the first one since
  };

  static Key key_of(const std::string& member, const std::string& group) {
    return {std::string(split_member(member).first), group};
  }

  template <typename R>
  void on(const Record&, const R&) {}
  void on(const Record& record, const record::Suspended& r) {
    const auto [pause, is_new] = pauses_.try_emplace(key_of(r.p, r.g), Pause{&record, nullptr});
    if (is_new) return;
    findings_.add("M15", r.p + " was told twice that its view is suspended",
                  {pause->second.begin, &record});
  }
  void on(const Record&, const record::View& r) {
    if (!pauses_.empty()) pauses_.erase(key_of(r.p, r.g));
  }
  void on(const Record&, const record::Exit& r) { end_process(r.p); }
  void on(const Record&, const record::Crash& r) { end_process(r.p); }
  void on(const Record& record, const record::Send& r) {
    if (pauses_.empty()) return;
    const auto pause = pauses_.find({r.p, r.g});
    if (pause == pauses_.end()) return;
    findings_.add("M15", "a message of " + r.p + " was accepted while its view was suspended",
                  {pause->second.begin, &record});
  }
  // What is left of a view comes right before the next one: that alone cannot be told here from
  // what is delivered too early.
  void on(const Record& record, const record::Deliver& r) {
    if (pauses_.empty()) return;
    const auto pause = pauses_.find(key_of(r.p, r.g));
    if (pause == pauses_.end() || pause->second.delivery != nullptr) return;
    pause->second.delivery = &record;
  }
  void on(const Record& record, const record::Gone& r) {
    if (pauses_.empty()) return;
    const auto pause = pauses_.find(key_of(r.p, r.g));
    if (pause == pauses_.end()) return;
    if (r.reason == "excluded" && pause->second.delivery != nullptr) {
      findings_.add("M15", r.p + " was suspended and then excluded, and delivered in between",
                    {pause->second.begin, pause->second.delivery, &record});
    }
    pauses_.erase(pause);
  }

  void end_process(const std::string& process) {
    std::erase_if(pauses_, [&](const auto& entry) { return entry.first.first == process; });
  }

  const History& history_;
  Findings& findings_;
  std::map<Key, Pause> pauses_;
};

}  // namespace

void check_answers(const History& clients, Findings& findings) {
  check_rejections(clients, findings);
  check_acceptances(clients, findings);
  check_failures(clients, findings);
}

void check_suspensions(const History& clients, Findings& findings) {
  SuspensionCheck(clients, findings).run();
}

}  // namespace groupcomm::verify
