#include "membership/view_agreement.h"

#include <gtest/gtest.h>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using protocol::Ballot;

Ballot ballot(std::uint64_t round, Rank proposer = 0) {
  return {round, proposer, incarnation_of(proposer)};
}
protocol::ViewChangeValue value(std::uint64_t counter) {
  protocol::ViewChangeValue value;
  value.next = view_of(2, counter);
  return value;
}
ViewAgreement agreement_of(std::size_t size) {
  return ViewAgreement({.decided = view_of(size), .promised = {}, .accepted = std::nullopt});
}

TEST(ViewAgreement, BeginsWithNothingPromised) {
  const ViewAgreement agreement = agreement_of(3);
  EXPECT_FALSE(agreement.has_promised());
  EXPECT_EQ(agreement.accepted(), std::nullopt);
  EXPECT_EQ(agreement.base(), view_of(3));
}

TEST(ViewAgreement, PromisesOnlyUpwards) {
  ViewAgreement agreement = agreement_of(3);
  EXPECT_TRUE(agreement.promise(ballot(2, 1)));
  EXPECT_TRUE(agreement.has_promised());
  EXPECT_FALSE(agreement.may_promise(ballot(1, 2)));
  EXPECT_FALSE(agreement.may_promise(ballot(2, 0)));
  EXPECT_TRUE(agreement.may_promise(ballot(2, 2)));
  EXPECT_TRUE(agreement.may_promise(ballot(3, 0)));
}

TEST(ViewAgreement, TakesAnEqualBallotAsTheSameQuestion) {
  ViewAgreement agreement = agreement_of(3);
  agreement.promise(ballot(2));
  EXPECT_TRUE(agreement.may_promise(ballot(2)));
  EXPECT_FALSE(agreement.promise(ballot(2)));
  EXPECT_EQ(agreement.promised(), ballot(2));
}

TEST(ViewAgreement, TellsTheLivesOfAProposerApart) {
  ViewAgreement agreement = agreement_of(3);
  agreement.promise({2, 1, incarnation_of(1, 2)});
  EXPECT_FALSE(agreement.may_promise({2, 1, incarnation_of(1, 1)}));
}

TEST(ViewAgreement, AcceptsNothingBelowItsPromise) {
  ViewAgreement agreement = agreement_of(3);
  agreement.promise(ballot(5));
  EXPECT_FALSE(agreement.may_accept(ballot(4)));
  EXPECT_TRUE(agreement.may_accept(ballot(5)));
  EXPECT_TRUE(agreement.accept(ballot(5), value(8)));
  EXPECT_EQ(agreement.accepted(), (protocol::AcceptedValue{ballot(5), value(8)}));
  EXPECT_FALSE(agreement.accept(ballot(5), value(8)));
}

TEST(ViewAgreement, PromisesWhatItAccepts) {
  ViewAgreement agreement = agreement_of(3);
  agreement.accept(ballot(5), value(8));
  EXPECT_EQ(agreement.promised(), ballot(5));
  EXPECT_FALSE(agreement.may_promise(ballot(4)));
}

TEST(ViewAgreement, ReplacesAnAcceptedValueByThatOfAHigherBallot) {
  ViewAgreement agreement = agreement_of(3);
  agreement.accept(ballot(5), value(8));
  agreement.promise(ballot(6));
  EXPECT_EQ(agreement.accepted()->value, value(8));
  EXPECT_TRUE(agreement.accept(ballot(6), value(9)));
  EXPECT_EQ(agreement.accepted()->value, value(9));
}

TEST(ViewAgreement, BeginsAnewWithTheNextView) {
  ViewAgreement agreement = agreement_of(3);
  agreement.accept(ballot(5), value(8));
  agreement.decide(view_of(2, 8));
  const protocol::DurableRecord expected{
      .decided = view_of(2, 8), .promised = {}, .accepted = std::nullopt};
  EXPECT_EQ(agreement.record(), expected);
}

TEST(ViewAgreement, GoesOnFromItsRecordAfterARestart) {
  ViewAgreement before = agreement_of(3);
  before.accept(ballot(5), value(8));
  const ViewAgreement after(before.record());
  EXPECT_EQ(after.accepted(), before.accepted());
  EXPECT_FALSE(after.may_promise(ballot(4)));
}

TEST(ViewAgreementDeathTest, BreaksNoPromiseAndGoesBackToNoView) {
  ViewAgreement agreement = agreement_of(3);
  agreement.promise(ballot(5));
  EXPECT_DEATH(agreement.promise(ballot(4)), "CHECK failed");
  EXPECT_DEATH(agreement.accept(ballot(4), value(8)), "CHECK failed");
  EXPECT_DEATH(agreement.decide(view_of(3, 7)), "CHECK failed");
}

protocol::ViewChangeValue free_value(bool primary) {
  protocol::ViewChangeValue value;
  value.base = view_of(3).id;
  value.next = view_of(2, 8);
  value.next.primary = primary;
  value.claim = protocol::PrimaryClaim{view_of(5, 4), {}};
  return value;
}

