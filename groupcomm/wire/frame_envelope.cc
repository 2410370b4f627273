#include "groupcomm/wire/frame_envelope.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "groupcomm/wire/checksum.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::wire {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
static_assert(sizeof(capnp::word) == kWordBytes);

std::uint64_t little_endian(std::uint64_t value) {
  return std::endian::native == std::endian::big ? __builtin_bswap64(value) : value;
}

std::uint64_t magic_word(const FrameFormat& format) {
  CHECK_EQ(format.magic.size(), kWordBytes);
  std::uint64_t word = 0;
  std::memcpy(&word, format.magic.data(), kWordBytes);
  return word;
}

// Cap'n Proto's segment table for one segment: a count less one, and a size.
std::uint64_t segment_table(std::size_t segment_words) {
  return little_endian(static_cast<std::uint64_t>(segment_words) << 32);
}

// Cap'n Proto wants words at addresses divisible by 8.
Payload aligned(const Payload& frame) {
  if (reinterpret_cast<std::uintptr_t>(frame.data()) % kWordBytes == 0) return frame;
  auto copy = std::make_shared<std::uint64_t[]>(frame.size() / kWordBytes);
  std::memcpy(copy.get(), frame.data(), frame.size());
  const auto* data = reinterpret_cast<const std::byte*>(copy.get());
  return Payload(std::move(copy), data, frame.size());
}

}  // namespace

void bad_frame(std::string why) { throw BadFrame{std::move(why)}; }

Failure failure_of(const kj::Exception& exception) {
  return Failure{"not a frame: " + std::string(exception.getDescription().cStr())};
}

// --- building ------------------------------------------------------------------------------------

FrameBuilder::FrameBuilder(const FrameFormat& format, std::size_t words_estimate)
    : format_(format), words_estimate_(words_estimate) {}

kj::ArrayPtr<capnp::word> FrameBuilder::allocateSegment(capnp::uint minimum_words) {
  const std::size_t words = std::max<std::size_t>(minimum_words, words_estimate_);
  if (frame_ == nullptr) {
    frame_ = std::make_shared<std::uint64_t[]>(format_.prefix_words() + words);
    auto* segment = reinterpret_cast<capnp::word*>(frame_.get() + format_.prefix_words());
    return {segment, words};
  }
  words_estimate_ *= 2;
  excess_.push_back(std::make_unique<std::uint64_t[]>(words));
  return {reinterpret_cast<capnp::word*>(excess_.back().get()), words};
}

Payload FrameBuilder::finish() {
  const auto segments = getSegmentsForOutput();
  if (segments.size() == 1) return seal(segments[0].size());
  std::size_t words = 0;
  for (const auto& segment : segments) words += segment.size();
  FrameBuilder whole(format_, words);
  whole.setRoot(getRoot<capnp::AnyPointer>().asReader());
  const auto one = whole.getSegmentsForOutput();
  CHECK_EQ(one.size(), std::size_t{1});
  return whole.seal(one[0].size());
}

Payload FrameBuilder::seal(std::size_t segment_words) {
  std::uint64_t* words = frame_.get();
  const std::size_t table = format_.prefix_words() - 1;
  words[0] = magic_word(format_);
  words[table] = segment_table(segment_words);
  if (format_.has_checksum) {
    words[1] = little_endian(checksum(words + table, segment_words + 1));
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(words);
  return Payload(std::move(frame_), bytes, (table + 1 + segment_words) * kWordBytes);
}

// --- reading -------------------------------------------------------------------------------------

FrameReader::FrameReader(const Payload& frame, const FrameFormat& format) {
  const std::size_t prefix = format.prefix_words();
  if (frame.size() > kFrameBytesMax) bad_frame("a frame of more than 16 MiB");
  if (frame.size() % kWordBytes != 0) bad_frame("not a frame: its size is not a multiple of 8");
  if (frame.size() <= prefix * kWordBytes) bad_frame("not a frame: too short");
  frame_ = aligned(frame);
  const auto* words = reinterpret_cast<const std::uint64_t*>(frame_.data());
  const std::size_t segment_words = frame_.size() / kWordBytes - prefix;
  if (words[0] != magic_word(format)) bad_frame("not a frame of this kind: wrong magic");
  if (words[prefix - 1] != segment_table(segment_words)) {
    bad_frame("not a frame: its size is not what it says");
  }
  if (format.has_checksum &&
      words[1] != little_endian(checksum(words + prefix - 1, segment_words + 1))) {
    bad_frame("damaged: wrong checksum");
  }
  segment_ = {reinterpret_cast<const capnp::word*>(words + prefix), segment_words};
  capnp::ReaderOptions options;
  options.traversalLimitInWords = segment_words + 1;  // it counts the pointer to the root twice
  message_.emplace(kj::arrayPtr(&segment_, 1), options);
}

}  // namespace groupcomm::wire
