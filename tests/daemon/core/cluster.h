// A few daemons joined by perfect links in virtual time, for tests of DaemonCore alone. Faults and
// checkers are the simulator's business (tests/simulation).
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/core/daemon_core.h"

namespace groupcomm::daemon {

// For filters.
template <typename T>
bool is_body(const protocol::PeerBody& body) {
  return std::holds_alternative<T>(body);
}

class Cluster {
 public:
  using Heard = std::vector<protocol::DaemonMessage>;

  // Daemons d0, d1, ... that know one another; none is started.
  explicit Cluster(std::size_t size, TotalOrderEngine engine = TotalOrderEngine::kSequencer)
      : size_(size) {
    defaults_.version = "test";
    defaults_.engine = engine;
  }

  // What daemons are started with from now on.
  DaemonOptions& defaults() { return defaults_; }

  static std::string name(std::size_t i) { return "d" + std::to_string(i); }

  void start(std::size_t i) { start_as(i, Incarnation{++incarnations_ << 8 | i}); }
  void start_as(std::size_t i, Incarnation incarnation) {
    DaemonOptions options = defaults_;
    options.self = {name(i), incarnation};
    options.address =
        "tcp://127.0.0.1:" + std::to_string(ports_.contains(i) ? ports_[i] : 4000 + i);
    for (std::size_t j = 0; j < size_; ++j) {
      if (j == i || unconfigured_.contains(j)) continue;
      options.peers.push_back({name(j), "tcp://127.0.0.1:" + std::to_string(4000 + j)});
    }
    gave_up_.erase(name(i));
    finished_.erase(name(i));
    nodes_[name(i)].connected.clear();
    nodes_[name(i)].core.emplace(options, nodes_[name(i)].record, now_);
    perform(name(i));
  }
  void start_all() {
    for (std::size_t i = 0; i < size_; ++i) start(i);
  }
  // The others no longer have it among their peers when they start.
  void strike_from_configurations(std::size_t i) { unconfigured_.insert(i); }
  // It listens there from its next start on.
  void move(std::size_t i, std::size_t port) { ports_[i] = port; }
  const protocol::DurableRecord& record(std::size_t i) { return nodes_[name(i)].record; }
  // What its state directory holds at its next start.
  void set_record(std::size_t i, protocol::DurableRecord record) {
    nodes_[name(i)].record = std::move(record);
  }
  // Its state directory is lost.
  void wipe(std::size_t i) { nodes_[name(i)].record = {}; }
  // The power fails: nobody finds its port closed.
  void vanish(std::size_t i) { nodes_[name(i)].core.reset(); }
  // As by SIGKILL; the others find its port closed.
  void kill(std::size_t i) {
    vanish(i);
    for (auto& [other, node] : nodes_) {
      if (node.core) step(other, PeerRefused{name(i)});
    }
  }
  // One finds the other's port closed, or has a connection to it again.
  void refuse(std::size_t i, std::size_t j) { step(name(i), PeerRefused{name(j)}); }
  void link_up(std::size_t i, std::size_t j) { step(name(i), PeerConnected{name(j)}); }
  // As by SIGSTOP and SIGCONT: what comes meanwhile is read afterwards.
  void freeze(std::size_t i) { frozen_[name(i)]; }
  void thaw(std::size_t i) {
    const auto waiting = frozen_.extract(name(i));
    for (const auto& frame : waiting.mapped()) {
      if (is_running(i)) step(name(i), PeerFrameReceived{*frame});
    }
    if (is_running(i)) step(name(i), TimerExpired{});
  }
  void cut(std::size_t i, std::size_t j) {
    cuts_.insert({name(i), name(j)});
    cuts_.insert({name(j), name(i)});
  }
  void heal() { cuts_.clear(); }
  // Frames for which this is false are lost.
  using Filter = std::function<bool(const std::string& from, const std::string& to,
                                    const protocol::PeerBody& body)>;
  void set_filter(Filter filter) { filter_ = std::move(filter); }
  // The last frame of this kind that one sent to another, lost or not; it may be replayed.
  template <typename T>
  protocol::PeerFrame last_frame(std::size_t from, std::size_t to) const {
    const auto found = find_last<T>(from, to);
    if (!found) ADD_FAILURE() << name(from) << " sent " << name(to) << " no such frame lately";
    return found.value_or(protocol::PeerFrame{});
  }
  template <typename T>
  std::optional<protocol::PeerFrame> find_last(std::size_t from, std::size_t to) const {
    for (auto sent = sent_.rbegin(); sent != sent_.rend(); ++sent) {
      const bool is_there = sent->from == name(from) && sent->to == name(to);
      if (is_there && std::holds_alternative<T>(sent->frame->body)) return *sent->frame;
    }
    return std::nullopt;
  }
  void receive(std::size_t i, protocol::PeerFrame frame) {
    step(name(i), PeerFrameReceived{std::move(frame)});
  }

