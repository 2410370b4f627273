// Drives the core: the one thread that owns it and every socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "daemon/host/client_links.h"
#include "daemon/host/core_timer.h"
#include "daemon/host/effect_performer.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/peer_links.h"
#include "daemon/host/readiness.h"
#include "daemon/host/record_store.h"
#include "daemon/host/stop_signals.h"

namespace groupcomm::daemon {

// Reads all there is in short turns, so that neither peers nor clients wait for one another, steps
// the core by each input and performs its effects at once. When nothing more is to be read, or
// after many turns, it tells the core so (InputDrained), sends what was collected for clients, and
// sleeps until something happens or a deadline comes.
class EventLoop {
 public:
  // All must outlive the loop. `records` and `trace` may be nullptr.
  struct Parts {
    ClientLinks& clients;
    PeerLinks& peers;
    RecordStore* records;
    DaemonTrace* trace;
    StopSignals& signals;
    HostCounters& counters;
    Log& log;
  };

  // `options.self.incarnation` is drawn here, anew at each beginning.
  EventLoop(const Parts& parts, DaemonOptions options);

  // Runs until the daemon has left, or cannot go on. Returns the process's exit code.
  int run();

 private:
  // Makes a core of a new incarnation. False where the record cannot be read.
  bool begin();
  // Draws the incarnation, and gives what earlier ones left in the state directory.
  Result<protocol::DurableRecord> load();
  void note_ready(const std::vector<std::uint64_t>& tags);
  bool is_any_ready() const;
  void step(Event event);
  // One turn: a bounded amount of each kind of input. True where there was any.
  bool take_turn();
  bool read_peers();
  bool read_clients();
  bool read_signals();
  void on_outcome(EffectPerformer::Outcome outcome);
  // The loop is over.
  void end(int exit_code) { exit_code_ = exit_code; }
  TimePoint next_deadline() const;

  Parts parts_;
  DaemonOptions options_;
  EffectPerformer performer_;
  std::vector<Source> sources_;
  Readiness readiness_;  // of the sources; a tag is an index
  std::unique_ptr<DaemonCore> core_;
  TimePoint now_;
  CoreTimer timer_;
  TimePoint stop_by_ = TimePoint::never();
  bool stepped_ = false;  // since the last InputDrained
  std::optional<int> exit_code_;
};

}  // namespace groupcomm::daemon
