// A connection to the daemon over its stream socket (wire/frame_stream.h).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/daemon_socket.h"
#include "groupcomm/wakeup.h"
#include "groupcomm/wire/frame_stream.h"

namespace groupcomm {

// No thread stands behind it: what the kernel does not take at once waits for send_rest(). Its
// descriptor is level-triggered.
class StreamSocket final : public DaemonSocket {
 public:
  // `path`: of the daemon's socket, for what is said; its stream socket is beside it.
  static Result<std::unique_ptr<DaemonSocket>> open(const std::string& path);
  ~StreamSocket() override = default;

  void send(Payload frame) override;
  bool send_rest() override;
  std::optional<Payload> receive() override;
  bool has_input() const override { return input_.has_frame(); }
  std::optional<std::string> over() override { return over_; }
  void close(std::chrono::milliseconds linger) override;
  std::vector<int> descriptors() const override { return {descriptor_->number()}; }

 private:
  StreamSocket(std::unique_ptr<OwnedDescriptor> descriptor, std::string path);
  std::optional<Payload> take();

  std::unique_ptr<OwnedDescriptor> descriptor_;  // nullptr: closed
  std::string path_;
  wire::FrameInput input_;
  wire::FrameOutput output_;
  bool is_drained_ = false;  // all that the kernel had has been read
  std::optional<std::string> over_;
};

}  // namespace groupcomm
