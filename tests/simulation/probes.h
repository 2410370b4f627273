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

// Probes that fewer than one run of a hundred hits, so that a thousand may well do without, or that
// no run hits, since no daemon says such things: those that are not hit are no failure.
const std::vector<std::string>& rare_probes();

}  // namespace groupcomm::simulation
