#include "membership/partition_policy.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "groupcomm/check.h"
#include "groupcomm/probe.h"
#include "membership/rank_set.h"

namespace groupcomm::membership {

using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::PrimaryClaim;
using protocol::ViewChangeValue;

namespace {

bool has_same_members(const DaemonView& a, const DaemonView& b) { return a.members == b.members; }

}  // namespace

void note_attempt(PrimaryClaim& claim, const DaemonView& attempt) {
  if (attempt.id.counter <= claim.last.id.counter) return;
  // Of those with the same members, one has to be outvoted as much as the other.
  std::vector<DaemonView>& attempts = claim.attempts;
  const auto alike = std::find_if(attempts.begin(), attempts.end(), [&](const DaemonView& mine) {
    return has_same_members(mine, attempt);
  });
  if (alike == attempts.end()) {
    attempts.push_back(attempt);
  } else if (alike->id < attempt.id) {
    *alike = attempt;
  }
  // With so many nobody may be primary. So the earliest are of no account: they are forgotten by
  // whoever knows of a later primary view, and else there are still so many.
  while (attempts.size() > protocol::kAttemptsMax) {
    attempts.erase(std::min_element(
        attempts.begin(), attempts.end(),
        [](const DaemonView& one, const DaemonView& other) { return one.id < other.id; }));
  }
}

PrimaryClaim join_claims(const PrimaryClaim& a, const PrimaryClaim& b) {
  const bool is_none_known = a.last.id.counter == 0 && b.last.id.counter == 0;
  const bool is_b_later = !is_none_known && a.last.id < b.last.id;
  if (a.last.id != b.last.id) PROBE("Q3: somebody knows of a later primary view");
  PrimaryClaim both{.last = is_b_later ? b.last : a.last, .attempts = {}};
  for (const PrimaryClaim* claim : {&a, &b}) {
    for (const DaemonView& attempt : claim->attempts) note_attempt(both, attempt);
  }
  return both;
}

bool have_quorum_of(const DaemonView& view, const std::vector<Voter>& voters) {
  RankSet votes;
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
  if (record.accepted) note_attempt(claim, record.accepted->value.next);
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
