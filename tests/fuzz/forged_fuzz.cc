// As peers_fuzz, and somebody who knows the protocol forges frames: what decodes and cannot be true
// is refused, or does harm, but never ends a daemon by a CHECK, a broken invariant or a wild
// access.
#include <chrono>
#include <cstdint>

#include "tests/fuzz/live_daemons.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace groupcomm;
  fuzz::FuzzInput input(data, size);
  fuzz::LiveDaemons daemons(3, input);
  if (input.flag()) daemons.run_for(std::chrono::seconds(1));
  for (int step = 0; step < fuzz::kStepsMax && !input.is_over(); ++step) {
    if (input.below(3) == 0) {
      daemons.forge(input);
    } else {
      daemons.happen(input);
    }
  }
  daemons.run_for(std::chrono::milliseconds(500));
  return 0;
}