  void run_for(Duration duration) {
    const TimePoint end = now_ + duration;
    while (now_ < end) {
      TimePoint next = end;
      for (auto& [name, node] : nodes_) {
        if (moves(name)) next = std::min(next, node.core->next_deadline());
      }
      now_ = std::max(now_, next);
      for (auto& [name, node] : nodes_) {
        if (!moves(name) || node.core->next_deadline() > now_) continue;
        ++node.timers_expired;
        step(name, TimerExpired{});
      }
      settle();
    }
  }

  void say(std::size_t i, std::uint64_t session, protocol::ClientMessage message) {
    step(name(i), ClientFrame{SessionId{session}, {std::move(message)}, /*from_operator=*/true});
  }
  void say_all(std::size_t i, std::uint64_t session,
               std::vector<protocol::ClientMessage> messages) {
    step(name(i), ClientFrame{SessionId{session}, std::move(messages)});
  }
  void lose_client(std::size_t i, std::uint64_t session) {
    step(name(i), ClientLost{SessionId{session}});
  }
  // A frame from outside the cluster.
  void take(std::size_t i, const protocol::PeerFrame& frame) {
    step(name(i), PeerFrameReceived{frame});
  }
  void ask_to_leave(std::size_t i) { step(name(i), LeaveRequested{}); }
  void settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (auto& [name, node] : nodes_) {
        if (moves(name)) step(name, InputDrained{});
      }
      while (!wire_.empty()) {
        moved = true;
        const auto [from, to, frame] = wire_.front();
        sent_.push_back(wire_.front());
        if (sent_.size() > kSentKept) sent_.pop_front();
        wire_.pop_front();
        if (cuts_.contains({from, to}) || !nodes_[to].core) continue;
        if (filter_ && !filter_(from, to, frame->body)) continue;
        if (const auto frozen = frozen_.find(to); frozen != frozen_.end()) {
          frozen->second.push_back(frame);
          continue;
        }
        step(to, PeerFrameReceived{*frame});
      }
    }
  }

  Heard& heard(std::size_t i, std::uint64_t session) {
    return nodes_[name(i)].heard[SessionId{session}];
  }
  template <typename T>
  std::vector<T> heard_of(std::size_t i, std::uint64_t session) {
    std::vector<T> found;
    for (const auto& message : heard(i, session)) {
      if (const T* value = std::get_if<T>(&message)) found.push_back(*value);
    }
    return found;
  }
  // Deliveries, and runs of them.
  const std::vector<protocol::Deliver>& runs(std::size_t i, std::uint64_t session) {
    return nodes_[name(i)].runs[SessionId{session}];
  }
  // Payload texts with their chunks, in the order of delivery.
  std::vector<std::string> texts(std::size_t i, std::uint64_t session) {
    std::vector<std::string> texts;
    std::string chunks;
    for (const auto& message : heard(i, session)) {
      if (const auto* chunk = std::get_if<protocol::DeliverChunk>(&message)) {
        chunks += chunk->payload.text();
      } else if (const auto* delivery = std::get_if<protocol::Deliver>(&message)) {
        texts.push_back(std::exchange(chunks, {}) + std::string(delivery->payload.text()));
      }
    }
    return texts;
  }
  protocol::DaemonStatus status(std::size_t i) {
    if (is_running(i)) return nodes_[name(i)].core->status(now_);
    ADD_FAILURE() << name(i) << " is not running";
    return {};
  }
  std::uint64_t counter(std::size_t i, const std::string& name) {
    for (const auto& [key, value] : status(i).counters) {
      if (key == name) return value;
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
  int timers_expired(std::size_t i) { return nodes_[name(i)].timers_expired; }
  TimePoint now() const { return now_; }
  bool is_closed(std::size_t i, std::uint64_t session) {
    return nodes_[name(i)].closed.contains(SessionId{session});
  }
  const std::vector<Report>& reports(std::size_t i) { return nodes_[name(i)].reports; }
  const std::vector<InstallView>& installed(std::size_t i) { return nodes_[name(i)].installed; }
  // i keeps lanes to j.
  bool is_connected(std::size_t i, std::size_t j) {
    return nodes_[name(i)].connected.contains(name(j));
  }
  bool is_running(std::size_t i) { return nodes_[name(i)].core.has_value(); }
  bool gave_up(std::size_t i) const { return gave_up_.contains(name(i)); }
  bool finished(std::size_t i) const { return finished_.contains(name(i)); }

 private:
  struct Node {
    std::optional<DaemonCore> core;
    protocol::DurableRecord record;
    std::map<SessionId, Heard> heard;  // runs message by message
    std::map<SessionId, std::vector<protocol::Deliver>> runs;
    std::set<SessionId> closed;
    std::vector<Report> reports;
    std::vector<InstallView> installed;
    std::set<std::string> connected;
    int timers_expired = 0;
  };
  struct InFlight {
    std::string from;
    std::string to;
    std::shared_ptr<const protocol::PeerFrame> frame;
  };

  bool moves(const std::string& name) {
    return nodes_[name].core.has_value() && !frozen_.contains(name);
  }

  void step(const std::string& name, Event event) {
    nodes_[name].core->step(now_, std::move(event));
    nodes_[name].core->check_invariants();
    perform(name);
  }

  void perform(const std::string& name) {
    Node& node = nodes_[name];
    for (Effect& effect : node.core->take_effects()) {
      if (auto* send = std::get_if<SendToPeers>(&effect)) {
        for (const auto& peer : send->peers) {
          if (node.connected.contains(peer)) wire_.push_back({name, peer, send->frame});
        }
      } else if (auto* connect = std::get_if<ConnectPeer>(&effect)) {
        node.connected.insert(connect->name);
      } else if (auto* disconnect = std::get_if<DisconnectPeer>(&effect)) {
        node.connected.erase(disconnect->name);
      } else if (auto* record = std::get_if<PersistRecord>(&effect)) {
        node.record = record->record();
      } else if (auto* tell = std::get_if<SendToClient>(&effect)) {
        node.heard[tell->session].push_back(tell->message);
      } else if (auto* deliver = std::get_if<DeliverMessage>(&effect)) {
        for (const SessionId session : deliver->sessions) {
          Heard& heard = node.heard[session];
          for (const Payload& chunk : deliver->chunks) {
            heard.push_back(protocol::DeliverChunk{chunk});
          }
          node.runs[session].push_back(deliver->delivery);
          protocol::for_each_of_run(deliver->delivery, [&](const protocol::Deliver& delivery) {
            heard.push_back(delivery);
          });
        }
      } else if (auto* close = std::get_if<CloseClient>(&effect)) {
        node.closed.insert(close->session);
      } else if (auto* report = std::get_if<Report>(&effect)) {
        node.reports.push_back(*report);
      } else if (auto* install = std::get_if<InstallView>(&effect)) {
        node.installed.push_back(*install);
      } else if (std::holds_alternative<GiveUp>(effect)) {
        gave_up_.insert(name);
      } else if (std::holds_alternative<Finished>(effect)) {
        finished_.insert(name);
      }
    }
    if (gave_up_.contains(name) || finished_.contains(name)) node.core.reset();
  }

  std::size_t size_;
  std::set<std::size_t> unconfigured_;
  std::map<std::size_t, std::size_t> ports_;
  DaemonOptions defaults_;
  TimePoint now_{std::chrono::seconds(1000)};
  std::uint64_t incarnations_ = 0;
  std::map<std::string, Node> nodes_;
  static constexpr std::size_t kSentKept = 100;
  std::deque<InFlight> wire_;
  std::deque<InFlight> sent_;  // the last ones that came off the wire
  std::set<std::pair<std::string, std::string>> cuts_;
  std::map<std::string, std::vector<std::shared_ptr<const protocol::PeerFrame>>> frozen_;
  Filter filter_;
  std::set<std::string> gave_up_;
  std::set<std::string> finished_;
};

}  // namespace groupcomm::daemon
