// Clients that say anything in any order, to a daemon that is alone: no client brings it down, and
// nobody is told anything whose connection is over.
#include <chrono>
#include <cstdint>

#include "groupcomm/wire/codec.h"
#include "tests/fuzz/live_daemons.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace groupcomm;
  fuzz::FuzzInput input(data, size);
  fuzz::LiveDaemons daemons(1, input);
  daemons.run_for(std::chrono::seconds(1));
  for (int step = 0; step < fuzz::kStepsMax && !input.is_over(); ++step) {
    daemons.client_speaks(0, input);
    if (input.flag()) daemons.step(0, daemon::InputDrained{});
  }
  daemons.run_for(std::chrono::seconds(1));
  return 0;
}
