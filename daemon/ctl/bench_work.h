// What the members of a measurement have to do, and what they tell one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "groupcomm/message.h"

namespace groupcomm::ctl {

// Nanoseconds of the monotonic clock, which all processes of a host share.
std::uint64_t bench_now_ns();

// The work of one measurement, the same for all its members.
struct BenchWork {
  std::string group = "bench";  // its name, or how the names begin where there are several
  std::uint32_t groups = 1;
  std::uint16_t members = 3;  // of each group
  std::uint16_t senders = 3;  // of each group: its first members
  Order order = Order::kTotal;
  std::size_t size = 64;      // payload bytes, header included
  std::uint64_t window = 64;  // own messages under way; 0: as many as there is
                              // credit for
  double seconds = 3;         // how long to send

  // Instead of sending for so long: rank 0 sends one message, waits for it, and so on.
  bool latency = false;
  std::uint32_t samples = 2000;
  double pause_ms = 0;                    // between two of them
  std::uint64_t background_rate = 0;      // messages of 1 KiB a second, of each other member
  bool is_background_saturating = false;  // instead: `window` under way, of `size`

  // Beyond the time that the work itself takes.
  double give_up_seconds = 60;

  bool has_background() const { return background_rate > 0 || is_background_saturating; }
};

// Begins every payload; the rest of it is filled up. In the byte order of the host.
struct BenchHeader {
  static constexpr std::uint32_t kMagic = 0x67636d31;
  enum class Type : std::uint16_t { kData = 1, kEnd = 2, kReport = 3 };

  std::uint32_t magic = kMagic;
  Type type = Type::kData;
  std::uint16_t node = 0;      // its sender's rank, from 1
  std::uint64_t sequence = 0;  // of its sender in the group, from 0
  std::uint64_t sent_ns = 0;
};
static_assert(sizeof(BenchHeader) == 24);

}  // namespace groupcomm::ctl
