// What a daemon may keep once nothing happens any more.
#pragma once

#include <cstdint>
#include <string>

#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::simulation {

struct Due {
  std::uint64_t clients = 0;  // that are connected to it
  std::uint64_t groups = 0;   // that somebody is in
  std::uint64_t client_queue_bytes = 0;
};

// What the daemon says of itself, against what is due. Empty where it keeps nothing else.
std::string kept_beyond(const Due& due, const protocol::DaemonStatus& status);

}  // namespace groupcomm::simulation
