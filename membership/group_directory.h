// The groups of the domain and their members, the same at every daemon of a view.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/view.h"

namespace groupcomm::membership {

// One change of one group, at one point of the total order. `view.my_rank` and
// `view.transitional` are the receiver's business and are left empty.
struct GroupChange {
  GroupKey key;
  std::string name;
  GroupView view;
};

// What several changes of one group come to, for somebody who is told of them at once: who joined
// and left in between was never there. REQUIRES: not empty; in their order.
GroupChange merge(const std::vector<GroupChange>& changes);

// Light-weight groups (rules G1-G5): a function of the sequence of daemon views and of the ordered
// control messages, and of nothing else, so that all daemons compute the same views.
class GroupDirectory {
 public:
  struct Group {
    std::string name;
    GroupOptions options;
    GroupViewId view;
    std::vector<GroupMember> members;  // by rank: seniority
    std::size_t bytes = 0;             // about what it takes in a frame
  };

  const Group* find(GroupKey key) const;
  const Group* find(std::string_view name) const { return find(group_key(name)); }
  std::optional<Rank> rank_of(GroupKey key, const ProcessKey& process) const;
  // In the order of names.
  std::vector<const Group*> groups() const;

  // What a group, and all of them together, may take in a frame (rule G5). A view that tells a
  // client of one group names its members up to three times; all groups go to a joiner at once.
  static constexpr std::size_t kGroupBytesMax = 4u << 20;
  static constexpr std::size_t kBytesMax = 14u << 20;

  // About what all groups take.
  std::size_t bytes() const { return bytes_; }
  static std::size_t bytes_taken(const std::vector<protocol::GroupEntry>& entries);

  struct JoinOutcome {
    std::optional<GroupChange> change;                // set: joined
    RejectReason refused = RejectReason::kBadOption;  // else why not
  };
  JoinOutcome join(const GroupViewId& view, const std::string& name, const GroupOptions& options,
                   const GroupMember& member);
  // Nothing where the process is not a member.
  std::optional<GroupChange> leave(const GroupViewId& view, GroupKey key, const ProcessKey& process,
                                   LeaveReason reason);

  // The same members in a new view. REQUIRES: the group exists.
  GroupChange renew(const GroupViewId& view, GroupKey key);

  // A daemon view begins: every group gets a view, in which the members at departed daemons are
  // missing, all at once. In the order of names. `earlier` changes, which nobody was told of,
  // become part of the view's `joined` and `left` (rule F10), and so do the members at daemons that
  // arrive from other views, behind those that are there. One is left out where its group has other
  // options here, or where there is no room for it (rule Q5).
  std::vector<GroupChange> change_daemons(const protocol::DaemonView& view,
                                          const std::vector<protocol::DepartedDaemon>& left,
                                          const std::vector<GroupChange>& earlier = {},
                                          const std::vector<protocol::Arrival>& arrivals = {});

  std::vector<protocol::GroupEntry> snapshot() const;
  void restore(const std::vector<protocol::GroupEntry>& entries);
  // The groups as they stand in the view that takes this component in. What has changed for those
  // who were in the groups before, or look at them. In the order of names.
  std::vector<GroupChange> restore_and_compare(const std::vector<protocol::GroupEntry>& entries,
                                               const ViewId& view);

 private:
  struct Delta;
  friend GroupChange merge(const std::vector<GroupChange>& changes);

  void admit(const std::vector<protocol::Arrival>& arrivals, std::map<std::string, Delta>& deltas);
  // Why the member cannot enter the group as it stands, or nothing.
  std::optional<RejectReason> why_refused(const std::string& name, const GroupOptions& options,
                                          const GroupMember& member) const;
  void enter(const std::string& name, const GroupOptions& options, const GroupMember& member);
  void add(Group& group, const GroupMember& member);
  void forget(Group& group, const GroupMember& member);
  void erase(const std::string& name);

  std::map<std::string, GroupKey, std::less<>> names_;
  std::unordered_map<GroupKey, Group> groups_;  // looked up, never iterated
  std::size_t bytes_ = 0;                       // of all groups
};

}  // namespace groupcomm::membership
