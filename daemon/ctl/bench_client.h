// A member of a measurement that is a client of a daemon.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/ctl/bench_member.h"

namespace groupcomm::ctl {

// Takes part in the groups of `work` that are numbered `number`, `number` + `clients`, and so on.
// Throws Error where the daemon cannot be reached.
BenchResult run_bench_client(const BenchWork& work, const std::string& socket, std::uint32_t number,
                             std::uint32_t clients);

}  // namespace groupcomm::ctl
