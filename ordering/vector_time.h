// Rules about vector times: how many causal messages of each rank a daemon has delivered.
#pragma once

#include "groupcomm/check.h"
#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"

namespace groupcomm::ordering {

using protocol::VectorTime;

// PROTOCOL.md rule O3: a message of `sender` with this number and context may follow `seen` when
// it is the sender's next one and everything that its daemon had delivered is in `seen`.
inline bool is_next(const VectorTime& seen, Rank sender, CausalNumber number,
                    const VectorTime& context) {
  CHECK_EQ(seen.size(), context.size());
  if (seen[sender].next() != number) return false;
  for (Rank rank = 0; rank < seen.size(); ++rank) {
    if (rank != sender && seen[rank] < context[rank]) return false;
  }
  return true;
}

}  // namespace groupcomm::ordering
