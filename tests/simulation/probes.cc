#include "tests/simulation/probes.h"

namespace groupcomm::simulation {

const std::vector<std::string>& rare_probes() {
  static const std::vector<std::string> texts = {
      // In one run of 10,000 to fifty, so that chance decides in 2,000 of them.
      "E15: the worst connected of many is left out",
      "F10: a message of one whose join is deferred",
      "F10: a message of one whose join waits for a deferred hold",
      "Q1: a proposer that cannot get the cut gives way",
      "Q6: a decision is given up whose messages do not come",
      "R8: nobody is left who could tell a member of a later view",
      "one that was to join was excluded before it had",
      // More than the windows of simulated clients let pass; a scenario gets there.
      "E42: an answer to a ballot tells of a thousand places",
      // What no daemon says, nor so many at once, and options that no two simulated clients have:
      // the unit tests get there (forged_frames_test.cc, components_test.cc,
      // partition_policy_test.cc, forced_view_test.cc), and the fuzz target `forged`.
      "Q3: more attempts than can be kept",
      "Q5: a member of the other component is left out",
      "Q5: there is no room for a component",
      "R6: a proposal by force to one that is given up",
      "a message counts joins and leaves that are not among its causes",
      "a message of the cut is none of its daemon's",
      "a message that does not follow the one before",
      "a place that contradicts causality",
  };
  return texts;
}

}  // namespace groupcomm::simulation

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
    counts.push_back({.text = (*probe)->text, .count = (*probe)->count});
  }
  return counts;
}

}  // namespace groupcomm::simulation

#else

namespace groupcomm::simulation {

std::vector<ProbeCount> probe_counts() { return {}; }

}  // namespace groupcomm::simulation

#endif
