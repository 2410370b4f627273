// M11, M12 and M13: who may take itself for whom.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

const record::View& view_of(const Stay& stay) { return std::get<record::View>(*stay.record); }

// A step of one member from a view to the next.
struct Change {
  Index member = kNone;
  const Stay* after = nullptr;
};

// Whoever ends in order was told the end of each membership before.
void check_told_the_end(const History& history, Findings& findings) {
  for (const Membership& membership : history.memberships()) {
    const ProcessInfo& process = history.process(membership.process);
    if (!process.ended || process.crashed || membership.gone != nullptr) continue;
    findings.add("M11",
                 history.member_name(membership.member) +
                     " ended in order, and was never told the end of its membership",
                 {membership.stays.back().record});
  }
}

}  // namespace

void check_excluded(const History& history, Findings& findings) {
  check_told_the_end(history, findings);
  std::map<Index, std::vector<Change>> by_origin;
  for (const Membership& membership : history.memberships()) {
    for (std::size_t i = 1; i < membership.stays.size(); ++i) {
      // One that is not primary may be left for several that are, one after the other (M6).
      if (!view_of(membership.stays[i - 1]).primary) continue;
      if (!view_of(membership.stays[i]).primary) continue;
      by_origin[membership.stays[i - 1].view].push_back({membership.member, &membership.stays[i]});
    }
  }
  for (const auto& [origin, steps] : by_origin) {
    for (std::size_t a = 0; a < steps.size(); ++a) {
      for (std::size_t b = a + 1; b < steps.size(); ++b) {
        if (history.has_member(steps[a].after->view, steps[b].member)) continue;
        if (history.has_member(steps[b].after->view, steps[a].member)) continue;
        const std::string& mine = history.lineage_of(steps[a].after->view);
        const std::string& other = history.lineage_of(steps[b].after->view);
        // An operator said that one of them does. Only daemons know.
        if (mine != other) continue;
        if (mine.empty() && history.has_cut_daemons()) {
          findings.leave_open("M11");
          continue;
        }
        findings.add("M11", "two members of one view were both told to be the ones that go on",
                     {steps[a].after->record, steps[b].after->record});
      }
    }
  }
}

namespace {

// What a name stands for apart from its incarnation: a daemon's name, or a process.
std::string_view claim_of(const History& history, Index member) {
  const std::string& name = history.member_name(member);
  if (history.level() == Role::kDaemon) return std::string_view(name).substr(0, name.rfind('#'));
  return split_member(name).first;
}

void check_claims(const History& history, const ViewInfo& view, Findings& findings) {
  std::set<std::string_view> claims;
  for (const Index member : view.members) {
    if (claims.insert(claim_of(history, member)).second) continue;
    findings.add("M13",
                 "two members of view " +
                     history.view_name(static_cast<Index>(&view - history.views().data())) +
                     " are the same one: " + history.member_name(member),
                 {view.first_record});
  }
}

// Those who were members not just in the eyes of others.
std::map<Index, std::set<Index>> installed_views(const History& history) {
  std::map<Index, std::set<Index>> installed;
  for (const Membership& membership : history.memberships()) {
    for (const Stay& stay : membership.stays) installed[membership.member].insert(stay.view);
  }
  return installed;
}

// In the order of their ids, whoever was once missing never comes back. Who was lost before it
// could install the first view with it has never been anything, and may come yet.
void check_returns(const History& history, const std::vector<const ViewInfo*>& views,
                   Findings& findings) {
  const auto installed = installed_views(history);
  std::map<Index, const ViewInfo*> last_seen;
  const ViewInfo* before = nullptr;
  for (const ViewInfo* view : views) {
    const auto index = static_cast<Index>(view - history.views().data());
    for (const Index member : view->members) {
      const auto own = installed.find(member);
      const bool is_known = last_seen.contains(member);
      if (!is_known && (own == installed.end() || !own->second.contains(index))) continue;
      const auto [seen, is_new] = last_seen.emplace(member, view);
      if (!is_new && seen->second != before) {
        findings.add("M13", history.member_name(member) + " came back after it was gone",
                     {seen->second->first_record, view->first_record});
      }
      seen->second = view;
    }
    before = view;
  }
}

// Of one name, later incarnations are larger.
void check_incarnations(const History& history, const std::vector<const ViewInfo*>& views,
                        Findings& findings) {
  std::map<std::string_view, std::pair<std::string_view, const ViewInfo*>> newest;
  for (const ViewInfo* view : views) {
    for (const Index member : view->members) {
      const std::string& name = history.member_name(member);
      const std::size_t hash = name.rfind('#');
      if (hash == std::string::npos) continue;
      const std::string_view incarnation = std::string_view(name).substr(hash + 1);
      auto& [largest, where] = newest[std::string_view(name).substr(0, hash)];
      if (incarnation < largest) {
        findings.add("M13", name + " is older than the one of its name before it",
                     {where->first_record, view->first_record});
        continue;
      }
      largest = incarnation;
      where = view;
    }
  }
}

}  // namespace

