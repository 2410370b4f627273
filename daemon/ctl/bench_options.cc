#include "daemon/ctl/bench_options.h"

namespace groupcomm::ctl {

void add_bench_work(CLI::App& app, BenchWork& work) {
  app.add_option("--senders", work.senders, "Members that send (default: all)");
  app.add_option("--size", work.size, "Bytes of a message (default: 64)")
      ->check(CLI::Range(sizeof(BenchHeader), kPayloadBytesMax));
  app.add_option("--window", work.window,
                 "A member's messages under way; 0: what the daemon takes (default: 64)");
  app.add_option("--seconds", work.seconds, "How long to send (default: 3)")
      ->check(CLI::Range(0.01, 86'400.0));
  app.add_flag("--latency", work.latency, "Send one message at a time, and tell how long it took");
  app.add_option("--samples", work.samples, "Messages whose latency is taken (default: 2000)");
  app.add_option("--pause-ms", work.pause_ms, "Between two of them (default: 0)")
      ->check(CLI::Range(0.0, 60'000.0));
  app.add_option("--background", work.background_rate,
                 "Messages of 1 KiB a second that each other member sends meanwhile")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--saturate", work.is_background_saturating,
               "The other members send as much as the window lets them")
      ->excludes("--background");
  app.add_option("--patience", work.give_up_seconds,
                 "Seconds that all may take beyond the work itself (default: 60)")
      ->check(CLI::Range(0.1, 86'400.0));
}

}  // namespace groupcomm::ctl
