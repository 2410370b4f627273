#include "tests/simulation/kept.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace groupcomm::simulation {

std::string kept_beyond(const Due& due, const protocol::DaemonStatus& status) {
  const std::array<std::pair<std::string_view, std::uint64_t>, 5> wanted = {
      {{"client_requests_queued", 0},
       {"clients", due.clients},
       {"groups", due.groups},
       {"messages_retained", 0},
       {"unstable_bytes", 0}}};
  for (const auto& [name, value] : wanted) {
    const auto counter =
        std::find_if(status.counters.begin(), status.counters.end(),
                     [name = name](const auto& entry) { return entry.first == name; });
    if (counter == status.counters.end()) return "does not say of " + std::string(name);
    if (counter->second == value) continue;
    return "has " + counter->first + " " + std::to_string(counter->second) + " instead of " +
           std::to_string(value);
  }
  for (const auto& member : status.members) {
    if (member.unacknowledged == 0) continue;
    return "waits for " + member.id.name + " to acknowledge " +
           std::to_string(member.unacknowledged);
  }
  // A client says what it has seen when that is the sixteenth part of what may wait.
  for (const auto& client : status.clients) {
    if (client.waiting_bytes <= due.client_queue_bytes / 8) continue;
    return "has " + std::to_string(client.waiting_bytes) + " bytes waiting for " +
           to_string(client.process);
  }
  return "";
}

}  // namespace groupcomm::simulation
