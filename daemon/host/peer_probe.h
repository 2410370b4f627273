// Finds out whether a process still listens at an address: proof of a daemon's death.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/host/descriptor.h"
#include "daemon/host/readiness.h"
#include "daemon/host/tcp_address.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// A lost connection may be a network's hiccup. Only a refused connect (ECONNREFUSED) proves that
// nobody listens any more. A killed process's listening socket may outlive its connections for a
// moment, so the probe asks again, ever more rarely, until it is stopped or has asked often enough.
// A refusal may come too early to be believed (rule D2), so it is looked for a few times more.
class PeerProbe {
 public:
  // Begins to probe; a probe of this peer that is under way is begun anew.
  // REQUIRES: is_numeric(address).
  void start(const std::string& peer, const TcpAddress& address, TimePoint now);
  void stop(const std::string& peer);

  // Readable when poll() has something to do.
  int descriptor() const { return readiness_.descriptor(); }
  TimePoint next_deadline() const;

  // Goes on with all probes. Returns the peers where nobody listens, each a few times within a
  // quarter of a second.
  std::vector<std::string> poll(TimePoint now);

 private:
  enum class Outcome { kWaiting, kRefused, kUndecided };
  struct Probe {
    std::string peer;
    TcpAddress address;
    Descriptor socket;  // valid while a connect is under way
    TimePoint next;     // of the next attempt, or when this one is given up
    Duration pause{0};  // before the attempt after the next
    int attempts = 0;
    int refusals = 0;
  };

  // One attempt; the outcome is often known at once.
  Outcome connect(std::uint64_t tag, Probe& probe, TimePoint now);
  // Acts on an outcome. True where the peer refused.
  bool conclude(Probe& probe, Outcome outcome, TimePoint now);
  void abandon(Probe& probe);

  Readiness readiness_;
  std::map<std::uint64_t, Probe> probes_;  // by tag
  std::uint64_t last_tag_ = 0;
};

}  // namespace groupcomm::daemon
