// The transcript of a run: what everybody was told, as scenario files have it.
#pragma once

#include <string>

#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

// One line each, without anything that only a clock decides:
//
//   c1@d1#2.1 g0: view v5@d0/3 [...]   of session 1 with the second life of d1; the view's counter,
//                                      who proposed it, and the place in it
//   +c2@d2#1.1 -c0@d0#1.1:crash        who is new in it, and who is not in it any more, and why
//   with [...]                         who came along, where that is not all that are not new
//   total 3..5 of c0@d0#1.1            three deliveries that follow one another
//   its 2 accepted                     what it sent; "refused" is what its library did not take
//   d0#1: counts frames_refused 2      in the end, where that is more than none
std::string transcript_of(const Outcome& outcome);

}  // namespace groupcomm::simulation
