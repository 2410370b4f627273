// Exhaustive search: everything that can happen to a few daemons as they leave a view, up to
// bounds. Frames may come in any order, late or never; so a death is nothing but a daemon that does
// nothing any more. The daemons are real cores.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/local_runs.h"

namespace groupcomm::simulation {

// What happens for certain before the search begins: to `daemon`, by or about `other`.
struct OpeningStep {
  Happening what = Happening::kFrame;
  std::size_t daemon = 0;
  std::size_t other = 0;
  std::string frame = {};  // its kind: that comes in, or is sent by the last of the deadlines
};

struct Scope {
  std::string name;
  std::size_t daemons = 3;
  std::uint32_t suspicions = 0;  // that somebody has of somebody, right or wrong
  // Where it is not empty: only these, (who, of whom), each once at most.
  std::vector<std::pair<std::size_t, std::uint32_t>> doubts = {};
  std::uint32_t timers = 0;              // deadlines that come
  std::set<std::size_t> timers_of = {};  // where it is not empty: to these only
  std::uint32_t restarts = 0;
  std::vector<EarlyMessage> messages = {};
  std::vector<OpeningStep> opening = {};
  Duration suspect = std::chrono::hours(1);  // time-out of those that come back
  std::uint64_t states_max = 0;              // the search ends there, incomplete; 0: nowhere
  bool is_side = false;  // of a partition, whose view may become primary: that one is left
};

// By their names: what the tests search, and larger ones.
const std::vector<Scope>& scopes();

// Searches the scope, and prints how many states there are. Whether nothing is wrong in any of
// them; else it prints how one comes there.
bool explore(const Scope& scope);

}  // namespace groupcomm::simulation
