// A client of a skeleton, which does the work that groupcommctl bench does.
#pragma once

#include <cstdint>

#include "daemon/ctl/bench_member.h"
#include "tests/bench/skeleton/network.h"

namespace groupcomm::bench {

ctl::BenchResult run_member(const ctl::BenchWork& work, int number, Endpoint& endpoint);

}  // namespace groupcomm::bench
