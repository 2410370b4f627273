#include "daemon/host/client_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "daemon/host/descriptor_shares.h"
#include "daemon/host/unread_bytes.h"
#include "daemon/host/zmq_message.h"
#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

// A client that sends faster than the daemon reads is slowed down by its full pipe.
constexpr int kReceivedFramesMax = 256;
constexpr int kHandshakeMs = 2000;
// Clients that may connect before the first of them is let in. One more takes it that nobody
// listens. The kernel's own limit (net.core.somaxconn) holds besides.
constexpr int kWaitingClientsMax = 4096;
constexpr std::int64_t kFrameBytesMax = wire::kFrameBytesMax;
// The time that a client has to read everything up to the last frame, which says why its session is
// over, and to hang up by itself. Until then ZeroMQ keeps what it has not read.
constexpr Duration kGoodbyeTime = std::chrono::seconds(30);
// After the end of a process its connection ends too, unless another process holds it.
constexpr Duration kAfterProcessTime = std::chrono::milliseconds(5);
// Under a load that never ends, what an ended client had sent was read by this time.
constexpr Duration kDrainTimeMax = std::chrono::milliseconds(50);

// ZeroMQ's routing ids begin with a zero byte and count upwards; a client that chose its own could
// pass for another.
constexpr std::size_t kRoutingIdBytes = 5;

using Tags = std::vector<std::uint64_t>;

// "localhost:UID:GID:PID", as ZeroMQ gives it for Unix domain sockets.
pid_t process_of(const zmq::message_t& message) {
  const char* text = zmq_msg_gets(message.handle(), "Peer-Address");
  if (text == nullptr) return 0;
  const std::string_view address(text);
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return 0;
  pid_t process = 0;
  const char* end = address.data() + address.size();
  const auto [rest, error] = std::from_chars(address.data() + colon + 1, end, process);
  return error == std::errc() && rest == end && process > 0 ? process : 0;
}

}  // namespace

Result<std::unique_ptr<ClientTransport>> ClientSocket::open(SocketContext& context,
                                                            const std::string& path,
                                                            ClientGate& gate) {
  std::unique_ptr<ClientSocket> socket(new ClientSocket(context, gate));
  const auto bound = socket->bind(path);
  if (!bound.ok()) return Failure{bound.error()};
  return std::unique_ptr<ClientTransport>(std::move(socket));
}

ClientSocket::ClientSocket(SocketContext& context, ClientGate& gate)
    : gate_(gate), socket_(context.get(), zmq::socket_type::router) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::sndhwm, 0);
  socket_.set(zmq::sockopt::rcvhwm, kReceivedFramesMax);
  socket_.set(zmq::sockopt::maxmsgsize, kFrameBytesMax);
  socket_.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket_.set(zmq::sockopt::backlog, kWaitingClientsMax);
  socket_.set(zmq::sockopt::router_mandatory, 1);
  monitor_ = std::make_unique<SocketMonitor>(context.get(), socket_,
                                             ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
}

Result<std::monostate> ClientSocket::bind(const std::string& path) {
  unlink(path.c_str());
  try {
    socket_.bind("ipc://" + path);
  } catch (const zmq::error_t& error) {
    return Failure{"cannot serve " + path + ": " + error.what()};
  }
  if (chmod(path.c_str(), 0666) != 0) {
    return Failure{"cannot set the rights of " + path + ": " + std::strerror(errno)};
  }
  return std::monostate{};
}

void ClientSocket::poll(TimePoint now) {
  polled_at_ = now;
  if (monitor_ready_) read_monitor();
  const bool may_have_ended = std::exchange(processes_ready_, false);
  for (const std::uint64_t number : may_have_ended ? processes_.poll() : Tags()) {
    const auto it = watched_.find(number);
    CHECK(it != watched_.end());
    if (ClientConnection* connection = connections_.find(it->second)) {
      processes_.remove(connection->process_handle.get());
      connection->process_handle.reset();
      cut_at(*connection, now + kAfterProcessTime);
    }
    watched_.erase(it);
  }
  cut_overdue(now);
  if (!connections_.has_undrained()) {
    undrained_since_ = TimePoint::never();
  } else if (undrained_since_ == TimePoint::never()) {
    undrained_since_ = now;
  } else if (now - undrained_since_ > kDrainTimeMax) {
    collect_lost();
  }
}

