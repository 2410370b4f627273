// The sockets between daemons: one that all peers send to, and two lanes to each peer.
//
// Lanes: frames of one lane to one peer arrive in order while the connection lasts, and are lost
// without a word when it breaks. The receiving socket takes frames from its connections in turn,
// one from each: so a heartbeat waits behind at most one data frame of each other connection, and
// both lanes may share the one port.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "daemon/host/readiness.h"
#include "daemon/host/socket_monitor.h"
#include "daemon/host/tcp_address.h"
#include "groupcomm/payload.h"
#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

class PeerSocket {
 public:
  struct LinkChange {
    std::string peer;
    bool connected = false;  // the control lane was connected, or was lost
  };

  explicit PeerSocket(zmq::context_t& context);
  ~PeerSocket();
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;

  // REQUIRES: address.host is numeric or "*". A port of 0 takes a free one. Returns the address
  // that was bound.
  Result<TcpAddress> bind(const TcpAddress& address);

  // REQUIRES: is_numeric(address). Connects both lanes; earlier ones to this peer are closed.
  void connect(const std::string& peer, const TcpAddress& address);
  void disconnect(const std::string& peer);

  // Never waits. False: the frame is lost, because the peer is not connected or its lane is full.
  bool send(const std::string& peer, protocol::Lane lane, const Payload& frame);

  // The next frame of anybody, if there is one.
  std::optional<Payload> receive();

  std::vector<LinkChange> take_link_changes();

  // Readable when receive() may have something; read until it has not.
  int frames_descriptor();
  // Readable when take_link_changes() may have something.
  int links_descriptor() const { return links_ready_.descriptor(); }

  // Frames that were sent before get up to this time when the object is destroyed.
  void linger(std::chrono::milliseconds time);

 private:
  struct Peer {
    zmq::socket_t control;
    zmq::socket_t data;
    std::unique_ptr<SocketMonitor> monitor;  // of `control`; destroyed before it
    std::uint64_t tag = 0;
    bool connected = false;
  };

  zmq::socket_t make_lane(const TcpAddress& address);

  zmq::context_t& context_;
  zmq::socket_t receiver_;
  std::map<std::string, Peer> peers_;
  Readiness links_ready_;
  std::map<std::uint64_t, std::string> names_;  // by tag
  std::uint64_t last_tag_ = 0;
};

}  // namespace groupcomm::daemon
