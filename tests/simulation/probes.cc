#include "tests/simulation/probes.h"

namespace groupcomm::simulation {

const std::vector<std::string>& rare_probes() {
  static const std::vector<std::string> texts = {
      // What needs a death or a frame within milliseconds of what few runs do at all, or two sides
      // that have made one group with different options. In 10 to 30 of 10,000 runs.
      "E11: a proposer dies whose value a minority has accepted",
      "E15: the worst connected of many is left out",
      "E18: a slow client has too much waiting as the view changes",
      "F10: a message of one whose join is deferred",
      "Q5: a member of the other component is left out",
      "Q6: a decision is given up whose messages do not come",
      "R8: nobody is left who could tell a member of a later view",
      "one that was to join was excluded before it had",
  };
  return texts;
}

const std::vector<std::string>& unreached_probes() {
  static const std::vector<std::string> texts = {
      // Two quorums would have to die with what they agreed on, one after the other.
      "F10: a message of one whose join waits for a deferred hold",
      // More than the windows of simulated clients let pass; a scenario gets there.
      "E42: an answer to a ballot tells of a thousand places",
      // A few runs in ten thousand; a scenario and unit tests get there
      // (q03_a_decision_told_late.txt, view_choice_test.cc).
      "Q3: a decision comes late that was outvoted",
      "V2: a living member is left out for a quorum with restarted ones",
      "V2: all living members are left out for a quorum of restarted ones",
      // More components, and more groups, than some daemons make.
      "Q3: more attempts than can be kept",
      "Q5: there is no room for a component",
      // What no daemon says: the unit tests get there (forged_frames_test.cc,
      // components_test.cc, partition_policy_test.cc, forced_view_test.cc), and the fuzz target
      // `forged`.
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
