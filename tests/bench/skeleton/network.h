// How the relays and clients of a skeleton are connected: each client with its relay, and each
// relay with the sequencer, which is one of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace groupcomm::bench {

inline constexpr int kNodes = 3;
// What is read at once, more where a single frame is.
inline constexpr std::size_t kGulpBytes = 256 * 1024;
// Who has as much to send takes no more in.
inline constexpr std::size_t kUnsentBytesMax = 1024 * 1024;

// One end of a connection. Only Endpoint::wait() waits.
class Link {
 public:
  virtual ~Link() = default;
  // Appends what has come, in whole frames. False: nothing.
  virtual bool receive(std::string& frames) = 0;
  // Sends what goes now, and keeps the rest for flush().
  virtual void send(std::string_view frames) = 0;
  virtual void flush() = 0;
  virtual std::size_t unsent_bytes() const = 0;
  // The other end is there.
  virtual bool is_open() const = 0;

  bool is_full() const { return unsent_bytes() > kUnsentBytesMax; }

  bool is_wanted = true;     // wait() ends when something comes
  bool is_readable = false;  // told by wait()
};

// The connections of one process.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // At a client, 0 leads to its relay. At a relay, 0 leads to its client, and what follows to the
  // sequencer, or, at the sequencer, to the other relays.
  virtual Link& link(std::size_t index) = 0;
  // Until something comes, or can leave. Sends what can.
  virtual void wait(int timeout_ms) = 0;
};

// Made before the processes are; each of them asks for its own endpoint, once.
class Network {
 public:
  virtual ~Network() = default;
  virtual std::unique_ptr<Endpoint> at_client(int number) = 0;
  virtual std::unique_ptr<Endpoint> at_relay(int number) = 0;
};

// Stream sockets: Unix to the clients, TCP between the relays.
std::unique_ptr<Network> make_socket_network(int sequencer);
// ZeroMQ: ipc to the clients, tcp between the relays. Messages are of `payload_bytes`.
std::unique_ptr<Network> make_zmq_network(int sequencer, std::size_t payload_bytes);

}  // namespace groupcomm::bench
