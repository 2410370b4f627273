#include "tests/simulation/newer_wire.h"

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"
#include "tests/wire/raw_frame.h"

namespace groupcomm::simulation {
namespace {

// Word by word behind the prefix: the pointer to the frame's struct, then its data section.
constexpr std::size_t kRoot = wire::kPeerPrefixWords;
constexpr std::size_t kData = kRoot + 1;

}  // namespace

// Data and pointers of a struct stand side by side, and pointers count from their own place: a word
// between the two moves the pointers and all that they point to alike.
Payload with_unknown_field(const Payload& frame) {
  wire::Words words = wire::words_of_frame(frame);
  CHECK(words.size() > kData && words[kRoot] >> 2 << 34 == 0);
  const std::uint64_t data_words = words[kRoot] >> 32 & 0xFFFF;
  words[kRoot] += std::uint64_t{1} << 32;
  words.insert(words.begin() + static_cast<std::ptrdiff_t>(kData + data_words), 0x0123456789abcdef);
  return wire::resealed(std::move(words));
}

// The body's kind stands in the second quarter of the first word.
Payload with_unknown_body(const Payload& frame) {
  wire::Words words = wire::words_of_frame(frame);
  words[kData] = (words[kData] & ~(std::uint64_t{0xFFFF} << 16)) | std::uint64_t{999} << 16;
  return wire::resealed(std::move(words));
}

namespace {

// Where the first message of a frame stands: after the pointer to the root, the version, the
// pointer to the list and its tag.
constexpr std::size_t kFirstMessage = wire::kClientPrefixWords + 4;
constexpr std::uint64_t kUnknownKind = 999;

}  // namespace

Payload with_unknown_message(std::vector<protocol::ClientMessage> messages) {
  messages.insert(messages.begin(), protocol::Bye{});
  wire::Words words = wire::words_of_frame(wire::encode(messages));
  words[kFirstMessage + 2] = kUnknownKind << 32;
  return wire::frame_of(words);
}

Payload with_unknown_message(std::vector<protocol::DaemonMessage> messages) {
  messages.insert(messages.begin(), protocol::Accepted{});
  wire::Words words = wire::words_of_frame(wire::encode(messages));
  words[kFirstMessage] = kUnknownKind;
  return wire::frame_of(words);
}

}  // namespace groupcomm::simulation
