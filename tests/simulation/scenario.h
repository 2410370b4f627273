// Scenarios: runs that are written down, with what everybody is to see.
//
// A scenario file is text. '#' begins a comment. Then
//
//   set NAME=VALUE ...             settings of the plan (settings.h); the others are quiet
//   at MILLISECONDS ACTION         something happens at this time
//   when KIND dA>dB ACTION         something happens as the next frame of this kind is sent there,
//                                  after the time of the line before; the run fails if none is
//   expect passes                  or the names of the properties that must be found violated; of
//                                  several, the first one will do
//   reach TEXT                     a rare branch (groupcomm/probe.h) that the run must take
//   digest NUMBER                  of the run that was shrunk: a build with another says so
//   ---                            and behind it the transcript: what each node was told
//
// Whatever cannot be played is refused, with its line. Actions: crash|start|pause|resume|leave dN
// ...; cut dA>dB ...; lose KIND dA>dB ..., frames of this kind; heal, which ends both; hold KIND
// dA>dB ..., until release, which lets them arrive; stray dA>dB ..., frames of other clusters; cN
// join|leave GROUP, where * is all groups; cN send GROUP ORDER [BYTES [TIMES]], or ask for one with
// a safe notice; cN act GROUP, as its leader; cN repeat cM GROUP, the last message of another
// client, or expire, a message that says that it is not to count any more, both in the total order;
// cN dither: from here on it answers a block only at cN answer GROUP; cN bootstrap: it gives the
// operator's word; cN crash|start|pause|resume|bye.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "groupcomm/result.h"
#include "tests/simulation/plan.h"

namespace groupcomm::simulation {

struct Scenario {
  std::string head;  // the text above the transcript
  Plan plan;
  std::string expected;  // "passes", or properties
  std::vector<std::string> reaches;
  std::optional<std::uint64_t> digest;
  std::string transcript;  // empty: not looked at
};

// What is wrong with it begins with the line's number: "7: no daemon d9".
Result<Scenario> parse_scenario(const std::string& text);

// Plays the file. With `rewrite`, what is seen becomes the file's transcript. Whether all is as
// expected; says so on standard output.
bool run_scenario(const std::string& path, bool rewrite, bool verbose);

}  // namespace groupcomm::simulation
