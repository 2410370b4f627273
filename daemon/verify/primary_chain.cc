// M6: the primary views of the daemons form one chain, which branches only where an operator says
// so.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

struct Link {
  ViewOrder order;
  Index view = kNone;
  bool recovered = false;
  bool forced = false;
  std::string ancestor;
  std::set<std::string> leavers;  // took part in the decision, but left with it
};

using Chain = std::vector<Link>;

// By lineage, each in the order of its views.
std::map<std::string, Chain> chains_of(const History& history) {
  std::map<std::string, std::map<Index, Link>> links;
  for (const Membership& membership : history.memberships()) {
    for (const Stay& stay : membership.stays) {
      const auto& view = std::get<record::View>(*stay.record);
      const auto order = parse_view_order(view.id);
      if (!view.primary || !order) continue;
      Link& link = links[view.lineage][stay.view];
      link.order = *order;
      link.view = stay.view;
      link.recovered |= view.recovered;
      link.forced |= view.forced;
      link.ancestor = view.ancestor;
      for (const record::Left& left : view.left) {
        if (left.reason == "leave") link.leavers.insert(left.member);
      }
    }
  }
  std::map<std::string, Chain> chains;
  for (auto& [lineage, members] : links) {
    Chain& chain = chains[lineage];
    for (auto& [view, link] : members) chain.push_back(std::move(link));
    std::sort(chain.begin(), chain.end(),
              [](const Link& a, const Link& b) { return a.order < b.order; });
  }
  return chains;
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

class ChainCheck {
 public:
  ChainCheck(const History& history, Findings& findings)
      : history_(history), findings_(findings), chains_(chains_of(history)) {
    for (const auto& [lineage, chain] : chains_) {
      for (std::size_t i = 0; i < chain.size(); ++i) places_[chain[i].view] = {&lineage, i};
    }
  }

  void run() {
    for (const Membership& membership : history_.memberships()) {
      for (std::size_t i = 1; i < membership.stays.size(); ++i) {
        check_step(membership.stays[i - 1], membership.stays[i]);
      }
    }
    const Link* root = nullptr;
    for (const auto& [lineage, chain] : chains_) {
      check_beginning(lineage, chain.front(), root);
      for (std::size_t i = 1; i < chain.size(); ++i) check_link(chain[i - 1], chain[i]);
    }
  }

 private:
  struct Place {
    const std::string* lineage;
    std::size_t at;
  };

  // A daemon keeps its state only from a view to the very next one, or to the forced one that
  // begins a lineage there.
  void check_step(const Stay& before, const Stay& after) {
    const auto from = places_.find(before.view);
    const auto to = places_.find(after.view);
    if (to == places_.end()) return;
    if (from == places_.end()) {
      reformed_.insert(after.view);
      return;
    }
    const Place& a = from->second;
    const Place& b = to->second;
    const Link& link = chains_[*b.lineage][b.at];
    const bool is_next = a.lineage == b.lineage && b.at == a.at + 1;
    const std::uint64_t counter = std::get<0>(chains_[*a.lineage][a.at].order);
    const bool is_branch = a.lineage != b.lineage && b.at == 0 && link.forced &&
                           link.ancestor == *a.lineage &&
                           counter_before_force(link.order) == counter;
    if (is_next || is_branch) {
      survived_.insert(after.view);
      return;
    }
    findings_.add("M6", "a daemon kept its state over a primary view that it was not in",
                  {before.record, after.record});
  }

  // One lineage begins with the cluster, and every other one by force. (Of a forced view that is
  // only recorded as decided there is no trace: the next one is recovered.)
  void check_beginning(const std::string& lineage, const Link& first, const Link*& root) {
    if (first.forced || (first.recovered && !first.ancestor.empty())) {
      // (What it descends from may have been only recorded as decided, by who restarted since.)
      if (first.ancestor.empty() || chains_.contains(first.ancestor) || first.recovered) return;
      return report_unless_cut("the lineage of a forced view descends from an unknown one",
                               {record_of(first)});
    }
    // (What began it by force may stand where no trace is.)
    if (root != nullptr || !first.ancestor.empty()) {
      const auto* other = root == nullptr ? record_of(first) : record_of(*root);
      report_unless_cut("lineage " + lineage + " begins without force", {other, record_of(first)});
    }
    root = &first;
  }

  void check_link(const Link& before, const Link& after) {
    const std::vector<const Record*> records = {record_of(before), record_of(after)};
    if (std::get<0>(before.order) == std::get<0>(after.order)) {
      findings_.add("M6", "two primary views have the same counter", records);
    }
    if (after.forced || after.ancestor != before.ancestor) {
      findings_.add("M6", "a forced view begins no lineage", records);
    }
    check_quorum(before, after, records);
    const bool came_somebody = survived_.contains(after.view) || reformed_.contains(after.view);
    if (after.recovered || came_somebody) return;
    if (has_cut_member(after)) return findings_.leave_open("M6");
    findings_.add("M6", "nobody came to a primary view from the one before", records);
  }

  void check_quorum(const Link& before, const Link& after,
                    const std::vector<const Record*>& records) {
    if (keeps_quorum(history_, before, after)) return;
    // Of views that are only recorded as decided there is no trace: nobody installed them. Others
    // may stand where no trace is; and so may who left, where only joiners tell of the view.
    const bool has_gap = std::get<0>(before.order) + 1 < std::get<0>(after.order);
    if (has_gap && after.recovered && !history_.is_partitionable()) return;
    const char* sentence = "a primary view has no quorum of the one before";
    if (has_gap || !survived_.contains(after.view)) return report_unless_cut(sentence, records);
    findings_.add("M6", sentence, records);
  }

  void report_unless_cut(const std::string& sentence, const std::vector<const Record*>& records) {
    if (history_.has_cut_daemons()) return findings_.leave_open("M6");
    findings_.add("M6", sentence, records);
  }

  bool has_cut_member(const Link& link) const {
    const std::vector<Index>& members = history_.view(link.view).members;
    return std::any_of(members.begin(), members.end(),
                       [&](Index member) { return history_.is_cut(history_.member_name(member)); });
  }
  const Record* record_of(const Link& link) const { return history_.view(link.view).first_record; }

  const History& history_;
  Findings& findings_;
  std::map<std::string, Chain> chains_;
  std::map<Index, Place> places_;
  std::set<Index> survived_;  // views that somebody reached from the one before
  std::set<Index> reformed_;  // that somebody reached from one that is not primary
};

}  // namespace

void check_primary_chain(const History& history, Findings& findings) {
  ChainCheck(history, findings).run();
}

}  // namespace groupcomm::verify
