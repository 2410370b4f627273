// The prefix around each Cap'n Proto message, and the one place where bytes are first looked at
// (groupcomm.capnp, Frames).
#pragma once

#include <capnp/message.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/result.h"

namespace groupcomm::wire {

// What is wrong with a frame. Thrown and caught inside this folder only (see decode_guarded):
// Cap'n Proto reports by exceptions too, and one way is simpler than two.
struct BadFrame {
  std::string why;
};
[[noreturn]] void bad_frame(std::string why);

// What stands before the Cap'n Proto message of one kind of frame.
struct FrameFormat {
  std::string_view magic;  // 8 bytes
  bool has_checksum;

  constexpr std::size_t prefix_words() const { return has_checksum ? 3 : 2; }
};

inline constexpr FrameFormat kPeerFormat{"GCpeer01", true};
inline constexpr FrameFormat kRecordFormat{"GCreco01", true};
inline constexpr FrameFormat kToDaemonFormat{"GCtodm01", false};
inline constexpr FrameFormat kToClientFormat{"GCtocl01", false};

// Builds one frame in place: where the estimate was enough, the bytes that Cap'n Proto wrote are
// the bytes that are sent, without a copy.
class FrameBuilder final : public capnp::MessageBuilder {
 public:
  // `words_estimate` is the number of words that the message will need. Too high wastes memory
  // for as long as the frame lives; too low costs a copy.
  FrameBuilder(const FrameFormat& format, std::size_t words_estimate);

  // The finished frame. Call it once, as the last.
  Payload finish();

 protected:
  kj::ArrayPtr<capnp::word> allocateSegment(capnp::uint minimum_words) override;

 private:
  Payload seal(std::size_t segment_words);

  const FrameFormat& format_;
  std::size_t words_estimate_;
  std::shared_ptr<std::uint64_t[]> frame_;                // prefix and first segment
  std::vector<std::unique_ptr<std::uint64_t[]>> excess_;  // further segments
};

// Checks the prefix of a frame and reads its Cap'n Proto message.
class FrameReader {
 public:
  // Throws BadFrame.
  FrameReader(const Payload& frame, const FrameFormat& format);
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // Throws kj::Exception, as all readers of the message do.
  template <typename Root>
  typename Root::Reader root() {
    return message_->getRoot<Root>();
  }

  // The bytes as a Payload that shares and keeps the frame.
  Payload payload(capnp::Data::Reader bytes) const {
    if (bytes.size() == 0) return Payload();
    const auto* data = reinterpret_cast<const std::byte*>(bytes.begin());
    return frame_.slice(static_cast<std::size_t>(data - frame_.data()), bytes.size());
  }

  // Of the whole message: no honest list has more elements.
  std::size_t words() const { return segment_.size(); }

 private:
  Payload frame_;
  kj::ArrayPtr<const capnp::word> segment_;
  std::optional<capnp::SegmentArrayMessageReader> message_;
};

Failure failure_of(const kj::Exception& exception);

// Runs `decode()`, whose result is a T, and turns what it throws into a Failure.
template <typename T, typename Decode>
Result<T> decode_guarded(Decode&& decode) {
  try {
    return std::forward<Decode>(decode)();
  } catch (BadFrame& bad) {
    return Failure{std::move(bad.why)};
  } catch (const kj::Exception& exception) {
    return failure_of(exception);
  }
}

}  // namespace groupcomm::wire
