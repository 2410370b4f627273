// Neighbours in a stream that are carried as one (groupcomm.capnp, Runs).
#pragma once

#include <cstddef>
#include <vector>

#include "groupcomm/payload.h"

namespace groupcomm::protocol {

inline constexpr std::size_t kRunMessagesMax = 4096;
// What a frame has of each message bounds what a reader must make of it.
inline constexpr std::size_t kRunPayloadMin = 9;
// A run of a client's messages ends where its payloads have so many bytes.
inline constexpr std::size_t kRunBytesMax = 64u << 10;

// Messages that differ in their payloads, and by the next numbers, only: the first one's payload
// stands beside, these are of those behind it.
using RunPayloads = std::vector<Payload>;

inline bool may_run(const Payload& a, const Payload& b) {
  return a.size() >= kRunPayloadMin && b.size() >= kRunPayloadMin;
}

}  // namespace groupcomm::protocol
