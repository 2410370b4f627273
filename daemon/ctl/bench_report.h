// What the members of a measurement saw, for programs and for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/ctl/bench_work.h"

namespace groupcomm::ctl {

// Sums up what run_bench_processes() returned.
nlohmann::ordered_json bench_report(const BenchWork& work,
                                    std::vector<nlohmann::ordered_json> members);

// A line for each member.
std::string bench_table(const nlohmann::ordered_json& report, bool latency);

}  // namespace groupcomm::ctl
