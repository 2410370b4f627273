#include "tests/simulation/simulator.h"

#include <algorithm>
#include <set>

namespace groupcomm::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Simulator::Simulator(const Plan& plan, bool verbose)
    : plan_(plan), random_(plan.seed ^ 0x5eed), scene_(plan_, verbose) {
  network_ = std::make_unique<Network>(
      scene_, random_.fork(),
      [this](std::size_t to, const Payload& bytes) { daemons_[to]->on_peer_bytes(bytes); });
  const std::size_t seeds = plan_.daemons - plan_.strangers;
  for (std::size_t i = 0; i < plan_.daemons; ++i) {
    std::vector<daemon::PeerAddress> peers;
    for (std::size_t j = 0; j < seeds; ++j) {
      if (i == j) continue;
      peers.push_back({.name = "d" + std::to_string(j),
                       .address = "tcp://10.0.0." + std::to_string(j + 1) + ":4870"});
    }
    DaemonSurroundings& surroundings = *this;
    daemons_.push_back(
        std::make_unique<DaemonNode>(scene_, random_.fork(), surroundings, i, std::move(peers)));
  }
  for (std::size_t i = 0; i < plan_.clients; ++i) {
    ClientSurroundings& surroundings = *this;
    clients_.push_back(std::make_unique<ClientNode>(scene_, random_.fork(), surroundings, i));
  }
  connections_.resize(plan_.clients);
  for (const Trigger& trigger : plan_.triggers) trigger_times_.push_back(trigger.times);
}

Outcome Simulator::run() {
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    const Duration delay = random_.percent(60) ? random_.between(Duration{}, milliseconds(20))
                                               : random_.between(Duration{}, seconds(3));
    scene_.after(delay, [this, i] { start_daemon(i); });
  }
  for (const auto& client : clients_) {
    scene_.after(random_.between(Duration{}, seconds(2)), [&client] { client->start(); });
  }
  begin_faults();
  scene_.run_until(TimePoint{plan_.unsafe_weather});
  calm_down();
  Outcome outcome;
  const bool settled = settle(outcome);
  judge(outcome, settled);
  return outcome;
}

// --- daemons among themselves --------------------------------------------------------------------

std::size_t Simulator::index_of(const std::string& daemon_name) {
  return static_cast<std::size_t>(std::stoul(daemon_name.substr(1)));
}

void Simulator::send_to_peer(std::size_t from, const std::string& to, protocol::Lane lane,
                             const protocol::PeerFrame& frame, const Payload& bytes) {
  const std::size_t receiver = index_of(to);
  scene_.count("frames");
  const std::uint64_t generation = daemons_[from]->generation();
  const bool is_after = random_.percent(50);
  if (!is_after) pull_triggers(from, receiver, frame);
  if (generation != daemons_[from]->generation()) return;
  network_->send(from, receiver, lane, bytes);
  if (is_after) pull_triggers(from, receiver, frame);
}

void Simulator::connect_peer(std::size_t from, const std::string& to) {
  const std::size_t receiver = index_of(to);
  if (daemons_[receiver]->is_up()) {
    announce_connection(from, receiver);
  } else {
    announce_refusal(from, receiver);
  }
}

void Simulator::announce_connection(std::size_t from, std::size_t to) {
  const std::uint64_t generation = daemons_[from]->generation();
  scene_.after(random_.about(milliseconds(5)), [this, from, to, generation] {
    DaemonNode& node = *daemons_[from];
    if (node.generation() != generation || network_->is_cut(from, to)) return;
    if (!daemons_[to]->is_up() || !node.is_connected_to(daemons_[to]->name())) return;
    node.on_event(daemon::PeerConnected{.name = daemons_[to]->name()});
  });
}

