// Addresses of daemons as users write them: tcp://HOST:PORT.
#pragma once

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "groupcomm/result.h"

namespace groupcomm::daemon {

struct TcpAddress {
  std::string host;  // a name or a numeric address; an IPv6 address without its brackets
  std::uint16_t port = 0;
  auto operator<=>(const TcpAddress&) const = default;
};

// "tcp://HOST:PORT", "tcp://[V6]:PORT". `*` stands for every local address. A Failure says what
// would be right.
Result<TcpAddress> parse_tcp_address(std::string_view text);

// The inverse.
std::string to_string(const TcpAddress& address);

// Whether the host stands for every local address: "*", "0.0.0.0", "::".
bool is_wildcard(const TcpAddress& address);

// Whether the host is an address and not a name.
bool is_numeric(const TcpAddress& address);

// The address as the system's calls take it. REQUIRES: is_numeric(address).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress to_socket_address(const TcpAddress& address);

// The numeric address that this host uses towards `peer`, as the routes stand now. Sends nothing.
// REQUIRES: is_numeric(peer).
std::optional<std::string> local_address_towards(const TcpAddress& peer);

}  // namespace groupcomm::daemon
