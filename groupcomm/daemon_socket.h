// One connection of a client to its daemon: the only place of the client library that knows the
// socket library.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm {

// What the connections of one client share: the thread that moves bytes.
class SocketContext {
 public:
  SocketContext();
  // Waits until the closed sockets have sent what they linger for.
  ~SocketContext();
  SocketContext(const SocketContext&) = delete;
  SocketContext& operator=(const SocketContext&) = delete;

  void* handle() const { return handle_; }

 private:
  void* handle_;
};

// A DEALER on the daemon's ipc socket. It never connects a second time: frames of one connection
// must not reach the next one, where the client is another process. Nothing here blocks.
//
// Both descriptors are edge-triggered by nature: after any call here the owner must go on until
// receive() gives nothing and over() was asked, or remember to come back.
// Belongs to one thread at a time; handing it over takes a lock.
class DaemonSocket {
 public:
  // Begins to connect to the socket file at `path`. A Failure says in one line why that cannot be.
  static Result<std::unique_ptr<DaemonSocket>> open(SocketContext& context,
                                                    const std::string& path);
  // Drops what was not sent yet.
  ~DaemonSocket();
  DaemonSocket(const DaemonSocket&) = delete;
  DaemonSocket& operator=(const DaemonSocket&) = delete;

  // How much waits here is bounded by the credit that the daemon gave.
  void send(Payload frame);
  // The next frame, or nothing.
  std::optional<Payload> receive();
  bool has_input() const;

  // Why the connection is over, once it is. Frames that came before may still wait.
  std::optional<std::string> over();

  // Closes, but goes on sending what was given to send() for at most `linger`, in the background.
  void close(std::chrono::milliseconds linger);

  int descriptor() const { return descriptor_; }
  int monitor_descriptor() const { return monitor_descriptor_; }

 private:
  DaemonSocket(void* socket, void* monitor, std::string path);
  void read_monitor();

  void* socket_;
  void* monitor_;
  std::string path_;
  int descriptor_ = -1;
  int monitor_descriptor_ = -1;
  bool was_connected_ = false;
  std::optional<std::string> over_;
};

// The line for "nobody listens there".
std::string no_daemon_at(const std::string& path, const std::string& why);

}  // namespace groupcomm
