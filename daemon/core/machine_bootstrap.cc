// DaemonCore::Machine: the operator's word that this component may go on (rule R6).
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"

namespace groupcomm::daemon {
namespace {

std::string list_of(const protocol::DaemonView& view, const std::set<Rank>& ranks, bool listed) {
  std::string names;
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    if (ranks.contains(rank) != listed) continue;
    names += (names.empty() ? "" : ", ") + view.members[rank].id.name;
  }
  return names;
}

}  // namespace

void DaemonCore::Machine::consider_bootstrap(const ClientService::BootstrapWish& wish) {
  const protocol::DaemonView& base = change_.base();
  const std::set<Rank> present = situation().present;
  if (is_living() && !clients_.is_suspended()) {
    return clients_.answer(wish, false, "there is a view, and it has a quorum");
  }
  if (!change_.rank()) {
    return clients_.answer(wish, false,
                           "this daemon was not in the last view that it knows: ask one that was");
  }
  if (!present.contains(*change_.rank())) {
    return clients_.answer(wish, false,
                           "this daemon has no record of the last view: ask one that has");
  }
  if (membership::is_quorum_of(base, present)) {
    return clients_.answer(wish, false, "a quorum is here: a view will come by itself");
  }
  const std::string here = list_of(base, present, true);
  const std::string missing = list_of(base, present, false);
  const std::string last = base.id.counter == 0 ? "the configured daemons" : "the last view";
  if (!wish.of.force) {
    return clients_.answer(wish, true,
                           "of " + last + ", " + here + " would go on without " + missing +
                               ". What only those know would be lost; and if they live and go on "
                               "on their own, there are two clusters of one name");
  }
  PROBE("R6: a view is asked for by force");
  forced_ = true;
  report(true, "an operator forces a view of " + here + " without " + missing);
  forcers_.push_back(wish);
  run_view_change();
}

// There is a view.
void DaemonCore::Machine::answer_forcers() {
  std::set<Rank> all;
  for (Rank rank = 0; rank < view_.members.size(); ++rank) all.insert(rank);
  for (const auto& wish : std::exchange(forcers_, {})) {
    clients_.answer(wish, true, "view " + to_string(view_.id) + " of " + list_of(view_, all, true));
  }
}

// A quorum is back, or the forced view has one.
void DaemonCore::Machine::end_force_where_needless() {
  if (!forced_ || !membership::is_quorum_of(change_.base(), situation().present)) return;
  forced_ = false;
}

}  // namespace groupcomm::daemon
