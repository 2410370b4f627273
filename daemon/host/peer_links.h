// The links to other daemons: sockets, names, and the search for proof of death.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/event.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/log_limit.h"
#include "daemon/host/peer_probe.h"
#include "daemon/host/peer_socket.h"
#include "daemon/host/readiness.h"
#include "daemon/host/resolver.h"

namespace groupcomm::daemon {

// Turns ConnectPeer into connections, whose names it resolves and, as long as there is no
// connection, resolves again; and connections' fates into PeerConnected and PeerRefused.
class PeerLinks {
 public:
  PeerLinks(zmq::context_t& context, HostCounters& counters, Log& log);

  // Resolves the host's name, which may take a moment. Returns the address that was bound.
  Result<TcpAddress> bind(const TcpAddress& address);

  // `address` as tcp://HOST:PORT. A connection that works is kept: what a peer says of its own
  // address may be of no use here. Where there is none, the peer's last two addresses are tried in
  // turn. A peer that is connected is announced again.
  void connect(const std::string& peer, const std::string& address, TimePoint now);
  void disconnect(const std::string& peer);

  // Encoded once by the caller. Counts what is lost.
  void send(const std::vector<std::string>& peers, protocol::Lane lane, const Payload& frame);

  // The next frame or, where there is none, the next link event.
  std::optional<Event> take_frame();
  std::optional<Event> take_link_event(TimePoint now);

  TimePoint next_deadline() const;
  // Ready when one of the two above may have something.
  std::vector<Source> sources();

  // Frames that were sent before get up to this time when the object is destroyed.
  void linger(std::chrono::milliseconds time) { socket_.linger(time); }

 private:
  struct Link {
    TcpAddress address;                 // its host may be a name
    std::optional<TcpAddress> other;    // tried in turn while there is no connection
    std::optional<TcpAddress> numeric;  // what the socket is connected to
    bool connected = false;
    bool refused = false;      // since it was last connected
    bool name_is_bad = false;  // the last answer was that it does not resolve
    // When a name is to be resolved anew, or the other address to be tried, if there still is no
    // connection.
    TimePoint retry_at = TimePoint::never();
  };

  void poll(TimePoint now);
  // A warning of a kind that strangers can cause at will.
  void warn(LogLimit& limit, std::string line);
  void on_link_change(const PeerSocket::LinkChange& change, TimePoint now);
  void on_answer(const Resolver::Answer& answer, TimePoint now);
  void on_retry(const std::string& peer, Link& link, TimePoint now);
  // Connects to link.address, or asks for its number first.
  void begin(const std::string& peer, Link& link, TimePoint now);
  void connect_numeric(const std::string& peer, Link& link, const TcpAddress& address);

  HostCounters& counters_;
  Log& log_;
  PeerSocket socket_;
  PeerProbe probe_;
  Resolver resolver_;
  std::map<std::string, Link> links_;
  std::deque<Event> events_;
  bool frames_ready_ = true;
  bool links_ready_ = true;
  TimePoint polled_at_;
  LogLimit bad_frames_;
  LogLimit bad_addresses_;
};

}  // namespace groupcomm::daemon
