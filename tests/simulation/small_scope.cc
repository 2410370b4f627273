#include "tests/simulation/small_scope.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "ordering/quorum.h"
#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

// So many deadlines at most until a daemon does what it is to do.
constexpr int kTimersInOpening = 10;

// A state of the cluster.
struct World {
  std::vector<PastId> pasts = {};    // by daemon
  std::vector<FrameId> flying = {};  // in their order; one that was sent twice is there twice
  std::uint32_t suspicions = 0;      // so many may come yet
  std::uint32_t doubted = 0;         // which of the scope's doubts have come: a set of bits
  std::uint32_t timers = 0;
  std::uint32_t restarts = 0;
};

struct Action {
  std::size_t daemon = 0;
  LocalEvent event;
};

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 12) + (hash >> 4);
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

// What may still come follows from the pasts.
std::uint64_t hash_of(const World& world) {
  std::uint64_t hash = world.pasts.size();
  for (const PastId past : world.pasts) hash = mix(hash, past);
  for (const FrameId frame : world.flying) hash = mix(hash, frame);
  return hash;
}

// Hashes of states, millions of them. That two states have one is as good as impossible.
class SeenStates {
 public:
  // False where it was there before.
  bool insert(std::uint64_t hash) {
    if (hash == 0) hash = 1;
    if (2 * size_ >= slots_.size()) grow();
    std::uint64_t& slot = find(hash);
    if (slot == hash) return false;
    slot = hash;
    ++size_;
    return true;
  }
  std::size_t size() const { return size_; }

 private:
  std::uint64_t& find(std::uint64_t hash) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    const std::vector<std::uint64_t> old = std::exchange(
        slots_, std::vector<std::uint64_t>(std::max<std::size_t>(1 << 16, 2 * slots_.size())));
    for (const std::uint64_t hash : old) {
      if (hash != 0) find(hash) = hash;
    }
  }

  std::vector<std::uint64_t> slots_;  // a power of two; 0 is free
  std::size_t size_ = 0;
};

// Then daemons must find one another again, by beacons.
bool has_restarts(const Scope& scope) {
  return scope.restarts > 0 ||
         std::any_of(scope.opening.begin(), scope.opening.end(), [](const OpeningStep& step) {
           return step.what == Happening::kRestart || step.what == Happening::kFrameAndDeath;
         });
}

class Search {
 public:
  explicit Search(const Scope& scope)
      : scope_(scope),
        runs_(scope.daemons, scope.messages, has_restarts(scope), scope.suspect, scope.is_side) {}

  bool run();

 private:
  struct Step {
    World world;
    std::vector<Action> actions;
    std::size_t next = 0;
  };

  World first() const;
  void open(World& world);
  FrameId newest_frame(const World& world, const OpeningStep& step) const;
  bool has_just_sent(const World& world, const OpeningStep& step) const;
  std::vector<Action> actions(const World& world) const;
  bool may_doubt(const World& world, std::size_t who, std::uint32_t of_whom) const;
  bool take(World& world, const Action& action);
  void fly(World& world, FrameId frame) const;
  std::string complaint(const World& world, std::size_t daemon) const;
  bool is_accepted_by_quorum(const World& world, const ViewId& view) const;
  bool has_quorum_inside(const World& world, const protocol::DaemonView& view) const;
  std::string complaint_of_side(const World& world) const;
  void print_path() const;
  void print_summary(const char* how) const;
  static void on_abort(int);

  const Scope& scope_;
  LocalRuns runs_;
  std::vector<Step> path_;
  SeenStates seen_;
  std::uint64_t steps_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  static Search* current;
};

Search* Search::current = nullptr;

World Search::first() const {
  World world{
      .suspicions = scope_.suspicions, .timers = scope_.timers, .restarts = scope_.restarts};
  for (std::size_t i = 0; i < scope_.daemons; ++i) world.pasts.push_back(runs_.first(i));
  for (const FrameId frame : runs_.first_frames()) fly(world, frame);
  return world;
}

