// M6: the primary views of the daemons form one chain.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

struct Link {
  ViewOrder order;
  Index view = kNone;
  bool recovered = false;
  std::set<std::string> leavers;  // took part in the decision, but left with it
};

std::vector<Link> chain_of(const History& history) {
  std::map<Index, Link> links;
  for (const Membership& membership : history.memberships()) {
    for (const Stay& stay : membership.stays) {
      const auto& view = std::get<record::View>(*stay.record);
      const auto order = parse_view_order(view.id);
      if (!view.primary || !order) continue;
      Link& link = links[stay.view];
      link.order = *order;
      link.view = stay.view;
      link.recovered |= view.recovered;
      for (const record::Left& left : view.left) {
        if (left.reason == "leave") link.leavers.insert(left.member);
      }
    }
  }
  std::vector<Link> chain;
  for (auto& [view, link] : links) chain.push_back(std::move(link));
  std::sort(chain.begin(), chain.end(),
            [](const Link& a, const Link& b) { return a.order < b.order; });
  return chain;
}

std::string_view name_of(const History& history, Index member) {
  const std::string& id = history.member_name(member);
  return std::string_view(id).substr(0, id.rfind('#'));
}

bool has_name(const History& history, Index view, std::string_view name) {
  const std::vector<Index>& members = history.view(view).members;
  return std::any_of(members.begin(), members.end(),
                     [&](Index member) { return name_of(history, member) == name; });
}

// More than half of the old view, or half of it with its rank 0; those who leave with the change
// count, for they were asked. In a recovered view those who restarted count by their names.
bool keeps_quorum(const History& history, const Link& before, const Link& after) {
  const std::vector<Index>& members = history.view(before.view).members;
  const auto is_kept = [&](Index member) {
    return history.has_member(after.view, member) ||
           after.leavers.contains(history.member_name(member)) ||
           (after.recovered && has_name(history, after.view, name_of(history, member)));
  };
  const auto kept =
      static_cast<std::size_t>(std::count_if(members.begin(), members.end(), is_kept));
  return 2 * kept == members.size() ? is_kept(members.front()) : 2 * kept > members.size();
}

}  // namespace

void check_primary_chain(const History& history, Findings& findings) {
  const std::vector<Link> chain = chain_of(history);
  std::map<Index, std::size_t> position;
  for (std::size_t i = 0; i < chain.size(); ++i) position[chain[i].view] = i;

  std::set<std::size_t> survived;  // positions that somebody reached from the one before
  for (const Membership& membership : history.memberships()) {
    for (std::size_t i = 1; i < membership.stays.size(); ++i) {
      const auto before = position.find(membership.stays[i - 1].view);
      const auto after = position.find(membership.stays[i].view);
      if (before == position.end() || after == position.end()) continue;
      if (after->second == before->second + 1) {
        survived.insert(after->second);
      } else {
        findings.add("M6", "a daemon kept its state over a primary view that it was not in",
                     {membership.stays[i - 1].record, membership.stays[i].record});
      }
    }
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const std::vector<const Record*> records = {history.view(chain[i - 1].view).first_record,
                                                history.view(chain[i].view).first_record};
    if (std::get<0>(chain[i - 1].order) == std::get<0>(chain[i].order)) {
      findings.add("M6", "two primary views have the same counter", records);
    }
    // Of views that are only recorded as decided there is no trace: nobody installed them.
    const bool has_gap =
        std::get<0>(chain[i - 1].order) + 1 < std::get<0>(chain[i].order) && chain[i].recovered;
    if (!has_gap && !keeps_quorum(history, chain[i - 1], chain[i])) {
      findings.add("M6", "a primary view has no quorum of the one before", records);
    }
    if (!chain[i].recovered && !survived.contains(i)) {
      findings.add("M6", "nobody came to a primary view from the one before", records);
    }
  }
}

}  // namespace groupcomm::verify