TEST(ViewAgreement, NotesWhatMayBecomePrimary) {
  protocol::DaemonView side = view_of(3);
  side.primary = false;
  ViewAgreement agreement({.decided = side,
                           .promised = {},
                           .accepted = std::nullopt,
                           .since = {},
                           .claim = protocol::PrimaryClaim{view_of(5, 3), {view_of(4, 6)}}});
  const protocol::Ballot ballot{.round = 1, .proposer = 0, .incarnation = incarnation_of(0)};
  EXPECT_TRUE(agreement.accept_freely(ballot, free_value(/*primary=*/true)));
  // It learns of a later primary view than it knew; what is later still counts.
  EXPECT_EQ(agreement.record().claim,
            (protocol::PrimaryClaim{view_of(5, 4), {view_of(4, 6), free_value(true).next}}));
  EXPECT_EQ(agreement.accepted(), std::nullopt);
  EXPECT_FALSE(agreement.accept_freely(ballot, free_value(/*primary=*/true)));
  // Nothing came of it: it goes on with others, and still knows.
  protocol::DaemonView other = view_of(1, 9);
  other.primary = false;
  agreement.decide(other);
  EXPECT_EQ(agreement.record().claim,
            (protocol::PrimaryClaim{view_of(5, 4), {view_of(4, 6), free_value(true).next}}));
  // It came about.
  agreement.decide(view_of(2, 10));
  EXPECT_EQ(agreement.record().claim, std::nullopt);
}

// Rule Q3: the decision of an earlier ballot may be told late.
TEST(ViewAgreement, GoesToNoViewThatItHasHelpedToOutvote) {
  protocol::DaemonView side = view_of(3);
  side.primary = false;
  ViewAgreement agreement({.decided = side,
                           .promised = {},
                           .accepted = std::nullopt,
                           .since = {},
                           .claim = protocol::PrimaryClaim{view_of(5, 3), {}}});
  const protocol::DaemonView earlier = view_of(3, 8);
  protocol::ViewChangeValue later = free_value(/*primary=*/true);
  later.next = view_of(2, 9);
  protocol::ViewChangeValue sooner = free_value(/*primary=*/true);
  sooner.next = earlier;
  agreement.accept_freely(ballot(1), sooner);
  EXPECT_FALSE(agreement.has_outvoted(earlier));
  agreement.accept_freely(ballot(2), later);
  EXPECT_TRUE(agreement.has_outvoted(earlier));
  EXPECT_FALSE(agreement.has_outvoted(later.next));
  protocol::DaemonView other = earlier;
  other.primary = false;
  EXPECT_FALSE(agreement.has_outvoted(other));
}

TEST(ViewAgreement, IsNotBoundByAViewThatIsNotPrimary) {
  ViewAgreement agreement({.decided = view_of(3),
                           .promised = {},
                           .accepted = std::nullopt,
                           .since = {},
                           .claim = std::nullopt});
  const protocol::Ballot ballot{.round = 1, .proposer = 0, .incarnation = incarnation_of(0)};
  EXPECT_TRUE(agreement.accept_freely(ballot, free_value(/*primary=*/false)));
  EXPECT_EQ(agreement.accepted(), std::nullopt);
  EXPECT_EQ(agreement.record().claim, std::nullopt);
  EXPECT_EQ(agreement.promised(), ballot);
}

// Rule Q1: one that goes on with others after it gave up a decision knows what it accepted since.
TEST(ViewAgreement, RemembersWhatItAcceptsAfterADecisionThatItGaveUp) {
  ViewAgreement agreement = agreement_of(3);
  protocol::DaemonView side = view_of(1, 8);
  side.primary = false;
  agreement.accept_freely(ballot(1), free_value(/*primary=*/false));
  agreement.forgo(side);
  agreement.accept(ballot(3), value(8));
  side.id.counter = 9;
  agreement.learn(protocol::PrimaryClaim{view_of(3), {}});
  agreement.decide(side);
  EXPECT_EQ(agreement.record().claim, (protocol::PrimaryClaim{view_of(3), {value(8).next}}));
}

// Rule Q1: a decision that cannot be carried out here may have come about elsewhere.
TEST(ViewAgreement, NotesTheDecisionThatItGivesUpWhereThatIsPrimary) {
  ViewAgreement agreement = agreement_of(3);
  protocol::DaemonView decided = view_of(2, 8);
  decided.primary = false;
  agreement.forgo(decided);
  EXPECT_EQ(agreement.record().claim, std::nullopt);
  agreement.forgo(view_of(2, 8));
  EXPECT_EQ(agreement.record().claim, (protocol::PrimaryClaim{view_of(3), {view_of(2, 8)}}));
  agreement.forgo(view_of(1, 9));
  EXPECT_EQ(agreement.record().claim,
            (protocol::PrimaryClaim{view_of(3), {view_of(2, 8), view_of(1, 9)}}));
}

}  // namespace
}  // namespace groupcomm::membership
