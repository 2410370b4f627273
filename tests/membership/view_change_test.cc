// A living view that changes: deaths, rivals and adoption.
#include "membership/view_change.h"

#include <gtest/gtest.h>

#include "tests/membership/view_change_net.h"

namespace groupcomm::membership {
namespace {

using protocol::DepartedDaemon;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<DaemonId>;
using Frame = ViewChangeNet::Frame;

Ids ids(std::initializer_list<std::size_t> daemons) {
  Ids ids;
  for (const std::size_t i : daemons) ids.push_back(daemon_id(i));
  return ids;
}

TEST(ViewChange, DoesNothingWhileAllAreThere) {
  auto net = ViewChangeNet::living(3);
  net.run_for(seconds(10));
  EXPECT_EQ(net.decided(), std::nullopt);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(net.change(i).ballots_begun(), 0u);
    EXPECT_FALSE(net.change(i).is_flushing());
    EXPECT_EQ(net.change(i).next_deadline(net.situation(net.node(i))), TimePoint::never());
  }
}

TEST(ViewChange, LeavesADeadMemberBehindAtOnce) {
  auto net = ViewChangeNet::living(3);
  net.node(1).messages.held = numbers({4, 9, 2});
  net.node(0).messages.held = numbers({5, 0, 1});
  net.kill(2);
  net.run_for(Duration(0));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1}));
  EXPECT_EQ(value->base, view_of(3).id);
  EXPECT_EQ(value->next.id, (ViewId{8, incarnation_of(0), 1}));
  EXPECT_EQ(value->cut, numbers({5, 9, 2}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(2), LeaveReason::kDaemonLost}}));
  EXPECT_EQ(net.change(0).ballots_begun(), 1u);
  EXPECT_EQ(net.change(1).ballots_begun(), 0u);
}

TEST(ViewChange, LetsTheNextRankBeginWhereRankZeroIsDead) {
  auto net = ViewChangeNet::living(3);
  net.kill(0);
  net.run_for(Duration(0));
  EXPECT_EQ(net.decided_members(), ids({1, 2}));
  EXPECT_EQ(net.change(2).ballots_begun(), 0u);
}

TEST(ViewChange, LetsALaterRankStepInAfterItsTurn) {
  auto net = ViewChangeNet::living(3);
  net.set_filter([](const Frame& frame) { return frame.from != 0; });  // mute, but present
  net.node(2).leaving = true;
  net.run_for(milliseconds(90));
  EXPECT_EQ(net.change(1).ballots_begun(), 0u);
  net.run_for(milliseconds(20));
  EXPECT_EQ(net.change(1).ballots_begun(), 1u);
}

TEST(ViewChange, FreezesWithItsPromise) {
  auto net = ViewChangeNet::living(3);
  net.set_filter(lose(1, "STATE"));
  net.begin_ballot(0);
  EXPECT_TRUE(net.change(0).is_flushing());
  EXPECT_FALSE(net.change(1).is_flushing());
  net.deliver();
  EXPECT_TRUE(net.change(1).is_flushing());
  EXPECT_EQ(net.node(1).record.promised, (protocol::Ballot{1, 0, incarnation_of(0)}));
}

TEST(ViewChange, PullsTheCutBeforeItProposesAndBeforeItAccepts) {
  auto net = ViewChangeNet::living(3);
  for (std::size_t i = 0; i < 2; ++i) net.node(i).can_pull = false;
  net.kill(2);
  net.run_for(milliseconds(100));
  ASSERT_NE(net.change(0).wanted(), nullptr);
  EXPECT_EQ(net.frames(0, "PROPOSE"), 0u);
  net.node(0).can_pull = true;
  net.run_for(milliseconds(100));
  EXPECT_NE(net.frames(0, "PROPOSE"), 0u);
  EXPECT_EQ(net.frames(1, "ACCEPT"), 0u);
  EXPECT_EQ(net.node(1).record.accepted, std::nullopt);
  EXPECT_EQ(net.decided(), std::nullopt);
  net.node(1).can_pull = true;
  net.run_for(milliseconds(150));
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
}

