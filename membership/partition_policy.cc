#include "membership/partition_policy.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "groupcomm/check.h"
#include "groupcomm/probe.h"

namespace groupcomm::membership {

using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::PrimaryClaim;
using protocol::ViewChangeValue;

PrimaryClaim join_claims(const PrimaryClaim& a, const PrimaryClaim& b) {
  const bool is_none_known = a.last.id.counter == 0 && b.last.id.counter == 0;
  if (a.last.id != b.last.id && is_none_known) return a;
  if (a.last.id != b.last.id) {
    // Whoever knows of a later primary view knows that of all attempts before it nothing is left
    // that it does not rest upon.
    PROBE("Q3: somebody knows of a later primary view");
    return a.last.id < b.last.id ? b : a;
  }
  PrimaryClaim both = a;
  for (const DaemonView& attempt : b.attempts) {
    const bool is_known =
        std::any_of(both.attempts.begin(), both.attempts.end(),
                    [&](const DaemonView& mine) { return mine.id == attempt.id; });
    if (!is_known) both.attempts.push_back(attempt);
  }
  return both;
}

bool have_quorum_of(const DaemonView& view, const std::vector<Voter>& voters) {
  std::set<Rank> votes;
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    const DaemonId& id = view.members[rank].id;
    const bool is_there = std::any_of(voters.begin(), voters.end(), [&](const Voter& voter) {
      if (voter.name != id.name) return false;
      return view.id.counter == 0 ? voter.last == view.id : id.incarnation >= voter.since;
    });
    if (is_there) votes.insert(rank);
  }
  return is_quorum_of(view, votes);
}

bool may_be_primary(const PrimaryClaim& claim, const std::vector<Voter>& voters) {
  if (claim.attempts.size() >= protocol::kAttemptsMax) {
    PROBE("Q3: more attempts than can be kept");
    return false;
  }
  if (!have_quorum_of(claim.last, voters)) return false;
  const bool outvotes_all =
      std::all_of(claim.attempts.begin(), claim.attempts.end(),
                  [&](const DaemonView& attempt) { return have_quorum_of(attempt, voters); });
  if (!outvotes_all) PROBE("Q3: an attempt that may have come about stands in the way");
  return outvotes_all;
}

PrimaryClaim join_claims(const std::vector<PrimaryClaim>& claims,
                         const std::vector<Voter>& voters) {
  std::optional<PrimaryClaim> first;
  for (const PrimaryClaim& begin : claims) {
    PrimaryClaim joined = begin;
    for (const PrimaryClaim& claim : claims) joined = join_claims(joined, claim);
    if (joined.last.id.counter > 0 || may_be_primary(joined, voters)) return joined;
    if (!first) first = std::move(joined);
  }
  CHECK(first.has_value());
  return *first;
}

bool is_free(const DaemonView& base, const ViewChangeValue& value) {
  return !base.primary || !value.next.primary;
}

PrimaryClaim claim_at_leaving(const protocol::DurableRecord& record) {
  if (!record.decided.primary) return record.claim.value_or(PrimaryClaim{});
  PrimaryClaim claim{.last = record.decided, .attempts = {}};
  if (record.accepted) claim.attempts.push_back(record.accepted->value.next);
  return claim;
}

bool leads(const DaemonView& a, const DaemonView& b) {
  const auto place = [](const DaemonView& view) {
    return std::tuple(!view.primary, view.lineage == Incarnation{},
                      protocol::kDaemonsMax - view.members.size(), view.id);
  };
  return place(a) < place(b);
}

bool are_disjoint(const DaemonView& a, const DaemonView& b) {
  return std::none_of(a.members.begin(), a.members.end(), [&](const DaemonMember& mine) {
    return std::any_of(b.members.begin(), b.members.end(),
                       [&](const DaemonMember& theirs) { return mine.id == theirs.id; });
  });
}

}  // namespace groupcomm::membership
