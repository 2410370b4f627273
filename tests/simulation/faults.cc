// The faults of the first phase that hit whole nodes; those of links are the network's.
#include <algorithm>

#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Again and again, at random distances, as long as the weather lasts.
void Simulator::repeat(Duration every, std::function<void()> fault) {
  if (every == Duration{}) return;
  scene_.after(random_.about(every), [this, every, fault] {
    if (!scene_.is_stormy()) return;
    fault();
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
      if (scene_.is_stormy()) mass_restart();
    });
  }
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

void Simulator::restart_later(std::size_t daemon) {
  // Often at once: within the time in which the others notice.
  const Duration delay = random_.percent(30) ? random_.about(milliseconds(5))
                                             : random_.about(plan_.daemon.restart_after);
  scene_.after(delay, [this, daemon] { start_daemon(daemon); });
}

void Simulator::start_daemon(std::size_t daemon) {
  if (daemons_[daemon]->is_up()) return;
  daemons_[daemon]->start();
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    const bool is_watching =
        daemons_[i]->is_up() && daemons_[i]->is_connected_to(daemons_[daemon]->name());
    if (i != daemon && is_watching) announce_connection(i, daemon);
  }
}

void Simulator::pause_daemon(std::size_t daemon) {
  daemons_[daemon]->pause();
  scene_.after(random_.about(plan_.daemon.pause_for),
               [this, daemon] { daemons_[daemon]->resume(); });
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
    scene_.count("triggers pulled");
    std::size_t victim = trigger.victim == TriggeredVictim::kSender     ? from
                         : trigger.victim == TriggeredVictim::kReceiver ? to
                                                                        : 0;
    if (trigger.victim == TriggeredVictim::kOther) victim = random_.below(daemons_.size());
    switch (trigger.action) {
      case TriggeredAction::kCrash: daemons_[victim]->crash(); break;
      case TriggeredAction::kPause: pause_daemon(victim); break;
      case TriggeredAction::kCut: network_->isolate(victim); break;
    }
    return;
  }
}

}  // namespace groupcomm::simulation
