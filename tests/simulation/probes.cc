#include "tests/simulation/probes.h"

#ifdef GROUPCOMM_PROBES

#include "groupcomm/probe.h"

// The linker gives every section that has a name like an identifier such marks.
extern "C" {
extern groupcomm::Probe* __start_groupcomm_probes[];  // NOLINT
extern groupcomm::Probe* __stop_groupcomm_probes[];   // NOLINT
}

namespace groupcomm::simulation {

std::vector<ProbeCount> probe_counts() {
  std::vector<ProbeCount> counts;
  for (Probe** probe = __start_groupcomm_probes; probe != __stop_groupcomm_probes; ++probe) {
    counts.push_back({.text = (*probe)->text, .file = (*probe)->file, .count = (*probe)->count});
  }
  return counts;
}

}  // namespace groupcomm::simulation

#else

namespace groupcomm::simulation {

std::vector<ProbeCount> probe_counts() { return {}; }

}  // namespace groupcomm::simulation

#endif
