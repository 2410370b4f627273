// DaemonCore::Machine: whether what other daemons say about the change of the view can be true. The
// codec has seen to it that frames are well-formed; here they are compared with what is known.
#include <algorithm>

#include "daemon/core/machine.h"
#include "membership/view_fits.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using protocol::DaemonMember;

// A member goes on by a value only if it has all that was held and delivered here.
bool fits_member(const ordering::ViewOrdering& ordering, const DaemonId& self,
                 const protocol::ViewChangeValue& value) {
  return membership::is_in(value.next, self) ? ordering.may_end_with(value) : ordering.fits(value);
}

}  // namespace

bool DaemonCore::Machine::refuse_unless(bool fits) {
  if (!fits) ++frames_refused_;
  return fits;
}

// Rule Q1: views that are not primary, and who comes from them, are of the other policy.
bool DaemonCore::Machine::is_of_policy(const protocol::ViewChangeValue& value) const {
  const bool needs_policy = !value.next.primary || !value.arrivals.empty() || value.claim;
  return options_.partitionable || !needs_policy;
}

// A value that leaves the base.
bool DaemonCore::Machine::is_possible(const protocol::ViewChangeValue& value) const {
  if (!is_of_policy(value)) return false;
  return membership::fits(value, change_.base()) &&
         (!is_living() || fits_member(*ordering_, options_.self, value));
}

// A ballot is its proposer's own.
bool DaemonCore::Machine::may_say(const protocol::FrameHeader& header, Rank rank,
                                  const protocol::Ballot& own) {
  return refuse_unless(own.proposer == rank && own.incarnation == header.sender.incarnation &&
                       change_.is_near(own));
}

// Only who is a member by its incarnation, too, lives in the base.
bool DaemonCore::Machine::may_say(const protocol::FrameHeader& header, Rank rank,
                                  const protocol::State& state) {
  const protocol::DaemonView& base = change_.base();
  const bool is_member = base.members[rank].id == header.sender;
  if (state.living && !is_member) return refuse_unless(false);
  if (!membership::fits(state, base)) return refuse_unless(false);
  if (!is_living()) return true;
  if (state.accepted && !fits_member(*ordering_, options_.self, state.accepted->value)) {
    return refuse_unless(false);
  }
  return refuse_unless(!state.living || ordering_->fits(state));
}

bool DaemonCore::Machine::may_say(const protocol::FrameHeader& header, Rank rank,
                                  const protocol::Propose& propose) {
  return may_say(header, rank, propose.ballot) && refuse_unless(is_possible(propose.value));
}

// A decision is told by those who were asked for it or live by it: members of the base, by name,
// since a restarted one votes, and of the next view.
bool DaemonCore::Machine::may_say(const protocol::FrameHeader& header,
                                  const protocol::Install& install) {
  const protocol::DaemonView& base = change_.base();
  const protocol::DaemonView& next = install.value.next;
  const auto has_sender = [&](const protocol::DaemonView& view) {
    return std::any_of(view.members.begin(), view.members.end(), [&](const DaemonMember& member) {
      return member.id.name == header.sender.name;
    });
  };
  if (!has_sender(base) && !has_sender(next)) return refuse_unless(false);
  if (!is_of_policy(install.value)) return refuse_unless(false);
  if (!membership::fits(install.value)) return refuse_unless(false);
  if (install.groups && !membership::fits(*install.groups, next)) return refuse_unless(false);
  if (next.id == base.id && next != base) return refuse_unless(false);
  if (install.value.base != base.id) return true;
  return refuse_unless(is_possible(install.value));
}

}  // namespace groupcomm::daemon
