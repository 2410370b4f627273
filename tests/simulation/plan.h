// What one run of the simulator is like: everything that is drawn from the seed before it begins.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "groupcomm/time_point.h"
#include "tests/simulation/random.h"

namespace groupcomm::simulation {

// Rates per million frames; a mean of zero stands for "never".
struct NetworkPlan {
  Duration delay{};       // mean
  bool reorders = false;  // else each lane of a link keeps its order
  std::uint64_t loss = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t replays = 0;       // of frames that may be seconds old
  std::uint64_t late_replays = 0;  // of these, how many come a minute later
  std::uint64_t long_delays = 0;
  std::uint64_t damages = 0;  // a flipped bit or a cut-off end
  Duration cut_every{};       // partitions of any kind
  Duration cut_for{};
  std::uint64_t cut_shape = 0;  // 0: cuts of any shape; else all have this one (Network::draw_cut)
  Duration clog_every{};        // a link that delivers nothing for a while, then everything
  Duration clog_for{};
  std::uint64_t capacity = 0;  // bytes a second of each lane of a link; 0: no limit
};

struct DaemonPlan {
  Duration crash_every{};
  Duration restart_after{};
  Duration pause_every{};
  Duration pause_for{};
  Duration leave_every{};
  std::uint64_t crash_midway = 0;      // between two effects of one step, per million steps
  std::uint64_t crash_loses = 0;       // per million links: what was sent last never arrives
  std::uint64_t crash_again = 0;       // per million crashes: another daemon follows soon
  std::uint64_t refusal_noticed = 0;   // a dead peer's refused connect becomes known, per million
  Duration timers_late{};              // up to
  bool mass_restart = false;           // all at once, one time
  bool mass_leave = false;             // all are asked to leave at once, one time
  Duration lie_every{};                // somebody is told that a living peer refused a connect
  Duration secret_every{};             // two die with what the others do not know
  Duration agreement_every{};          // a quorum dies with what only it knows to be agreed
  std::uint64_t unknown_names = 0;     // so many daemons that nobody knows say something, one time
  std::uint64_t stays_down = 0;        // restarts that wait for the end of the weather, per million
  std::uint64_t clock_drift = 0;       // clocks run so many millionths too fast or slow, at most
  std::uint64_t newer_wire = 0;        // of a million daemons, so many speak a later wire version
  Duration bootstrap_every{};          // an operator asks for a view by force, or two at once
  std::uint64_t incarnation_base = 0;  // where incarnations begin to count
  bool incarnations_alike = false;     // daemons that start in the same second draw the same one
  std::uint64_t session_base = 0;
  // The seeds' records speak of a view of this number, in which all of them died, and of a ballot.
  std::uint64_t view_base = 0;
  std::uint64_t round_base = 0;
};

struct ClientPlan {
  Duration think{};  // between two actions of one client
  Duration crash_every{};
  Duration pause_every{};  // a slow reader
  Duration pause_for{};
  Duration bye_every{};
  std::uint64_t churn = 0;       // joins and leaves among the actions, per million
  std::uint64_t storms = 0;      // of many joins and leaves at one moment
  std::uint64_t open_sends = 0;  // per million sends
  std::uint64_t multi_sends = 0;
  std::uint64_t to_one = 0;
  std::uint64_t self_discards = 0;
  std::uint64_t safe_notices = 0;
  // When a client ends that does not know whether a message came through, another one sends it
  // again, or sends that it is not to be served any more: per million.
  std::uint64_t calls_again = 0;
  std::uint64_t late_answers = 0;  // to blocks of flush groups
  std::uint64_t no_answers = 0;
  std::uint64_t queries = 0;        // of status and groups, and to watch, among the actions
  std::uint64_t other_options = 0;  // joins that ask for another group than there is
  std::uint64_t newer_wire = 0;     // of a million clients, so many speak a later wire version
  std::uint64_t large = 0;          // payloads over one chunk
  std::uint64_t bursts = 0;         // of many sends at one moment
  std::vector<Order> orders;        // equally likely
};

enum class TriggeredAction : std::uint8_t { kCrash, kPause, kCut, kLeave, kStorm };
enum class TriggeredVictim : std::uint8_t { kSender, kReceiver, kOther };

// A fault at the very moment at which a frame of one kind is sent.
struct Trigger {
  std::size_t frame_kind = 0;  // index in protocol::PeerBody
  TriggeredAction action = TriggeredAction::kCrash;
  TriggeredVictim victim = TriggeredVictim::kSender;
  std::uint64_t chance = 0;  // per million such frames
  int times = 0;
};

// A line of a scenario: what happens at a time, or as a frame is sent.
struct Cue {
  Duration at{};
  std::string link;  // "d0>d1": as the next frame of that kind is sent there
  std::size_t frame_kind = 0;
  std::string action;
};

// So that a failure is there to be found and shrunk: what happens where a daemon crashes while
// another one stands still.
enum class PlantedFailure : std::uint8_t {
  kNone,
  kComplaint,
  kSignal,      // the process ends, as where a CHECK fails
  kExit,        // it ends, as by a sanitizer
  kDifference,  // no two runs are alike
};

struct Plan {
  std::uint64_t seed = 0;
  std::size_t daemons = 3;
  std::size_t strangers = 0;  // of the daemons, how many are not configured as peers of the others
  std::size_t clients = 4;
  std::size_t groups = 2;
  bool one_channel = false;        // all groups share the one whose number is 0 (rule E1)
  std::size_t uniform_groups = 0;  // of the groups, how many are uniform
  std::size_t flush_groups = 0;    // of the groups, how many have sync = flush: the last ones
  Duration unsafe_weather{};       // how long faults are injected
  Duration settle_bound{};         // in which everything must have settled after that
  bool settles_with_loss = false;
  // Nothing may change for many time-outs of the failure detector once all has settled.
  bool long_quiet = false;
  // Only some of the daemons are healed at the end, and must do without the others.
  bool random_core = false;
  // In the end the network parts, and operators force views on the sides.
  bool wrong_words = false;
  PlantedFailure planted_failure = PlantedFailure::kNone;
  bool checks_each_step = false;
  NetworkPlan network;
  DaemonPlan daemon;
  ClientPlan client;
  std::vector<Trigger> triggers;
  daemon::DaemonOptions options;  // but for identity, address and peers
  std::vector<Cue> cues;          // of a scenario: then nothing else happens by itself
  // By their numbers in the run: what is left out.
  std::set<std::uint64_t> skipped_faults;
  std::set<std::uint64_t> skipped_sends;
};

// The same seed gives the same plan, for ever within one version of this file.
Plan draw_plan(std::uint64_t seed);
// What needs more things at once than chance brings together has a few plans of its own.
void draw_theme(Random random, Plan& plan);

// The name of a group, by its index.
std::string group_name(const Plan& plan, std::size_t index);

}  // namespace groupcomm::simulation
