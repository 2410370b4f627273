#include "daemon/host/socket_monitor.h"

#include <cstring>
#include <string>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

SocketMonitor::SocketMonitor(zmq::context_t& context, zmq::socket_t& watched, int kinds)
    : watched_(watched.handle()), events_(context, zmq::socket_type::pair) {
  // The watched socket's own descriptor makes the name unique in this context.
  const std::string address = "inproc://monitor-" + std::to_string(watched.get(zmq::sockopt::fd));
  CHECK_EQ(zmq_socket_monitor(watched_, address.c_str(), kinds), 0);
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(address);
  // The descriptor tells only of what comes after the socket was once found empty.
  static_cast<void>(events_.get(zmq::sockopt::events));
}

SocketMonitor::~SocketMonitor() { zmq_socket_monitor(watched_, nullptr, 0); }

int SocketMonitor::descriptor() { return events_.get(zmq::sockopt::fd); }

std::optional<SocketMonitor::Event> SocketMonitor::next() {
  zmq::message_t head;
  if (!events_.recv(head, zmq::recv_flags::dontwait)) return std::nullopt;
  zmq::message_t address;
  CHECK(events_.recv(address, zmq::recv_flags::none).has_value());
  CHECK_EQ(head.size(), sizeof(std::uint16_t) + sizeof(std::uint32_t));
  Event event;
  std::memcpy(&event.kind, head.data(), sizeof event.kind);
  std::memcpy(&event.value, head.data<char>() + sizeof event.kind, sizeof event.value);
  return event;
}

}  // namespace groupcomm::daemon
