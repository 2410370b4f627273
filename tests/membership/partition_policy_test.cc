#include "membership/partition_policy.h"

#include <gtest/gtest.h>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using protocol::DaemonView;
using protocol::PrimaryClaim;

// So many daemons with their first records, who know the view as the last primary one.
std::vector<Voter> voters(std::initializer_list<std::size_t> daemons, const DaemonView& last) {
  std::vector<Voter> voters;
  for (const std::size_t i : daemons)
    voters.push_back({daemon_name(i), incarnation_of(i), last.id});
  return voters;
}
DaemonView attempt_of(std::initializer_list<std::size_t> daemons, std::uint64_t counter) {
  DaemonView view = view_of(0, counter);
  for (const std::size_t i : daemons) view.members.push_back(daemon_member(i));
  return view;
}

TEST(PartitionPolicy, NeedsAQuorumOfTheLastPrimaryView) {
  const PrimaryClaim claim{view_of(4), {}};
  EXPECT_TRUE(may_be_primary(claim, voters({1, 2, 3}, claim.last)));
  EXPECT_TRUE(may_be_primary(claim, voters({0, 3}, claim.last)));
  EXPECT_FALSE(may_be_primary(claim, voters({2, 3}, claim.last)));
  EXPECT_FALSE(may_be_primary(claim, voters({0, 8, 9}, claim.last)));
}

TEST(PartitionPolicy, OutvotesWhatMayHaveComeAbout) {
  // d1 and d2 accepted a view with d0, which may live in it by now.
  const PrimaryClaim claim{view_of(5), {attempt_of({0, 1, 2}, 8)}};
  EXPECT_TRUE(may_be_primary(claim, voters({1, 2, 3, 4}, claim.last)));
  EXPECT_FALSE(may_be_primary(claim, voters({2, 3, 4}, claim.last)));
}

TEST(PartitionPolicy, TakesNoMoreAttemptsThanItCanKeep) {
  PrimaryClaim claim{view_of(3), {}};
  while (claim.attempts.size() < protocol::kAttemptsMax) {
    EXPECT_TRUE(may_be_primary(claim, voters({0, 1, 2}, claim.last)));
    claim.attempts.push_back(attempt_of({0, 1, 2}, 8 + claim.attempts.size()));
  }
  EXPECT_FALSE(may_be_primary(claim, voters({0, 1, 2}, claim.last)));
}

TEST(PartitionPolicy, CountsNoRecordThatIsYoungerThanTheMember) {
  const PrimaryClaim claim{view_of(3), {}};
  auto all = voters({0, 1}, claim.last);
  EXPECT_TRUE(may_be_primary(claim, all));
  all[1].since = incarnation_of(1, 2);  // it has lost its record
  EXPECT_FALSE(may_be_primary(claim, all));
  all[1].since = Incarnation{1};  // it restarted with its record
  EXPECT_TRUE(may_be_primary(claim, all));
}

TEST(PartitionPolicy, FormsAClusterOfThoseWithTheSameSeedsOnly) {
  const PrimaryClaim claim{genesis_of(3), {}};
  auto all = voters({0, 1}, claim.last);
  EXPECT_TRUE(may_be_primary(claim, all));
  all[1].last.proposer = Incarnation{4712};
  EXPECT_FALSE(may_be_primary(claim, all));
}

TEST(PartitionPolicy, BelievesWhoeverKnowsOfTheLatestPrimaryView) {
  const PrimaryClaim old{view_of(3, 7), {attempt_of({0, 1}, 8)}};
  const PrimaryClaim later{view_of(3, 9), {attempt_of({1, 2}, 10)}};
  EXPECT_EQ(join_claims(old, later), later);
  EXPECT_EQ(join_claims(later, old), later);
}

// Of five, three formed the view 8 without the other two, or so these believe who left it again,
// and outvoted it by 9; and who lives on in 8 does not know of that.
TEST(PartitionPolicy, KeepsAttemptsThatAreLaterThanTheLatestPrimaryView) {
  const PrimaryClaim left{view_of(5, 7), {attempt_of({0, 3, 4}, 8), attempt_of({1, 2, 3, 4}, 9)}};
  const PrimaryClaim stayed{attempt_of({0, 3, 4}, 8), {}};
  const PrimaryClaim both{attempt_of({0, 3, 4}, 8), {attempt_of({1, 2, 3, 4}, 9)}};
  EXPECT_EQ(join_claims(left, stayed), both);
  EXPECT_EQ(join_claims(stayed, left), both);
  EXPECT_FALSE(may_be_primary(both, voters({0, 3}, both.last)));
}

