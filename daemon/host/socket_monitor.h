// What ZeroMQ tells about the connections of one of its sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <zmq.hpp>

namespace groupcomm::daemon {

// Made, used and destroyed by the thread that owns the watched socket, before that is closed.
class SocketMonitor {
 public:
  struct Event {
    std::uint16_t kind = 0;   // ZMQ_EVENT_...
    std::uint32_t value = 0;  // for most kinds the connection's descriptor
  };

  // `kinds`: the ZMQ_EVENT_... that are wanted, or-ed.
  SocketMonitor(zmq::context_t& context, zmq::socket_t& watched, int kinds);
  ~SocketMonitor();
  SocketMonitor(const SocketMonitor&) = delete;
  SocketMonitor& operator=(const SocketMonitor&) = delete;

  // Readable when events may be there; they must then be read until there is none.
  int descriptor();
  std::optional<Event> next();

 private:
  void* watched_;
  zmq::socket_t events_;
};

}  // namespace groupcomm::daemon
