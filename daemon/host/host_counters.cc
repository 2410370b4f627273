#include "daemon/host/host_counters.h"

#include <algorithm>

namespace groupcomm::daemon {

void HostCounters::add_to(std::vector<std::pair<std::string, std::uint64_t>>& list) const {
  for (const auto& [name, value] : {
           std::pair("host_bad_client_frames", bad_client_frames),
           std::pair("host_bad_peer_frames", bad_peer_frames),
           std::pair("host_client_bytes_in", client_bytes_in),
           std::pair("host_client_bytes_out", client_bytes_out),
           std::pair("host_client_frames_in", client_frames_in),
           std::pair("host_client_frames_out", client_frames_out),
           std::pair("host_clients", clients),
           std::pair("host_clients_total", clients_total),
           std::pair("host_connections_turned_away", connections_turned_away),
           std::pair("host_dropped_peer_frames", dropped_peer_frames),
           std::pair("host_overfull_connections", overfull_connections),
           std::pair("host_peer_bytes_in", peer_bytes_in),
           std::pair("host_peer_bytes_out", peer_bytes_out),
           std::pair("host_peer_frames_in", peer_frames_in),
           std::pair("host_peer_frames_out", peer_frames_out),
           std::pair("host_record_writes", record_writes),
           std::pair("host_unknown_client_messages", unknown_client_messages),
       }) {
    list.emplace_back(name, value);
  }
  std::sort(list.begin(), list.end());
}

}  // namespace groupcomm::daemon
