// One connection of a client to its daemon.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm {

class SocketContext;

// A connection that ends once and for all: frames of one must not reach the next one, where the
// client is another process. Nothing here blocks but close().
//
// Belongs to one thread at a time; handing it over takes a lock.
class DaemonSocket {
 public:
  // Begins to connect to the daemon whose socket file is at `path`: over its stream socket where
  // it has one, else over ZeroMQ; GROUPCOMM_TRANSPORT says otherwise ("stream", "zeromq"). A
  // Failure says in one line why that cannot be.
  static Result<std::unique_ptr<DaemonSocket>> open(SocketContext& context,
                                                    const std::string& path);
  // Drops what was not sent yet.
  virtual ~DaemonSocket() = default;
  DaemonSocket(const DaemonSocket&) = delete;
  DaemonSocket& operator=(const DaemonSocket&) = delete;

  // How much waits here is bounded by the credit that the daemon gave.
  virtual void send(Payload frame) = 0;
  // Sends on what the socket did not take at once. True: all of it is on its way.
  virtual bool send_rest() = 0;
  // The next frame, or nothing.
  virtual std::optional<Payload> receive() = 0;
  // Whether receive() may have something of which no descriptor tells.
  virtual bool has_input() const = 0;

  // Why the connection is over, once it is. Frames that came before may still wait.
  virtual std::optional<std::string> over() = 0;

  // Goes on sending what was given to send() for at most `linger`, and closes.
  virtual void close(std::chrono::milliseconds linger) = 0;

  // One of them is readable when receive() or over() may have something. After any call here the
  // owner must go on until receive() gives nothing and over() was asked, or remember to come back.
  // Where send_rest() was false, the first one is writable when it is worth another try.
  virtual std::vector<int> descriptors() const = 0;

 protected:
  DaemonSocket() = default;
};

// The line for "nobody listens there".
std::string no_daemon_at(const std::string& path, const std::string& why);

}  // namespace groupcomm
