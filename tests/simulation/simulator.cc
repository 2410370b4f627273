#include "tests/simulation/simulator.h"

#include <algorithm>
#include <cstdlib>

namespace groupcomm::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Simulator::Simulator(const Plan& plan, bool verbose)
    : plan_(plan),
      random_(plan.seed ^ 0x5eed),
      further_(plan.seed ^ 0xf00d),
      accidents_(plan.seed ^ 0xca11),
      scene_(plan_, verbose),
      monitor_(scene_),
      watch_(plan.options.engine == daemon::TotalOrderEngine::kSequencer,
             [this](const std::string& from, const std::string& to) {
               return network_->is_cut(index_of(from), index_of(to));
             }) {
  network_ = std::make_unique<Network>(
      scene_, random_.fork(),
      [this](std::size_t to, const Network::Frame& frame) { on_arrival(to, frame); },
      [this] { return leader(); },
      [this](std::size_t from, std::size_t to) {
        watch_.on_mended(daemons_[from]->id(), daemons_[to]->id());
      });
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
  for (std::size_t i = 0; i < seeds && plan_.daemon.view_base > 0; ++i) {
    daemons_[i]->set_past(seeds);
  }
  connections_.resize(plan_.clients);
  for (const Trigger& trigger : plan_.triggers) trigger_times_.push_back(trigger.times);
  for (std::size_t i = 0; i < plan_.daemons; ++i) core_.insert(i);
}

Outcome Simulator::run() {
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    const Duration delay = !plan_.cues.empty()   ? milliseconds(10 * i)
                           : random_.percent(60) ? random_.between(Duration{}, milliseconds(20))
                                                 : random_.between(Duration{}, seconds(3));
    scene_.after(delay, [this, i] { start_daemon(i); });
  }
  for (const auto& client : clients_) {
    const Duration delay =
        plan_.cues.empty() ? random_.between(Duration{}, seconds(2)) : milliseconds(300);
    scene_.after(delay, [&client] { client->start(); });
  }
  begin_faults();
  begin_script();
  scene_.run_until(TimePoint{plan_.unsafe_weather});
  calm_down();
  Outcome outcome;
  bool settled = settle(outcome);
  if (settled && plan_.wrong_words && core_.size() == daemons_.size()) {
    settled = part_and_force(outcome);
  }
  outcome.simulated = scene_.now() - TimePoint{};
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
  const std::uint64_t generation_of_sender = daemons_[from]->generation();
  scene_.count("frames");
  scene_.count_kind(frame.body.index());
  pull_cues(from, receiver, frame.body.index());
  if (generation_of_sender != daemons_[from]->generation()) return;
  monitor_.on_send(frame);
  watch_.on_sent(frame);
  if (is_kept_back(from, receiver, frame.body.index(), bytes)) return;
  const std::uint64_t generation = daemons_[from]->generation();
  const bool is_after = random_.percent(50);
  if (!is_after) pull_triggers(from, receiver, frame);
  if (generation != daemons_[from]->generation()) return;
  network_->send(from, receiver, lane, {bytes});
  if (is_after) pull_triggers(from, receiver, frame);
}

void Simulator::on_arrival(std::size_t to, const Network::Frame& frame) {
  DaemonNode& node = *daemons_[to];
  if (!node.is_up()) return;
  const bool is_taken = node.on_peer_bytes(frame.bytes);
  monitor_.on_arrival(node.name(), frame.is_readable, is_taken);
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
    look_again_later(from, to);
    const Duration age = random_.percent(80) ? Duration{} : random_.about(milliseconds(2));
    scene_.after(age, [this, from, to, generation] {
      if (daemons_[from]->generation() != generation) return;
      daemons_[from]->on_event(daemon::PeerRefused{.name = daemons_[to]->name()});
    });
  });
}

// As hosts do, since the first refusal may come too early to be believed (rule D2).
void Simulator::look_again_later(std::size_t from, std::size_t to) {
  const std::uint64_t generation = daemons_[from]->generation();
  scene_.after(milliseconds(250), [this, from, to, generation] {
    DaemonNode& node = *daemons_[from];
    if (node.generation() != generation || network_->is_cut(from, to)) return;
    if (daemons_[to]->is_up() || !node.is_connected_to(daemons_[to]->name())) return;
    node.on_event(daemon::PeerRefused{.name = daemons_[to]->name()});
  });
}

