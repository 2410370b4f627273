// Addresses of daemons as users write them: tcp://HOST:PORT.
#pragma once

#include <compare>
#include <cstdint>
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

}  // namespace groupcomm::daemon