// The opening costs nothing of what may happen later.
void Search::open(World& world) {
  for (const OpeningStep& step : scope_.opening) {
    Action action{step.daemon, {step.what, static_cast<std::uint32_t>(step.other)}};
    const bool waits = step.what == Happening::kTimer;
    if (!waits && !step.frame.empty()) action.event.argument = newest_frame(world, step);
    int left = waits ? kTimersInOpening : 1;
    do {
      CHECK(left-- > 0);
      const World before = world;
      CHECK(take(world, action));
      CHECK(complaint(world, action.daemon).empty());
      world.suspicions = before.suspicions;
      world.timers = before.timers;
      world.restarts = before.restarts;
      world.doubted = before.doubted;
    } while (waits && !has_just_sent(world, step));
  }
}

FrameId Search::newest_frame(const World& world, const OpeningStep& step) const {
  const auto found =
      std::find_if(world.flying.rbegin(), world.flying.rend(), [&](const FrameId id) {
        const FlyingFrame& flying = runs_.frame(id);
        return flying.to == step.daemon && flying.from == step.other &&
               frame_kind_name(flying.frame.body.index()) == step.frame;
      });
  CHECK(found != world.flying.rend());
  return *found;
}

bool Search::has_just_sent(const World& world, const OpeningStep& step) const {
  const std::vector<FrameId>& sent = runs_.past(world.pasts[step.daemon]).sent;
  return std::any_of(sent.begin(), sent.end(), [&](const FrameId id) {
    return frame_kind_name(runs_.frame(id).frame.body.index()) == step.frame;
  });
}

void Search::fly(World& world, FrameId frame) const {
  world.flying.insert(std::upper_bound(world.flying.begin(), world.flying.end(), frame), frame);
}

std::vector<Action> Search::actions(const World& world) const {
  std::vector<Action> actions;
  for (std::size_t i = 0; i < world.flying.size(); ++i) {
    if (i > 0 && world.flying[i] == world.flying[i - 1]) continue;
    const std::size_t to = runs_.frame(world.flying[i]).to;
    actions.push_back({to, {Happening::kFrame, world.flying[i]}});
    if (world.restarts > 0) actions.push_back({to, {Happening::kFrameAndDeath, world.flying[i]}});
  }
  for (std::size_t daemon = 0; daemon < scope_.daemons; ++daemon) {
    if (runs_.past(world.pasts[daemon]).is_over) continue;
    const bool has_timers = scope_.timers_of.empty() || scope_.timers_of.contains(daemon);
    if (world.timers > 0 && has_timers) actions.push_back({daemon, {Happening::kTimer, 0}});
    if (world.restarts > 0) actions.push_back({daemon, {Happening::kRestart, 0}});
    if (world.suspicions == 0) continue;
    for (std::uint32_t other = 0; other < scope_.daemons; ++other) {
      if (other == daemon || !may_doubt(world, daemon, other)) continue;
      actions.push_back({daemon, {Happening::kSuspicion, other}});
    }
  }
  return actions;
}

bool Search::may_doubt(const World& world, std::size_t who, std::uint32_t of_whom) const {
  if (scope_.doubts.empty()) return true;
  for (std::size_t i = 0; i < scope_.doubts.size(); ++i) {
    if (scope_.doubts[i] != std::pair(who, of_whom)) continue;
    if ((world.doubted >> i & 1) == 0) return true;
  }
  return false;
}

// False where the action cannot be taken.
bool Search::take(World& world, const Action& action) {
  const auto past = runs_.after(world.pasts[action.daemon], action.event);
  if (!past) return false;
  ++steps_;
  world.pasts[action.daemon] = *past;
  switch (action.event.what) {
    case Happening::kFrameAndDeath: --world.restarts; [[fallthrough]];
    case Happening::kFrame:
      world.flying.erase(
          std::find(world.flying.begin(), world.flying.end(), action.event.argument));
      break;
    case Happening::kTimer: --world.timers; break;
    case Happening::kSuspicion:
      --world.suspicions;
      for (std::size_t i = 0; i < scope_.doubts.size(); ++i) {
        const bool is_it = scope_.doubts[i] == std::pair(action.daemon, action.event.argument);
        if (is_it) world.doubted |= std::uint32_t{1} << i;
      }
      break;
    case Happening::kRestart: --world.restarts; break;
  }
  for (const FrameId frame : runs_.past(*past).sent) {
    const std::size_t to = runs_.frame(frame).to;
    if (!runs_.past(world.pasts[to]).is_over) fly(world, frame);
  }
  if (runs_.past(*past).is_over) {
    std::erase_if(world.flying,
                  [&](FrameId frame) { return runs_.frame(frame).to == action.daemon; });
  }
  return true;
}

