// The faults of the first phase that hit whole nodes; those of links are the network's.
#include <algorithm>

#include "groupcomm/wire/codec.h"
#include "tests/simulation/newer_wire.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Again and again, at random distances, as long as the weather lasts.
void Simulator::repeat(Duration every, std::function<void()> fault) {
  if (every == Duration{}) return;
  scene_.after(random_.about(every), [this, every, fault] {
    if (!scene_.is_stormy()) return;
    if (scene_.strikes()) fault();
    repeat(every, fault);
  });
}

void Simulator::begin_faults() {
  network_->begin_faults();
  const auto any_daemon = [this] { return random_.below(daemons_.size()); };
  repeat(plan_.daemon.crash_every, [this, any_daemon] { daemons_[any_daemon()]->crash(); });
  repeat(plan_.daemon.pause_every, [this, any_daemon] { pause_daemon(any_daemon()); });
  repeat(plan_.daemon.leave_every, [this, any_daemon] { daemons_[any_daemon()]->ask_to_leave(); });
  if (plan_.daemon.mass_restart) {
    scene_.after(random_.between(seconds(2), plan_.unsafe_weather), [this] {
      if (scene_.is_stormy() && scene_.strikes()) mass_restart();
    });
  }
  begin_further_faults();
  if (clients_.empty()) return;
  const auto any_client = [this]() -> ClientNode& {
    return *clients_[random_.below(clients_.size())];
  };
  repeat(plan_.client.crash_every, [this, any_client] {
    ClientNode& client = any_client();
    client.crash();
    scene_.after(random_.about(milliseconds(300)), [&client] { client.start(); });
  });
  repeat(plan_.client.pause_every, [this, any_client] {
    ClientNode& client = any_client();
    client.pause();
    scene_.after(random_.about(plan_.client.pause_for), [&client] { client.resume(); });
  });
  repeat(plan_.client.bye_every, [any_client] { any_client().say_bye(); });
}

// Those that draw from a generator of their own.
void Simulator::begin_further_faults() {
  repeat(plan_.daemon.lie_every, [this] { tell_lie(); });
  repeat(plan_.daemon.bootstrap_every, [this] { ask_for_force(); });
  repeat(plan_.daemon.secret_every, [this] { keep_secret(); });
  repeat(plan_.daemon.agreement_every, [this] { keep_agreement(); });
  if (plan_.daemon.unknown_names > 0) {
    scene_.after(accidents_.between(seconds(1), plan_.unsafe_weather), [this] {
      if (scene_.is_stormy() && scene_.strikes()) name_many();
    });
  }
  if (plan_.daemon.mass_leave) {
    scene_.after(further_.between(seconds(2), plan_.unsafe_weather), [this] {
      if (!scene_.is_stormy() || !scene_.strikes()) return;
      scene_.count("mass leaves");
      for (const auto& daemon : daemons_) daemon->ask_to_leave();
    });
  }
  if (plan_.daemon.newer_wire > 0) {
    repeat(milliseconds(500), [this] { send_unknown_frame(); });
  }
}

// By an operator, or by two who do not know of one another.
void Simulator::ask_for_force() {
  if (clients_.empty()) return;
  const bool are_two = accidents_.percent(30);
  for (int operators = 0; operators < (are_two ? 2 : 1); ++operators) {
    if (!clients_[accidents_.below(clients_.size())]->ask_for_bootstrap()) continue;
    scene_.count(are_two ? "views asked for by two at once" : "views asked for in the storm");
  }
}

// The missing are dead, and know nothing that this daemon does not know. They are left alone as
// long as the storm lasts: a quorum that hears nobody who went on knows nothing of the operator's
// word. (Operators who are wrong: wrong_words.cc.)
bool Simulator::may_give_up(std::size_t client, const std::vector<std::string>& daemons) {
  if (!plan_.cues.empty()) return true;  // who writes a scenario knows best
  const auto newest = daemons_[client % daemons_.size()]->decided();
  const bool knows_all = std::all_of(daemons_.begin(), daemons_.end(), [&](const auto& daemon) {
    const auto decided = daemon->decided();
    return !decided || (newest && decided->id <= newest->id);
  });
  const bool are_down =
      std::none_of(daemons.begin(), daemons.end(),
                   [&](const std::string& daemon) { return daemons_[index_of(daemon)]->is_up(); });
  if (!knows_all || !are_down) return false;
  scene_.count("views forced in the storm");
  for (const std::string& daemon : daemons) given_up_.insert(index_of(daemon));
  return true;
}

// A failure detector that is wrong: a living peer is said to have refused a connection.
void Simulator::tell_lie() {
  const std::size_t to = further_.below(daemons_.size());
  const std::size_t about = further_.below(daemons_.size());
  if (to == about || !daemons_[to]->is_up() || !daemons_[about]->is_up()) return;
  scene_.count("lies about a death");
  daemons_[to]->on_event(daemon::PeerRefused{.name = daemons_[about]->name()});
}

