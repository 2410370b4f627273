// Frames over a local stream socket that does not block: before each stands its size in bytes, as
// eight bytes, the lowest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm::wire {

// The file of the daemon's stream socket, beside that of its ZeroMQ socket.
std::string stream_path(const std::string& socket_path);

// Cuts what a connection sends into frames. All but small ones share the buffers that they came in:
// a frame that is kept keeps its buffer.
class FrameInput {
 public:
  enum class Outcome : std::uint8_t {
    kMore,   // there may be more to read
    kEmpty,  // all that there was has been read
    kEnd,    // the other side has hung up, or the connection broke
  };
  // Reads once. REQUIRES: take() has given nothing since the last read.
  Outcome read_from(int descriptor);

  // The next frame that is here as a whole, if any; a Failure where its size cannot be. What came
  // behind that cannot be read.
  Result<std::optional<Payload>> take();

  // Whether take() would give something, be it a Failure.
  bool has_frame() const;

 private:
  std::size_t size() const { return end_ - begin_; }
  // How long the next frame is. REQUIRES: that much is here.
  std::uint64_t next_bytes() const;
  void make_room(std::size_t bytes);

  std::shared_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // of what take() has not given
  std::size_t end_ = 0;    // of what was read
};

// What waits to be sent on one connection.
class FrameOutput {
 public:
  void add(Payload frame);
  bool empty() const { return frames_.empty(); }

  // Sends as much as the socket takes. False: the connection is broken.
  bool write_to(int descriptor);

 private:
  struct Frame {
    std::uint64_t size;  // as it stands on the wire
    Payload bytes;
  };
  // The first so many bytes have been sent.
  void drop(std::size_t bytes);

  std::deque<Frame> frames_;
  std::size_t sent_ = 0;  // bytes of the first one, with its size
};

}  // namespace groupcomm::wire
