#include "membership/view_fits.h"

#include <algorithm>
#include <set>

#include "membership/view_choice.h"
#include "membership/view_lookup.h"

namespace groupcomm::membership {
namespace {

using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::DepartedDaemon;
using protocol::MessageReference;
using protocol::ViewChangeValue;

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

// Rule R7: a forced view begins a lineage, and so does the first view. Where no quorum is asked
// for, the claim tells (rule Q3).
bool fits_lineage(const ViewChangeValue& value, const DaemonView& base) {
  const DaemonView& next = value.next;
  if (!base.primary || !next.primary) return !value.forced;
  const bool begins = value.forced || base.id.counter == 0;
  return (next.lineage == base.lineage) != begins &&
         next.ancestors == (value.forced ? ancestors_after(base) : base.ancestors);
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
  return (decided.lineage != Incarnation{} || !decided.primary) &&
         lineages.size() <= protocol::kAncestorsMax + 1 && !has_repetition(std::move(lineages)) &&
         !has_repetition(std::move(incarnations)) && !has_repetition(std::move(names));
}

namespace {

// Who arrives is in the next view, and brings only members of its own.
bool fits(const protocol::Arrival& arrival, const DaemonView& next) {
  if (arrival.daemons.empty() || has_repetition(arrival.daemons)) return false;
  if (arrival.from.counter == 0 || arrival.from.counter >= next.id.counter) return false;
  DaemonView there = next;
  std::erase_if(there.members, [&](const DaemonMember& member) {
    return std::find(arrival.daemons.begin(), arrival.daemons.end(), member.id.incarnation) ==
           arrival.daemons.end();
  });
  return there.members.size() == arrival.daemons.size() && membership::fits(arrival.groups, there);
}

bool fits(const std::vector<protocol::Arrival>& arrivals, const DaemonView& next) {
  std::vector<ViewId> origins;
  std::vector<Incarnation> daemons;
  for (const protocol::Arrival& arrival : arrivals) {
    if (!fits(arrival, next)) return false;
    origins.push_back(arrival.from);
    daemons.insert(daemons.end(), arrival.daemons.begin(), arrival.daemons.end());
  }
  return !has_repetition(origins) && !has_repetition(daemons);
}

// The views in it were decided, but for the seeds of a cluster that has not formed.
bool fits(const protocol::PrimaryClaim& claim) {
  if (claim.last.id.counter > 0 && !membership::fits(claim.last)) return false;
  return claim.last.primary &&
         std::all_of(claim.attempts.begin(), claim.attempts.end(), [](const DaemonView& attempt) {
           return attempt.primary && membership::fits(attempt);
         });
}

}  // namespace

bool fits(const ViewChangeValue& value) {
  if (!fits(value.next) || value.next.id.counter <= value.base.counter) return false;
  // Views are counted one by one, but where there may be others at the same time.
  const bool is_free = value.claim || !value.arrivals.empty();
  const std::uint64_t step = step_after(value.base, value.forced);
  if (!is_free && value.next.id.counter - value.base.counter != step) return false;
  if (value.claim && !fits(*value.claim)) return false;
  if (!value.next.primary && !value.claim) return false;
  if (!fits(value.arrivals, value.next)) return false;
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
  if (!fits_lineage(value, base)) return false;
  if ((!base.primary || !value.next.primary) && !value.claim) return false;
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
  if (state.claim && !fits(*state.claim)) return false;
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
  if (record.claim && !fits(*record.claim)) return false;
  if (!record.accepted) return true;
  return record.accepted->ballot <= record.promised && fits(record.accepted->value, record.decided);
}

}  // namespace groupcomm::membership
