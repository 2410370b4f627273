// Makes a failing seed simpler for as long as it fails in the same way.
#pragma once

#include <cstdint>
#include <string>

namespace groupcomm::simulation {

// Leaves out classes of faults, single faults, daemons, clients and sends, until nothing more can
// be left out or `runs_max` runs are over, and writes a scenario file. False: the seed passes.
bool shrink(std::uint64_t seed, std::uint64_t runs_max, const std::string& path);

}  // namespace groupcomm::simulation
