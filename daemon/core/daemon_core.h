// The pure daemon: everything that can be wrong about virtual synchrony, and nothing that can
// block. The event loop of daemon/host and the simulator are two hosts of this class.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/effect.h"
#include "daemon/core/event.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

enum class TotalOrderEngine : std::uint8_t { kSequencer, kLamport };

struct PeerAddress {
  std::string name;
  std::string address;
};

struct DaemonOptions {
  DaemonId self;  // the host draws the incarnation
  std::string cluster = "groupcomm";
  std::string version;
  std::string address;             // where peers reach this daemon, tcp://HOST:PORT
  std::vector<PeerAddress> peers;  // configured; with self they are the cluster's seeds

  Duration heartbeat = std::chrono::milliseconds(100);
  Duration suspect = std::chrono::milliseconds(1500);   // floor of the adaptive time-out
  Duration deference = std::chrono::milliseconds(300);  // of proposers, to lower ranks (rule F11)
  Duration block_time_out = std::chrono::seconds(1);    // for a client's answer to a block
  TotalOrderEngine engine = TotalOrderEngine::kSequencer;
  bool partitionable = false;  // all components go on, and come together again (rule Q1)

  std::uint64_t window_messages = 4096;         // own messages that not all daemons hold
  std::uint64_t window_bytes = 8u << 20;        // their payload bytes
  std::uint64_t client_window_messages = 1024;  // a client's not yet accepted messages
  std::uint64_t client_window_bytes = 1u << 20;
  std::uint64_t client_queue_bytes = 64u << 20;  // deliveries waiting for a slow client
  std::uint64_t batch_bytes = 64u << 10;         // of a frame of several messages between daemons

  bool report_all_deliveries = false;  // DeliverMessage also where nobody is a member (traces)
};

class DaemonCore {
 public:
  // `record` is what the state directory holds, or an empty one (decided.id.counter == 0).
  DaemonCore(DaemonOptions options, protocol::DurableRecord record, TimePoint now);
  ~DaemonCore();
  DaemonCore(DaemonCore&&) noexcept;
  DaemonCore& operator=(DaemonCore&&) noexcept;

  // One input. `now` never goes back.
  void step(TimePoint now, Event event);

  // Drains what the host is to do, in order.
  std::vector<Effect> take_effects();

  // When TimerExpired is due, if nothing happens before.
  TimePoint next_deadline() const;

  protocol::DaemonStatus status(TimePoint now) const;

  // Stops the process where the state contradicts itself.
  void check_invariants() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace groupcomm::daemon
