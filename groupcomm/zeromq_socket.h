// A connection to the daemon over ZeroMQ: the only place of the client library that knows it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/daemon_socket.h"

namespace groupcomm {

// What the ZeroMQ connections of one client share: the thread that moves bytes, which begins with
// the first of them.
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

// A DEALER on the daemon's ipc socket, which never connects a second time. What it is given to send
// leaves in the background, also after close(), which does not wait. Both descriptors are
// edge-triggered by nature.
class ZeromqSocket final : public DaemonSocket {
 public:
  // REQUIRES: there is a socket file at `path`.
  static Result<std::unique_ptr<DaemonSocket>> open(SocketContext& context,
                                                    const std::string& path);
  ~ZeromqSocket() override;

  void send(Payload frame) override;
  bool send_rest() override { return true; }
  std::optional<Payload> receive() override;
  bool has_input() const override;
  std::optional<std::string> over() override;
  void close(std::chrono::milliseconds linger) override;
  std::vector<int> descriptors() const override { return {descriptor_, monitor_descriptor_}; }

 private:
  ZeromqSocket(void* socket, void* monitor, std::string path);
  void read_monitor();

  void* socket_;
  void* monitor_;
  std::string path_;
  int descriptor_ = -1;
  int monitor_descriptor_ = -1;
  bool was_connected_ = false;
  std::optional<std::string> over_;
};

}  // namespace groupcomm
