#include "groupcomm/wire/frame_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::wire {
namespace {

constexpr std::size_t kSizeBytes = sizeof(std::uint64_t);
// A buffer holds at least so much, and a read gets room for at least so much.
constexpr std::size_t kBufferBytes = 64u << 10;
constexpr std::size_t kReadBytesMin = 8u << 10;
constexpr std::size_t kFramesPerWrite = 32;

static_assert(std::endian::native == std::endian::little, "sizes are sent as they are in memory");

// A small frame gets bytes of its own: kept, it must not keep a whole buffer.
constexpr std::size_t kCopiedBytesMax = 1024;

Payload copy_of(const std::byte* bytes, std::size_t size) {
  const auto words = std::make_shared<std::uint64_t[]>(size / sizeof(std::uint64_t) + 1);
  std::memcpy(words.get(), bytes, size);
  return Payload(words, reinterpret_cast<const std::byte*>(words.get()), size);
}

// Frames begin at multiples of 8, as Cap'n Proto wants it, where their sizes are such.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

std::string stream_path(const std::string& socket_path) { return socket_path + ".stream"; }

// --- input ---------------------------------------------------------------------------------------

FrameInput::Outcome FrameInput::read_from(int descriptor) {
  std::size_t room = kReadBytesMin;
  if (size() >= kSizeBytes) {
    CHECK_LE(next_bytes(), kFrameBytesMax);
    room = std::max<std::size_t>(room, kSizeBytes + next_bytes() - size());
  }
  make_room(room);
  const std::size_t space = capacity_ - end_;
  ssize_t count = 0;
  do {
    count = read(descriptor, buffer_.get() + end_, space);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno == EAGAIN ? Outcome::kEmpty : Outcome::kEnd;
  if (count == 0) return Outcome::kEnd;
  end_ += static_cast<std::size_t>(count);
  return end_ == capacity_ ? Outcome::kMore : Outcome::kEmpty;
}

void FrameInput::make_room(std::size_t bytes) {
  const std::size_t waiting = size();
  if (buffer_ != nullptr && waiting == 0 && buffer_.use_count() == 1) begin_ = end_ = 0;
  if (capacity_ - end_ >= bytes) return;
  const std::size_t capacity = std::max(kBufferBytes, aligned(waiting + bytes));
  // No zeros: they would be written over.
  std::shared_ptr<std::byte[]> fresh(new std::byte[capacity]);
  if (waiting > 0) std::memcpy(fresh.get(), buffer_.get() + begin_, waiting);
  buffer_ = std::move(fresh);
  capacity_ = capacity;
  begin_ = 0;
  end_ = waiting;
}

std::uint64_t FrameInput::next_bytes() const {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, buffer_.get() + begin_, kSizeBytes);
  return bytes;
}

bool FrameInput::has_frame() const {
  if (size() < kSizeBytes) return false;
  const std::uint64_t bytes = next_bytes();
  return bytes > kFrameBytesMax || size() - kSizeBytes >= bytes;
}

Result<std::optional<Payload>> FrameInput::take() {
  if (!has_frame()) return std::optional<Payload>();
  const std::uint64_t bytes = next_bytes();
  if (bytes > kFrameBytesMax) {
    return Failure{"a frame of " + std::to_string(bytes) + " bytes, of at most " +
                   std::to_string(kFrameBytesMax)};
  }
  const std::byte* begin = buffer_.get() + begin_ + kSizeBytes;
  Payload frame = bytes <= kCopiedBytesMax ? copy_of(begin, bytes) : Payload(buffer_, begin, bytes);
  begin_ += kSizeBytes + bytes;
  // Who waits for nothing must not hold a large buffer.
  if (begin_ == end_ && capacity_ > kBufferBytes) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  return std::optional<Payload>(std::move(frame));
}

// --- output --------------------------------------------------------------------------------------

void FrameOutput::add(Payload frame) {
  const std::uint64_t size = frame.size();
  frames_.push_back(Frame{size, std::move(frame)});
}

bool FrameOutput::write_to(int descriptor) {
  while (!frames_.empty()) {
    std::array<iovec, 2 * kFramesPerWrite> parts;
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::size_t skip = sent_;
    const auto add_part = [&](const void* data, std::size_t size) {
      const std::size_t skipped = std::min(skip, size);
      skip -= skipped;
      if (skipped == size) return;
      // It is only read.
      auto* begin = static_cast<char*>(const_cast<void*>(data)) + skipped;
      parts[count++] = iovec{.iov_base = begin, .iov_len = size - skipped};
      bytes += size - skipped;
    };
    for (std::size_t i = 0; i < std::min(frames_.size(), kFramesPerWrite); ++i) {
      add_part(&frames_[i].size, kSizeBytes);
      add_part(frames_[i].bytes.data(), frames_[i].bytes.size());
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    drop(static_cast<std::size_t>(sent));
    if (static_cast<std::size_t>(sent) < bytes) return true;
  }
  return true;
}

void FrameOutput::drop(std::size_t bytes) {
  sent_ += bytes;
  while (!frames_.empty() && sent_ >= kSizeBytes + frames_.front().bytes.size()) {
    sent_ -= kSizeBytes + frames_.front().bytes.size();
    frames_.pop_front();
  }
}

}  // namespace groupcomm::wire
