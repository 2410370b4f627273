// The probes of the pure parts (groupcomm/probe.h): how often each was hit in this process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace groupcomm::simulation {

struct ProbeCount {
  std::string text;
  std::uint64_t count = 0;
};

// All of them, in the same order in every process of one program. Empty where they are not built.
std::vector<ProbeCount> probe_counts();

// Of 10,000 runs each probe must be hit by ten. Not so these, which so few runs hit that chance
// decides about ten: one of so many must.
const std::vector<std::string>& rare_probes();
// And these, which maybe none does.
const std::vector<std::string>& unreached_probes();

}  // namespace groupcomm::simulation
