// All clients of this host, however they reach the daemon.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/event.h"
#include "daemon/host/client_gate.h"
#include "daemon/host/client_transport.h"
#include "daemon/host/file_lock.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/readiness.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/result.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

class SocketContext;

// The transports under one roof. Each keeps the promises of client_transport.h.
class ClientLinks {
 public:
  // Makes the directory of `path` where it is not there, and locks `path`.lock. The lock must
  // outlive the context: ZeroMQ removes the socket's file when that ends.
  static Result<FileLock> lock(const std::string& path);

  // Serves the ZeroMQ socket at `path` and the stream socket beside it; takes over sockets that a
  // killed daemon left behind. The directory's rights say who may connect. REQUIRES: the lock is
  // held.
  static Result<std::unique_ptr<ClientLinks>> open(SocketContext& context, const std::string& path,
                                                   HostCounters& counters, Log& log);
  ClientLinks(const ClientLinks&) = delete;
  ClientLinks& operator=(const ClientLinks&) = delete;

  void poll(TimePoint now);
  std::optional<Event> take_event();
  void send(SessionId session, const Payload& frame);
  void close(SessionId session, TimePoint now);
  // All of them; sessions are counted from 1 again.
  void close_all(TimePoint now);
  std::size_t session_count() const;
  TimePoint next_deadline() const;
  std::vector<Source> sources();
  void linger(std::chrono::milliseconds time);

 private:
  ClientLinks(HostCounters& counters, Log& log) : gate_(counters, log) {}

  ClientGate gate_;
  std::vector<std::unique_ptr<ClientTransport>> transports_;
  std::size_t turn_ = 0;  // whose event is taken next
};

}  // namespace groupcomm::daemon
