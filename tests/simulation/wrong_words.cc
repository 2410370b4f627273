// The third phase of some runs: the network parts, and operators force views where they should not.
#include <algorithm>

#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// In so long everybody has noticed a cut or its end, and a view that can come has come.
constexpr Duration kNoticed = seconds(40);

// Frames may come 90 s late, and each of these takes ten and more.
constexpr int kAsksAgain = 9;

bool is_for_now(std::string_view told) {
  return told.starts_with("not all that are here") || told.starts_with("a quorum is here") ||
         told.starts_with("others are in a view");
}

}  // namespace

// Two or three sides, none of them empty, that do not hear one another.
std::vector<Simulator::Side> Simulator::part() {
  std::vector<Side> sides(daemons_.size() >= 3 && further_.percent(30) ? 3 : 2);
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    sides[i < sides.size() ? i : further_.below(sides.size())].daemons.insert(i);
  }
  for (const Side& side : sides) {
    for (const std::size_t from : side.daemons) {
      for (std::size_t to = 0; to < daemons_.size(); ++to) {
        if (!side.daemons.contains(to)) network_->cut_for_good(from, to);
      }
    }
  }
  return sides;
}

bool Simulator::has_primary(const std::set<std::size_t>& daemons) const {
  return std::any_of(daemons.begin(), daemons.end(), [&](std::size_t i) {
    return daemons_[i]->is_up() && daemons_[i]->status().primary;
  });
}

// The view that all of them are in, if there is one.
std::optional<ViewId> Simulator::common_view(const std::set<std::size_t>& daemons) const {
  std::optional<ViewId> view;
  for (const std::size_t i : daemons) {
    if (!daemons_[i]->is_up()) return std::nullopt;
    const protocol::DaemonStatus status = daemons_[i]->status();
    if (status.phase != "regular" || !status.primary || !status.view) return std::nullopt;
    if (view && *view != *status.view) return std::nullopt;
    view = status.view;
  }
  return view;
}

// Rule R6: the operator asks one after another, until a view comes; at times it dies over it. Why
// none came, if wrongly.
std::string Simulator::force(const std::set<std::size_t>& side, bool may_die) {
  static constexpr std::string_view kExcuses[] = {"this daemon was not in the last view",
                                                  "this daemon has lost its record"};
  std::string why;
  for (std::size_t client = 0; client < clients_.size() && !has_primary(side); ++client) {
    const std::size_t daemon = client % daemons_.size();
    if (!side.contains(daemon) || !clients_[client]->ask_for_bootstrap()) continue;
    if (may_die && further_.percent(30)) {
      scene_.count("daemons that died of an operator's word");
      scene_.run_until(scene_.now() + further_.between(Duration{}, milliseconds(20)));
      daemons_[daemon]->crash();
      scene_.run_until(scene_.now() + seconds(1));
      start_daemon(daemon);
      scene_.run_until(scene_.now() + kNoticed);
      if (!clients_[client]->ask_for_bootstrap()) continue;
    }
    const std::string& told = clients_[client]->told_of_bootstrap();
    const Duration patience = 4 * plan_.options.suspect + seconds(10);
    scene_.run_until(scene_.now() + patience);
    // A late frame made somebody look present (docs/OPERATIONS.md: ask again).
    for (int i = 0; i < kAsksAgain && is_for_now(told); ++i) {
      scene_.count("operators who ask again");
      if (!clients_[client]->ask_for_bootstrap()) break;
      scene_.run_until(scene_.now() + patience);
    }
    const bool is_excused =
        told.find(" knows of a later view") != std::string::npos ||
        std::any_of(std::begin(kExcuses), std::end(kExcuses),
                    [&](std::string_view excuse) { return told.starts_with(excuse); });
    if (!is_excused) why += "L9 violated: " + clients_[client]->name() + " was told " + told + "\n";
  }
  return has_primary(side) ? "" : why;
}

// Rule R7: whoever had a view before has it still, or a later one with the same daemons in it.
std::string Simulator::lost_sides(const std::vector<Side>& sides) const {
  std::string lost;
  for (const Side& side : sides) {
    if (side.view && !common_view(side.daemons)) {
      lost += "R7 violated: a side that had view " + to_string(*side.view) + " fell apart\n";
    }
    for (const std::size_t i : side.daemons) {
      const DaemonNode& daemon = *daemons_[i];
      const auto generation = side.generations.find(i);
      if (generation != side.generations.end() && generation->second != daemon.generation()) {
        lost += "R7 violated: " + daemon.name() + " was ended by another side\n";
      } else if (!daemon.is_up() || daemon.status().phase != "regular") {
        lost += "L1 violated: after the sides met, " + daemon.name() + " is in no view\n";
      }
    }
  }
  return lost;
}

bool Simulator::part_and_force(Outcome& outcome) {
  scene_.count("runs with operators who are wrong");
  std::vector<Side> sides = part();
  scene_.run_until(scene_.now() + kNoticed);
  for (const Side& side : sides) {
    if (has_primary(side.daemons) || further_.percent(20)) continue;
    outcome.verdict += force(side.daemons, /*may_die=*/true);
    if (has_primary(side.daemons)) scene_.count("sides that were forced");
  }
  scene_.run_until(scene_.now() + kNoticed);
  for (Side& side : sides) {
    side.view = common_view(side.daemons);
    if (!side.view) continue;
    for (const std::size_t i : side.daemons) side.generations[i] = daemons_[i]->generation();
  }
  network_->heal();
  scene_.run_until(scene_.now() + kNoticed);
  outcome.verdict += lost_sides(sides);
  for (Side& side : sides) {
    if (!side.view || side.daemons.size() < 3 || further_.percent(50)) continue;
    const std::size_t daemon = *std::next(
        side.daemons.begin(), static_cast<std::ptrdiff_t>(further_.below(side.daemons.size())));
    scene_.count("restarts beside another cluster");
    daemons_[daemon]->crash();
    side.generations.erase(daemon);
    scene_.run_until(scene_.now() + further_.between(Duration{}, seconds(5)));
    start_daemon(daemon);
  }
  scene_.run_until(scene_.now() + kNoticed);
  outcome.verdict += lost_sides(sides);
  return outcome.verdict.empty() && end_all_but_one(outcome);
}

// As docs/OPERATIONS.md tells operators.
bool Simulator::end_all_but_one(Outcome& outcome) {
  const auto staying = daemons_[further_.below(daemons_.size())]->status().view;
  std::set<std::size_t> ended;
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (daemons_[i]->status().view == staying) continue;
    core_.erase(i);  // so that it is not started at once
    ended.insert(i);
    daemons_[i]->crash();
    daemons_[i]->wipe();
  }
  // A daemon without a record believes the first that it hears: let nothing of the dead be left.
  scene_.run_until(scene_.now() + kNoticed);
  // One by one: many of them could form a first view (rule R4).
  for (const std::size_t i : ended) {
    core_.insert(i);
    start_daemon(i);
    scene_.run_until(scene_.now() + seconds(10));
  }
  if (!ended.empty()) scene_.count("clusters that an operator ended");
  const TimePoint begin = scene_.now();
  while (scene_.now() < begin + plan_.settle_bound) {
    scene_.run_until(scene_.now() + milliseconds(250));
    if (unsettled().empty()) return stay_settled(outcome);
  }
  outcome.verdict += "L1 violated: one cluster was ended, but " + unsettled() + "\n";
  return false;
}

}  // namespace groupcomm::simulation
