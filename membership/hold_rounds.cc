#include "membership/hold_rounds.h"

#include <algorithm>

#include "groupcomm/check.h"

namespace groupcomm::membership {

bool HoldRounds::must_wait(GroupKey key, const GroupDirectory::Group* group,
                           const Change& change) const {
  if (group == nullptr || !group->options.flush) return false;
  // What will be refused need not wait.
  if (change.is_join) return group->name == change.name && group->options == change.options;
  const ProcessKey& process = change.member.process.key;
  const bool is_member =
      std::any_of(group->members.begin(), group->members.end(),
                  [&](const GroupMember& member) { return member.process.key == process; });
  if (is_member) return true;
  const auto round = rounds_.find(key);  // its join may be waiting, too
  return round != rounds_.end() &&
         std::any_of(round->second.changes.begin(), round->second.changes.end(),
                     [&](const Change& other) { return other.member.process.key == process; });
}

void HoldRounds::announce(GroupKey key, const GroupDirectory::Group& group, Change change) {
  const auto [it, is_new] = rounds_.try_emplace(key);
  if (is_new) {
    for (const GroupMember& member : group.members) {
      it->second.awaited.insert(member.process.key.daemon);
    }
  }
  CHECK(!it->second.awaited.empty());
  it->second.changes.push_back(std::move(change));
}

const HoldRounds::Change* HoldRounds::find_join(const ProcessKey& process) const {
  for (const auto& [key, round] : rounds_) {
    for (const Change& change : round.changes) {
      if (change.is_join && change.member.process.key == process) return &change;
    }
  }
  return nullptr;
}

bool HoldRounds::awaits(GroupKey key, Incarnation daemon) const {
  const auto round = rounds_.find(key);
  return round != rounds_.end() && round->second.awaited.contains(daemon);
}

std::optional<std::vector<HoldRounds::Change>> HoldRounds::hold(GroupKey key, Incarnation daemon) {
  const auto round = rounds_.find(key);
  if (round == rounds_.end()) return std::nullopt;
  round->second.awaited.erase(daemon);
  if (!round->second.awaited.empty()) return std::nullopt;
  std::vector<Change> changes = std::move(round->second.changes);
  rounds_.erase(round);
  return changes;
}

std::vector<std::pair<GroupKey, std::vector<HoldRounds::Change>>> HoldRounds::end_all() {
  std::vector<std::pair<GroupKey, std::vector<Change>>> ended;
  for (auto& [key, round] : rounds_) ended.emplace_back(key, std::move(round.changes));
  rounds_.clear();
  return ended;
}

}  // namespace groupcomm::membership