// Evidence of a death: true when it was gathered, and maybe a moment old when it is heard.
void Simulator::announce_refusal(std::size_t from, std::size_t to) {
  if (!random_.chance(plan_.daemon.refusal_noticed)) return;
  const std::uint64_t generation = daemons_[from]->generation();
  scene_.after(random_.about(milliseconds(3)), [this, from, to, generation] {
    DaemonNode& node = *daemons_[from];
    if (node.generation() != generation || network_->is_cut(from, to)) return;
    if (daemons_[to]->is_up() || !node.is_connected_to(daemons_[to]->name())) return;
    scene_.count("refusals noticed");
    const Duration age = random_.percent(80) ? Duration{} : random_.about(milliseconds(2));
    scene_.after(age, [this, from, to, generation] {
      if (daemons_[from]->generation() != generation) return;
      daemons_[from]->on_event(daemon::PeerRefused{.name = daemons_[to]->name()});
    });
  });
}

// --- clients and daemons -------------------------------------------------------------------------

TimePoint Simulator::arrival(TimePoint& last) {
  const Duration delay = random_.percent(95) ? random_.between(microseconds(10), microseconds(200))
                                             : random_.between(Duration{}, milliseconds(30));
  last = std::max(last, scene_.now() + delay);
  return last;
}

bool Simulator::connect(std::size_t client) {
  const std::size_t daemon = client % daemons_.size();
  if (!daemons_[daemon]->is_up() || daemons_[daemon]->is_paused()) return false;
  auto connection = std::make_shared<Connection>();
  connection->client = client;
  connection->daemon = daemon;
  connection->daemon_generation = daemons_[daemon]->generation();
  connection->session = daemons_[daemon]->accept_client();
  CHECK(connections_[client] == nullptr);
  connections_[client] = connection;
  sessions_[{daemon, connection->session}] = connection;
  return true;
}

void Simulator::send_to_daemon(std::size_t client, const Payload& bytes) {
  const ConnectionPointer connection = connections_[client];
  if (connection == nullptr) return;  // closed by the daemon; the client has not noticed yet
  scene_.at(arrival(connection->last_to_daemon), [this, connection, bytes] {
    DaemonNode& daemon = *daemons_[connection->daemon];
    if (daemon.generation() != connection->daemon_generation) return;
    daemon.on_client_bytes(connection->session, bytes);
  });
}

void Simulator::send_to_client(std::size_t from, SessionId session, const Payload& bytes) {
  const auto found = sessions_.find({from, session});
  if (found == sessions_.end()) return;
  const ConnectionPointer connection = found->second;
  scene_.at(arrival(connection->last_to_client), [this, connection, bytes] {
    if (!connection->client_closed) clients_[connection->client]->on_bytes(bytes);
  });
}

void Simulator::disconnect(std::size_t client) {
  const ConnectionPointer connection = std::move(connections_[client]);
  connections_[client] = nullptr;
  if (connection == nullptr) return;
  connection->client_closed = true;
  scene_.at(arrival(connection->last_to_daemon), [this, connection] {
    DaemonNode& daemon = *daemons_[connection->daemon];
    if (daemon.generation() != connection->daemon_generation) return;
    daemon.on_client_lost(connection->session);
  });
}

void Simulator::act_as_leader(const std::string& group, const GroupView& view) {
  FencedResource& resource = resources_[group];
  const ProcessId& leader = view.members[view.my_rank].process;
  if (view.id < resource.token) {
    scene_.count("acts of past leaders refused");
    return;
  }
  if (view.id == resource.token && resource.holder != leader) {
    scene_.complain("M7: two leaders acted with the token of one view of " + group);
  }
  resource = {.token = view.id, .holder = leader};
}

void Simulator::close_session(std::size_t daemon, SessionId session) {
  const auto found = sessions_.find({daemon, session});
  if (found == sessions_.end()) return;
  const ConnectionPointer connection = found->second;
  sessions_.erase(found);
  scene_.at(arrival(connection->last_to_client), [this, connection] {
    if (connection->client_closed) return;
    connection->client_closed = true;
    connections_[connection->client] = nullptr;
    clients_[connection->client]->on_disconnected();
  });
}

void Simulator::daemon_ended(std::size_t daemon) {
  std::vector<SessionId> open;
  for (const auto& [key, connection] : sessions_) {
    if (key.first == daemon) open.push_back(key.second);
  }
  for (const SessionId session : open) close_session(daemon, session);
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (i != daemon && daemons_[i]->is_up()) announce_refusal(i, daemon);
  }
  restart_later(daemon);
}

