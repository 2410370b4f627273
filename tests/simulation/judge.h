// What of a trace tells two runs apart.
#pragma once

#include "daemon/verify/trace_file.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

// All of it goes into the digest.
void mix_trace(Scene& scene, const verify::Trace& trace);

}  // namespace groupcomm::simulation