// What one daemon says reaches one other only, and what that one says then reaches all; nobody can
// ask it. Then both die: causes, places and answers that others have heard of are gone.
void Simulator::keep_secret() {
  const bool is_of_leader = accidents_.percent(50);
  const std::size_t anybody = accidents_.below(daemons_.size());
  const std::size_t first = is_of_leader ? leader().value_or(anybody) : anybody;
  const std::size_t second = accidents_.below(daemons_.size());
  if (first == second || daemons_.size() < 3) return;
  scene_.count("secrets");
  Network::Pairs pairs;
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (i == first || i == second) continue;
    pairs.emplace_back(first, i);
    pairs.emplace_back(i, second);
  }
  const Duration kept = accidents_.between(milliseconds(5), milliseconds(300));
  network_->cut(pairs, kept + milliseconds(100));
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const std::size_t daemon = i % daemons_.size();
    if (daemon != first && daemon != second) continue;
    const Duration least = daemon == first ? Duration{} : kept / 2;
    scene_.after(accidents_.between(least, kept), [this, i] {
      if (scene_.is_stormy()) clients_[i]->send_burst();
    });
  }
  scene_.after(kept, [this, first] {
    if (scene_.is_stormy()) daemons_[first]->crash();
  });
  scene_.after(kept + accidents_.between(Duration{}, milliseconds(30)), [this, second] {
    if (scene_.is_stormy()) daemons_[second]->crash();
  });
}

// What one daemon's clients ask for and send reaches all, and what those who make up a quorum with
// it acknowledge reaches only that one. Then the quorum dies: what it did on the strength of that,
// the others cannot know to be agreed.
void Simulator::keep_agreement() {
  if (daemons_.size() < 3) return;
  scene_.count("agreements that die");
  // The others must know the places of what it says: mostly it gives them itself.
  const std::size_t anybody = accidents_.below(daemons_.size());
  const std::size_t first = accidents_.percent(80) ? leader().value_or(anybody) : anybody;
  std::vector<std::size_t> quorum{first};
  for (std::size_t i = 1; 2 * quorum.size() <= daemons_.size(); ++i) {
    quorum.push_back((first + i) % daemons_.size());
  }
  Network::Pairs pairs;
  for (std::size_t i = quorum.size(); i < daemons_.size(); ++i) {
    for (std::size_t j = 1; j < quorum.size(); ++j) {
      pairs.emplace_back(quorum[j], (first + i) % daemons_.size());
    }
  }
  // Nobody is suspected meanwhile.
  const Duration most = std::max<Duration>(plan_.options.suspect * 3 / 4, milliseconds(60));
  const Duration kept = accidents_.between(milliseconds(50), most);
  network_->cut(pairs, kept + milliseconds(100));
  for (std::size_t i = first; i < clients_.size(); i += daemons_.size()) {
    clients_[i]->storm();
    for (int bursts = 0; bursts < 6; ++bursts) {
      scene_.after(accidents_.between(Duration{}, kept), [this, i] {
        if (scene_.is_stormy()) clients_[i]->send_burst();
      });
    }
  }
  scene_.after(kept, [this, quorum] {
    if (!scene_.is_stormy()) return;
    for (const std::size_t daemon : quorum) daemons_[daemon]->crash();
  });
}

// As where many machines were given the address of this cluster by mistake.
void Simulator::name_many() {
  scene_.count("floods of unknown names");
  const std::size_t to = accidents_.below(daemons_.size());
  protocol::PeerFrame frame;
  frame.header.cluster = group_key(plan_.options.cluster).value;
  frame.body = protocol::InstallRequest{};
  for (std::uint64_t i = 0; i < plan_.daemon.unknown_names; ++i) {
    frame.header.sender = {"x" + std::to_string(i), Incarnation{accidents_.next()}};
    network_->send((to + 1) % daemons_.size(), to, protocol::Lane::kControl, {wire::encode(frame)});
  }
}

// Of a later version of the protocol, or of a cluster that is none of ours.
void Simulator::send_unknown_frame() {
  const std::size_t from = further_.below(daemons_.size());
  const std::size_t to = further_.below(daemons_.size());
  if (from == to) return;
  if (further_.percent(50)) return send_foreign_frame(from, to, further_.percent(20));
  protocol::PeerFrame frame;
  frame.header.sender = daemons_[from]->id();
  frame.body = protocol::InstallRequest{};
  scene_.count("frames of an unknown kind");
  network_->send(from, to, protocol::Lane::kControl,
                 {with_unknown_body(wire::encode(frame)), /*is_readable=*/false});
}

