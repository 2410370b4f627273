#include "groupcomm/zeromq_socket.h"

#include <zmq.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm {
namespace {

// The socket library connects again by itself unless it is told to wait; it never gets that far.
constexpr int kNeverMs = 24 * 3600 * 1000;

// Below this size a copy is cheaper than keeping the owner of the bytes.
constexpr std::size_t kCopyBytesMax = 1024;

void set_option(void* socket, int option, int value) {
  CHECK_EQ(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

int get_option(void* socket, int option) {
  int value = 0;
  std::size_t size = sizeof value;
  CHECK_EQ(zmq_getsockopt(socket, option, &value, &size), 0);
  return value;
}

void release_payload(void* /*data*/, void* hint) { delete static_cast<Payload*>(hint); }

}  // namespace

SocketContext::SocketContext() : handle_(zmq_ctx_new()) { CHECK(handle_ != nullptr); }

SocketContext::~SocketContext() {
  while (zmq_ctx_term(handle_) != 0 && errno == EINTR) {
  }
}

Result<std::unique_ptr<DaemonSocket>> ZeromqSocket::open(SocketContext& context,
                                                         const std::string& path) {
  void* socket = zmq_socket(context.handle(), ZMQ_DEALER);
  if (socket == nullptr) return Failure{std::string("no socket: ") + zmq_strerror(errno)};
  set_option(socket, ZMQ_LINGER, 0);
  set_option(socket, ZMQ_SNDHWM, 0);
  set_option(socket, ZMQ_RCVHWM, 0);
  set_option(socket, ZMQ_RECONNECT_IVL, kNeverMs);
  const auto bytes_max = static_cast<std::int64_t>(wire::kFrameBytesMax);
  CHECK_EQ(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max), 0);

  const std::string endpoint =
      "inproc://monitor-" + std::to_string(reinterpret_cast<std::uintptr_t>(socket));
  constexpr int kEvents = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                          ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  CHECK_EQ(zmq_socket_monitor(socket, endpoint.c_str(), kEvents), 0);
  void* monitor = zmq_socket(context.handle(), ZMQ_PAIR);
  CHECK(monitor != nullptr);
  set_option(monitor, ZMQ_LINGER, 0);
  CHECK_EQ(zmq_connect(monitor, endpoint.c_str()), 0);
  std::unique_ptr<ZeromqSocket> result(new ZeromqSocket(socket, monitor, path));
  // A descriptor of the socket library tells of nothing before the first vain attempt to read.
  result->read_monitor();
  result->receive();
  if (zmq_connect(socket, ("ipc://" + path).c_str()) != 0) {
    return Failure{no_daemon_at(path, zmq_strerror(errno))};
  }
  return std::unique_ptr<DaemonSocket>(std::move(result));
}

ZeromqSocket::ZeromqSocket(void* socket, void* monitor, std::string path)
    : socket_(socket),
      monitor_(monitor),
      path_(std::move(path)),
      descriptor_(get_option(socket, ZMQ_FD)),
      monitor_descriptor_(get_option(monitor, ZMQ_FD)) {}

ZeromqSocket::~ZeromqSocket() { close(std::chrono::milliseconds(0)); }

void ZeromqSocket::close(std::chrono::milliseconds linger) {
  if (socket_ == nullptr) return;
  set_option(socket_, ZMQ_LINGER, over() ? 0 : static_cast<int>(linger.count()));
  zmq_socket_monitor(socket_, nullptr, 0);
  zmq_close(monitor_);
  zmq_close(socket_);
  socket_ = monitor_ = nullptr;
}

void ZeromqSocket::send(Payload frame) {
  zmq_msg_t message;
  if (frame.size() <= kCopyBytesMax) {
    CHECK_EQ(zmq_msg_init_size(&message, frame.size()), 0);
    if (!frame.empty()) std::memcpy(zmq_msg_data(&message), frame.data(), frame.size());
  } else {
    auto* owner = new Payload(std::move(frame));
    auto* data = const_cast<std::byte*>(owner->data());  // it is only read
    CHECK_EQ(zmq_msg_init_data(&message, data, owner->size(), release_payload, owner), 0);
  }
  // Without a high-water mark this is refused only where the connection has ended, and over() tells
  // that.
  while (zmq_msg_send(&message, socket_, ZMQ_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    zmq_msg_close(&message);
    return;
  }
}

std::optional<Payload> ZeromqSocket::receive() {
  struct Message {
    Message() { zmq_msg_init(&content); }
    ~Message() { zmq_msg_close(&content); }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    zmq_msg_t content;
  };
  const auto message = std::make_shared<Message>();
  while (zmq_msg_recv(&message->content, socket_, ZMQ_DONTWAIT) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  const auto* data = static_cast<const std::byte*>(zmq_msg_data(&message->content));
  return Payload(message, data, zmq_msg_size(&message->content));
}

bool ZeromqSocket::has_input() const { return (get_option(socket_, ZMQ_EVENTS) & ZMQ_POLLIN) != 0; }

void ZeromqSocket::read_monitor() {
  // An event is two frames: number and value, then the address.
  for (;;) {
    std::uint8_t event[6] = {};
    if (zmq_recv(monitor_, event, sizeof event, ZMQ_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    while (get_option(monitor_, ZMQ_RCVMORE) != 0) zmq_recv(monitor_, nullptr, 0, 0);
    std::uint16_t kind = 0;
    std::memcpy(&kind, event, sizeof kind);
    if (kind == ZMQ_EVENT_CONNECTED) {
      was_connected_ = true;
    } else if (!over_ && was_connected_) {
      over_ = "lost the connection to the daemon at " + path_;
    } else if (!over_) {
      over_ = no_daemon_at(path_, "nobody listens there");
    }
  }
}

std::optional<std::string> ZeromqSocket::over() {
  read_monitor();
  return over_;
}

}  // namespace groupcomm
