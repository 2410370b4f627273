// What a quorum of a view is, in every rule that says quorum or majority.
#pragma once

#include <cstddef>

namespace groupcomm::ordering {

// PROTOCOL.md rule V1: more than half of the view's members, or exactly half with its rank-0
// member among them. Two quorums of one view always share a member.
inline bool is_quorum(std::size_t view_size, std::size_t present, bool rank_zero_present) {
  return 2 * present > view_size || (2 * present == view_size && rank_zero_present);
}

}  // namespace groupcomm::ordering