TEST(ViewChange, DecidesNothingWithoutAQuorumAndGoesOnWhenThereIsOne) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {2u, 3u, 4u}) net.cut(a, b);
  }
  net.cut(2, 3);
  net.cut(2, 4);
  net.cut(3, 4);
  net.run_for(seconds(5));
  EXPECT_EQ(net.decided(), std::nullopt);
  EXPECT_GE(net.frames(0, "PREPARE"), 100u);  // asked again and again
  net.heal();
  net.run_for(seconds(6));
  EXPECT_EQ(net.decided_members(), ids({0, 1, 2, 3, 4}));
}

// A switch that is off for some seconds costs these seconds and not the state of those that come
// back last.
TEST(ViewChange, WaitsForAllWhenAQuorumComesBackAfterASuspension) {
  auto net = ViewChangeNet::living(5);
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = a + 1; b < 5; ++b) net.cut(a, b);
  }
  net.run_for(seconds(1));
  for (std::size_t i = 0; i < 5; ++i) net.node(i).suspended = true;
  net.run_for(seconds(4));
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = a + 1; b < 5; ++b) {
      net.heal(a, b);
      net.run_for(milliseconds(10));
    }
  }
  net.run_for(seconds(6));
  EXPECT_EQ(net.decided_members(), ids({0, 1, 2, 3, 4}));
}

TEST(ViewChange, GoesOnWithAQuorumThatCannotReachTheRest) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {2u, 3u, 4u}) net.cut(a, b);
  }
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided_members(), ids({2, 3, 4}));
  EXPECT_TRUE(net.node(0).decided.empty());
  EXPECT_TRUE(net.node(1).decided.empty());
}

// 2 hears all, 0 and 1 do not hear 3 and 4.
void cut_beside_a_bridge(ViewChangeNet& net) {
  for (const std::size_t a : {0u, 1u}) {
    for (const std::size_t b : {3u, 4u}) net.cut(a, b);
  }
}

TEST(ViewChange, StaysWithTheLowerSideOfABridgeWhoeverBegins) {
  for (const std::size_t first : {0u, 1u, 2u, 3u, 4u}) {
    auto net = ViewChangeNet::living(5);
    cut_beside_a_bridge(net);
    net.begin_ballot(first);
    net.run_for(milliseconds(250));
    EXPECT_EQ(net.decided_members(), ids({0, 1, 2})) << first << " began";
  }
}

TEST(ViewChange, TakesTheOtherSideOfABridgeWhereTheLowerOneDoesNotPropose) {
  auto net = ViewChangeNet::living(5);
  cut_beside_a_bridge(net);
  net.set_filter([](const Frame& frame) { return frame.from > 1; });  // 0 and 1 say nothing
  net.begin_ballot(3);
  net.run_for(milliseconds(290));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(20));
  EXPECT_EQ(net.decided_members(), ids({2, 3, 4}));
}

// --- leaving and joining -------------------------------------------------------------------------

TEST(ViewChange, LetsAMemberLeave) {
  auto net = ViewChangeNet::living(3);
  net.node(1).leaving = true;
  net.run_for(milliseconds(300));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 2}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(1), LeaveReason::kLeave}}));
}

TEST(ViewChange, LetsRankZeroLeave) {
  auto net = ViewChangeNet::living(2);
  net.node(0).leaving = true;
  net.run_for(milliseconds(300));
  EXPECT_EQ(net.decided_members(), ids({1}));
}

TEST(ViewChange, TakesAJoinerIn) {
  auto net = ViewChangeNet::living(2);
  net.set_joiner({daemon_member(7), {incarnation_of(0), incarnation_of(1)}});
  net.run_for(milliseconds(300));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 7}));
  EXPECT_TRUE(value->left.empty());
}

// --- death of the proposer in each phase ---------------------------------------------------------

TEST(ViewChange, BeginsAnewWhereTheProposerDiesAfterPrepare) {
  auto net = ViewChangeNet::living(4);
  net.kill(3);
  net.set_filter(lose(0, "PROPOSE"));
  net.run_for(Duration(0));
  EXPECT_EQ(net.frames(1, "STATE"), 1u);
  net.kill(0);
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided(), std::nullopt);  // two of four without rank 0
  auto larger = ViewChangeNet::living(5);
  larger.kill(4);
  larger.set_filter(lose(0, "PROPOSE"));
  larger.run_for(Duration(0));
  larger.kill(0);
  larger.run_for(seconds(1));
  EXPECT_EQ(larger.decided_members(), ids({1, 2, 3}));
}