void check_identities(const History& history, Findings& findings) {
  std::map<Index, std::vector<std::pair<ViewOrder, const ViewInfo*>>> by_group;
  for (const ViewInfo& view : history.views()) {
    if (view.first_record == nullptr) continue;
    check_claims(history, view, findings);
    const auto order = parse_view_order(std::get<record::View>(*view.first_record).id);
    if (order && view.primary) by_group[view.group].emplace_back(*order, &view);
  }
  for (auto& [group, ordered] : by_group) {
    std::sort(ordered.begin(), ordered.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto index_of = [&](const ViewInfo* view) {
      return static_cast<Index>(view - history.views().data());
    };
    std::set<std::string> lineages;
    for (const auto& [order, view] : ordered) lineages.insert(history.lineage_of(index_of(view)));
    for (const std::string& lineage : lineages) {
      std::vector<const ViewInfo*> views;
      for (const auto& [order, view] : ordered) {
        if (history.leads_to(index_of(view), lineage)) views.push_back(view);
      }
      // Those who were cut off come back where they went on by themselves.
      const bool is_known = history.knows_beginning(lineage);
      if (!is_known) findings.leave_open("M13");
      if (!history.is_partitionable() && (is_known || !lineage.empty())) {
        check_returns(history, views, findings);
      }
      if (history.level() == Role::kDaemon) check_incarnations(history, views, findings);
    }
  }
}

namespace {

class LeaderCheck {
 public:
  explicit LeaderCheck(Findings& findings) : findings_(findings) {}

  template <typename R>
  void on(const Record&, const R&) {}
  void on(const Record& record, const record::View& r) {
    reigns_[{r.p, r.g}] = {.view = &r, .record = &record};
  }
  void on(const Record& record, const record::Transition& r) { end(r.p, r.g, record); }
  void on(const Record& record, const record::Suspended& r) { end(r.p, r.g, record); }
  void on(const Record& record, const record::Gone& r) { end(r.p, r.g, record); }
  void on(const Record& record, const record::Lead& r) { claim(record, r.p, r.g, r.view, false); }
  void on(const Record& record, const record::Act& r) { claim(record, r.p, r.g, r.view, true); }

 private:
  using Key = std::pair<std::string, std::string>;
  struct Reign {
    const record::View* view = nullptr;
    const Record* record = nullptr;
    const Record* end = nullptr;
  };

  void end(const std::string& p, const std::string& g, const Record& record) {
    const auto reign = reigns_.find({p, g});
    if (reign != reigns_.end()) reign->second.end = &record;
  }

  void claim(const Record& record, const std::string& p, const std::string& g,
             const std::string& view, bool is_act) {
    const auto [leader, is_new] = leaders_.try_emplace({g, view}, p, &record);
    if (!is_new && leader->second.first != p) {
      findings_.add("M12", "view " + view + " has two leaders", {leader->second.second, &record});
    }
    const auto reign = reigns_.find({p, g});
    if (reign == reigns_.end()) {
      findings_.add("M12", p + " leads where it is no member", {&record});
      return;
    }
    const record::View& mine = *reign->second.view;
    if (mine.id != view || mine.members.empty() || mine.members.front() != p) {
      findings_.add("M12", p + " leads in a view in which it has not rank 0",
                    {reign->second.record, &record});
    }
    if (is_act && reign->second.end != nullptr) {
      findings_.add("M12", p + " acted as leader after it was told that the view ends",
                    {reign->second.record, reign->second.end, &record});
    }
  }

  Findings& findings_;
  std::map<Key, Reign> reigns_;                                   // by member and group
  std::map<Key, std::pair<std::string, const Record*>> leaders_;  // by group and view
};

}  // namespace

void check_leaders(const History& history, Findings& findings) {
  LeaderCheck check(findings);
  for_each_client_record(history.run(),
                         [&](const Record& record, const auto& r) { check.on(record, r); });
}

}  // namespace groupcomm::verify
