// A relay: takes all input in, puts it into one order if it is the sequencer, and writes once to
// each destination.
#pragma once

#include "tests/bench/skeleton/network.h"

namespace groupcomm::bench {

// What a relay does wrong on purpose, once, so that a test sees that such a run is refused.
enum class Disturbance {
  kNone,
  kOrder,  // two messages of different senders change places, on the way to one client
  kGap,    // a message is lost, likewise
};

struct RelayOptions {
  int number = 0;
  int sequencer = 0;
  Disturbance disturbance = Disturbance::kNone;  // by the relay behind the sequencer
};

// Until the process is ended.
[[noreturn]] void run_relay(const RelayOptions& options, Endpoint& endpoint);

}  // namespace groupcomm::bench
