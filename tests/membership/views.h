// Daemons, views and answers for the tests of membership/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::membership {

// Daemon number i: "d0", "d1", ... A later life has another incarnation.
inline std::string daemon_name(std::size_t i) { return "d" + std::to_string(i); }
inline Incarnation incarnation_of(std::size_t i, std::uint64_t life = 1) {
  return Incarnation{life * 100 + i};
}
inline DaemonId daemon_id(std::size_t i, std::uint64_t life = 1) {
  return {daemon_name(i), incarnation_of(i, life)};
}
inline protocol::DaemonMember daemon_member(std::size_t i, std::uint64_t life = 1) {
  return {daemon_id(i, life), "tcp://" + daemon_name(i)};
}

// A view with daemons 0 to size - 1 by rank.
inline protocol::DaemonView view_of(std::size_t size, std::uint64_t counter = 7) {
  protocol::DaemonView view;
  view.id = {counter, Incarnation{42}, 1};
  view.lineage = Incarnation{99};
  for (std::size_t i = 0; i < size; ++i) view.members.push_back(daemon_member(i));
  return view;
}

// The base of a cluster that never was: names without incarnations.
inline protocol::DaemonView genesis_of(std::size_t size) {
  protocol::DaemonView view;
  view.id.proposer = Incarnation{4711};
  for (std::size_t i = 0; i < size; ++i) view.members.push_back({{daemon_name(i), {}}, ""});
  return view;
}

inline std::vector<std::string> names_in(const protocol::DaemonView& view) {
  std::vector<std::string> names;
  for (const auto& member : view.members) names.push_back(to_string(member.id));
  return names;
}
inline std::vector<DaemonId> ids_in(const protocol::DaemonView& view) {
  std::vector<DaemonId> ids;
  for (const auto& member : view.members) ids.push_back(member.id);
  return ids;
}

inline std::vector<MessageNumber> numbers(const std::vector<std::uint64_t>& values) {
  std::vector<MessageNumber> numbers;
  for (const std::uint64_t value : values) numbers.push_back(MessageNumber{value});
  return numbers;
}

}  // namespace groupcomm::membership