// Rule F3: somebody may have accepted what a quorum accepted.
TEST(ViewChange, AdoptsWhatTheDeadProposerMayHaveDecided) {
  auto net = ViewChangeNet::living(5);
  net.kill(4);
  net.node(0).messages.held = numbers({7, 0, 0, 0, 0});
  net.set_filter(lose(0, "PROPOSE", {1}));
  net.run_for(Duration(0));
  ASSERT_TRUE(net.node(1).record.accepted.has_value());
  const protocol::ViewChangeValue first = net.node(1).record.accepted->value;
  EXPECT_EQ(ids_in(first.next), ids({0, 1, 2, 3}));
  net.kill(0);
  net.set_filter({});
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided(), first);  // unchanged, with the dead proposer and its messages
}

TEST(ViewChange, DecidesTheSameWhereTheProposerDiesWithItsDecision) {
  auto net = ViewChangeNet::living(5);
  net.kill(4);
  net.run_for(Duration(0));
  const auto first = net.decided();
  ASSERT_TRUE(first.has_value());
  net.kill(0);
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided(), first);
}

TEST(ViewChange, IsFreeWhereNoSurvivorAccepted) {
  auto net = ViewChangeNet::living(5);
  net.kill(4);
  net.set_filter(lose(0, "PROPOSE"));
  net.run_for(Duration(0));
  EXPECT_TRUE(net.node(0).record.accepted.has_value());
  net.kill(0);
  net.run_for(seconds(1));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({1, 2, 3}));
  EXPECT_EQ(value->left.size(), 2u);
}

TEST(ViewChange, AdoptsTheHigherOfTwoAcceptedValues) {
  auto net = ViewChangeNet::living(5);
  // Ballot 1 of daemon 0, accepted by 0 alone; ballot 2 of daemon 4, accepted by 4 and 3.
  net.set_filter(lose(0, "PROPOSE"));
  net.begin_ballot(0);
  net.deliver();
  for (const std::size_t other : {1u, 2u, 3u, 4u}) net.cut(0, other);
  net.set_filter(lose(4, "PROPOSE", {3}));
  net.begin_ballot(4);
  net.deliver();
  net.run_for(Duration(0));
  ASSERT_TRUE(net.node(3).record.accepted.has_value());
  EXPECT_EQ(net.node(3).record.accepted->ballot.round, 2u);
  EXPECT_EQ(net.node(0).record.accepted->ballot.round, 1u);
  const protocol::ViewChangeValue higher = net.node(3).record.accepted->value;
  net.kill(4);
  net.heal();
  net.set_filter({});
  net.run_for(seconds(6));
  EXPECT_EQ(net.decided(), higher);
}

TEST(ViewChange, ProposesNothingOnTheAnswersOfLessThanAQuorum) {
  auto net = ViewChangeNet::living(5);
  net.set_filter(lose(4, "PROPOSE", {1}));
  net.begin_ballot(4);
  net.deliver();
  ASSERT_TRUE(net.node(1).record.accepted.has_value());
  for (const std::size_t i : {2u, 3u, 4u}) net.kill(i);
  net.set_filter({});
  net.run_for(seconds(10));
  EXPECT_NE(net.frames(0, "PREPARE"), 0u);
  EXPECT_EQ(net.frames(0, "PROPOSE"), 0u);
  EXPECT_EQ(net.frames(1, "PROPOSE"), 0u);
}

// --- rivals --------------------------------------------------------------------------------------

TEST(ViewChange, LetsTheHigherOfTwoBallotsWin) {
  auto net = ViewChangeNet::living(5);
  net.kill(4);
  net.begin_ballot(0);
  net.begin_ballot(1);
  net.run_for(seconds(1));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2, 3}));
  EXPECT_EQ(value->next.id.proposer, incarnation_of(1));
}

TEST(ViewChange, RefusesABallotBelowItsPromiseAndSaysWhichItPromised) {
  auto net = ViewChangeNet::living(3);
  net.set_filter([](const Frame&) { return false; });
  net.begin_ballot(1);
  net.deliver();
  ViewChange& member = net.change(1);
  member.on_prepare(net.now(), daemon_id(0), 0, {{1, 0, incarnation_of(0)}},
                    net.situation(net.node(1)), net.node(1).messages);
  const auto answer = member.take_outbound();
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].to, std::vector<std::string>{"d0"});
  ASSERT_TRUE(std::holds_alternative<protocol::BallotRefused>(answer[0].body));
  EXPECT_EQ(std::get<protocol::BallotRefused>(answer[0].body).promised,
            (protocol::Ballot{1, 1, incarnation_of(1)}));
}

