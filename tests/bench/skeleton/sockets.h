// What both networks need of the kernel.
#pragma once

#include <netinet/in.h>

#include "daemon/host/descriptor.h"

namespace groupcomm::bench {

using daemon::Descriptor;

// The result, or std::system_error where it is negative.
int checked(int result, const char* what);

Descriptor tcp_socket();

struct Listener {
  Descriptor socket;
  sockaddr_in address{};  // on the loopback, with a port that was free
};
Listener listen_on_loopback();

}  // namespace groupcomm::bench
