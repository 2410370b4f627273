// What all sockets of the daemon live in.
#pragma once

#include <zmq.hpp>

namespace groupcomm::daemon {

// One thread does the input and output of all sockets. When the object ends, so have the sockets:
// what they linger for has been sent, and their files are removed.
class SocketContext {
 public:
  zmq::context_t& get() { return context_; }

 private:
  zmq::context_t context_{1};
};

}  // namespace groupcomm::daemon