TEST(ViewChange, BeginsBeyondTheBallotThatItWasRefusedFor) {
  auto net = ViewChangeNet::living(3);
  net.kill(2);
  net.set_filter([](const Frame&) { return false; });
  net.begin_ballot(0);
  net.deliver();
  net.change(0).on_refused(net.now(), {{5, 1, incarnation_of(1)}}, net.situation(net.node(0)));
  net.set_filter({});
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
  EXPECT_EQ(net.decided()->next.id.round, 6u);
}

TEST(ViewChange, TakesNoHeedOfARefusalOfAnOlderBallot) {
  auto net = ViewChangeNet::living(3);
  net.kill(2);
  net.set_filter([](const Frame&) { return false; });
  net.begin_ballot(0);
  net.deliver();
  net.change(0).on_refused(net.now(), {{1, 0, incarnation_of(0)}}, net.situation(net.node(0)));
  net.set_filter({});
  net.run_for(milliseconds(300));
  EXPECT_EQ(net.change(0).ballots_begun(), 1u);
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
}

TEST(ViewChange, CountsOnlyAcceptsOfItsBallot) {
  auto net = ViewChangeNet::living(3);
  net.set_filter(lose(0, "PROPOSE"));
  net.begin_ballot(0);
  net.deliver();
  const auto situation = net.situation(net.node(0));
  net.change(0).on_accept(net.now(), 1, {{1, 1, incarnation_of(1)}}, situation);
  net.change(0).on_accept(net.now(), 2, {{9, 0, incarnation_of(0)}}, situation);
  EXPECT_EQ(net.change(0).take_decided(), std::nullopt);
  net.change(0).on_accept(net.now(), 1, {{1, 0, incarnation_of(0)}}, situation);
  net.change(0).on_accept(net.now(), 2, {{1, 0, incarnation_of(0)}}, situation);
  EXPECT_NE(net.change(0).take_decided(), std::nullopt);
}

// What a member held before it froze for another ballot is not all that it may deliver.
TEST(ViewChange, CountsOnlyStatesOfItsBallot) {
  auto net = ViewChangeNet::living(3);
  net.set_filter([](const Frame& frame) { return ViewChangeNet::kind_of(frame.body) != "STATE"; });
  net.begin_ballot(0);
  net.deliver();
  const auto situation = net.situation(net.node(0));
  protocol::State state;
  state.living = true;
  state.held = numbers({0, 0, 0});
  state.hears = situation.hears;
  const auto tell = [&](Rank rank, protocol::Ballot ballot) {
    state.ballot = ballot;
    net.change(0).on_state(net.now(), daemon_id(rank), rank, state, situation);
    net.run_for(milliseconds(50));
  };
  tell(1, {1, 1, incarnation_of(1)});
  tell(2, {9, 0, incarnation_of(0)});
  EXPECT_EQ(net.frames(0, "PROPOSE"), 0u);
  tell(1, {1, 0, incarnation_of(0)});
  tell(2, {1, 0, incarnation_of(0)});
  EXPECT_NE(net.frames(0, "PROPOSE"), 0u);
}

// A living member that did not freeze for this ballot may have delivered more than the cut.
TEST(ViewChange, AcceptsNoProposalOfABallotThatItDidNotAnswer) {
  auto net = ViewChangeNet::living(3);
  net.set_filter([](const Frame& frame) {
    return frame.to != 2 || ViewChangeNet::kind_of(frame.body) != "PREPARE";
  });
  net.run_for(Duration(0));
  net.begin_ballot(0);
  net.run_for(milliseconds(1600));
  EXPECT_NE(net.decided(), std::nullopt);
  EXPECT_EQ(net.frames(2, "ACCEPT"), 0u);
  EXPECT_EQ(net.node(2).record.accepted, std::nullopt);
}

