// M8 and M14: the views of a group follow from those of the daemons and from one control message
// each; and M9, of those who came along by what their daemons did. Needs the traces of both levels.
#include <algorithm>
#include <optional>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

using Names = std::vector<std::string>;

const record::View& view_of(const Stay& stay) { return std::get<record::View>(*stay.record); }

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::uint64_t place_of(const record::View& view) {
  const auto order = parse_view_order(view.id);
  return order ? std::get<3>(*order) : 0;
}

// The members of `old` at daemons that are still in `daemons`, in their order.
Names staying(const Names& old, const Names& daemons) {
  Names out;
  for (const std::string& member : old) {
    if (contains(daemons, daemon_of(member))) out.push_back(member);
  }
  return out;
}

class GroupViewCheck {
 public:
  GroupViewCheck(const History& daemons, const History& clients, Findings& findings)
      : clients_(clients), findings_(findings) {
    for (const Membership& membership : daemons.memberships()) {
      auto& views = views_of_daemon_[daemons.member_name(membership.member)];
      for (const Stay& stay : membership.stays) {
        views.push_back(&view_of(stay));
        daemon_views_.emplace(view_of(stay).id, stay.record);
        is_partitionable_ = is_partitionable_ || !view_of(stay).primary;
      }
    }
  }

  void run() {
    if (daemon_views_.empty()) return;
    for (const Membership& membership : clients_.memberships()) {
      for (std::size_t i = 0; i < membership.stays.size(); ++i) {
        check_base(membership.stays[i]);
        if (i > 0) check_step(membership, i);
      }
      check_end(membership);
    }
  }

 private:
  void report(const char* property, const std::string& why, const Stay& stay,
              const Record* other = nullptr) {
    findings_.add(property, "view " + view_of(stay).id + " of " + view_of(stay).g + " " + why,
                  {other, stay.record});
  }

  bool has_cut_daemon(const Stay& stay) const {
    return clients_.is_cut(daemon_of(view_of(stay).p));
  }

  // The view of daemons, as one that installed it wrote it down; nullptr: nobody did.
  const record::View* base_of(const Stay& stay) const {
    const auto found = daemon_views_.find(daemon_view_of(view_of(stay).id));
    return found == daemon_views_.end() ? nullptr : &std::get<record::View>(*found->second);
  }

  void check_base(const Stay& stay) {
    const record::View& view = view_of(stay);
    const auto base = daemon_views_.find(daemon_view_of(view.id));
    if (base == daemon_views_.end()) {
      if (has_cut_daemon(stay)) return findings_.leave_open("M14");
      report("M14", "names a view of daemons that none of them installed", stay);
      return;
    }
    const auto& daemons = std::get<record::View>(*base->second);
    if (view.primary != daemons.primary) {
      report("M8", "does not say rightly whether it is primary", stay, base->second);
    }
    if (view.recovered != (daemons.recovered && place_of(view) == 0)) {
      report("M8", "does not say rightly whether it is recovered", stay, base->second);
    }
    for (const std::string& member : view.members) {
      if (contains(daemons.members, daemon_of(member))) continue;
      report("M14", "has " + member + ", whose daemon is not in the view of daemons", stay,
             base->second);
    }
  }

  void check_step(const Membership& membership, std::size_t i) {
    const Stay& before = membership.stays[i - 1];
    const Stay& after = membership.stays[i];
    if (daemon_view_of(view_of(before).id) == daemon_view_of(view_of(after).id)) {
      check_control(membership.group, before, after);
    } else {
      check_flush(membership.group, before, after);
    }
  }

  // Within a view of daemons, a group's view changes by one join at the end or one leave.
  void check_control(Index group, const Stay& before, const Stay& after) {
    const record::View& old = view_of(before);
    const record::View& view = view_of(after);
    Names expected = old.members;
    if (clients_.is_flush(group)) {
      // All that was announced before its members held back makes one view; perhaps nothing is
      // left of it.
      for (const record::Left& left : view.left) std::erase(expected, left.member);
      expected.insert(expected.end(), view.joined.begin(), view.joined.end());
    } else if (view.joined.size() == 1 && view.left.empty()) {
      expected.push_back(view.joined.front());
    } else if (view.joined.empty() && view.left.size() == 1) {
      std::erase(expected, view.left.front().member);
    } else {
      report("M14", "has more than one change, or none", after, before.record);
      return;
    }
    if (expected != view.members) {
      report("M14", "does not follow from the one before and its change", after, before.record);
    }
    if (place_of(view) == 0) report("M14", "has no place of a control message", after);
  }