void ClientSocket::collect_lost() {
  connections_.mark_drained();
  undrained_since_ = TimePoint::never();
  for (const SessionId session : connections_.take_ended()) lost_.push_back(session);
  // Of a process that lives on, nothing else says that its connection is over.
  std::erase_if(watched_, [this](const auto& watched) {
    return connections_.find(watched.second) == nullptr;
  });
}

void ClientSocket::cut_at(ClientConnection& connection, TimePoint time) {
  connection.cut_by = std::min(connection.cut_by, time);
  next_cut_ = std::min(next_cut_, connection.cut_by);
}

void ClientSocket::read_monitor() {
  monitor_ready_ = false;
  while (const auto event = monitor_->next()) {
    const int descriptor = static_cast<int>(event->value);
    if (event->kind == ZMQ_EVENT_ACCEPTED) connections_.on_accepted(descriptor);
    if (event->kind == ZMQ_EVENT_DISCONNECTED) connections_.on_disconnected(descriptor);
  }
}

void ClientSocket::cut_overdue(TimePoint now) {
  if (next_cut_ > now) return;
  next_cut_ = TimePoint::never();
  for (auto& [routing_id, connection] : connections_.all()) {
    if (connection.cut_by > now) {
      next_cut_ = std::min(next_cut_, connection.cut_by);
      continue;
    }
    connection.cut_by = TimePoint::never();
    cut(connection);
    // Of one that was shut down the monitor will tell.
    if (!connections_.owns_descriptor(connection)) connections_.end(connection);
  }
}

std::optional<Event> ClientSocket::take_event() {
  if (lost_.empty()) {
    // What the ended ones sent last may be there, though nothing has told of it yet.
    if (connections_.has_undrained()) input_ready_ = true;
    while (auto received = receive()) {
      if (auto event = interpret(std::move(*received))) return event;
    }
    collect_lost();
  }
  if (lost_.empty()) return std::nullopt;
  const SessionId session = lost_.front();
  lost_.pop_front();
  return ClientLost{session};
}

std::optional<ClientSocket::Received> ClientSocket::receive() {
  zmq::message_t sender;
  if (!input_ready_ || !socket_.recv(sender, zmq::recv_flags::dontwait)) {
    input_ready_ = false;
    return std::nullopt;
  }
  Received received;
  received.routing_id = sender.to_string();
  CHECK(socket_.recv(received.frame, zmq::recv_flags::none).has_value());
  received.descriptor = descriptor_of(received.frame);
  on_part_read(received.descriptor, received.frame.size());
  bool more = received.frame.more();
  while (more) {
    zmq::message_t part;
    CHECK(socket_.recv(part, zmq::recv_flags::none).has_value());
    on_part_read(received.descriptor, part.size());
    more = part.more();
    received.one_part = false;
  }
  return received;
}

std::optional<Event> ClientSocket::interpret(Received received) {
  ClientConnection* connection = connections_.find(received.routing_id);
  const bool is_first = connection == nullptr;
  if (is_first) connection = &open_connection(received);
  const SessionId session = connection->session;
  if (!session) return std::nullopt;

  auto messages = decode(received, is_first);
  if (messages.ok() && connection->descriptor >= descriptor_shares().served) {
    turn_away(*connection);
    return std::nullopt;
  }
  if (messages.ok()) {
    const bool from_operator =
        ClientGate::has_operators_word(messages.value()) && is_operator(*connection);
    return ClientFrame{session, std::move(messages).value(), from_operator};
  }
  reject(*connection, messages.error());
  // Of a session that did not begin the core never heard.
  if (is_first) return std::nullopt;
  return ClientLost{session};
}

