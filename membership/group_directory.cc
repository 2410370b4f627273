#include "membership/group_directory.h"

#include <algorithm>

#include "groupcomm/check.h"
#include "groupcomm/probe.h"

namespace groupcomm::membership {
namespace {

// An upper bound of what the codec makes of them.
std::size_t bytes_of(const std::string& group_name) { return 256 + group_name.size(); }
std::size_t bytes_of(const GroupMember& member) {
  return 64 + member.process.name.size() + member.process.daemon.size();
}

GroupChange change_of(GroupKey key, const GroupDirectory::Group& group) {
  GroupChange change;
  change.key = key;
  change.name = group.name;
  change.view.id = group.view;
  change.view.members = group.members;
  return change;
}

}  // namespace

// What several changes of one group come to, for somebody who is told of them at once.
struct GroupDirectory::Delta {
  std::vector<ProcessId> joined;
  std::vector<Departed> left;

  void add(const GroupChange& change) {
    for (const Departed& departed : change.view.left) remove(departed);
    joined.insert(joined.end(), change.view.joined.begin(), change.view.joined.end());
  }
  // Who joined and left between two views was never seen.
  void remove(const Departed& departed) {
    const auto it = std::find(joined.begin(), joined.end(), departed.process);
    if (it == joined.end()) return left.push_back(departed);
    joined.erase(it);
  }
};

GroupChange merge(const std::vector<GroupChange>& changes) {
  CHECK(!changes.empty());
  GroupDirectory::Delta delta;
  for (const GroupChange& change : changes) delta.add(change);
  GroupChange merged = changes.back();
  merged.view.joined = std::move(delta.joined);
  merged.view.left = std::move(delta.left);
  return merged;
}

const GroupDirectory::Group* GroupDirectory::find(GroupKey key) const {
  const auto it = groups_.find(key);
  return it == groups_.end() ? nullptr : &it->second;
}

std::optional<Rank> GroupDirectory::rank_of(GroupKey key, const ProcessKey& process) const {
  const Group* group = find(key);
  if (group == nullptr) return std::nullopt;
  for (Rank rank = 0; rank < group->members.size(); ++rank) {
    if (group->members[rank].process.key == process) return rank;
  }
  return std::nullopt;
}

std::vector<const GroupDirectory::Group*> GroupDirectory::groups() const {
  std::vector<const Group*> all;
  for (const auto& [name, key] : names_) all.push_back(find(key));
  return all;
}

std::optional<RejectReason> GroupDirectory::why_refused(const std::string& name,
                                                        const GroupOptions& options,
                                                        const GroupMember& member) const {
  const GroupKey key = group_key(name);
  const Group* there = find(key);
  const std::size_t more = bytes_of(member) + (there == nullptr ? bytes_of(name) : 0);
  const std::size_t before = there == nullptr ? 0 : there->bytes;
  if (there != nullptr && there->name != name) return RejectReason::kBadName;
  if (there != nullptr && !(there->options == options)) return RejectReason::kBadOption;
  if (before + more > kGroupBytesMax || bytes_ + more > kBytesMax) return RejectReason::kTooBig;
  if (rank_of(key, member.process.key)) return RejectReason::kBadOption;
  return std::nullopt;
}

void GroupDirectory::enter(const std::string& name, const GroupOptions& options,
                           const GroupMember& member) {
  const GroupKey key = group_key(name);
  const bool is_new = find(key) == nullptr;
  Group& group = groups_[key];
  if (is_new) {
    names_.emplace(name, key);
    group.name = name;
    group.options = options;
    group.bytes = bytes_of(name);
    bytes_ += group.bytes;
  }
  add(group, member);
}

GroupDirectory::JoinOutcome GroupDirectory::join(const GroupViewId& view, const std::string& name,
                                                 const GroupOptions& options,
                                                 const GroupMember& member) {
  if (const auto why = why_refused(name, options, member)) {
    return {.change = std::nullopt, .refused = *why};
  }
  enter(name, options, member);
  const GroupKey key = group_key(name);
  Group& group = groups_.at(key);
  group.view = view;
  GroupChange change = change_of(key, group);
  change.view.joined = {member.process};
  return {.change = std::move(change)};
}

void GroupDirectory::add(Group& group, const GroupMember& member) {
  group.members.push_back(member);
  group.bytes += bytes_of(member);
  bytes_ += bytes_of(member);
}

// Takes away what was counted for a member.
void GroupDirectory::forget(Group& group, const GroupMember& member) {
  group.bytes -= bytes_of(member);
  bytes_ -= bytes_of(member);
}

void GroupDirectory::erase(const std::string& name) {
  const auto it = names_.find(name);
  bytes_ -= groups_.at(it->second).bytes;
  groups_.erase(it->second);
  names_.erase(it);
}

std::optional<GroupChange> GroupDirectory::leave(const GroupViewId& view, GroupKey key,
                                                 const ProcessKey& process, LeaveReason reason) {
  const std::optional<Rank> rank = rank_of(key, process);
  if (!rank) return std::nullopt;
  Group& group = groups_.at(key);
  const GroupMember member = group.members[*rank];
  forget(group, member);
  group.members.erase(group.members.begin() + static_cast<std::ptrdiff_t>(*rank));
  group.view = view;
  GroupChange change = change_of(key, group);
  change.view.left = {{member.process, reason}};
  if (group.members.empty()) erase(std::string(group.name));
  return change;
}

GroupChange GroupDirectory::renew(const GroupViewId& view, GroupKey key) {
  Group& group = groups_.at(key);
  group.view = view;
  return change_of(key, group);
}

std::vector<GroupChange> GroupDirectory::change_daemons(
    const protocol::DaemonView& view, const std::vector<protocol::DepartedDaemon>& left,
    const std::vector<GroupChange>& earlier, const std::vector<protocol::Arrival>& arrivals) {
  std::map<std::string, Delta> deltas;
  for (const GroupChange& change : earlier) deltas[change.name].add(change);
  for (const auto& [name, key] : names_) {
    Group& group = groups_.at(key);
    Delta& delta = deltas[name];
    std::erase_if(group.members, [&](const GroupMember& member) {
      const auto daemon = std::find_if(left.begin(), left.end(), [&](const auto& candidate) {
        return candidate.id.incarnation == member.process.key.daemon;
      });
      if (daemon == left.end()) return false;
      delta.remove({member.process, daemon->reason});
      forget(group, member);
      return true;
    });
  }
  admit(arrivals, deltas);
  std::vector<GroupChange> changes;
  std::vector<std::string> empty;
  for (const auto& [name, key] : names_) {
    Group& group = groups_.at(key);
    Delta& delta = deltas[name];
    group.view = {view.id, OrderNumber{}};
    GroupChange change = change_of(key, group);
    change.view.joined = std::move(delta.joined);
    change.view.left = std::move(delta.left);
    changes.push_back(std::move(change));
    if (group.members.empty()) empty.push_back(name);
  }
  for (const std::string& name : empty) erase(name);
  for (auto& [name, delta] : deltas) {  // groups whose last member left unseen
    if (names_.contains(name) || delta.left.empty()) continue;
    GroupChange change{.key = group_key(name), .name = name, .view = {}};
    change.view.id = {view.id, OrderNumber{}};
    change.view.left = std::move(delta.left);
    changes.push_back(std::move(change));
  }
  return changes;
}

void GroupDirectory::admit(const std::vector<protocol::Arrival>& arrivals,
                           std::map<std::string, Delta>& deltas) {
  for (const protocol::Arrival& arrival : arrivals) {
    for (const protocol::GroupEntry& entry : arrival.groups) {
      const Group* there = find(entry.name);
      // Nobody is left who fixed its options.
      if (there != nullptr && there->members.empty()) erase(std::string(there->name));
      for (const GroupMember& member : entry.members) {
        if (why_refused(entry.name, entry.options, member)) {
          PROBE("Q5: a member of the other component is left out");
          continue;
        }
        enter(entry.name, entry.options, member);
        deltas[entry.name].joined.push_back(member.process);
      }
    }
  }
}

std::vector<GroupChange> GroupDirectory::restore_and_compare(
    const std::vector<protocol::GroupEntry>& entries, const ViewId& view) {
  std::map<std::string, std::vector<GroupMember>> before;
  for (const auto& [name, key] : names_) before[name] = groups_.at(key).members;
  restore(entries);
  for (const auto& [name, key] : names_) before.try_emplace(name);
  std::vector<GroupChange> changes;
  for (const auto& [name, old] : before) {
    GroupChange change{.key = group_key(name), .name = name, .view = {}};
    const Group* group = find(name);
    if (group != nullptr && group->name == name) change = change_of(change.key, *group);
    change.view.id = {view, OrderNumber{}};
    const auto& now = change.view.members;
    for (const GroupMember& member : now) {
      const bool was_there = std::find(old.begin(), old.end(), member) != old.end();
      if (!was_there) change.view.joined.push_back(member.process);
    }
    for (const GroupMember& member : old) {
      const bool is_there = std::find(now.begin(), now.end(), member) != now.end();
      if (!is_there) change.view.left.push_back({member.process, LeaveReason::kPartition});
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

std::size_t GroupDirectory::bytes_taken(const std::vector<protocol::GroupEntry>& entries) {
  std::size_t bytes = 0;
  for (const protocol::GroupEntry& entry : entries) {
    bytes += membership::bytes_of(entry.name);
    for (const GroupMember& member : entry.members) bytes += membership::bytes_of(member);
  }
  return bytes;
}

std::vector<protocol::GroupEntry> GroupDirectory::snapshot() const {
  std::vector<protocol::GroupEntry> entries;
  for (const Group* group : groups()) {
    entries.push_back({group->name, group->options, group->view, group->members});
  }
  return entries;
}

void GroupDirectory::restore(const std::vector<protocol::GroupEntry>& entries) {
  names_.clear();
  groups_.clear();
  bytes_ = 0;
  for (const protocol::GroupEntry& entry : entries) {
    const GroupKey key = group_key(entry.name);
    names_.emplace(entry.name, key);
    Group& group = groups_[key];
    group = {entry.name, entry.options, entry.view, {}, bytes_of(entry.name)};
    bytes_ += group.bytes;
    for (const GroupMember& member : entry.members) add(group, member);
  }
}

}  // namespace groupcomm::membership
