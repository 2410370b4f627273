// Which component of a partition is the primary one, where all of them go on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "membership/view_choice.h"

namespace groupcomm::membership {

// Under the partitionable policy a component that has lost its quorum goes on in views that are
// not primary, and components come together again. One of these views may become the successor of
// the last primary view [dynamic voting: Jajodia, Mutchler 1990; Yeger Lotem, Keidar, Dolev 1997].
// Nobody need know whether another component has done so before: what each member accepted as a
// successor, and does not know to be undone, has to be outvoted, too (rule Q3).

// It was accepted, and may come about. Counts only where it is later than the last primary view
// that is known: whatever follows that one is.
void note_attempt(protocol::PrimaryClaim& claim, const protocol::DaemonView& attempt);

// What the two know together. Where neither knows of a primary view each keeps to the seeds that it
// is configured with: those of `a` (rule R4).
protocol::PrimaryClaim join_claims(const protocol::PrimaryClaim& a,
                                   const protocol::PrimaryClaim& b);

// A daemon by name, the incarnation that began its record, and the last primary view in it.
struct Voter {
  std::string name;
  Incarnation since;
  ViewId last;
};

// Of the view's members, a quorum votes: by name, with a record that was there before the member
// was (rule R5). For the configured seeds votes only who is configured with the same (rule R4).
bool have_quorum_of(const protocol::DaemonView& view, const std::vector<Voter>& voters);

// What they know together, each by its own claim; of several sets of seeds, one that they may form
// a cluster of. REQUIRES: as many claims as voters, at least one.
protocol::PrimaryClaim join_claims(const std::vector<protocol::PrimaryClaim>& claims,
                                   const std::vector<Voter>& voters);

// They may be the next primary view.
bool may_be_primary(const protocol::PrimaryClaim& claim, const std::vector<Voter>& voters);

// Whether the value needs no quorum, but the agreement of all who stay (rule Q1): it leaves a view
// that is not primary, or leads to one.
bool is_free(const protocol::DaemonView& base, const protocol::ViewChangeValue& value);

// What a daemon knows as it leaves this view for one that is not primary.
protocol::PrimaryClaim claim_at_leaving(const protocol::DurableRecord& record);

// --- components that come together

// Of two components that hear one another, the one that stands first takes the other in (rule Q4):
// the primary one; else one with a lineage; else the larger; else the one of the lower id.
bool leads(const protocol::DaemonView& a, const protocol::DaemonView& b);

// They have no member in common, who would come to the next view from two.
bool are_disjoint(const protocol::DaemonView& a, const protocol::DaemonView& b);

}  // namespace groupcomm::membership
