#include "tests/bench/skeleton/sockets.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace groupcomm::bench {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

Descriptor tcp_socket() {
  return Descriptor(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
}

Listener listen_on_loopback() {
  Listener listener{tcp_socket(), {}};
  listener.address.sin_family = AF_INET;
  listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof listener.address;
  auto* const address = reinterpret_cast<sockaddr*>(&listener.address);
  const int socket = listener.socket.get();
  checked(::bind(socket, address, length), "bind");
  checked(::listen(socket, 1), "listen");
  checked(::getsockname(socket, address, &length), "getsockname");
  return listener;
}

}  // namespace groupcomm::bench
