// Makes a failing seed simpler for as long as it fails in the same way.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/plan.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

// Leaves out classes of faults, single faults, daemons, clients and sends, until nothing more can
// be left out or `runs_max` runs are over, and writes a scenario file. False: the seed passes.
bool shrink(const Plan& plan, std::uint64_t runs_max, const std::string& path);

// What a run came to, in a word: "D6", "L1", "complaint"; "signal" where a CHECK failed, "exit"
// where something else ended the process, "endless" where nothing did; nothing where it passed.
struct Ending {
  std::string kind;
  std::uint64_t digest = 0;  // of these three, none of one that ended early
  std::uint64_t faults = 0;
  std::uint64_t sends = 0;
  bool is_early() const { return kind == "signal" || kind == "exit" || kind == "endless"; }
};

// Runs the plan in a process of its own, which a failed CHECK may end.
Ending run_apart(const Plan& plan);
std::string kind_of(const Outcome& outcome);

}  // namespace groupcomm::simulation