// --- the second phase ----------------------------------------------------------------------------

void Simulator::calm_down() {
  if (scene_.is_verbose()) scene_.log("sim", "CALM");
  scene_.calm_down();
  network_->heal();
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    daemons_[i]->resume();
    start_daemon(i);
  }
  for (const auto& client : clients_) client->settle();
}

std::string Simulator::unsettled_daemons() const {
  std::optional<ViewId> view;
  for (const auto& daemon : daemons_) {
    if (!daemon->is_up()) return daemon->name() + " is down";
    const protocol::DaemonStatus status = daemon->status();
    if (status.phase != "regular") return daemon->name() + " is " + status.phase;
    if (!status.view || !status.primary) return daemon->name() + " is in no primary view";
    if (!view) view = status.view;
    if (*view != *status.view) return daemon->name() + " is in a view of its own";
    if (status.members.size() != daemons_.size()) return daemon->name() + " misses a daemon";
  }
  return "";
}

std::string Simulator::unsettled_groups() const {
  std::map<std::string, GroupViewId> views;
  for (const auto& client : clients_) {
    for (const std::string& group : client->wanted()) {
      const GroupView* view = client->view(group);
      const auto [first, is_new] = views.emplace(group, view->id);
      if (!is_new && first->second != view->id) {
        return client->name() + " is in another view of " + group;
      }
      const auto wanting = std::count_if(clients_.begin(), clients_.end(), [&](const auto& other) {
        return other->wanted().contains(group);
      });
      if (view->members.size() != static_cast<std::size_t>(wanting)) {
        return client->name() + " sees " + std::to_string(view->members.size()) + " members in " +
               group + ", wanted by " + std::to_string(wanting);
      }
    }
  }
  return "";
}

std::string Simulator::unsettled() const {
  std::string why = unsettled_daemons();
  for (const auto& client : clients_) {
    if (!why.empty()) return why;
    why = client->unsettled();
    if (!why.empty()) why = client->name() + " " + why;
  }
  return why.empty() ? unsettled_groups() : why;
}

bool Simulator::settle(Outcome& outcome) {
  const TimePoint begin = scene_.now();
  const TimePoint end = begin + plan_.settle_bound;
  while (scene_.now() < end) {
    scene_.run_until(scene_.now() + milliseconds(250));
    if (!unsettled().empty()) continue;
    outcome.settled_after = scene_.now() - begin;
    // What was accepted last may still be on its way, and nothing may change any more.
    const std::uint64_t views = scene_.counters().at("daemon views");
    scene_.run_until(scene_.now() + seconds(3));
    const std::string why = unsettled();
    if (scene_.counters().at("daemon views") != views) {
      outcome.verdict += "L1 violated: the view changed again after everything had settled\n";
    } else if (!why.empty()) {
      outcome.verdict += "L1 violated: everything had settled, but then " + why + "\n";
    } else {
      return true;
    }
    return false;
  }
  outcome.verdict += "L1 violated: in " + std::to_string(plan_.settle_bound / seconds(1)) +
                     " quiet seconds things did not settle: " + unsettled() + "\n";
  return false;
}

void Simulator::judge(Outcome& outcome, bool settled) {
  for (const auto& daemon : daemons_) {
    for (verify::Trace& trace : daemon->traces()) outcome.traces.push_back(std::move(trace));
  }
  for (const auto& client : clients_) outcome.traces.push_back(std::move(client->trace()));
  verify::Run run{.traces = std::move(outcome.traces), .converged = settled};
  for (std::size_t i = 0; i < plan_.uniform_groups; ++i) {
    run.uniform_groups.insert("g" + std::to_string(i));
  }
  const verify::Verdict verdict = verify::check(run);
  outcome.traces = std::move(run.traces);
  for (const std::string& complaint : scene_.complaints()) {
    outcome.verdict += "complaint: " + complaint + "\n";
  }
  if (!verdict.violations.empty()) outcome.verdict += to_text(verdict);
  outcome.passed = outcome.verdict.empty();
  outcome.digest = scene_.digest();
  outcome.counters = scene_.counters();
}

}  // namespace groupcomm::simulation
