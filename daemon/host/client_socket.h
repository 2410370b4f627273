// The socket of the clients on this host.
#pragma once

#include <sys/socket.h>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "daemon/core/event.h"
#include "daemon/host/client_connections.h"
#include "daemon/host/file_lock.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/log_limit.h"
#include "daemon/host/readiness.h"
#include "daemon/host/socket_monitor.h"
#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// Guarantees: a session's first event is a ClientFrame that begins with Hello, its last is
// ClientLost unless the core closed it, and everything that it sent before it ended comes before
// that. A client that sends what is no frame is cut off and counted; one for which no descriptors
// are left (descriptor_shares.h) is refused and counted.
//
// A connection has ended when ZeroMQ's monitor says so, or a moment after its process ended (a
// forked child may still hold the connection).
class ClientSocket {
 public:
  // Makes the directory of `path` where it is not there, and locks `path`.lock. The lock must
  // outlive the context: ZeroMQ removes the socket's file when that ends.
  static Result<FileLock> lock(const std::string& path);

  // Takes over a socket that a killed daemon left behind. The directory's rights say who may
  // connect. REQUIRES: the lock is held.
  static Result<std::unique_ptr<ClientSocket>> open(zmq::context_t& context,
                                                    const std::string& path, HostCounters& counters,
                                                    Log& log);
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  // To be called before a series of take_event(): learns which connections ended.
  void poll(TimePoint now);
  std::optional<Event> take_event();

  // Never waits: the core bounds what waits for a client. Lost where the client has gone.
  void send(SessionId session, const Payload& frame);

  // Nothing more is sent to it, and what it sends is dropped.
  void close(SessionId session, TimePoint now);
  // All of them; sessions are counted from 1 again.
  void close_all(TimePoint now);

  TimePoint next_deadline() const;
  // Readable when poll() or take_event() may have something; then read until they have not.
  std::vector<int> descriptors();

  // Frames that were sent before get up to this time when the object is destroyed.
  void linger(std::chrono::milliseconds time);

 private:
  ClientSocket(zmq::context_t& context, HostCounters& counters, Log& log);
  Result<std::monostate> bind(const std::string& path);

  struct Received {
    std::string routing_id;
    zmq::message_t frame;
    int descriptor = -1;  // of the connection; -1 where unknown
    bool one_part = true;
  };
  std::optional<Received> receive();
  // What a received frame means to the core, if anything.
  std::optional<Event> interpret(Received received);
  Result<std::vector<protocol::ClientMessage>> decode(Received& received);
  ClientConnection& open_connection(const Received& received);
  void reject(ClientConnection& connection, const std::string& why);
  void turn_away(ClientConnection& connection);
  void note_crowd();
  void collect_lost();
  void cut_at(ClientConnection& connection, TimePoint time);

  void read_monitor();
  void watch_process(ClientConnection& connection);
  // A warning of a kind that clients can cause at will.
  void warn(LogLimit& limit, std::string line);
  // Shuts the connection down, so that the client notices.
  std::optional<ucred> credentials_of(const ClientConnection& connection);
  bool is_operator(const ClientConnection& connection);
  void cut(ClientConnection& connection);
  void cut_overdue(TimePoint now);

  HostCounters& counters_;
  Log& log_;
  zmq::socket_t socket_;
  std::unique_ptr<SocketMonitor> monitor_;
  ClientConnections connections_;
  Readiness processes_;                           // pidfds, each with the number of its connection
  std::map<std::uint64_t, std::string> watched_;  // routing ids by that number
  std::uint64_t last_watched_ = 0;
  TimePoint polled_at_;
  LogLimit bad_frames_;
  LogLimit unwatched_processes_;
  LogLimit crowds_;
  std::uint64_t crowd_ = 0;  // connections_turned_away(), as it was last noted
  TimePoint undrained_since_ = TimePoint::never();
  TimePoint next_cut_ = TimePoint::never();  // no connection is to be cut earlier
  std::deque<SessionId> lost_;
};

}  // namespace groupcomm::daemon
