// DaemonCore::Machine: lineages, and what is said across them (rules P1 and R7).
#include <algorithm>
#include <vector>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using membership::contains;
using protocol::DaemonView;

// The view that a frame says is decided.
const DaemonView* decided_by(const protocol::PeerBody& body) {
  if (const auto* install = std::get_if<protocol::Install>(&body)) return &install->value.next;
  const auto* beacon = std::get_if<protocol::Beacon>(&body);
  return beacon != nullptr && beacon->decided ? &*beacon->decided : nullptr;
}

bool is_from_outside(const protocol::PeerBody& body) {
  const auto* beacon = std::get_if<protocol::Beacon>(&body);
  return beacon != nullptr && !beacon->active;
}

}  // namespace

bool DaemonCore::Machine::is_of_our_lineage(const protocol::FrameHeader& header,
                                            const protocol::PeerBody& body) {
  const DaemonView& base = change_.base();
  if (base.lineage == Incarnation{}) return true;
  const auto is_ours = [&](Incarnation lineage) {
    return lineage == Incarnation{} || lineage == base.lineage;
  };
  const DaemonView* decided = decided_by(body);
  if (is_ours(header.lineage) && (decided == nullptr || is_ours(decided->lineage))) return true;
  if (decided == nullptr) {
    // Who is behind is answered by the newest decision; all else of an ancestor counts no more.
    if (contains(base.ancestors, header.lineage) && header.view < base.id) return true;
  } else {
    const auto& accepted = change_.record().accepted;
    if (accepted && accepted->value.next == *decided) return true;  // it was agreed to here
    if (goes_over_to(*decided, !is_from_outside(body))) return true;
  }
  PROBE("E41: a frame of another lineage");
  if (contains(base.ancestors, header.lineage) && is_from_outside(body)) {
    tell_forebear(header.sender, std::get<protocol::Beacon>(body).address);
  } else if (kin_heard_ != now_) {
    report_foreigner(header.sender);
  }
  return false;
}

// Rule R7: it is about to recover a view that was given up, and needs to know. Nobody here may have
// known it any more.
void DaemonCore::Machine::tell_forebear(const DaemonId& id, const std::string& address) {
  if (!connected_.contains(id.name) && connected_.size() >= kConnectedMax) return;
  connect(id.name, address);
  if (!forebears_told_.take(now_, id.incarnation)) return;
  PROBE("R7: one of an ancestor is told of its descendants");
  send({id.name}, protocol::Lane::kControl, view_.id, beacon());
}

void DaemonCore::Machine::report_foreigner(const DaemonId& id) {
  if (foreign_.size() >= kForeignMax || !foreign_.insert(id.incarnation).second) return;
  report(true, to_string(id) + " belongs to a cluster of this name that was formed " +
                   "apart from this one: what it says is dropped, until one of the two starts " +
                   "again with an empty state directory");
}

// Rule R7. Who has messages stays with them as long as there is hope, and goes over to those only
// who go on; who has none defers to what an operator decided, but for a view of its own lineage.
// Either way it looks around for a time-out before.
bool DaemonCore::Machine::goes_over_to(const DaemonView& decided, bool active) {
  const DaemonView& base = change_.base();
  if (decided.id.counter <= base.id.counter || !contains(decided.ancestors, base.lineage)) {
    return false;
  }
  const bool has_own =
      is_living() ? !active || !clients_.is_suspended() ||
                        membership::is_quorum_of(base, situation().present)
                  : std::any_of(strangers_.begin(), strangers_.end(), [&](const auto& entry) {
                      const protocol::Beacon& beacon = entry.second.beacon;
                      return beacon.active && is_fresh(entry.second) && beacon.decided &&
                             beacon.decided->lineage == base.lineage;
                    });
  if (has_own) {
    PROBE("R7: a lineage that descends from this one is not followed");
    kin_heard_.reset();
    return false;
  }
  if (!hears_kin()) kin_since_ = now_;
  kin_heard_ = now_;
  if (now_ - kin_since_ < options_.suspect) return false;
  PROBE("R7: a daemon goes over to a lineage that descends from its own");
  return true;
}

// Of late, a lineage which this daemon would follow.
bool DaemonCore::Machine::hears_kin() const {
  return kin_heard_ && now_ - *kin_heard_ < options_.suspect;
}

}  // namespace groupcomm::daemon