TEST(ViewChange, IgnoresTheStateOfAMemberThatCountsAnotherView) {
  auto net = ViewChangeNet::living(3);
  for (const std::size_t i : {1u, 2u}) net.node(i).messages.held.resize(4);
  net.begin_ballot(0);
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided(), std::nullopt);
}

// --- time ----------------------------------------------------------------------------------------

TEST(ViewChange, GivesTheSlowOfThoseThatStayAShortGrace) {
  auto net = ViewChangeNet::living(3);
  net.node(2).can_pull = false;
  net.begin_ballot(0);
  net.run_for(milliseconds(90));
  EXPECT_EQ(net.decided(), std::nullopt);  // a quorum accepted
  net.run_for(milliseconds(20));
  EXPECT_EQ(net.decided_members(), ids({0, 1, 2}));
}

TEST(ViewChange, DoesNotWaitForThoseThatDoNotStay) {
  auto net = ViewChangeNet::living(3);
  net.node(2).leaving = true;
  net.node(2).can_pull = false;
  net.run_for(Duration(0));
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
}

TEST(ViewChange, GoesOnWithoutAMemberThatIsPresentAndDoesNotAnswer) {
  auto net = ViewChangeNet::living(4);
  net.kill(3);
  net.set_filter(lose(2, "STATE"));
  net.run_for(milliseconds(1400));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(200));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(2), LeaveReason::kPartition},
                                                      {daemon_id(3), LeaveReason::kDaemonLost}}));
}

TEST(ViewChange, AsksAgainWhatWasLost) {
  auto net = ViewChangeNet::living(3);
  net.kill(2);
  std::set<std::string> lost;
  net.set_filter([&](const Frame& frame) {
    return !lost.insert(std::to_string(frame.from) + ViewChangeNet::kind_of(frame.body)).second;
  });
  net.run_for(milliseconds(500));
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
  EXPECT_EQ(net.change(0).ballots_begun(), 1u);
}

TEST(ViewChange, BeginsAnewWhereAPhaseDoesNotEnd) {
  auto net = ViewChangeNet::living(3);
  net.node(1).can_pull = false;
  net.kill(2);
  net.run_for(milliseconds(1400));
  EXPECT_EQ(net.change(0).ballots_begun(), 1u);
  net.run_for(milliseconds(300));
  EXPECT_EQ(net.change(0).ballots_begun(), 2u);
  net.node(1).can_pull = true;
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided_members(), ids({0, 1}));
}

TEST(ViewChange, DropsEverythingWithTheNextView) {
  auto net = ViewChangeNet::living(3);
  net.begin_ballot(0);
  net.change(0).begin(view_of(2, 8), /*living=*/true, net.now());
  EXPECT_FALSE(net.change(0).is_flushing());
  EXPECT_EQ(net.change(0).wanted(), nullptr);
  EXPECT_EQ(net.change(0).base(), view_of(2, 8));
  const protocol::DurableRecord expected{
      .decided = view_of(2, 8), .promised = {}, .accepted = std::nullopt};
  EXPECT_EQ(net.change(0).record(), expected);
}

// --- where all must agree (rule Q1) --------------------------------------------------------------

TEST(ViewChange, LeavesOutAMemberThatAnswersAndDoesNotAcceptTwice) {
  auto net = ViewChangeNet::living(4, /*is_side=*/true);
  net.set_filter(lose(1, "ACCEPT"));
  net.kill(3);
  net.run_for(milliseconds(2900));
  EXPECT_EQ(net.decided(), std::nullopt);
  EXPECT_EQ(net.change(0).ballots_begun(), 2u);
  net.run_for(milliseconds(300));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 2}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(1), LeaveReason::kPartition},
                                                      {daemon_id(3), LeaveReason::kDaemonLost}}));
}

TEST(ViewChange, LeavesTheProposalToTheNextWhereTheCutCannotBeHadTwice) {
  auto net = ViewChangeNet::living(4, /*is_side=*/true);
  net.node(0).can_pull = false;
  net.kill(3);
  net.run_for(seconds(5));
  EXPECT_EQ(net.change(0).ballots_begun(), 2u);
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(4500));
  EXPECT_EQ(net.change(0).ballots_begun(), 2u);
  EXPECT_EQ(net.decided_members(), ids({1, 2}));  // nor can it accept what the next proposes
}

}  // namespace
}  // namespace groupcomm::membership