  // With a view of daemons, just the clients of lost daemons are missing, all at once.
  void check_flush(Index group, const Stay& before, const Stay& after) {
    const record::View* base = base_of(after);
    if (base == nullptr) return;
    const record::View& view = view_of(after);
    if (place_of(view) != 0) {
      report("M14", "is the first in a view of daemons, but not the one that came with it", after,
             before.record);
    }
    Names expected = staying(view_of(before).members, base->members);
    Names found = view.members;
    const record::View* old_base = base_of(before);
    if (old_base == nullptr) return;
    // Where two components come together there are members of the other one, too.
    if (is_partitionable_) {
      std::erase_if(found, [&](const std::string& member) {
        return contains(view.joined, member) && !contains(old_base->members, daemon_of(member));
      });
    }
    const bool is_apart = base->recovered || !base->primary || !old_base->primary;
    if (is_apart || clients_.is_flush(group)) set_aside_changes(view, expected, found);
    if (found != expected) {
      report("M14", "is not what the view of daemons leaves of the one before", after,
             before.record);
    }
    check_daemon_step(before, after);
    check_companions(before, after);
  }

  // Whether the daemon came from the one view of daemons to the other. Nothing: nobody knows.
  std::optional<bool> has_come(std::string_view daemon, const Stay& before,
                               const Stay& after) const {
    const auto views = views_of_daemon_.find(daemon);
    if (views == views_of_daemon_.end()) return std::nullopt;
    const std::string_view from = daemon_view_of(view_of(before).id);
    const std::string_view to = daemon_view_of(view_of(after).id);
    const record::View* last = nullptr;
    for (const record::View* view : views->second) {
      if (view->id == to) return last != nullptr && last->id == from;
      last = view;
    }
    return std::nullopt;
  }

  // M9, also of those who wrote no trace: a member comes along with its daemon.
  void check_companions(const Stay& before, const Stay& after) {
    const record::View& view = view_of(after);
    if (!has_come(daemon_of(view.p), before, after).value_or(false)) return;
    for (const std::string& member : view_of(before).members) {
      if (!contains(view.members, member)) continue;
      const auto along = has_come(daemon_of(member), before, after);
      if (!along || *along == contains(view.transitional, member)) continue;
      report("M9",
             *along ? "does not say that " + member + " came along, as its daemon did"
                    : "says that " + member + " came along, whose daemon did not",
             after, before.record);
    }
  }

  // A recovered view of daemons brings the joins and leaves with it of which only a quorum that
  // died may have made views, and so does each side of a partition; and any view those for which
  // members of a flush group were holding back: the joined stand at the end.
  static void set_aside_changes(const record::View& view, Names& expected, Names& found) {
    for (const record::Left& left : view.left) std::erase(expected, left.member);
    while (!found.empty() && contains(view.joined, found.back())) found.pop_back();
  }

  // The member's daemon came directly from the one view of daemons to the other.
  void check_daemon_step(const Stay& before, const Stay& after) {
    const auto views = views_of_daemon_.find(daemon_of(view_of(after).p));
    if (views == views_of_daemon_.end()) return;
    const auto is_base = [&](const Stay& stay) {
      return [id = daemon_view_of(view_of(stay).id)](const record::View* view) {
        return view->id == id;
      };
    };
    const auto& steps = views->second;
    const auto old_base = std::find_if(steps.begin(), steps.end(), is_base(before));
    const auto new_base = std::find_if(steps.begin(), steps.end(), is_base(after));
    const bool are_known = old_base != steps.end() && new_base != steps.end();
    if (are_known && new_base == old_base + 1) return;
    if (!are_known && has_cut_daemon(after)) return findings_.leave_open("M14");
    report("M14", "and the one before do not follow those of its daemon", after, before.record);
  }

  // Every view of daemons gives every group a view.
  void check_end(const Membership& membership) {
    if (!clients_.is_complete(membership, membership.stays.size() - 1)) return;
    const Stay& last = membership.stays.back();
    const auto views = views_of_daemon_.find(daemon_of(view_of(last).p));
    if (views == views_of_daemon_.end() || views->second.empty()) return;
    if (views->second.back()->id == daemon_view_of(view_of(last).id)) return;
    report("M14", "is the last, but its daemon has installed a later one", last);
  }

  const History& clients_;
  Findings& findings_;
  std::map<std::string, std::vector<const record::View*>, std::less<>> views_of_daemon_;
  std::map<std::string, const Record*, std::less<>> daemon_views_;  // by id
  bool is_partitionable_ = false;
};

}  // namespace

void check_group_views(const History& daemons, const History& clients, Findings& findings) {
  GroupViewCheck(daemons, clients, findings).run();
}

}  // namespace groupcomm::verify