// Rules F8 and V1: in one ballot.
bool Search::is_accepted_by_quorum(const World& world, const ViewId& view) const {
  std::map<protocol::Ballot, std::set<std::size_t>> by_ballot;
  for (std::size_t daemon = 0; daemon < scope_.daemons; ++daemon) {
    for (const auto& [ballot, accepted] : runs_.past(world.pasts[daemon]).accepted) {
      if (accepted == view) by_ballot[ballot].insert(daemon);
    }
  }
  return std::any_of(by_ballot.begin(), by_ballot.end(), [&](const auto& entry) {
    const std::set<std::size_t>& who = entry.second;
    return ordering::is_quorum(scope_.daemons, who.size(), who.contains(0));
  });
}

bool Search::has_quorum_inside(const World& world, const protocol::DaemonView& view) const {
  std::set<Rank> inside;
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    for (std::size_t daemon = 0; daemon < scope_.daemons; ++daemon) {
      const protocol::DaemonView* lives_in = runs_.past(world.pasts[daemon]).lives_in;
      const bool is_it = runs_.name(daemon) == view.members[rank].id.name;
      if (is_it && lives_in != nullptr && *lives_in == view) inside.insert(rank);
    }
  }
  return ordering::is_quorum(view.members.size(), inside.size(), inside.contains(0));
}

// Rules Q3 and M6: who could go on from a view, by a quorum, has not helped to outvote it.
std::string Search::complaint_of_side(const World& world) const {
  std::set<const protocol::DaemonView*> primaries;
  for (const PastId id : world.pasts) {
    const auto& known = runs_.past(id).primaries;
    primaries.insert(known.begin(), known.end());
  }
  for (const protocol::DaemonView* earlier : primaries) {
    for (const protocol::DaemonView* later : primaries) {
      if (!(earlier->id < later->id) || !has_quorum_inside(world, *earlier)) continue;
      return "M6: a quorum is in " + to_string(earlier->id) + ", and " + to_string(later->id) +
             " is decided, too";
    }
  }
  return "";
}

// What is wrong since that daemon did something.
std::string Search::complaint(const World& world, std::size_t daemon) const {
  const Past& past = runs_.past(world.pasts[daemon]);
  if (!past.complaint.empty()) return past.complaint;
  if (scope_.is_side) return complaint_of_side(world);
  const bool has_decided =
      past.decided != nullptr && runs_.past(past.before).decided != past.decided;
  if (has_decided && !is_accepted_by_quorum(world, past.decided->id)) {
    return "F8: a view is decided that no quorum has accepted in one ballot";
  }
  for (const PastId id : world.pasts) {
    const Past& other = runs_.past(id);
    if (past.decided != nullptr && other.decided != nullptr && past.decided != other.decided) {
      return "M3: two views are decided in one change";
    }
    if (past.delivered && other.delivered && *past.delivered != *other.delivered) {
      return "D6: companions delivered " + *past.delivered + ", and " + *other.delivered;
    }
  }
  return "";
}

void Search::print_path() const {
  for (const Step& step : path_) {
    if (step.next == 0) continue;
    const Action& action = step.actions[step.next - 1];
    Past past{.daemon = action.daemon, .event = action.event};
    std::printf("    %s\n", runs_.describe(past).c_str());
  }
}

void Search::print_summary(const char* how) const {
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_);
  std::printf(
      "%s: %s; %zu states, %llu steps between them, %zu histories of single daemons, "
      "%.1f s\n",
      scope_.name.c_str(), how, seen_.size(), static_cast<unsigned long long>(steps_),
      runs_.pasts(), seconds.count());
}

// A CHECK that failed: the way there is what one wants to know.
void Search::on_abort(int) {
  std::printf("FAILED: %s: a CHECK, after\n", current->scope_.name.c_str());
  current->print_path();
  std::fflush(stdout);
}

