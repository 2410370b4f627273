#include "daemon/host/unread_bytes.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace groupcomm::daemon {
namespace {

// The kernel's bound for a process, unless somebody raised it.
constexpr std::size_t kDescriptorsMax = 1u << 20;

struct Connection {
  std::atomic<std::uint64_t> cookie{0};  // the kernel's number of the socket, never used again
  std::atomic<std::uint64_t> unread{0};
};

// Zeroed pages that nobody touches take no memory.
std::array<Connection, kDescriptorsMax> connections;  // NOLINT(*-avoid-non-const-global-variables)
std::atomic<std::uint64_t> unread_max{UINT64_MAX};    // NOLINT(*-avoid-non-const-global-variables)
std::atomic<std::uint64_t> overfull{0};               // NOLINT(*-avoid-non-const-global-variables)

Connection* find(int descriptor) {
  const auto index = static_cast<std::size_t>(descriptor);
  return descriptor >= 0 && index < connections.size() ? &connections[index] : nullptr;
}

// What a part takes on the wire: flags and size stand before it.
std::size_t wire_bytes(std::size_t part_bytes) { return part_bytes + (part_bytes > 255 ? 9 : 2); }

// False: it has sent too much.
bool has_room(int descriptor, Connection& connection) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return true;
  if (connection.cookie.exchange(cookie) != cookie) connection.unread = 0;
  return connection.unread < unread_max;
}

}  // namespace

void set_unread_bytes_max(std::uint64_t bytes) { unread_max = bytes; }

void on_part_read(int descriptor, std::size_t part_bytes) {
  Connection* connection = find(descriptor);
  if (connection == nullptr) return;
  // Never below zero: it may be the part of an earlier connection.
  std::uint64_t unread = connection->unread;
  while (!connection->unread.compare_exchange_weak(
      unread, unread - std::min<std::uint64_t>(unread, wire_bytes(part_bytes)))) {
  }
}

std::uint64_t overfull_connections() { return overfull; }

}  // namespace groupcomm::daemon

// Stands in for the C library's function of this name, also where ZeroMQ calls it.
extern "C" ssize_t recv(int descriptor, void* buffer, size_t size, int flags) {
  namespace daemon = groupcomm::daemon;
  daemon::Connection* connection = daemon::find(descriptor);
  if (connection != nullptr && !daemon::has_room(descriptor, *connection)) {
    ++daemon::overfull;
    return 0;
  }
  const ssize_t count = recvfrom(descriptor, buffer, size, flags, nullptr, nullptr);
  if (count > 0 && connection != nullptr) connection->unread += static_cast<std::uint64_t>(count);
  return count;
}