TEST(PartitionPolicy, OutvotesTheSameMembersOnce) {
  PrimaryClaim claim{view_of(3, 7), {}};
  for (std::uint64_t counter = 8; counter < 200; ++counter) {
    note_attempt(claim, attempt_of({0, 1}, counter));
  }
  EXPECT_EQ(claim.attempts, (std::vector<DaemonView>{attempt_of({0, 1}, 199)}));
}

TEST(PartitionPolicy, ForgetsNoAttemptWithoutKnowingThatThereAreTooMany) {
  PrimaryClaim claim{view_of(3, 7), {}};
  for (std::size_t i = 0; i < protocol::kAttemptsMax + 10; ++i) {
    note_attempt(claim, attempt_of({0, 1, i + 2}, 8 + i));
  }
  EXPECT_EQ(claim.attempts.size(), protocol::kAttemptsMax);
  EXPECT_EQ(claim.attempts.front(), attempt_of({0, 1, 12}, 18));
  EXPECT_FALSE(may_be_primary(claim, voters({0, 1, 2}, claim.last)));
}

TEST(PartitionPolicy, PutsTheAttemptsOfAllTogether) {
  const PrimaryClaim one{view_of(3), {attempt_of({0, 1}, 8), attempt_of({0, 2}, 9)}};
  const PrimaryClaim other{view_of(3), {attempt_of({0, 2}, 9), attempt_of({1, 2}, 10)}};
  const PrimaryClaim both{view_of(3),
                          {attempt_of({0, 1}, 8), attempt_of({0, 2}, 9), attempt_of({1, 2}, 10)}};
  EXPECT_EQ(join_claims(one, other), both);
}

TEST(PartitionPolicy, KeepsToItsOwnSeeds) {
  PrimaryClaim mine{genesis_of(3), {}};
  PrimaryClaim theirs{genesis_of(4), {}};
  theirs.last.id.proposer = Incarnation{9999};
  EXPECT_EQ(join_claims(mine, theirs), mine);
  // Of two sets, the one of which a quorum is there.
  std::vector<Voter> all = voters({0, 1}, mine.last);
  all.push_back({daemon_name(3), incarnation_of(3), theirs.last.id});
  EXPECT_EQ(join_claims({theirs, mine, mine}, all), mine);
}

TEST(PartitionPolicy, RemembersWhatWasAcceptedInThePrimaryViewThatIsLeft) {
  protocol::DurableRecord record;
  record.decided = view_of(3);
  EXPECT_EQ(claim_at_leaving(record), (PrimaryClaim{view_of(3), {}}));
  record.accepted.emplace();
  record.accepted->value.next = attempt_of({0, 1}, 8);
  EXPECT_EQ(claim_at_leaving(record), (PrimaryClaim{view_of(3), {attempt_of({0, 1}, 8)}}));
  record.decided.primary = false;
  record.claim = PrimaryClaim{view_of(5), {}};
  EXPECT_EQ(claim_at_leaving(record), *record.claim);
}

TEST(PartitionPolicy, LetsThePrimaryOneLeadElseTheOneThatWasElseTheLarger) {
  DaemonView primary = view_of(1);
  DaemonView large = view_of(3);
  large.primary = false;
  DaemonView small = view_of(2, 3);
  small.primary = false;
  DaemonView fresh = view_of(5, 1);
  fresh.primary = false;
  fresh.lineage = {};
  DaemonView later = view_of(3, 8);
  later.primary = false;
  EXPECT_TRUE(leads(primary, large));
  EXPECT_TRUE(leads(large, small));
  EXPECT_TRUE(leads(small, fresh));
  EXPECT_TRUE(leads(large, later));
  EXPECT_FALSE(leads(later, large));
  EXPECT_FALSE(leads(large, large));
}

TEST(PartitionPolicy, SeesWhetherTwoViewsShareAMember) {
  EXPECT_FALSE(are_disjoint(view_of(2), attempt_of({1, 2}, 9)));
  EXPECT_TRUE(are_disjoint(view_of(2), attempt_of({2, 3}, 9)));
  DaemonView restarted = view_of(0);
  restarted.members.push_back(daemon_member(1, /*life=*/2));
  EXPECT_TRUE(are_disjoint(view_of(2), restarted));
}

}  // namespace
}  // namespace groupcomm::membership
