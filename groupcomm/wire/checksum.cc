#include "groupcomm/wire/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace groupcomm::wire {
namespace {

// Odd, so that multiplication is a bijection, with bits set all over.
constexpr std::uint64_t kA = 0x9FB21C651E98DF25;
constexpr std::uint64_t kB = 0xD6E8FEB86659FD93;
constexpr std::array<std::uint64_t, 4> kLanes = {0x243F6A8885A308D3, 0x13198A2E03707344,
                                                 0xA4093822299F31D0, 0x082EFA98EC4E6C89};

std::uint64_t load(const unsigned char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

std::uint64_t step(std::uint64_t h, std::uint64_t word) {
  return std::rotl(h ^ (word * kA), 29) * kB;
}

}  // namespace

// Four lanes, because one multiplication after the other would leave the processor waiting.
std::uint64_t checksum(const void* words, std::size_t count) {
  const auto* bytes = static_cast<const unsigned char*>(words);
  auto [lane0, lane1, lane2, lane3] = kLanes;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4, bytes += 32) {
    lane0 = step(lane0, load(bytes));
    lane1 = step(lane1, load(bytes + 8));
    lane2 = step(lane2, load(bytes + 16));
    lane3 = step(lane3, load(bytes + 24));
  }
  if (i < count) lane0 = step(lane0, load(bytes));
  if (i + 1 < count) lane1 = step(lane1, load(bytes + 8));
  if (i + 2 < count) lane2 = step(lane2, load(bytes + 16));
  std::uint64_t sum = step(step(step(step(count, lane0), lane1), lane2), lane3);
  return sum ^ (sum >> 32);
}

}  // namespace groupcomm::wire
