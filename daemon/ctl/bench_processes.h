// Each member of a measurement is a process of its own.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/ctl/bench_member.h"

namespace groupcomm::ctl {

// What the members say, in their order: the fields of BenchResult. Throws CommandFailed where one
// of them saw what must not be, and ends the others: the run counts for nothing.
std::vector<nlohmann::ordered_json> run_bench_processes(
    const std::vector<std::function<BenchResult()>>& members);

}  // namespace groupcomm::ctl
