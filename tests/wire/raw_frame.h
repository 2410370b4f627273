// Frames made by hand, for what the encoder would never write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/wire/checksum.h"

namespace groupcomm::wire {

using Words = std::vector<std::uint64_t>;

inline constexpr std::size_t kClientPrefixWords = 2;
inline constexpr std::size_t kPeerPrefixWords = 3;

inline Words words_of_frame(const Payload& frame) {
  Words words(frame.size() / 8);
  std::memcpy(words.data(), frame.data(), frame.size());
  return words;
}

inline Payload frame_of(const Words& words) {
  return Payload::copy_of(
      std::string_view(reinterpret_cast<const char*>(words.data()), words.size() * 8));
}

// Puts a segment behind the first word of a frame that has no checksum.
inline Payload client_frame_around(const Payload& model, const Words& segment) {
  Words words{words_of_frame(model)[0], std::uint64_t{segment.size()} << 32};
  words.insert(words.end(), segment.begin(), segment.end());
  return frame_of(words);
}

// Makes size and checksum of a peer frame or record right again.
inline Payload resealed(Words words) {
  words[2] = std::uint64_t{words.size() - kPeerPrefixWords} << 32;
  words[1] = checksum(words.data() + 2, words.size() - 2);
  return frame_of(words);
}

inline Payload peer_frame_around(const Payload& model, const Words& segment) {
  Words words{words_of_frame(model)[0], 0, 0};
  words.insert(words.end(), segment.begin(), segment.end());
  return resealed(std::move(words));
}

// Pointers of Cap'n Proto's encoding; offsets count words from the end of the pointer.
inline std::uint64_t struct_pointer(std::int32_t offset, std::uint64_t data_words,
                                    std::uint64_t pointers) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(offset) << 2)) | data_words << 32 |
         pointers << 48;
}
enum class Elements : std::uint64_t { kVoid = 0, kBit = 1, kByte = 2, kWord = 5, kStructs = 7 };
inline std::uint64_t list_pointer(std::int32_t offset, Elements elements, std::uint64_t count) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(offset) << 2)) | 1 |
         static_cast<std::uint64_t>(elements) << 32 | count << 35;
}
// The word before the elements of a list of structs.
inline std::uint64_t structs_tag(std::uint64_t count, std::uint64_t data_words,
                                 std::uint64_t pointers) {
  return count << 2 | data_words << 32 | pointers << 48;
}

}  // namespace groupcomm::wire
