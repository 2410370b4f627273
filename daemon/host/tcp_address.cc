#include "daemon/host/tcp_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/host/descriptor.h"
#include "groupcomm/check.h"

namespace groupcomm::daemon {
namespace {

constexpr std::string_view kScheme = "tcp://";

Failure malformed() { return Failure{"must be tcp://HOST:PORT with a port from 1 to 65535"}; }

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_v6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_v4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

}  // namespace

Result<TcpAddress> parse_tcp_address(std::string_view text) {
  if (text.substr(0, kScheme.size()) != kScheme) return malformed();
  text.remove_prefix(kScheme.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  TcpAddress address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  const bool is_number = error == std::errc() && end == port.data() + port.size();
  if (!is_number || address.port == 0) return malformed();

  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    address.host = host.substr(1, host.size() - 2);
    return is_v6(address.host) ? Result<TcpAddress>(address) : malformed();
  }
  const bool is_name = !host.empty() && host.size() <= 253 &&
                       std::all_of(host.begin(), host.end(), is_host_character);
  if (!is_name && host != "*") return malformed();
  address.host = host;
  return address;
}

std::string to_string(const TcpAddress& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return std::string(kScheme) + (brackets ? "[" : "") + address.host + (brackets ? "]" : "") + ":" +
         std::to_string(address.port);
}

bool is_wildcard(const TcpAddress& address) {
  return address.host == "*" || address.host == "0.0.0.0" || address.host == "::";
}

bool is_numeric(const TcpAddress& address) { return is_v4(address.host) || is_v6(address.host); }

SocketAddress to_socket_address(const TcpAddress& address) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    result.size = sizeof *v4;
    return result;
  }
  CHECK_EQ(inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr), 1);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address.port);
  result.size = sizeof *v6;
  return result;
}

std::optional<std::string> local_address_towards(const TcpAddress& peer) {
  const SocketAddress there = to_socket_address(peer);
  const Descriptor socket(::socket(there.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return std::nullopt;
  if (::connect(socket.get(), there.get(), there.size) != 0) return std::nullopt;
  SocketAddress here;
  here.size = sizeof here.storage;
  auto* address = reinterpret_cast<sockaddr*>(&here.storage);
  if (getsockname(socket.get(), address, &here.size) != 0) return std::nullopt;
  std::array<char, NI_MAXHOST> text{};
  const int failure =
      getnameinfo(address, here.size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return failure == 0 ? std::optional<std::string>(text.data()) : std::nullopt;
}

}  // namespace groupcomm::daemon
