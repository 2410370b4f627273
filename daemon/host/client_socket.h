// The ZeroMQ socket of the clients on this host.
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
#include "daemon/host/client_gate.h"
#include "daemon/host/client_transport.h"
#include "daemon/host/readiness.h"
#include "daemon/host/socket_context.h"
#include "daemon/host/socket_monitor.h"
#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// One ROUTER for all clients. A connection has ended when ZeroMQ's monitor says so.
class ClientSocket final : public ClientTransport {
 public:
  // Takes over a socket that a killed daemon left behind. The directory's rights say who may
  // connect. REQUIRES: the lock is held.
  static Result<std::unique_ptr<ClientTransport>> open(SocketContext& context,
                                                       const std::string& path, ClientGate& gate);

  void poll(TimePoint now) override;
  std::optional<Event> take_event() override;
  bool send(SessionId session, const Payload& frame) override;
  bool close(SessionId session, TimePoint now) override;
  void close_all(TimePoint now) override;
  std::size_t session_count() const override { return connections_.session_count(); }
  TimePoint next_deadline() const override;
  std::vector<Source> sources() override;
  void linger(std::chrono::milliseconds time) override;

 private:
  ClientSocket(SocketContext& context, ClientGate& gate);
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
  Result<std::vector<protocol::ClientMessage>> decode(Received& received, bool is_first);
  ClientConnection& open_connection(const Received& received);
  void reject(ClientConnection& connection, const std::string& why);
  void turn_away(ClientConnection& connection);
  void collect_lost();
  void cut_at(ClientConnection& connection, TimePoint time);

  void read_monitor();
  void watch_process(ClientConnection& connection);
  // Shuts the connection down, so that the client notices.
  std::optional<ucred> credentials_of(const ClientConnection& connection);
  bool is_operator(const ClientConnection& connection);
  void cut(ClientConnection& connection);
  void cut_overdue(TimePoint now);

  ClientGate& gate_;
  zmq::socket_t socket_;
  std::unique_ptr<SocketMonitor> monitor_;
  bool input_ready_ = true;
  bool monitor_ready_ = true;
  bool processes_ready_ = true;
  ClientConnections connections_;
  Readiness processes_;                           // pidfds, each with the number of its connection
  std::map<std::uint64_t, std::string> watched_;  // routing ids by that number
  std::uint64_t last_watched_ = 0;
  TimePoint polled_at_;
  TimePoint undrained_since_ = TimePoint::never();
  TimePoint next_cut_ = TimePoint::never();  // no connection is to be cut earlier
  std::deque<SessionId> lost_;
};

}  // namespace groupcomm::daemon
