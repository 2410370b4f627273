// Carries out what the core decides.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/effect.h"
#include "daemon/host/client_batches.h"
#include "daemon/host/client_links.h"
#include "daemon/host/daemon_trace.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/peer_links.h"
#include "daemon/host/record_store.h"

namespace groupcomm::daemon {

// Performs effects in their order, with one exception that nobody can tell: what is for clients is
// collected until flush(), or until there is much of it.
class EffectPerformer {
 public:
  // What a list of effects leads to, beside what is done at once.
  enum class Outcome : std::uint8_t {
    kGoOn,
    kGiveUp,    // begin again with a new incarnation
    kFinished,  // the daemon may end
    kFailed,    // the record could not be written: the daemon must end
  };
  // All must outlive the performer. `records` and `trace` may be nullptr: there is none.
  struct Parts {
    ClientLinks& clients;
    PeerLinks& peers;
    RecordStore* records;
    DaemonTrace* trace;
    HostCounters& counters;
    Log& log;
  };

  explicit EffectPerformer(const Parts& parts) : parts_(parts) {}

  // Effects behind one with an outcome other than kGoOn are not performed.
  Outcome perform(std::vector<Effect> effects, TimePoint now);

  // Sends what was collected for clients.
  void flush();

  // The session is over: what was collected for it is dropped.
  void drop(SessionId session) { batches_.drop(session); }

 private:
  Outcome on(SendToPeers& effect, TimePoint now);
  Outcome on(ConnectPeer& effect, TimePoint now);
  Outcome on(DisconnectPeer& effect, TimePoint now);
  Outcome on(SendToClient& effect, TimePoint now);
  Outcome on(DeliverMessage& effect, TimePoint now);
  Outcome on(CloseClient& effect, TimePoint now);
  Outcome on(PersistRecord& effect, TimePoint now);
  Outcome on(InstallView& effect, TimePoint now);
  Outcome on(StampMessage& effect, TimePoint now);
  Outcome on(Report& effect, TimePoint now);
  Outcome on(GiveUp& effect, TimePoint now);
  Outcome on(Finished& effect, TimePoint now);

  void send(const std::vector<ClientBatches::Frame>& frames);

  Parts parts_;
  ClientBatches batches_;
};

}  // namespace groupcomm::daemon
