// Whether what is said about views can be true, wherever it comes from (rule P3): a peer's frame,
// or a record from the disk. Pure functions of values; nothing that passes meets a failed CHECK.
#pragma once

#include <cstdint>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::membership {

// Rule P6: no view and no ballot has a higher number. Both are counted one by one, or nearly so: a
// larger number was made up.
inline constexpr std::uint64_t kCountMax = std::uint64_t{1} << 62;

// A view that was decided: it has members, all of them different, and there was one before it.
bool fits(const protocol::DaemonView& decided);

// A value by itself: its next view is one, follows the base, and has nobody who left.
bool fits(const protocol::ViewChangeValue& value);
// The same against the view that it leaves. Whether its cut and places can be had is a question to
// the members that live in that view (ViewOrdering::fits).
bool fits(const protocol::ViewChangeValue& value, const protocol::DaemonView& base);

// The answer to a Prepare for leaving this view.
bool fits(const protocol::State& state, const protocol::DaemonView& base);

// Groups that a joiner is told when it enters this view.
bool fits(const std::vector<protocol::GroupEntry>& groups, const protocol::DaemonView& view);

bool fits(const protocol::DurableRecord& record);

}  // namespace groupcomm::membership
