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

// Probes that so few runs hit that chance may leave them out, or none, since no daemon says such
// things: where those are not hit, that is no failure.
const std::vector<std::string>& rare_probes();

}  // namespace groupcomm::simulation
