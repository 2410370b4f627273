#include "groupcomm/stream_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace groupcomm {
namespace {

// What the kernel may hold for the daemon, as far as it lets us: large payloads take fewer turns.
constexpr int kSendBufferBytes = 1 << 20;

}  // namespace

Result<std::unique_ptr<DaemonSocket>> StreamSocket::open(const std::string& path) {
  const std::string file = wire::stream_path(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (file.size() >= sizeof address.sun_path) {
    return Failure{no_daemon_at(path, "its stream socket has a path that is too long")};
  }
  std::memcpy(address.sun_path, file.c_str(), file.size());
  const int number = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return Failure{std::string("no socket: ") + std::strerror(errno)};
  auto descriptor = std::make_unique<OwnedDescriptor>(number);
  setsockopt(number, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  // A local connection is made at once or not at all.
  if (connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const bool is_alone = errno == ECONNREFUSED;
    return Failure{no_daemon_at(path, is_alone ? "nobody listens there" : std::strerror(errno))};
  }
  return std::unique_ptr<DaemonSocket>(new StreamSocket(std::move(descriptor), path));
}

StreamSocket::StreamSocket(std::unique_ptr<OwnedDescriptor> descriptor, std::string path)
    : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

void StreamSocket::send(Payload frame) {
  output_.add(std::move(frame));
  send_rest();
}

bool StreamSocket::send_rest() {
  // Where the connection is broken, what the daemon said last is still to be read, and the end
  // behind it tells.
  if (!output_.write_to(descriptor_->number())) {
    output_ = {};
    shutdown(descriptor_->number(), SHUT_RDWR);
  }
  return output_.empty();
}

std::optional<Payload> StreamSocket::take() {
  auto frame = input_.take();
  if (frame.ok()) return std::move(frame).value();
  if (!over_) over_ = "the daemon sent " + frame.error();
  return std::nullopt;
}

std::optional<Payload> StreamSocket::receive() {
  for (;;) {
    if (auto frame = take()) return frame;
    if (over_) return std::nullopt;
    // The descriptor tells of what came meanwhile.
    if (std::exchange(is_drained_, false)) return std::nullopt;
    switch (input_.read_from(descriptor_->number())) {
      case wire::FrameInput::Outcome::kMore: break;
      case wire::FrameInput::Outcome::kEmpty: is_drained_ = true; break;
      case wire::FrameInput::Outcome::kEnd:
        over_ = "lost the connection to the daemon at " + path_;
        break;
    }
  }
}

void StreamSocket::close(std::chrono::milliseconds linger) {
  const auto due = std::chrono::steady_clock::now() + linger;
  while (!over_ && !send_rest()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds(0)) break;
    pollfd writable{.fd = descriptor_->number(), .events = POLLOUT, .revents = 0};
    poll(&writable, 1, static_cast<int>(left.count()));
  }
  descriptor_.reset();
}

}  // namespace groupcomm
