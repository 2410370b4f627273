// Who stands in a list of daemons.
#pragma once

#include <algorithm>
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

}  // namespace groupcomm::membership