// --- clients and daemons -------------------------------------------------------------------------

TimePoint Simulator::arrival(TimePoint& last) {
  const Duration delay = !plan_.cues.empty() ? microseconds(100)
                         : random_.percent(95)
                             ? random_.between(microseconds(10), microseconds(200))
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

bool Simulator::act_as_leader(const std::string& group, const GroupView& view) {
  FencedResource& resource = resources_[group];
  const ProcessId& leader = view.members[view.my_rank].process;
  if (view.id < resource.token) {
    scene_.count("acts of past leaders refused");
    return false;
  }
  if (view.id == resource.token && resource.holder != leader) {
    scene_.complain("M7: two leaders acted with the token of one view of " + group);
  }
  resource = {.token = view.id, .holder = leader};
  return true;
}

// What a standby does for one that it takes over from: it cannot know what became of the calls that
// were under way, so it makes them again, or ends the session that made them.
void Simulator::call_again(std::size_t client, const std::vector<Call>& calls) {
  if (plan_.client.calls_again == 0 || !scene_.is_stormy()) return;
  for (const Call& call : calls) {
    if (!accidents_.chance(plan_.client.calls_again)) continue;
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (i != client && clients_[i]->view(call.group) != nullptr) others.push_back(i);
    }
    if (others.empty()) return;
    const std::size_t caller = accidents_.pick(others);
    const std::size_t judge = accidents_.pick(others);
    const bool expires = accidents_.percent(50);
    if (!scene_.sends()) continue;
    const Duration delay = accidents_.between(Duration{}, milliseconds(30));
    scene_.after(delay, [this, caller, call] { send_for_another(caller, call, false); });
    if (expires) scene_.after(delay, [this, judge, call] { send_for_another(judge, call, true); });
  }
}

void Simulator::send_for_another(std::size_t client, const Call& call, bool expires) {
  const std::uint64_t hash = verify::payload_hash(call.payload.bytes());
  const Payload payload =
      expires ? Payload::copy_of("expired " + std::string(call.payload.text())) : call.payload;
  if (!clients_[client]->send(call.group, call.order, payload)) return;
  scene_.count(expires ? "calls that expired" : "calls made again");
  if (expires) {
    watch_.on_expired(hash);
  } else {
    watch_.on_called_again(hash);
  }
}

void Simulator::on_wish(std::size_t client) {
  watch_.on_wish(daemons_[client % daemons_.size()]->id());
}

void Simulator::on_notice(const verify::record::Safe& notice, const GroupView* view) {
  std::vector<std::size_t> lengths;
  for (const auto& client : clients_) lengths.push_back(client->trace().records.size());
  notices_.on_notice(notice, view, std::move(lengths));
}

std::vector<std::string> Simulator::members_besides(std::size_t client,
                                                    const std::string& group) const {
  std::vector<std::string> members;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (i != client && clients_[i]->view(group) != nullptr) {
      members.push_back(clients_[i]->process());
    }
  }
  return members;
}

bool Simulator::has_died(const std::vector<std::string>& processes) const {
  return std::any_of(processes.begin(), processes.end(), [&](const std::string& process) {
    return std::none_of(clients_.begin(), clients_.end(),
                        [&](const auto& client) { return client->process() == process; });
  });
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

void Simulator::fail_as_planted() {
  static std::uint64_t times = 0;
  switch (plan_.planted_failure) {
    case PlantedFailure::kNone: return;
    case PlantedFailure::kComplaint:
      return scene_.complain("planted: a daemon ended while another one stood still");
    case PlantedFailure::kSignal: CHECK(false);
    case PlantedFailure::kExit: std::_Exit(66);
    case PlantedFailure::kDifference: return scene_.mix(++times);
  }
}

void Simulator::daemon_ended(std::size_t daemon) {
  const bool others_stand_still =
      std::any_of(daemons_.begin(), daemons_.end(), [&](const auto& other) {
        return other->is_up() && other->is_paused() && other != daemons_[daemon];
      });
  if (scene_.is_stormy() && others_stand_still) fail_as_planted();
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

}  // namespace groupcomm::simulation
