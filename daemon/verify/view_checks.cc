// M1 to M5, M9 and M10: what views promise by themselves.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

using NameSet = std::set<std::string>;

const record::View& view_of(const Stay& stay) { return std::get<record::View>(*stay.record); }

NameSet to_set(const std::vector<std::string>& names) {
  return NameSet(names.begin(), names.end());
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

NameSet minus(const NameSet& a, const NameSet& b) {
  NameSet out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
  return out;
}

std::string list(const NameSet& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nobody" : text;
}

// What it says of its own making.
bool has_same_origin(const record::View& a, const record::View& b) {
  return a.recovered == b.recovered && a.forced == b.forced && a.lineage == b.lineage &&
         a.ancestor == b.ancestor;
}

bool has_same_options(const record::View& a, const record::View& b) {
  return a.uniform == b.uniform && a.flush == b.flush;
}

void check_agreement(const History& history, const Stay& stay, Findings& findings) {
  const Record* first = history.view(stay.view).first_record;
  const record::View& mine = view_of(stay);
  const auto& theirs = std::get<record::View>(*first);
  if (mine.members != theirs.members) {
    findings.add("M3", "two members see different member lists in view " + mine.id,
                 {first, stay.record});
  }
  if (mine.primary != theirs.primary) {
    findings.add("M3", "two members disagree whether view " + mine.id + " is primary",
                 {first, stay.record});
  }
  if (!has_same_origin(mine, theirs)) {
    findings.add("M3", "two members disagree how view " + mine.id + " came about",
                 {first, stay.record});
  }
  if (!has_same_options(mine, theirs)) {
    findings.add("M3", "two members of view " + mine.id + " name other options of its group",
                 {first, stay.record});
  }
}

void check_monotony(const Stay& earlier, const Stay& later, Findings& findings) {
  const Record* before = earlier.record;
  const Record* after = later.record;
  const std::string& old_id = view_of(earlier).id;
  const std::string& new_id = view_of(later).id;
  const auto old_order = parse_view_order(old_id);
  const auto new_order = parse_view_order(new_id);
  const bool is_later = old_order && new_order ? *old_order < *new_order : old_id != new_id;
  if (!is_later) {
    findings.add("M2", "view " + new_id + " was installed after " + old_id, {before, after});
  }
}

}  // namespace

void check_views(const History& history, Findings& findings) {
  for (const Stray& stray : history.strays()) findings.add("M4", stray.why, {stray.record});
  std::map<std::pair<Index, Index>, const Stay*> lasts;  // by process and group
  for (const Membership& membership : history.memberships()) {
    const record::View& first = view_of(membership.stays.front());
    if (!contains(first.joined, first.p)) {
      findings.add("M4", "the first view of " + first.p + " does not say that it joined",
                   {membership.stays.front().record});
    }
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      const record::View& view = view_of(membership.stays[i]);
      if (!contains(view.members, view.p)) {
        findings.add("M1", view.p + " installed a view without itself",
                     {membership.stays[i].record});
      }
      check_agreement(history, membership.stays[i], findings);
      if (!has_same_options(view, first)) {
        findings.add("M3", "the options of a group have changed while " + view.p + " is a member",
                     {membership.stays.front().record, membership.stays[i].record});
      }
      if (i > 0) check_monotony(membership.stays[i - 1], membership.stays[i], findings);
    }
    // Of one process, the next membership begins later, too.
    const auto [last, is_first] =
        lasts.try_emplace({membership.process, membership.group}, &membership.stays.back());
    if (!is_first) check_monotony(*last->second, membership.stays.front(), findings);
    last->second = &membership.stays.back();
  }
}

