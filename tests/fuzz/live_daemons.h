// Live DaemonCores whose clients and links do whatever a fuzzing input says, in virtual time. What
// the host guarantees to the core is kept; everything else may happen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "tests/fuzz/fuzz_input.h"

namespace groupcomm::fuzz {

// After so many steps a run ends, whatever is left of its input.
inline constexpr int kStepsMax = 400;

class LiveDaemons {
 public:
  // Daemons d0, d1, ... that know one another; the input chooses their engine and policy.
  LiveDaemons(std::size_t size, FuzzInput& input);

  // One thing that happens at one of the daemons, or to a frame on its way.
  void happen(FuzzInput& input);
  // A frame that is or was on its way comes, to whom it was meant for, with some of its words
  // changed and a right checksum: what decodes reaches the core.
  void forge(FuzzInput& input);
  // All links work, nobody is cut off, and time passes.
  void run_for(Duration duration);

  // A daemon, started again if it is not running.
  void client_speaks(std::size_t node, FuzzInput& input);
  void step(std::size_t node, daemon::Event event);

 private:
  struct Node {
    std::optional<daemon::DaemonCore> core;
    protocol::DurableRecord record;
    std::set<std::uint64_t> sessions;  // that are open
    std::uint64_t last_session = 0;
  };
  struct InFlight {
    std::size_t to = 0;
    std::shared_ptr<const protocol::PeerFrame> frame;
  };

  void start(std::size_t node);
  void stop(std::size_t node);
  void perform(std::size_t node);
  void perform(std::size_t node, daemon::Effect& effect);
  std::size_t number_of(const std::string& name) const;
  void move_time(Duration duration);
  // Hands over a frame, through the codec.
  void arrive(std::size_t to, const protocol::PeerFrame& frame);
  void frame_happens(FuzzInput& input);
  void open_session(std::size_t node);
  protocol::ClientMessage message(FuzzInput& input);

  daemon::TotalOrderEngine engine_ = daemon::TotalOrderEngine::kSequencer;
  bool partitionable_ = false;
  std::vector<Node> nodes_;
  std::deque<InFlight> wire_;  // at most kFramesMax: the eldest are lost
  std::deque<InFlight> past_;  // what arrived once and may arrive again
  TimePoint now_{std::chrono::seconds(1000)};
  std::uint64_t incarnations_ = 0;
};

}  // namespace groupcomm::fuzz
