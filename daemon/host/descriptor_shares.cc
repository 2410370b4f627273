#include "daemon/host/descriptor_shares.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

namespace groupcomm::daemon {
namespace {

constexpr int kAll = std::numeric_limits<int>::max();
// For peers that are not configured, and for what is open for a moment only.
constexpr std::size_t kOwnDescriptors = 64;
// Each peer has two connections in each direction.
constexpr std::size_t kDescriptorsOfAPeer = 4;

std::atomic<int> served{kAll};              // NOLINT(*-avoid-non-const-global-variables)
std::atomic<int> clients{kAll};             // NOLINT(*-avoid-non-const-global-variables)
std::atomic<int> peers{kAll};               // NOLINT(*-avoid-non-const-global-variables)
std::atomic<std::uint64_t> turned_away{0};  // NOLINT(*-avoid-non-const-global-variables)

bool is_beyond_share(int listener, int connection) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  return connection >= (domain == AF_UNIX ? clients : peers);
}

}  // namespace

DescriptorShares shares_of(std::uint64_t limit, std::size_t peer_count) {
  const auto all = static_cast<std::size_t>(std::min<std::uint64_t>(limit, kAll));
  const std::size_t own = std::min(all / 4, kOwnDescriptors + kDescriptorsOfAPeer * peer_count);
  const auto up_to = [&](std::size_t left) { return static_cast<int>(all - left); };
  return {.served = up_to(own + own / 2), .clients = up_to(own), .peers = up_to(own / 2)};
}

void set_descriptor_shares(const DescriptorShares& shares) {
  served = shares.served;
  clients = shares.clients;
  peers = shares.peers;
}

DescriptorShares descriptor_shares() {
  return {.served = served, .clients = clients, .peers = peers};
}

std::uint64_t connections_turned_away() { return turned_away; }

}  // namespace groupcomm::daemon

// Stands in for the C library's function of this name, also where ZeroMQ calls it.
extern "C" int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  namespace daemon = groupcomm::daemon;
  const long found = syscall(SYS_accept4, listener, address, size, flags);
  const int connection = static_cast<int>(found);
  const bool is_exhausted = found < 0 && (errno == EMFILE || errno == ENFILE);
  const bool is_refused = found >= 0 && daemon::is_beyond_share(listener, connection);
  if (!is_exhausted && !is_refused) return connection;
  if (is_refused) close(connection);
  ++daemon::turned_away;
  errno = ECONNABORTED;  // which ZeroMQ bears everywhere
  return -1;
}
