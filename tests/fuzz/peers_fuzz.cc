// Three daemons and their clients, over links that lose, repeat, delay and reorder frames as the
// input says, while daemons die and come back: no CHECK and no invariant fails. That what is
// delivered is right, too, is the simulator's business; here the coverage of the core leads the
// way.
#include <chrono>
#include <cstdint>

#include "tests/fuzz/live_daemons.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace groupcomm;
  fuzz::FuzzInput input(data, size);
  fuzz::LiveDaemons daemons(3, input);
  if (input.flag()) daemons.run_for(std::chrono::seconds(1));
  for (int step = 0; step < fuzz::kStepsMax && !input.is_over(); ++step) daemons.happen(input);
  daemons.run_for(std::chrono::milliseconds(500));
  return 0;
}
