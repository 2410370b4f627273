// Views: who is a member, agreed by all members.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/identity.h"

namespace groupcomm {

// Identifies a view of daemons. Later views of one lineage have a larger counter; two components
// of a partition that use one counter differ in the proposer or the round.
struct ViewId {
  std::uint64_t counter = 0;
  Incarnation proposer;
  std::uint64_t round = 0;
  auto operator<=>(const ViewId&) const = default;
};

// "counter.proposer.round", as "12.6740f3a29c1b22aa.3".
std::string to_string(const ViewId& id);

// Identifies a view of a group: the daemon view in which it was made, and the place of the control
// message (join, leave) that made it in that view's total order; 0: made with the daemon view.
struct GroupViewId {
  ViewId daemon_view;
  OrderNumber place;
  auto operator<=>(const GroupViewId&) const = default;
};

// "counter.proposer.round/place".
std::string to_string(const GroupViewId& id);

// Why a member is no longer in a view.
enum class LeaveReason : std::uint8_t {
  kLeave,       // it asked to
  kCrash,       // the process ended or its connection broke
  kDaemonLost,  // its daemon crashed or fell silent
  kPartition,   // its daemon was alive when last heard of, but cannot be reached by all
  kEvicted,     // it did not keep up (slow reader, no answer to a block)
};
std::string to_string(LeaveReason reason);

// A member of a group. Join, leave and join again are three memberships of one process: `joins`
// tells them apart.
struct GroupMember {
  ProcessId process;
  std::uint32_t joins = 1;
  auto operator<=>(const GroupMember&) const = default;
};

struct Departed {
  ProcessId process;
  LeaveReason reason = LeaveReason::kLeave;
  bool operator==(const Departed&) const = default;
};

// What a member of a group is told. `id`, `members` and `primary` are the same at all members
// that install the view; `joined`, `left` and `transitional` are relative to the receiver.
struct GroupView {
  GroupViewId id;
  std::vector<GroupMember> members;  // by rank: rank 0 is the longest-lived member, the leader
  std::vector<ProcessId> joined;
  std::vector<Departed> left;
  std::vector<ProcessId> transitional;  // who came along from the receiver's previous view
  bool primary = true;
  // More daemons crashed than a quorum can miss, and came back without their messages: what only
  // they had delivered, even as safe, may be gone. Else no view loses a safe message.
  bool recovered = false;
  std::uint32_t my_rank = 0;

  bool operator==(const GroupView&) const = default;
};

// What a group promises beyond the defaults; fixed by its first member.
struct GroupOptions {
  bool flush = false;    // sync = flush: sending-view delivery, with the block contract
  bool uniform = false;  // total-order messages are delivered when a quorum holds them
  bool operator==(const GroupOptions&) const = default;
};

// Why a membership is over.
enum class GoneReason : std::uint8_t { kLeft, kExcluded, kEvicted, kDaemonLost };
std::string to_string(GoneReason reason);

}  // namespace groupcomm
