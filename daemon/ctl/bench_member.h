// One member of a measurement: a client with one thread, which dispatches all that is pending, and
// else waits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/ctl/bench_room.h"

namespace groupcomm::ctl {

// Times in microseconds, each from the send to the delivery here.
struct BenchLatencies {
  std::uint16_t node = 0;
  std::vector<double> us;
};

struct BenchResult {
  std::string process = {};
  std::string failure = {};  // not empty: it counts for nothing, nor does the whole run
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  double seconds = 0;      // from the first delivery to the last
  double cpu_seconds = 0;  // of this process
  BenchLatencies latencies = {};
};

// Takes part in the groups of `work` that are numbered `number`, `number` + `clients`, and so on.
// Throws Error where the daemon cannot be reached.
BenchResult run_bench_member(const BenchWork& work, const std::string& socket, std::uint32_t number,
                             std::uint32_t clients);

}  // namespace groupcomm::ctl
