// Frames over a stream socket: whatever is written, in whatever pieces it comes, FrameInput gives
// the frames that a reader of all the bytes finds, and what it has given stays as it was while more
// is read. FrameOutput sends what it was given.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/frame_stream.h"
#include "tests/fuzz/fuzz_input.h"

namespace groupcomm::fuzz {
namespace {

constexpr std::size_t kSizeBytes = sizeof(std::uint64_t);
constexpr std::size_t kFrameBytesDrawnMax = 300'000;

class Wire {
 public:
  Wire() { CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  ~Wire() {
    for (const int end : ends_) close(end);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // What a stranger writes, as far as the socket takes it.
  void write_raw(std::string_view bytes) {
    if (!output_.empty()) return;  // it would come into the midst of a frame
    const ssize_t count = send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) written_.append(bytes.substr(0, static_cast<std::size_t>(count)));
  }

  void write_frame(const std::string& bytes) {
    std::uint64_t size = bytes.size();
    written_.append(reinterpret_cast<const char*>(&size), sizeof size).append(bytes);
    output_.add(Payload::copy_of(bytes));
    CHECK(output_.write_to(ends_[0]));
  }

  // Reads once, and takes all that is there.
  void read() {
    if (is_broken_) return;
    CHECK(output_.write_to(ends_[0]));
    CHECK(input_.read_from(ends_[1]) != wire::FrameInput::Outcome::kEnd);
    while (true) {
      const bool has_frame = input_.has_frame();
      auto frame = input_.take();
      is_broken_ = !frame.ok();
      if (is_broken_) {
        CHECK(has_frame);
        return;
      }
      CHECK_EQ(frame.value().has_value(), has_frame);
      if (!has_frame) return;
      frames_.push_back(*std::move(frame.value()));
    }
  }

  // What is kept of a frame may be given up at any time.
  void forget(std::size_t frame) {
    if (frame < frames_.size()) frames_[frame] = std::nullopt;
  }

  // All that was written has been read when nothing comes any more.
  void finish() {
    for (int quiet = 0; !is_broken_ && quiet < 16;) {
      const std::size_t count = frames_.size();
      read();
      quiet = frames_.size() == count && output_.empty() ? quiet + 1 : 0;
    }
    compare();
  }

 private:
  void compare() const {
    std::string_view rest = written_;
    for (const std::optional<Payload>& frame : frames_) {
      CHECK_LE(kSizeBytes, rest.size());
      std::uint64_t size = 0;
      std::memcpy(&size, rest.data(), sizeof size);
      CHECK_LE(size, rest.size() - kSizeBytes);
      if (frame) CHECK(frame->text() == rest.substr(kSizeBytes, size));
      rest.remove_prefix(kSizeBytes + size);
    }
    std::uint64_t size = 0;
    if (rest.size() >= kSizeBytes) std::memcpy(&size, rest.data(), sizeof size);
    CHECK_EQ(is_broken_, size > wire::kFrameBytesMax);
    // Nothing is left that is whole.
    CHECK(is_broken_ || rest.size() < kSizeBytes || rest.size() - kSizeBytes < size);
  }

  std::array<int, 2> ends_{};
  wire::FrameInput input_;
  wire::FrameOutput output_;
  std::string written_;
  std::vector<std::optional<Payload>> frames_;  // nullopt: given up
  bool is_broken_ = false;
};

void run(FuzzInput input) {
  Wire wire;
  while (!input.is_over()) {
    switch (input.below(6)) {
      case 0: wire.write_raw(input.text(input.below(64))); break;
      case 1: {  // a size, with less, as much, or more behind it
        const std::uint64_t size = input.number();
        wire.write_raw(std::string_view(reinterpret_cast<const char*>(&size), sizeof size));
        break;
      }
      case 2:
      case 3: {
        const std::size_t size = input.number() % kFrameBytesDrawnMax;
        wire.write_frame(std::string(size, static_cast<char>(input.byte())));
        break;
      }
      case 4: wire.read(); break;
      case 5: wire.forget(input.byte()); break;
    }
  }
  wire.finish();
}

}  // namespace
}  // namespace groupcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  groupcomm::fuzz::run(groupcomm::fuzz::FuzzInput(data, size));
  return 0;
}
