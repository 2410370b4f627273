// Plans that are all about one thing.
#include <algorithm>

#include "tests/simulation/network.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Trigger on(std::string_view frame, TriggeredAction action, TriggeredVictim victim,
           std::uint64_t chance, int times) {
  return {.frame_kind = frame_kind(frame),
          .action = action,
          .victim = victim,
          .chance = chance,
          .times = times};
}

// A cut of one pair of more than 14 members: all answer, and the choice of those who stay is not
// exact.
void draw_crowd(Random& random, Plan& plan) {
  plan.daemons = 17;
  plan.strangers = 0;
  plan.clients = random.below(4);
  plan.unsafe_weather = seconds(6);
  plan.random_core = false;
  plan.wrong_words = false;
  plan.triggers.clear();
  plan.options.heartbeat = milliseconds(200);
  plan.options.suspect = seconds(1);
  plan.network = {};
  plan.network.delay = milliseconds(1);
  plan.network.reorders = random.percent(50);
  plan.network.cut_every = milliseconds(600);
  plan.network.cut_for = seconds(4);
  plan.network.cut_shape = Network::kOnePair + 1;
  plan.daemon = {};
  plan.daemon.restart_after = seconds(1);
}

// Large messages under a small window, whose daemons die as they send them, and clients that do not
// read them.
void draw_large_messages(Random& random, Plan& plan) {
  plan.clients = std::max<std::size_t>(plan.clients, 2);
  plan.client.large = random.between(200'000, 700'000);
  plan.client.pause_every = random.between(seconds(1), seconds(3));
  plan.options.window_messages = random.between(1, 2);
  plan.options.client_queue_bytes = random.between(16u << 10, 1u << 19);
  // (Drawn one by one: compilers evaluate the arguments of a call in orders of their own.)
  const auto times = static_cast<int>(random.between(1, 6));
  plan.triggers.push_back(on("Batch", TriggeredAction::kCrash, TriggeredVictim::kSender,
                             random.between(20'000, 200'000), times));
}

// Quorums that die with what they agreed on, while clients come and go.
void draw_dead_agreements(Random& random, Plan& plan) {
  plan.daemons = random.between(3, 5);
  plan.strangers = 0;
  plan.clients = random.between(plan.daemons, 3 * plan.daemons);
  plan.network.delay = microseconds(random.between(100, 5'000));
  plan.network.loss = 0;
  plan.network.capacity = 0;
  plan.network.clog_every = {};
  plan.network.cut_every = {};
  plan.daemon.restart_after = random.between(milliseconds(10), milliseconds(300));
  plan.daemon.pause_every = {};
  plan.daemon.leave_every = {};
  plan.daemon.crash_every = {};
  plan.daemon.crash_loses = 0;
  plan.daemon.timers_late = {};
  plan.unsafe_weather = seconds(15);
  plan.options.heartbeat = milliseconds(50);
  plan.options.suspect = milliseconds(400);
  plan.options.partitionable = false;
  plan.options.engine = daemon::TotalOrderEngine::kSequencer;
  plan.daemon.agreement_every = random.between(milliseconds(800), milliseconds(1600));
  plan.client.churn = random.between(50'000, 300'000);
  plan.client.crash_every = {};
  plan.client.pause_every = {};
  // What waits for a cause that has died is no message of anybody.
  plan.client.orders = {Order::kReliable, Order::kFifo, Order::kTotal};
}

// Sequencers that die on a path that loses much: their places are known with holes.
void draw_lost_places(Random& random, Plan& plan) {
  plan.daemons = random.between(3, 5);
  plan.options.engine = daemon::TotalOrderEngine::kSequencer;
  plan.clients = random.between(6, 12);
  plan.client.think = milliseconds(random.between(20, 60));
  plan.network.loss = random.between(250'000, 450'000);
  plan.client.orders = {Order::kTotal, Order::kSafe};
  plan.client.bursts = random.between(10'000, 60'000);
  plan.triggers = {on("Batch", TriggeredAction::kCrash, TriggeredVictim::kSender,
                      random.between(5'000, 30'000), 6)};
}

// Sides go on without one another, and what one asks of another for the cut passes too slowly,
// while small frames pass.
void draw_narrow_paths(Random& random, Plan& plan) {
  plan.daemons = random.between(3, 5);
  plan.options.partitionable = true;
  plan.wrong_words = false;
  plan.network.capacity = 20'000ull << random.below(4);
  plan.network.cut_every = random.between(seconds(1), seconds(4));
  plan.client.large = random.between(50'000, 400'000);
}

// Those who are let in do not hear of it, and are left out again.
void draw_late_joiners(Random& random, Plan& plan) {
  plan.daemons = random.between(3, 5);
  plan.options.partitionable = false;
  plan.options.heartbeat = milliseconds(60);
  plan.options.suspect = milliseconds(300);
  plan.network.cut_for = random.between(milliseconds(500), seconds(2));
  plan.daemon.crash_every = random.between(seconds(1), seconds(3));
  plan.daemon.restart_after = milliseconds(random.between(1, 300));
  plan.daemon.stays_down = 0;
  plan.triggers = {on("Install", TriggeredAction::kCut, TriggeredVictim::kReceiver,
                      random.between(200'000, 800'000), 6)};
}

}  // namespace

void draw_theme(Random random, Plan& plan) {
  const std::uint64_t theme = random.below(1'000);
  if (theme < 8) return draw_crowd(random, plan);
  if (theme < 22) return draw_large_messages(random, plan);
  if (theme < 50) return draw_dead_agreements(random, plan);
  if (theme < 60) return draw_lost_places(random, plan);
  if (theme < 75) return draw_narrow_paths(random, plan);
  if (theme < 90) return draw_late_joiners(random, plan);
  // More than a daemon takes note of.
  if (theme < 96) plan.daemon.unknown_names = 4 * protocol::kDaemonsMax;
}

}  // namespace groupcomm::simulation
