// The checksum of peer frames and of the durable record (groupcomm.capnp, Checksum).
#pragma once

#include <cstddef>
#include <cstdint>

namespace groupcomm::wire {

// A 64-bit checksum of `count` words of 8 bytes at `words` (at any alignment). Damage inside one
// word always changes it; it also covers `count`. No protection against intent.
std::uint64_t checksum(const void* words, std::size_t count);

}  // namespace groupcomm::wire
