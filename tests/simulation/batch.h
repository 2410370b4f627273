// Many runs: in several processes, so that a failed CHECK ends one run and not all of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/plan.h"

namespace groupcomm::simulation {

// What the seed draws, but for these settings ("daemons=5"), which must be ones that
// read_setting() takes.
Plan plan_of(std::uint64_t seed, const std::vector<std::string>& set);

struct BatchOptions {
  std::vector<std::string> set;
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 200;
  int jobs = 1;
  std::uint64_t seconds = 0;     // of real time, after which no further run is begun; 0: no limit
  std::uint64_t twice_each = 0;  // run the seeds that it divides two times and compare; 0: none
  bool checks_each_step = false;
  bool until_failure = false;  // begin no further run after one that failed
  std::uint64_t failures_shown = 10;
  bool probes = false;  // say how many runs hit each probe; too few are a failure
  // Of a processor, for one seed: one that takes longer has failed.
  std::chrono::milliseconds seed_limit = std::chrono::seconds(300);
};

// Prints a line for each failure, and a summary. Returns the number of failed seeds.
std::uint64_t run_batch(const BatchOptions& options);

// One run with all that there is to be seen. Traces are written to `trace_path`.NAME if it is not
// empty. Whether the run passed.
struct SingleOptions {
  std::vector<std::string> set;
  std::uint64_t seed = 1;
  bool verbose = false;
  bool checks_each_step = true;
  std::string trace_path;
};
bool run_single(const SingleOptions& options);

}  // namespace groupcomm::simulation
