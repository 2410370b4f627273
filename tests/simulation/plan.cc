#include "tests/simulation/plan.h"

#include <array>
#include <string>
#include <vector>

#include "groupcomm/identity.h"
#include "ordering/epoch_gate.h"

namespace groupcomm::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Each class of faults is off in a third of the runs: many bugs need a quiet surrounding.
bool is_on(Random& random) { return random.below(3) != 0; }

std::uint64_t rate(Random& random, std::uint64_t most) {
  return is_on(random) ? random.between(most / 50, most) : 0;
}

Duration mean(Random& random, Duration least, Duration most) {
  return is_on(random) ? random.between(least, most) : Duration{};
}

NetworkPlan draw_network(Random& random) {
  NetworkPlan plan;
  static constexpr std::array<Duration, 5> kDelays = {
      microseconds(100), milliseconds(1), milliseconds(5), milliseconds(20), milliseconds(60)};
  plan.delay = kDelays[random.below(kDelays.size())];
  plan.reorders = random.percent(70);
  plan.loss = rate(random, random.percent(20) ? 300'000 : 50'000);
  plan.duplicates = rate(random, 100'000);
  plan.replays = rate(random, 20'000);
  plan.long_delays = rate(random, 5'000);
  plan.damages = rate(random, 10'000);
  plan.cut_every = mean(random, milliseconds(1500), seconds(12));
  plan.cut_for = random.between(milliseconds(50), seconds(5));
  plan.clog_every = mean(random, milliseconds(800), seconds(10));
  plan.clog_for = random.between(milliseconds(20), seconds(3));
  return plan;
}

DaemonPlan draw_daemons(Random& random) {
  DaemonPlan plan;
  plan.crash_every = mean(random, milliseconds(1500), seconds(15));
  plan.restart_after = random.between(milliseconds(1), seconds(6));
  plan.pause_every = mean(random, seconds(1), seconds(15));
  plan.pause_for = random.between(milliseconds(10), seconds(6));
  plan.leave_every = mean(random, seconds(4), seconds(25));
  plan.crash_midway = random.percent(40) ? random.between(10, 500) : 0;
  plan.refusal_noticed = random.percent(70) ? random.between(200'000, 1'000'000) : 0;
  plan.timers_late =
      random.percent(30) ? random.between(milliseconds(1), milliseconds(300)) : Duration{};
  plan.mass_restart = random.percent(10);
  return plan;
}

ClientPlan draw_clients(Random& random) {
  ClientPlan plan;
  plan.think = random.between(milliseconds(20), milliseconds(400));
  plan.crash_every = mean(random, seconds(2), seconds(30));
  plan.pause_every = mean(random, seconds(2), seconds(20));
  plan.pause_for = random.between(milliseconds(10), seconds(8));
  plan.bye_every = mean(random, seconds(4), seconds(40));
  plan.churn = rate(random, random.percent(20) ? 400'000 : 80'000);
  plan.open_sends = rate(random, 300'000);
  plan.multi_sends = rate(random, 300'000);
  plan.to_one = rate(random, 200'000);
  plan.self_discards = rate(random, 200'000);
  plan.safe_notices = rate(random, 200'000);
  plan.large = random.percent(15) ? random.between(1'000, 30'000) : 0;
  plan.bursts = rate(random, 30'000);
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    const std::uint64_t weight = random.below(4);
    for (std::uint64_t i = 0; i < weight; ++i) plan.orders.push_back(order);
  }
  if (plan.orders.empty()) plan.orders.push_back(Order::kTotal);
  return plan;
}

std::vector<Trigger> draw_triggers(Random& random) {
  std::vector<Trigger> triggers;
  if (!random.percent(50)) return triggers;
  const std::uint64_t count = random.between(1, 3);
  for (std::uint64_t i = 0; i < count; ++i) {
    Trigger& trigger = triggers.emplace_back();
    // Mostly the frames of the view change; they are the later alternatives.
    trigger.frame_kind = random.percent(25)
                             ? random.below(std::variant_size_v<protocol::PeerBody>)
                             : random.between(5, std::variant_size_v<protocol::PeerBody> - 1);
    const std::uint64_t action = random.below(10);
    trigger.action = action < 5   ? TriggeredAction::kCrash
                     : action < 8 ? TriggeredAction::kPause
                                  : TriggeredAction::kCut;
    trigger.victim = static_cast<TriggeredVictim>(random.below(3));
    const bool is_bulk = trigger.frame_kind <= 4;
    trigger.chance = is_bulk ? random.between(200, 5'000) : random.between(20'000, 250'000);
    trigger.times = static_cast<int>(random.between(1, 6));
  }
  return triggers;
}

void draw_limits(Random& random, daemon::DaemonOptions& options) {
  options.engine = random.percent(50) ? daemon::TotalOrderEngine::kSequencer
                                      : daemon::TotalOrderEngine::kLamport;
  options.heartbeat = random.between(milliseconds(50), milliseconds(200));
  options.suspect = options.heartbeat * static_cast<int>(random.between(5, 15));
  if (random.percent(15)) options.window_messages = random.between(1, 8);
  if (random.percent(10)) options.window_bytes = random.between(1u << 10, 1u << 18);
  if (random.percent(15)) options.client_window_messages = random.between(1, 8);
  if (random.percent(15)) options.client_queue_bytes = random.between(16u << 10, 256u << 10);
  if (random.percent(20)) options.batch_bytes = random.between(1u << 9, 1u << 14);
  options.report_all_deliveries = true;
  options.version = "simulated";
}

void draw_further_limits(Random& random, Plan& plan) {
  daemon::DaemonOptions& options = plan.options;
  if (random.percent(5)) options.window_messages = 1;
  if (random.percent(5)) options.window_bytes = 1;
  if (random.percent(5)) options.client_window_messages = 1;
  if (random.percent(5)) options.batch_bytes = 1;
  // Incarnations that rise over 2^63 and sessions that rise over 2^32 while the run lasts.
  if (random.percent(10)) plan.daemon.incarnation_base = (1ull << 63) - (1'008'000ull << 20);
  if (random.percent(10)) plan.daemon.session_base = (1ull << 32) - 3;
  // Views and ballots that rise over 2^32, or come near their end (rule P6).
  constexpr std::uint64_t kNearTheEnd = (1ull << 62) - 100'000;
  if (random.percent(10)) {
    // Views by force take larger steps (rule R7).
    constexpr std::uint64_t kViewsNearTheEnd = kNearTheEnd - (1ull << 40);
    plan.daemon.view_base = random.percent(50) ? (1ull << 32) - 3 : kViewsNearTheEnd;
    plan.daemon.round_base = random.percent(50) ? (1ull << 32) - 3 : kNearTheEnd;
  }
  plan.daemon.incarnations_alike = random.percent(3);
}

void draw_further_faults(Random& random, Plan& plan) {
  plan.network.late_replays = rate(random, 200'000);
  if (random.percent(15)) plan.network.capacity = 20'000ull << random.below(8);
  plan.daemon.mass_leave = random.percent(5);
  plan.daemon.lie_every = random.percent(20) ? random.between(seconds(1), seconds(10)) : Duration{};
  plan.daemon.stays_down = random.percent(25) ? random.between(20'000, 400'000) : 0;
  plan.daemon.clock_drift = random.percent(40) ? random.between(100, 10'000) : 0;
  plan.daemon.newer_wire = random.percent(20) ? random.between(200'000, 800'000) : 0;
  if (random.percent(15)) {
    plan.daemon.pause_for = random.between(seconds(6), seconds(60));
  }
  plan.client.storms = random.percent(25) ? random.between(1'000, 30'000) : 0;
  plan.random_core = random.percent(35);
  if (random.percent(10)) plan.daemons = random.between(6, 9);
  // Over 14 members the choice of the next view takes another path.
  if (random.chance(4'000)) plan.daemons = random.between(15, 17);
  if (random.percent(8)) plan.clients = random.between(10, 24);
  for (Trigger& trigger : plan.triggers) {
    if (random.percent(10)) trigger.action = TriggeredAction::kLeave;
  }
  draw_further_limits(random, plan);
}

void draw_flush_groups(Random random, Plan& plan) {
  plan.flush_groups = random.percent(30) ? random.between(1, plan.groups) : 0;
  plan.client.late_answers = rate(random, 600'000);
  plan.client.no_answers = random.percent(30) ? random.between(1'000, 100'000) : 0;
}

void draw_channels(Random random, Plan& plan) {
  plan.one_channel = random.percent(10);
  if (plan.one_channel) plan.groups += random.between(0, 4);
}

void draw_edge_cases(Random random, Plan& plan) {
  plan.client.calls_again = random.percent(30) ? random.between(100'000, 1'000'000) : 0;
  plan.daemon.crash_loses = random.percent(50) ? random.between(200'000, 1'000'000) : 0;
  plan.daemon.crash_again = random.percent(30) ? random.between(100'000, 800'000) : 0;
  if (random.percent(25)) plan.daemon.secret_every = random.between(seconds(1), seconds(6));
  for (Trigger& trigger : plan.triggers) {
    if (random.percent(10)) trigger.action = TriggeredAction::kStorm;
  }
  // Who dies as it tells the others something new may take that along, to all or to some.
  if (random.percent(30)) {
    plan.triggers.push_back({.frame_kind = 0,
                             .action = TriggeredAction::kCrash,
                             .victim = TriggeredVictim::kSender,
                             .chance = random.between(1'000, 60'000),
                             .times = static_cast<int>(random.between(1, 3))});
  }
}

void draw_operators(Random random, Plan& plan) {
  plan.client.queries = random.percent(30) ? random.between(1'000, 100'000) : 0;
  plan.client.other_options = random.percent(10) ? random.between(20'000, 300'000) : 0;
  plan.client.newer_wire = random.percent(20) ? random.between(200'000, 800'000) : 0;
  if (!random.percent(8)) return;
  // Two clusters may come of it, of which an operator ends one.
  plan.daemon.bootstrap_every = random.between(milliseconds(300), seconds(3));
  plan.random_core = false;
}

// Where all join at once, each is told of many others before it can say that it has read anything.
// Who is evicted for that leaves and comes back, and is told of again: so it would go on for ever.
void leave_room_for_joins(Plan& plan) {
  constexpr std::size_t kBytes = 150;  // of a member, in a view that tells of it
  const std::uint64_t room = plan.clients * plan.clients * plan.groups * kBytes;
  plan.options.client_queue_bytes = std::max(plan.options.client_queue_bytes, room);
}

}  // namespace

Plan draw_plan(std::uint64_t seed) {
  Random random(seed);
  Random further(seed ^ 0xfa017);
  Plan plan;
  plan.seed = seed;
  // Three is the smallest number with a majority that can lose one.
  static constexpr std::array<std::size_t, 10> kDaemons = {3, 3, 3, 3, 1, 2, 2, 4, 5, 5};
  plan.daemons = kDaemons[random.below(kDaemons.size())];
  plan.strangers = plan.daemons >= 3 && random.percent(15) ? 1 : 0;
  plan.clients = random.percent(10) ? random.below(3) : random.between(2, 9);
  plan.groups = random.between(1, 4);
  plan.uniform_groups = random.percent(30) ? random.between(1, plan.groups) : 0;
  plan.unsafe_weather = random.between(seconds(5), seconds(15));
  plan.settles_with_loss = random.percent(20);
  plan.network = draw_network(random);
  plan.daemon = draw_daemons(random);
  plan.client = draw_clients(random);
  plan.triggers = draw_triggers(random);
  draw_limits(random, plan.options);
  draw_further_faults(further, plan);
  draw_flush_groups(Random(seed ^ 0xb10c), plan);
  plan.options.partitionable = Random(seed ^ 0x9a47).percent(25);
  const bool may_have_wrong_words = plan.daemons >= 2 && !plan.settles_with_loss;
  plan.wrong_words =
      may_have_wrong_words && !plan.options.partitionable && Random(seed ^ 0xf0cced).percent(20);
  draw_edge_cases(Random(seed ^ 0xed6e), plan);
  draw_channels(Random(seed ^ 0xc4a7), plan);
  draw_operators(Random(seed ^ 0x09e7), plan);
  plan.long_quiet = Random(seed ^ 0x9137).percent(10);
  draw_theme(Random(seed ^ 0x7e3e), plan);
  leave_room_for_joins(plan);
  // With outsiders everything waits for the last of their late frames.
  plan.settle_bound = plan.random_core ? seconds(120) : seconds(60);
  return plan;
}

std::string group_name(const Plan& plan, std::size_t index) {
  if (!plan.one_channel) return "g" + std::to_string(index);
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (std::uint64_t i = 0; names.size() < 16; ++i) {
      const std::string name = "g" + std::to_string(i);
      if (group_key(name).value % ordering::EpochGate::kChannels == 0) names.push_back(name);
    }
    return names;
  }();
  return kNames.at(index);
}

}  // namespace groupcomm::simulation