bool Search::run() {
  current = this;
  std::signal(SIGABRT, on_abort);
  World begin = first();
  open(begin);
  seen_.insert(hash_of(begin));
  path_.push_back({.world = begin, .actions = actions(begin)});
  while (!path_.empty()) {
    Step& step = path_.back();
    if (step.next == step.actions.size()) {
      path_.pop_back();
      continue;
    }
    const Action action = step.actions[step.next++];
    World world = step.world;
    if (!take(world, action)) continue;
    const std::string wrong = complaint(world, action.daemon);
    if (!wrong.empty()) {
      print_summary("FAILED");
      std::printf("%s, after\n", wrong.c_str());
      print_path();
      return false;
    }
    if (!seen_.insert(hash_of(world))) continue;
    if (scope_.states_max > 0 && seen_.size() >= scope_.states_max) {
      print_summary("INCOMPLETE");
      return true;
    }
    path_.push_back({.world = world, .actions = actions(world)});
  }
  print_summary("complete");
  return true;
}

}  // namespace

const std::vector<Scope>& scopes() {
  static const std::vector<Scope> all = {
      {.name = "one-doubt", .suspicions = 1, .timers = 1},
      {.name = "two-doubts", .suspicions = 2},
      {.name = "three-doubts", .suspicions = 3},
      {.name = "three-ranks", .suspicions = 3, .doubts = {{0, 2}, {1, 0}, {2, 1}}},
      // One has accepted its own proposal, two have decided that of the next ballot, and one of
      // these does not know and begins a third.
      {.name = "three-ballots",
       .opening = {{Happening::kSuspicion, 0, 2},
                   {Happening::kFrame, 1, 0, "Prepare"},
                   {Happening::kFrame, 0, 1, "State"},
                   {Happening::kSuspicion, 1, 0},
                   {Happening::kFrame, 2, 1, "Prepare"},
                   {Happening::kFrame, 1, 2, "State"},
                   {Happening::kFrame, 2, 1, "Propose"},
                   {Happening::kFrame, 1, 2, "Accept"},
                   {Happening::kSuspicion, 2, 1},
                   {Happening::kTimer, 2, 0, "Prepare"}},
       .states_max = 1'000'000},
      {.name = "four", .daemons = 4, .suspicions = 1, .doubts = {{1, 0}}},
      // A proposer dies after its proposal is out and before its record knows. Back again it does
      // not hear the one that accepts it, and proposes something else to the third.
      {.name = "late-accept",
       .opening = {{Happening::kSuspicion, 0, 2},
                   {Happening::kFrame, 1, 0, "Prepare"},
                   {Happening::kFrameAndDeath, 0, 1, "State"},
                   {Happening::kFrame, 1, 0, "Propose"},
                   {Happening::kSuspicion, 1, 0},
                   {Happening::kSuspicion, 1, 2},
                   {Happening::kFrame, 0, 1, "Beacon"},
                   {Happening::kTimer, 0, 0, "Prepare"},
                   {Happening::kFrame, 2, 0, "Prepare"},
                   {Happening::kFrame, 0, 2, "State"},
                   {Happening::kTimer, 0, 0, "Propose"}},
       .suspect = std::chrono::milliseconds(450),
       .states_max = 1'000'000},
      {.name = "one-message", .suspicions = 1, .messages = {{.daemon = 2, .order = Order::kFifo}}},
      {.name = "one-total", .suspicions = 1, .messages = {{.daemon = 1, .order = Order::kTotal}}},
      {.name = "messages",
       .suspicions = 1,
       .timers = 0,
       .messages = {{.daemon = 2, .order = Order::kFifo}, {.daemon = 1, .order = Order::kTotal}}},
      // A side of a partition may become primary: all have accepted that, and it is decided. One
      // does not hear of it, and outvotes it with another.
      {.name = "outvoted",
       .suspicions = 1,
       .doubts = {{1, 0}},
       .opening = {{Happening::kTimer, 0, 0, "Prepare"},
                   {Happening::kFrame, 1, 0, "Prepare"},
                   {Happening::kFrame, 2, 0, "Prepare"},
                   {Happening::kFrame, 0, 1, "State"},
                   {Happening::kFrame, 0, 2, "State"},
                   {Happening::kFrame, 1, 0, "Propose"},
                   {Happening::kFrame, 2, 0, "Propose"}},
       .states_max = 1'000'000,
       .is_side = true},
      {.name = "side",
       .suspicions = 2,
       .opening = {{Happening::kTimer, 0, 0, "Prepare"}},
       .is_side = true},
      {.name = "restart", .restarts = 1},
      {.name = "restart-1", .suspicions = 1, .doubts = {{0, 2}}, .restarts = 1},
  };
  return all;
}

bool explore(const Scope& scope) { return Search(scope).run(); }

}  // namespace groupcomm::simulation
