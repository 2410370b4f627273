// Who stands in a list of daemons.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::membership {

inline bool contains(const std::vector<Incarnation>& row, Incarnation incarnation) {
  return std::find(row.begin(), row.end(), incarnation) != row.end();
}

// By incarnation, and not just by name.
inline bool is_in(const protocol::DaemonView& view, const DaemonId& id) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&](const protocol::DaemonMember& member) { return member.id == id; });
}

// In whatever incarnation.
inline bool has_name(const protocol::DaemonView& view, const std::string& name) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&](const protocol::DaemonMember& member) { return member.id.name == name; });
}

}  // namespace groupcomm::membership