Result<std::vector<protocol::ClientMessage>> ClientSocket::decode(Received& received,
                                                                  bool is_first) {
  if (!received.one_part) return Failure{"a frame of several parts"};
  if (received.routing_id.size() != kRoutingIdBytes || received.routing_id[0] != '\0') {
    return Failure{"a routing id of its own choice"};
  }
  return gate_.read(to_payload(std::move(received.frame)), is_first);
}

ClientConnection& ClientSocket::open_connection(const Received& received) {
  read_monitor();
  ClientConnection& connection = connections_.open(
      received.routing_id, received.descriptor, process_of(received.frame), gate_.begin_session());
  watch_process(connection);
  return connection;
}

void ClientSocket::watch_process(ClientConnection& connection) {
  auto handle = gate_.watch(connection.process);
  if (!handle) return cut_at(connection, polled_at_ + kAfterProcessTime);
  connection.process_handle = std::move(*handle);
  if (!connection.process_handle.valid()) return;
  watched_[++last_watched_] = connection.routing_id;
  processes_.add(connection.process_handle.get(), last_watched_);
}

void ClientSocket::reject(ClientConnection& connection, const std::string& why) {
  gate_.note_bad(connection.process, why);
  connections_.close(connection);
  cut(connection);
}

void ClientSocket::turn_away(ClientConnection& connection) {
  send(connection.session, gate_.turn_away());
  close(connection.session, polled_at_);
}

// Who opened the connection, if it is still there.
std::optional<ucred> ClientSocket::credentials_of(const ClientConnection& connection) {
  read_monitor();
  if (!connections_.owns_descriptor(connection)) return std::nullopt;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int found = getsockopt(connection.descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  if (found != 0 || credentials.pid != connection.process) return std::nullopt;
  return credentials;
}

bool ClientSocket::is_operator(const ClientConnection& connection) {
  const auto credentials = credentials_of(connection);
  return credentials && ClientGate::is_operator(credentials->uid);
}

void ClientSocket::cut(ClientConnection& connection) {
  if (credentials_of(connection)) shutdown(connection.descriptor, SHUT_RDWR);
}

bool ClientSocket::send(SessionId session, const Payload& frame) {
  ClientConnection* connection = connections_.find(session);
  if (connection == nullptr) return false;
  input_ready_ = true;  // a send may take the word of new input for itself
  try {
    zmq::message_t receiver(connection->routing_id);
    zmq::message_t message = to_message(frame);
    const auto flags = zmq::send_flags::dontwait;
    const bool sent = socket_.send(receiver, flags | zmq::send_flags::sndmore).has_value() &&
                      socket_.send(message, flags).has_value();
    if (sent) {
      gate_.count_sent(frame);
    } else {
      connections_.end(*connection);
    }
  } catch (const zmq::error_t& error) {
    CHECK_EQ(error.num(), EHOSTUNREACH);
    connections_.end(*connection);
  }
  return true;
}

bool ClientSocket::close(SessionId session, TimePoint now) {
  ClientConnection* connection = connections_.find(session);
  if (connection == nullptr) return false;
  connections_.close(*connection);
  cut_at(*connection, now + kGoodbyeTime);
  return true;
}

void ClientSocket::close_all(TimePoint now) {
  for (auto& [routing_id, connection] : connections_.all()) {
    cut_at(connection, now + kGoodbyeTime);
  }
  connections_.close_all();
  lost_.clear();
}

TimePoint ClientSocket::next_deadline() const {
  return std::min(next_cut_, undrained_since_ + kDrainTimeMax);
}

std::vector<Source> ClientSocket::sources() {
  return {{socket_.get(zmq::sockopt::fd), &input_ready_},
          {monitor_->descriptor(), &monitor_ready_},
          {processes_.descriptor(), &processes_ready_}};
}

void ClientSocket::linger(std::chrono::milliseconds time) {
  socket_.set(zmq::sockopt::linger, static_cast<int>(time.count()));
}

}  // namespace groupcomm::daemon
