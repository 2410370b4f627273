// Clients without the client library, so that they can misbehave.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "daemon/host/descriptor.h"
#include "groupcomm/check.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/frame_stream.h"
#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {

enum class Kind : std::uint8_t { kZeromq, kStream };

class RawClient {
 public:
  virtual ~RawClient() = default;
  virtual void send_bytes(std::string_view bytes) = 0;
  // Waits for the next frame.
  virtual std::string receive() = 0;

  void send(const std::vector<protocol::ClientMessage>& messages) {
    const Payload bytes = wire::encode(std::span<const protocol::ClientMessage>(messages));
    send_bytes(bytes.text());
  }
};

class ZeromqClient final : public RawClient {
 public:
  explicit ZeromqClient(const std::string& path) : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 1000);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.connect("ipc://" + path);
  }
  void send_bytes(std::string_view bytes) override {
    socket_.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
  std::string receive() override {
    zmq::message_t message;
    const bool came = wait_until({socket_.get(zmq::sockopt::fd)}, [&] {
      return socket_.recv(message, zmq::recv_flags::dontwait).has_value();
    });
    return came ? message.to_string() : "nothing";
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_;
};

class StreamClient final : public RawClient {
 public:
  explicit StreamClient(const std::string& path)
      : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string file = wire::stream_path(path);
    std::memcpy(address.sun_path, file.c_str(), file.size());
    CHECK_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void send_bytes(std::string_view bytes) override {
    wire::FrameOutput output;
    output.add(Payload::copy_of(bytes));
    output.write_to(socket_.get());
    CHECK(output.empty());
  }
  void read_no_more() { shutdown(socket_.get(), SHUT_RD); }
  void send_raw(std::string_view bytes) {
    CHECK_EQ(write(socket_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string receive() override {
    std::optional<Payload> frame;
    bool has_ended = false;
    wait_until({socket_.get()}, [&] {
      if ((frame = input_.take().value())) return true;
      has_ended = input_.read_from(socket_.get()) == wire::FrameInput::Outcome::kEnd;
      return (frame = input_.take().value()).has_value() || has_ended;
    });
    if (frame) return std::string(frame->text());
    return has_ended ? "the end" : "nothing";
  }

 private:
  Descriptor socket_;
  wire::FrameInput input_;
};

inline std::unique_ptr<RawClient> make_client(Kind kind, const std::string& path) {
  if (kind == Kind::kStream) return std::make_unique<StreamClient>(path);
  return std::make_unique<ZeromqClient>(path);
}

}  // namespace groupcomm::daemon
