// Groups whose members must agree before their view changes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "membership/group_directory.h"

namespace groupcomm::membership {

// Keeps rules H1-H3 (groups with sync = flush). A join or leave of such a group is announced by an
// ordered control message and waits: a round begins, every daemon that has members asks them to
// hold back, and says by another ordered message (kHold) when all of them do. With the last one
// whatever was announced by then takes effect, as one view. A function of the sequence of daemon
// views and ordered control messages, like GroupDirectory.
class HoldRounds {
 public:
  struct Change {
    bool is_join = false;
    std::string name;  // of the group; joins only
    GroupOptions options;
    GroupMember member;  // of a leave: its process.key counts
    LeaveReason reason = LeaveReason::kLeave;
  };

  // Must this change wait? `group`: as it stands, or nullptr.
  bool must_wait(GroupKey key, const GroupDirectory::Group* group, const Change& change) const;
  // REQUIRES: must_wait().
  void announce(GroupKey key, const GroupDirectory::Group& group, Change change);

  bool empty() const { return rounds_.empty(); }
  // The round waits for the members at this daemon.
  bool awaits(GroupKey key, Incarnation daemon) const;

  // The join of this process that waits in some group, or nullptr.
  const Change* find_join(const ProcessKey& process) const;

  // The members at this daemon hold back. The changes, once nobody is awaited any more.
  std::optional<std::vector<Change>> hold(GroupKey key, Incarnation daemon);
  // A daemon view ends: all changes that wait come with it.
  std::vector<std::pair<GroupKey, std::vector<Change>>> end_all();

 private:
  struct Round {
    std::vector<Change> changes;  // in the order of their places
    std::set<Incarnation> awaited;
  };

  std::map<GroupKey, Round> rounds_;
};

}  // namespace groupcomm::membership
