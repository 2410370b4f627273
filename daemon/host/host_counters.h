// What the host counts, for the status reply.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace groupcomm::daemon {

struct HostCounters {
  std::uint64_t bad_client_frames = 0;  // did not decode; the client was disconnected
  std::uint64_t bad_peer_frames = 0;    // did not decode; dropped
  std::uint64_t client_bytes_in = 0;
  std::uint64_t client_bytes_out = 0;
  std::uint64_t client_frames_in = 0;
  std::uint64_t client_frames_out = 0;
  std::uint64_t clients = 0;                  // connected now
  std::uint64_t clients_total = 0;            // ever
  std::uint64_t connections_turned_away = 0;  // see descriptor_shares.h
  std::uint64_t dropped_peer_frames = 0;      // the peer was not connected, or its lane full
  std::uint64_t overfull_connections = 0;     // ended: see unread_bytes.h
  std::uint64_t peer_bytes_in = 0;
  std::uint64_t peer_bytes_out = 0;
  std::uint64_t peer_frames_in = 0;
  std::uint64_t peer_frames_out = 0;
  std::uint64_t record_writes = 0;
  std::uint64_t unknown_client_messages = 0;  // of a kind that a later version may know; skipped

  // Adds all of them, with "host_" before their names, and sorts the whole by name.
  void add_to(std::vector<std::pair<std::string, std::uint64_t>>& list) const;
};

}  // namespace groupcomm::daemon
