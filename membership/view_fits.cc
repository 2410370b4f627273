#include "membership/view_fits.h"

#include <algorithm>
#include <set>

#include "membership/view_choice.h"

namespace groupcomm::membership {
namespace {

using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::DepartedDaemon;
using protocol::MessageReference;
using protocol::ViewChangeValue;

bool is_in(const DaemonView& view, const DaemonId& id) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&](const DaemonMember& member) { return member.id == id; });
}

template <typename T>
bool has_repetition(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

// No place before the first one, and of the places one for each message.
bool fits_order(OrderNumber first, const std::vector<MessageReference>& places,
                OrderNumber delivered, std::size_t ranks) {
  const bool in_range =
      std::all_of(places.begin(), places.end(),
                  [&](const MessageReference& reference) { return reference.sender < ranks; });
  return first && in_range && delivered < first.plus(places.size()) && !has_repetition(places);
}

// Rule R7: a forced view begins a lineage, and so does the first view.
bool fits_lineage(const DaemonView& next, const DaemonView& base, bool forced) {
  const bool begins = forced || base.id.counter == 0;
  return (next.lineage == base.lineage) != begins &&
         next.ancestors == (forced ? ancestors_after(base) : base.ancestors);
}

}  // namespace

bool fits(const DaemonView& decided) {
  if (decided.id.counter == 0 || decided.id.counter > kCountMax) return false;
  if (decided.members.empty() || decided.members.size() > protocol::kDaemonsMax) return false;
  std::vector<Incarnation> incarnations;
  std::vector<std::string> names;
  for (const DaemonMember& member : decided.members) {
    incarnations.push_back(member.id.incarnation);
    names.push_back(member.id.name);
  }
  std::vector<Incarnation> lineages = decided.ancestors;
  lineages.push_back(decided.lineage);
  return decided.lineage != Incarnation{} && lineages.size() <= protocol::kAncestorsMax + 1 &&
         !has_repetition(std::move(lineages)) && !has_repetition(std::move(incarnations)) &&
         !has_repetition(std::move(names));
}

bool fits(const ViewChangeValue& value) {
  if (!fits(value.next) || value.next.id.counter - 1 != value.base.counter) return false;
  std::vector<Incarnation> left;
  for (const DepartedDaemon& departed : value.left) {
    if (is_in(value.next, departed.id)) return false;
    left.push_back(departed.id.incarnation);
  }
  return !has_repetition(left);
}

bool fits(const ViewChangeValue& value, const DaemonView& base) {
  if (value.base != base.id || !fits(value)) return false;
  const bool is_first = base.id.counter == 0;
  if (!fits_lineage(value.next, base, value.forced)) return false;
  const bool left_base =
      std::all_of(value.left.begin(), value.left.end(),
                  [&](const DepartedDaemon& departed) { return is_in(base, departed.id); });
  if (!left_base) return false;
  if (value.cut.empty()) return value.places.empty() && !value.delivered;  // rule R2
  return !is_first && value.cut.size() == base.members.size() &&
         fits_order(value.first_place, value.places, value.delivered, base.members.size());
}

bool fits(const protocol::State& state, const DaemonView& base) {
  if (state.accepted &&
      (state.ballot < state.accepted->ballot || !fits(state.accepted->value, base))) {
    return false;
  }
  if (!state.living) return true;
  return base.id.counter > 0 && state.held.size() == base.members.size() &&
         fits_order(state.first_place, state.places, state.delivered, base.members.size());
}

bool fits(const std::vector<protocol::GroupEntry>& groups, const DaemonView& view) {
  std::set<Incarnation> daemons;
  for (const DaemonMember& member : view.members) daemons.insert(member.id.incarnation);
  std::vector<GroupKey> keys;
  for (const protocol::GroupEntry& group : groups) {
    keys.push_back(group_key(group.name));
    std::vector<ProcessKey> processes;
    for (const GroupMember& member : group.members) {
      if (!daemons.contains(member.process.key.daemon)) return false;
      processes.push_back(member.process.key);
    }
    if (processes.empty() || has_repetition(processes)) return false;
  }
  return !has_repetition(keys);
}

bool fits(const protocol::DurableRecord& record) {
  if (record.promised.round > kCountMax) return false;
  if (record.decided.id.counter > 0 && !fits(record.decided)) return false;
  if (!record.accepted) return true;
  return record.accepted->ballot <= record.promised && fits(record.accepted->value, record.decided);
}

}  // namespace groupcomm::membership
