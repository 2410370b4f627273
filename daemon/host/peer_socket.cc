#include "daemon/host/peer_socket.h"

#include <cerrno>
#include <utility>

#include "daemon/host/unread_bytes.h"
#include "daemon/host/zmq_message.h"
#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

// A guard only: the core's windows bound what it sends.
constexpr int kLaneFramesMax = 4096;
// Of one connection; then TCP slows its sender down.
constexpr int kReceivedFramesMax = 1024;
// A peer that comes back is connected within the larger of the two.
constexpr int kReconnectMs = 10;
constexpr int kReconnectMaxMs = 100;
// A host that drops packets is asked anew this often: the kernel alone would wait for minutes.
constexpr int kConnectTimeoutMs = 1000;
// Bytes that nobody acknowledges for this long end the connection: a fresh one is quicker after a
// network's outage than the kernel's retransmissions, whose pauses double.
constexpr int kUnacknowledgedMaxMs = 3000;
constexpr int kHandshakeMs = 2000;
// Nothing is ever sent to those who connect to us, so only this finds out that one vanished.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAlivePauseSeconds = 20;
constexpr int kKeepAliveProbes = 3;

constexpr std::int64_t kFrameBytesMax = wire::kFrameBytesMax;

}  // namespace

PeerSocket::PeerSocket(zmq::context_t& context)
    : context_(context), receiver_(context, zmq::socket_type::router) {
  receiver_.set(zmq::sockopt::linger, 0);
  receiver_.set(zmq::sockopt::rcvhwm, kReceivedFramesMax);
  receiver_.set(zmq::sockopt::maxmsgsize, kFrameBytesMax);
  receiver_.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  receiver_.set(zmq::sockopt::tcp_keepalive, 1);
  receiver_.set(zmq::sockopt::tcp_keepalive_idle, kKeepAliveIdleSeconds);
  receiver_.set(zmq::sockopt::tcp_keepalive_intvl, kKeepAlivePauseSeconds);
  receiver_.set(zmq::sockopt::tcp_keepalive_cnt, kKeepAliveProbes);
}

PeerSocket::~PeerSocket() {
  for (auto& [name, peer] : peers_) peer.monitor.reset();
}

Result<TcpAddress> PeerSocket::bind(const TcpAddress& address) {
  std::string endpoint = to_string(address);
  if (address.port == 0) endpoint = endpoint.substr(0, endpoint.rfind(':')) + ":*";
  receiver_.set(zmq::sockopt::ipv6, address.host.find(':') != std::string::npos ? 1 : 0);
  try {
    receiver_.bind(endpoint);
  } catch (const zmq::error_t& error) {
    return Failure{error.what()};
  }
  TcpAddress bound = address;
  const auto last = parse_tcp_address(receiver_.get(zmq::sockopt::last_endpoint));
  if (last.ok()) bound.port = last.value().port;
  return bound;
}

zmq::socket_t PeerSocket::make_lane(const TcpAddress& address) {
  zmq::socket_t lane(context_, zmq::socket_type::dealer);
  lane.set(zmq::sockopt::linger, 0);
  // Frames for a peer that is not connected are lost at once: what is late is of no use.
  lane.set(zmq::sockopt::immediate, 1);
  lane.set(zmq::sockopt::sndhwm, kLaneFramesMax);
  // Nobody answers on a lane; a stranger who does is stopped by its full pipe.
  lane.set(zmq::sockopt::rcvhwm, 1);
  lane.set(zmq::sockopt::maxmsgsize, kFrameBytesMax);
  lane.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
  lane.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
  lane.set(zmq::sockopt::connect_timeout, kConnectTimeoutMs);
  lane.set(zmq::sockopt::tcp_maxrt, kUnacknowledgedMaxMs);
  lane.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  lane.set(zmq::sockopt::tcp_keepalive, 0);
  lane.set(zmq::sockopt::ipv6, address.host.find(':') != std::string::npos ? 1 : 0);
  return lane;
}

void PeerSocket::connect(const std::string& name, const TcpAddress& address) {
  CHECK(is_numeric(address));
  disconnect(name);
  Peer peer;
  peer.control = make_lane(address);
  peer.data = make_lane(address);
  peer.monitor = std::make_unique<SocketMonitor>(
      context_, peer.control, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
  peer.tag = ++last_tag_;
  links_ready_.add(peer.monitor->descriptor(), peer.tag);
  names_[peer.tag] = name;
  peer.control.connect(to_string(address));
  peer.data.connect(to_string(address));
  peers_.emplace(name, std::move(peer));
}

void PeerSocket::disconnect(const std::string& name) {
  const auto it = peers_.find(name);
  if (it == peers_.end()) return;
  links_ready_.remove(it->second.monitor->descriptor());
  names_.erase(it->second.tag);
  it->second.monitor.reset();
  peers_.erase(it);
}

bool PeerSocket::send(const std::string& name, protocol::Lane lane, const Payload& frame) {
  const auto it = peers_.find(name);
  if (it == peers_.end()) return false;
  zmq::socket_t& socket = lane == protocol::Lane::kControl ? it->second.control : it->second.data;
  zmq::message_t message = to_message(frame);
  return socket.send(message, zmq::send_flags::dontwait).has_value();
}

std::optional<Payload> PeerSocket::receive() {
  zmq::message_t sender;
  if (!receiver_.recv(sender, zmq::recv_flags::dontwait)) return std::nullopt;
  zmq::message_t frame;
  bool more = sender.more();
  bool first = true;
  // Frames of ours have one part. A stranger's further parts are left out with it.
  while (more) {
    zmq::message_t part;
    CHECK(receiver_.recv(part, zmq::recv_flags::none).has_value());
    on_part_read(descriptor_of(part), part.size());
    more = part.more();
    if (first) frame = std::move(part);
    if (!first) frame.rebuild();
    first = false;
  }
  return to_payload(std::move(frame));
}

std::vector<PeerSocket::LinkChange> PeerSocket::take_link_changes() {
  std::vector<LinkChange> changes;
  for (const std::uint64_t tag : links_ready_.poll()) {
    const std::string& name = names_.at(tag);
    Peer& peer = peers_.at(name);
    while (const auto event = peer.monitor->next()) {
      const bool connected = event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
      if (connected == peer.connected) continue;
      peer.connected = connected;
      changes.push_back(LinkChange{name, connected});
    }
    // Makes the socket take note of its connection now: a send right after this one finds it.
    static_cast<void>(peer.control.get(zmq::sockopt::events));
    static_cast<void>(peer.data.get(zmq::sockopt::events));
  }
  return changes;
}

int PeerSocket::frames_descriptor() { return receiver_.get(zmq::sockopt::fd); }

void PeerSocket::linger(std::chrono::milliseconds time) {
  for (auto& [name, peer] : peers_) {
    peer.control.set(zmq::sockopt::linger, static_cast<int>(time.count()));
    peer.data.set(zmq::sockopt::linger, static_cast<int>(time.count()));
  }
}

}  // namespace groupcomm::daemon
