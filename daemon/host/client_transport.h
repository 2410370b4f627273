// One way in which clients on this host reach the daemon.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "daemon/core/event.h"
#include "daemon/host/readiness.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// Guarantees: a session's first event is a ClientFrame that begins with Hello, its last is
// ClientLost unless the core closed it, and everything that it sent before it ended comes before
// that. A client that sends what is no frame is cut off and counted; one for which no descriptors
// are left (descriptor_shares.h) is refused and counted. A connection has ended when it was closed,
// or a moment after its process ended (a forked child may still hold the connection).
class ClientTransport {
 public:
  ClientTransport() = default;
  virtual ~ClientTransport() = default;
  ClientTransport(const ClientTransport&) = delete;
  ClientTransport& operator=(const ClientTransport&) = delete;

  // To be called before a series of take_event(): learns what has come, and who ended.
  virtual void poll(TimePoint now) = 0;
  virtual std::optional<Event> take_event() = 0;

  // Never waits: the core bounds what waits for a client. Lost where the client has gone. False:
  // the session is none of this transport's.
  virtual bool send(SessionId session, const Payload& frame) = 0;

  // Nothing more is sent to it, and what it sends is dropped. False as above.
  virtual bool close(SessionId session, TimePoint now) = 0;
  // All of them.
  virtual void close_all(TimePoint now) = 0;

  virtual std::size_t session_count() const = 0;
  virtual TimePoint next_deadline() const = 0;
  // Ready when poll() or take_event() may have something.
  virtual std::vector<Source> sources() = 0;

  // Frames that were sent before get up to this time when the object is destroyed.
  virtual void linger(std::chrono::milliseconds time) = 0;
};

}  // namespace groupcomm::daemon