// Of a cluster that has another name, or the same one but was formed apart from this.
void Simulator::send_foreign_frame(std::size_t from, std::size_t to, bool is_other_cluster) {
  scene_.count(is_other_cluster ? "frames of another cluster" : "frames of another lineage");
  protocol::PeerFrame frame;
  frame.header.sender = daemons_[from]->id();
  frame.header.cluster = group_key(plan_.options.cluster + (is_other_cluster ? "2" : "")).value;
  frame.header.lineage = Incarnation{further_.next()};
  frame.body = protocol::InstallRequest{};
  const bool has_name = !frame.header.sender.name.empty();  // it has started before
  network_->send(from, to, protocol::Lane::kControl, {wire::encode(frame), has_name});
}

void Simulator::restart_later(std::size_t daemon) {
  // Often at once: within the time in which the others notice.
  if (!may_restart(daemon)) return;
  Duration delay = random_.percent(30) ? random_.about(milliseconds(5))
                                       : random_.about(plan_.daemon.restart_after);
  // Who ends only when all is calm, since it was asked to leave before, must not keep all waiting.
  if (!scene_.is_stormy()) delay = std::min<Duration>(delay, seconds(5));
  scene_.after(delay, [this, daemon] {
    if (may_restart(daemon)) start_daemon(daemon);
  });
}

bool Simulator::may_restart(std::size_t daemon) {
  if (!scene_.is_stormy()) return core_.contains(daemon);
  return plan_.daemon.stays_down == 0 || !further_.chance(plan_.daemon.stays_down);
}

void Simulator::start_daemon(std::size_t daemon) {
  if (daemons_[daemon]->is_up() || (scene_.is_stormy() && given_up_.contains(daemon))) return;
  daemons_[daemon]->start();
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    const bool is_watching =
        daemons_[i]->is_up() && daemons_[i]->is_connected_to(daemons_[daemon]->name());
    if (i != daemon && is_watching) announce_connection(i, daemon);
  }
}

// With a process goes what it had not handed over to the network yet; and what kills one host may
// soon kill another.
void Simulator::daemon_crashes(std::size_t daemon) {
  if (!scene_.is_stormy()) return;
  const DaemonPlan& plan = plan_.daemon;
  for (std::size_t i = 0; plan.crash_loses > 0 && i < daemons_.size(); ++i) {
    if (!accidents_.chance(plan.crash_loses) || !scene_.strikes()) continue;
    network_->lose_recent(daemon, i, accidents_.between(Duration{}, milliseconds(50)));
  }
  if (plan.crash_again == 0 || !accidents_.chance(plan.crash_again)) return;
  const std::size_t next = accidents_.below(daemons_.size());
  const Duration most = accidents_.percent(50) ? milliseconds(10) : milliseconds(2000);
  const Duration delay = accidents_.between(Duration{}, most);
  if (!scene_.strikes()) return;
  scene_.after(delay, [this, next] {
    if (scene_.is_stormy()) daemons_[next]->crash();
  });
}

void Simulator::pause_daemon(std::size_t daemon) {
  daemons_[daemon]->pause();
  scene_.after(random_.about(plan_.daemon.pause_for), [this, daemon] {
    const bool is_for_good = !scene_.is_stormy() && !core_.contains(daemon);
    if (!is_for_good) daemons_[daemon]->resume();
  });
}

void Simulator::mass_restart() {
  scene_.count("mass restarts");
  for (std::size_t i = 0; i < daemons_.size(); ++i) daemons_[i]->crash();
}

void Simulator::pull_triggers(std::size_t from, std::size_t to, const protocol::PeerFrame& frame) {
  if (!scene_.is_stormy()) return;
  for (std::size_t i = 0; i < plan_.triggers.size(); ++i) {
    const Trigger& trigger = plan_.triggers[i];
    if (trigger.frame_kind != frame.body.index() || trigger_times_[i] == 0) continue;
    if (!random_.chance(trigger.chance)) continue;
    --trigger_times_[i];
    if (!scene_.strikes()) return;
    scene_.count("triggers pulled");
    std::size_t victim = trigger.victim == TriggeredVictim::kSender     ? from
                         : trigger.victim == TriggeredVictim::kReceiver ? to
                                                                        : 0;
    if (trigger.victim == TriggeredVictim::kOther) victim = random_.below(daemons_.size());
    switch (trigger.action) {
      case TriggeredAction::kCrash: daemons_[victim]->crash(); break;
      case TriggeredAction::kPause: pause_daemon(victim); break;
      case TriggeredAction::kCut: network_->isolate(victim); break;
      case TriggeredAction::kLeave:  // not in the middle of what the victim is doing
        scene_.after({}, [this, victim] { daemons_[victim]->ask_to_leave(); });
        break;
      case TriggeredAction::kStorm:
        scene_.after({}, [this] {
          for (int wave = 0; wave < 3; ++wave) {
            for (const auto& client : clients_) client->storm();
          }
        });
        break;
    }
    return;
  }
}

}  // namespace groupcomm::simulation