namespace {

// One member's step from one view to the next.
struct Change {
  const Membership* membership = nullptr;
  const Stay* before = nullptr;  // nullptr: it joined
  const Stay* after = nullptr;
};

void check_predecessors(const History& history, const std::vector<Change>& changes,
                        Findings& findings) {
  std::map<Index, const Change*> by_predecessor;
  for (const Change& change : changes) {
    if (change.before != nullptr) by_predecessor.emplace(change.before->view, &change);
  }
  for (auto a = by_predecessor.begin(); a != by_predecessor.end(); ++a) {
    for (auto b = std::next(a); b != by_predecessor.end(); ++b) {
      const auto& members = history.view(a->first).members;
      const bool overlap = std::any_of(members.begin(), members.end(), [&](Index member) {
        return history.has_member(b->first, member);
      });
      if (!overlap) continue;
      findings.add("M5",
                   "two members came to view " + history.view_name(changes.front().after->view) +
                       " from different views that share members",
                   {a->second->before->record, b->second->before->record, a->second->after->record,
                    b->second->after->record});
    }
  }
}

// M9 among those who installed one view, the member itself among them. `q_change` is compared with
// what `change` was told.
void check_companion(const Change& change, const Change& q_change, Findings& findings) {
  const record::View& view = view_of(*change.after);
  const std::string& q = view_of(*q_change.after).p;
  const bool is_named = contains(view.transitional, q);
  const bool came_along =
      q_change.before != nullptr && q_change.before->view == change.before->view;
  if (is_named && !came_along) {
    findings.add(
        "M9", q + " is in the transitional set, but came from another view",
        {change.after->record, q_change.before == nullptr ? nullptr : q_change.before->record,
         q_change.after->record});
  }
  if (!is_named && came_along) {
    findings.add("M9", q + " came along, but is not in the transitional set",
                 {change.after->record, q_change.after->record});
  }
  if (came_along && to_set(view.transitional) != to_set(view_of(*q_change.after).transitional)) {
    findings.add("M9", "two members that went together were told different transitional sets",
                 {change.after->record, q_change.after->record});
  }
}

void check_transitional(const Change& change, const std::vector<Change>& all, Findings& findings) {
  const record::View& after = view_of(*change.after);
  if (change.before == nullptr) {
    const NameSet others = minus(to_set(after.transitional), {after.p});
    if (!others.empty()) {
      findings.add("M9", "a joiner has no history with " + list(others), {change.after->record});
    }
    return;
  }
  const record::View& before = view_of(*change.before);
  for (const std::string& q : after.transitional) {
    if (contains(before.members, q) && contains(after.members, q)) continue;
    findings.add("M9", q + " is in the transitional set, but not in both views",
                 {change.before->record, change.after->record});
  }
  for (const Change& q_change : all) check_companion(change, q_change, findings);
}

void check_delta(const Change& change, Findings& findings) {
  const record::View& after = view_of(*change.after);
  const NameSet joined = to_set(after.joined);
  NameSet left;
  for (const record::Left& one : after.left) left.insert(one.member);
  if (change.before == nullptr) {
    const NameSet strangers = minus(joined, to_set(after.members));
    if (!strangers.empty()) {
      findings.add("M10", list(strangers) + " joined, but is no member", {change.after->record});
    }
    return;
  }
  const NameSet old_members = to_set(view_of(*change.before).members);
  const NameSet new_members = to_set(after.members);
  if (joined != minus(new_members, old_members)) {
    findings.add(
        "M10",
        "joined are " + list(minus(new_members, old_members)) + ", told were " + list(joined),
        {change.before->record, change.after->record});
  }
  if (left != minus(old_members, new_members)) {
    findings.add("M10",
                 "left are " + list(minus(old_members, new_members)) + ", told were " + list(left),
                 {change.before->record, change.after->record});
  }
}

// Who is to come along was said before; a join that was under way may have added others.
void check_announced(const Membership& membership, std::size_t i, Findings& findings) {
  const Stay& before = membership.stays[i - 1];
  const record::View& view = view_of(membership.stays[i]);
  if (before.transition == nullptr) return;
  if (daemon_view_of(view_of(before).id) == daemon_view_of(view.id)) return;
  NameSet announced;
  for (const std::string& name : before.transition->transitional) {
    announced.emplace(split_member(name).first);
  }
  for (std::size_t k = i - 1; k > 0; --k) {
    if (membership.stays[k - 1].transition != before.transition) break;
    for (const std::string& name : view_of(membership.stays[k]).joined) {
      announced.emplace(split_member(name).first);
    }
  }
  NameSet along;
  for (const std::string& name : view.transitional) along.emplace(split_member(name).first);
  const NameSet strangers = minus(along, announced);
  if (strangers.empty()) return;
  const Record transition = *before.transition;
  findings.add("M9", list(strangers) + " came along, but was not among those announced",
               {&transition, membership.stays[i].record});
}

// Those who went together are told the same reasons, and these fit what the one who left knows.
void check_reasons(const History& history, const std::vector<Change>& changes,
                   const std::map<std::string, const Membership*>& by_name, Findings& findings) {
  std::map<std::pair<Index, std::string>, std::pair<std::string, const Record*>> told;
  for (const Change& change : changes) {
    if (change.before == nullptr) continue;
    for (const record::Left& left : view_of(*change.after).left) {
      const auto [first, is_new] =
          told.try_emplace({change.before->view, left.member}, left.reason, change.after->record);
      if (!is_new && first->second.first != left.reason) {
        findings.add("M10", "two members were told different reasons why " + left.member + " left",
                     {first->second.second, change.after->record});
      }
      const auto leaver =
          by_name.find(history.group_name(change.membership->group) + " " + left.member);
      if (!is_new || leaver == by_name.end() || leaver->second->gone == nullptr) continue;
      const auto& gone = std::get<record::Gone>(*leaver->second->gone);
      if ((gone.reason == "left") == (left.reason == "leave")) continue;
      // Who was cut off goes on by itself where components do, and leaves later.
      if (history.is_partitionable() && left.reason != "evicted") continue;
      // Who asked to leave may lose its daemon, or be evicted, before it is told that it has left.
      if (left.reason == "leave") continue;
      findings.add("M10",
                   left.member + " is said to have left by " + left.reason +
                       ", but was told: " + gone.reason,
                   {change.after->record, leaver->second->gone});
    }
  }
}

}  // namespace

void check_view_changes(const History& history, Findings& findings) {
  std::map<Index, std::vector<Change>> by_view;
  std::map<std::string, const Membership*> by_name;
  for (const Membership& membership : history.memberships()) {
    by_name[history.group_name(membership.group) + " " + history.member_name(membership.member)] =
        &membership;
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      const Stay* before = i == 0 ? nullptr : &membership.stays[i - 1];
      by_view[membership.stays[i].view].push_back({&membership, before, &membership.stays[i]});
      if (i > 0) check_announced(membership, i, findings);
    }
  }
  for (const auto& [view, changes] : by_view) {
    check_predecessors(history, changes, findings);
    for (const Change& change : changes) {
      check_delta(change, findings);
      // Daemons tell one another no transitional sets.
      if (history.level() == Role::kClient) check_transitional(change, changes, findings);
    }
    if (history.level() == Role::kClient) check_reasons(history, changes, by_name, findings);
  }
}

}  // namespace groupcomm::verify
