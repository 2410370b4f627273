// Traces written by hand, as short as a story can be told.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "daemon/verify/check.h"

namespace groupcomm::verify {

// One run. Names are one letter; daemons and clients have traces of their own. Message m of a
// sender has the hash m and size 1, unless a record is added by hand.
class Story {
 public:
  static std::string full(const std::string& who) {
    const std::size_t tilde = who.find('~');
    const std::string name = who.substr(0, tilde);
    const std::string rest = tilde == std::string::npos ? "" : who.substr(tilde);
    return name + "@d#00000000000000" + (name < "c" ? "01." : "02.") +
           std::to_string(name[0] - 'a' + 1) + rest;
  }
  static std::vector<std::string> full(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back(full(name));
    return out;
  }

  Trace& client(const std::string& who) {
    Trace& trace = clients_[who.substr(0, 1)];
    trace.header = {.role = Role::kClient, .name = who};
    return trace;
  }
  Trace& daemon(const std::string& who) {
    Trace& trace = daemons_[who];
    trace.header = {.role = Role::kDaemon, .name = who};
    return trace;
  }
  Story& add(const std::string& who, Record record) {
    client(who).records.push_back(std::move(record));
    return *this;
  }

  // The view as one member is told; what changed follows from its view before.
  record::View make_view(const std::string& who, const std::string& id,
                         const std::vector<std::string>& members) {
    record::View view{.p = full(who), .g = "g", .id = id, .members = full(members)};
    std::vector<std::string>& before = current_[who];
    for (const std::string& member : view.members) {
      const bool is_old = std::find(before.begin(), before.end(), member) != before.end();
      (is_old ? view.transitional : view.joined).push_back(member);
    }
    for (const std::string& member : before) {
      if (std::find(view.members.begin(), view.members.end(), member) == view.members.end()) {
        view.left.push_back({.member = member, .reason = "crash"});
      }
    }
    if (before.empty()) view.transitional = {full(who)};
    before = view.members;
    return view;
  }
  Story& view(const std::string& who, const std::string& id,
              const std::vector<std::string>& members) {
    return add(who, make_view(who, id, members));
  }
  // All members install it.
  Story& view(const std::string& id, const std::vector<std::string>& members) {
    for (const std::string& who : members) view(who, id, members);
    return *this;
  }

  // Accepted by the sender's daemon and told to the sender, a member in view `id`.
  Story& send(const std::string& who, std::uint64_t number, Order order, const std::string& id) {
    record::Send send = make_send(who, number, order, id);
    stamp(send);
    return add(who, send);
  }
  record::Send make_send(const std::string& who, std::uint64_t number, Order order,
                         const std::string& id) {
    record::Send send;
    send.p = full(who);
    send.g = "g";
    send.number = number;
    send.order = order;
    send.view = id;
    send.member = true;
    send.hash = number;
    send.size = 1;
    send.seen = seen_[who.substr(0, 1)];
    return send;
  }
  // Only the daemon's record: the sender was killed before it learnt of the acceptance.
  Story& stamp(record::Send send) {
    send.seen.reset();
    send.daemon_number = send.number;
    daemon(send.p < "c" ? "d1" : "d2").records.push_back(send);
    return *this;
  }
  Story& deliver(const std::string& who, const std::string& sender, std::uint64_t number,
                 Order order, const std::string& id) {
    ++seen_[who.substr(0, 1)];
    record::Deliver delivery{.p = full(who), .g = "g", .view = id, .sender = full(sender)};
    delivery.number = number;
    delivery.order = order;
    delivery.hash = number;
    delivery.size = 1;
    return add(who, delivery);
  }
  Story& gone(const std::string& who, const std::string& reason) {
    current_.erase(who);
    return add(who, record::Gone{.p = full(who), .g = "g", .reason = reason});
  }
  Story& crash(const std::string& who) { return add(who, record::Crash{.p = full(who)}); }

  // A view of daemons, at one of them.
  Story& daemon_view(const std::string& who, record::View view) {
    view.p = who;
    view.g = kDaemons;
    daemon(who).records.push_back(view);
    return *this;
  }

  Run run(bool converged = true) const {
    Run run{.traces = {},
            .converged = converged,
            .uniform_groups = uniform_groups_,
            .flush_groups = flush_groups_};
    for (const auto& [who, trace] : daemons_) run.traces.push_back(trace);
    for (const auto& [who, trace] : clients_) run.traces.push_back(trace);
    return run;
  }
  Story& make_uniform() {
    uniform_groups_ = {"g"};
    return *this;
  }
  Story& make_flush() {
    flush_groups_ = {"g"};
    return *this;
  }
  // The properties that are violated, each once.
  std::string violated(bool converged = true) const {
    std::string text;
    for (const Violation& violation : check(run(converged)).violations) {
      if (text.find(violation.property) != std::string::npos) continue;
      text += (text.empty() ? "" : " ") + violation.property;
    }
    return text;
  }

 private:
  std::set<std::string> uniform_groups_;
  std::set<std::string> flush_groups_;
  std::map<std::string, Trace> clients_;
  std::map<std::string, Trace> daemons_;
  std::map<std::string, std::vector<std::string>> current_;
  std::map<std::string, std::uint64_t> seen_;
};

// View ids in their order.
inline const std::string kView1 = "1.0000000000000001.1/0";
inline const std::string kView1b = "1.0000000000000001.1/5";
inline const std::string kView2 = "2.0000000000000001.1/0";
inline const std::string kView3 = "3.0000000000000001.1/0";

}  // namespace groupcomm::verify
