#include "membership/view_choice.h"
#include "membership/rank_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "membership/view_fits.h"
#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using protocol::DepartedDaemon;
using protocol::MessageReference;
using protocol::ViewChangeValue;
using Ids = std::vector<DaemonId>;

// A ballot of daemon 0 over a view, with living members that hear one another.
class ViewChoiceTest : public ::testing::Test {
 protected:
  void begin(std::size_t size) {
    base = view_of(size);
    for (std::size_t i = 0; i < size; ++i) answer(i);
  }
  void answer(std::size_t i) {
    Answer& made = answers[static_cast<Rank>(i)];
    made.from = base.members[i].id;
    made.state.living = true;
    made.state.held.resize(base.members.size());
    made.state.first_place = OrderNumber{1};
    made.state.address = "tcp://" + daemon_name(i);
    for (const auto& member : base.members) made.state.hears.push_back(member.id.incarnation);
  }
  // Members that did not answer, and are not heard.
  void kill(std::initializer_list<Rank> ranks) {
    for (const Rank rank : ranks) {
      answers.erase(rank);
      silent.insert(rank);
    }
  }
  // The link between two members is broken, in one direction only.
  void deafen(Rank deaf, Rank to) {
    std::erase(answers.at(deaf).state.hears, base.members[to].id.incarnation);
  }
  void cut(Rank a, Rank b) {
    deafen(a, b);
    deafen(b, a);
  }
  void restart(std::size_t i) {
    Answer& made = answers[static_cast<Rank>(i)];
    made.from = daemon_id(i, 2);
    made.state.living = false;
    made.state.held.clear();
    for (auto& [rank, other] : answers) other.state.hears.push_back(made.from.incarnation);
  }
  // A daemon outside that all hear and that hears all.
  Joiner& add_joiner(std::size_t i, std::uint64_t life = 1) {
    Joiner joiner{.member = daemon_member(i, life), .hears = {}};
    for (auto& [rank, made] : answers) {
      made.state.hears.push_back(joiner.member.id.incarnation);
      joiner.hears.push_back(made.from.incarnation);
    }
    joiners.push_back(joiner);
    return joiners.back();
  }
  void hold(Rank rank, const std::vector<std::uint64_t>& held) {
    answers.at(rank).state.held = numbers(held);
  }
  void know(Rank rank, std::uint64_t first, const std::vector<MessageReference>& places) {
    answers.at(rank).state.first_place = OrderNumber{first};
    answers.at(rank).state.places = places;
  }

  std::optional<ViewChangeValue> choose() const {
    return choose_value({.base = base,
                         .answers = answers,
                         .joiners = joiners,
                         .silent = silent,
                         .ballot = {.round = 3, .proposer = 0, .incarnation = incarnation_of(0)},
                         .parts_with_living = parts_with_living});
  }
  // The link between a living member and one that restarted, or between two of these.
  void part(Rank a, Rank b) {
    std::erase(answers.at(a).state.hears, answers.at(b).from.incarnation);
    std::erase(answers.at(b).state.hears, answers.at(a).from.incarnation);
  }
  Ids chosen() const {
    const auto value = choose();
    return value ? ids_in(value->next) : Ids{};
  }
  static Ids ids(std::initializer_list<std::size_t> daemons) {
    Ids ids;
    for (const std::size_t i : daemons) ids.push_back(daemon_id(i));
    return ids;
  }

  protocol::DaemonView base;
  Answers answers;
  std::vector<Joiner> joiners;
  RankSet silent;
  bool parts_with_living = false;
};

// --- who is in -----------------------------------------------------------------------------------

TEST_F(ViewChoiceTest, KeepsAllThatAnsweredAndHearOneAnother) {
  begin(3);
  EXPECT_EQ(chosen(), ids({0, 1, 2}));
}

TEST_F(ViewChoiceTest, NamesTheNextViewAfterTheBallot) {
  begin(3);
  kill({2});
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->base, base.id);
  EXPECT_EQ(value->next.id, (ViewId{8, incarnation_of(0), 3}));
  EXPECT_EQ(value->next.lineage, base.lineage);
  EXPECT_TRUE(value->next.primary);
  EXPECT_FALSE(value->recovered);
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(2), LeaveReason::kDaemonLost}}));
}

TEST_F(ViewChoiceTest, ChoosesNothingWithoutAQuorum) {
  begin(5);
  kill({0, 1, 2});
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ViewChoiceTest, TakesHalfOnlyWithRankZero) {
  begin(4);
  kill({2, 3});
  EXPECT_EQ(chosen(), ids({0, 1}));
  begin(4);
  kill({0, 1});
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ViewChoiceTest, CountsAOneWayLinkAsNone) {
  begin(3);
  deafen(2, 1);
  EXPECT_EQ(chosen(), ids({0, 1}));
}

// Two halves that both hear one member in the middle, which must choose a side.
TEST_F(ViewChoiceTest, TakesOneSideOfABridge) {
  begin(5);
  for (const Rank a : {0u, 1u}) {
    for (const Rank b : {3u, 4u}) cut(a, b);
  }
  EXPECT_EQ(chosen(), ids({0, 1, 2}));
}

TEST_F(ViewChoiceTest, HasNoViewOutOfARingWhereNoMajorityHearsOneAnother) {
  begin(5);
  for (Rank rank = 0; rank < 5; ++rank) cut(rank, (rank + 2) % 5);
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ViewChoiceTest, BreaksTiesForTheLowestRanks) {
  begin(3);
  cut(1, 2);
  EXPECT_EQ(chosen(), ids({0, 1}));
  begin(3);
  cut(0, 1);
  EXPECT_EQ(chosen(), ids({0, 2}));
}

TEST_F(ViewChoiceTest, PrefersTheLargerSetToTheLowerRanks) {
  begin(5);
  for (const Rank rank : {1u, 2u, 3u}) cut(0, rank);
  EXPECT_EQ(chosen(), ids({1, 2, 3, 4}));
}

TEST_F(ViewChoiceTest, FindsAMajorityAlsoInALargeView) {
  begin(20);
  for (Rank a = 0; a < 20; ++a) {
    for (Rank b = 14; b < 20; ++b) {
      if (a < b && a < 14) cut(a, b);
    }
  }
  Ids expected;
  for (std::size_t i = 0; i < 14; ++i) expected.push_back(daemon_id(i));
  EXPECT_EQ(chosen(), expected);
}

TEST_F(ViewChoiceTest, SaysWhyEveryoneLeft) {
  begin(7);
  kill({1});
  answers.erase(2);  // heard, but it did not answer
  for (const Rank rank : {0u, 4u, 5u, 6u}) cut(3, rank);
  answers.at(4).state.leaving = true;
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 5, 6}));
  const std::vector<DepartedDaemon> expected{{daemon_id(1), LeaveReason::kDaemonLost},
                                             {daemon_id(2), LeaveReason::kPartition},
                                             {daemon_id(3), LeaveReason::kPartition},
                                             {daemon_id(4), LeaveReason::kLeave}};
  EXPECT_EQ(value->left, expected);
}

TEST_F(ViewChoiceTest, CountsLeaversForTheQuorumThatLetsTheOthersGoOn) {
  begin(3);
  kill({2});
  answers.at(0).state.leaving = true;
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({1}));
  const std::vector<DepartedDaemon> expected{{daemon_id(0), LeaveReason::kLeave},
                                             {daemon_id(2), LeaveReason::kDaemonLost}};
  EXPECT_EQ(value->left, expected);
}

TEST_F(ViewChoiceTest, NeedsNoViewWhenAllLeave) {
  begin(2);
  for (auto& [rank, answer] : answers) answer.state.leaving = true;
  EXPECT_EQ(choose(), std::nullopt);
}

// --- joiners -------------------------------------------------------------------------------------

TEST_F(ViewChoiceTest, TakesAJoinerThatAllHearAndThatHearsAll) {
  begin(2);
  add_joiner(5);
  EXPECT_EQ(chosen(), ids({0, 1, 5}));
  EXPECT_TRUE(choose()->left.empty());
}

TEST_F(ViewChoiceTest, LeavesOutAJoinerThatOneDoesNotHear) {
  begin(2);
  add_joiner(5);
  std::erase(answers.at(1).state.hears, incarnation_of(5));
  EXPECT_EQ(chosen(), ids({0, 1}));
}

TEST_F(ViewChoiceTest, LeavesOutAJoinerThatDoesNotHearOne) {
  begin(2);
  std::erase(add_joiner(5).hears, incarnation_of(1));
  EXPECT_EQ(chosen(), ids({0, 1}));
}

TEST_F(ViewChoiceTest, TakesAtMostAsManyJoinersAsSurvivors) {
  begin(2);
  for (const std::size_t i : {5u, 6u, 7u}) add_joiner(i);
  EXPECT_EQ(choose()->next.members.size(), 4u);
}

TEST_F(ViewChoiceTest, TakesNoJoinerUnderTheNameOfAMember) {
  begin(3);
  add_joiner(1, 2);
  EXPECT_EQ(chosen(), ids({0, 1, 2}));
}

TEST_F(ViewChoiceTest, TakesTheNewIncarnationOfALostMember) {
  begin(3);
  kill({1});
  add_joiner(1, 2);
  const auto value = choose();
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(0), daemon_id(2), daemon_id(1, 2)}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(1), LeaveReason::kDaemonLost}}));
}

TEST_F(ViewChoiceTest, TakesTheLaterOfTwoJoinersOfOneName) {
  begin(3);
  add_joiner(5, 1);
  add_joiner(5, 2);
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(1), daemon_id(2), daemon_id(5, 2)}));
}

// Rule P6.
TEST_F(ViewChoiceTest, CountsNoFurtherThanTheLastNumber) {
  begin(2);
  base.id.counter = kCountMax - 1;
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->next.id.counter, kCountMax);
  EXPECT_TRUE(fits(*value, base));
  base.id.counter = kCountMax;
  EXPECT_EQ(choose(), std::nullopt);
}

// Rule P5.
TEST_F(ViewChoiceTest, TakesNoJoinerWithTheIncarnationOfAnother) {
  begin(3);
  add_joiner(5).member.id.incarnation = daemon_id(1).incarnation;
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(1), daemon_id(2)}));
  add_joiner(6);
  add_joiner(6).member.id.name = "another";
  EXPECT_EQ(chosen().size(), 4u);
}

TEST_F(ViewChoiceTest, TakesOneOfTwoMembersThatCameBackWithOneIncarnation) {
  begin(3);
  restart(1);
  restart(2);
  const Incarnation same = answers.at(1).from.incarnation;
  answers.at(2).from.incarnation = same;
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(1, 2)}));
}

TEST_F(ViewChoiceTest, GrowsNoViewBeyondTheLargest) {
  begin(protocol::kDaemonsMax - 1);
  add_joiner(70);
  add_joiner(71);
  EXPECT_EQ(choose()->next.members.size(), protocol::kDaemonsMax);
}

// --- records -------------------------------------------------------------------------------------

TEST_F(ViewChoiceTest, PutsMembersThatRestartedBehindTheLiving) {
  begin(3);
  restart(0);
  const auto value = choose();
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(1), daemon_id(2), daemon_id(0, 2)}));
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(0), LeaveReason::kDaemonLost}}));
  EXPECT_FALSE(value->recovered);
}

// Also where it has the lower rank: it does not have the messages any more.
TEST_F(ViewChoiceTest, PrefersALivingMemberToOneThatRestarted) {
  begin(3);
  restart(0);
  std::erase(answers.at(1).state.hears, daemon_id(0, 2).incarnation);
  const auto value = choose();
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(1), daemon_id(2)}));
  EXPECT_FALSE(value->recovered);
}

TEST_F(ViewChoiceTest, TakesTheLargestSetOfThoseThatRestarted) {
  begin(6);
  kill({5});
  for (const std::size_t i : {2u, 3u, 4u}) restart(i);
  part(2, 3);
  part(2, 4);
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(1), daemon_id(3, 2), daemon_id(4, 2)}));
}

// One that is half cut off must not keep the others from a quorum for ever by being alive.
TEST_F(ViewChoiceTest, LeavesOutALivingMemberOnlyForAQuorumAndOnlyLate) {
  begin(5);
  for (const std::size_t i : {2u, 3u, 4u}) restart(i);
  for (const Rank rank : {2u, 3u, 4u}) part(1, rank);
  hold(0, {1, 2, 0, 0, 0});
  hold(1, {0, 3, 0, 0, 0});
  EXPECT_EQ(choose(), std::nullopt);
  parts_with_living = true;
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next),
            (Ids{daemon_id(0), daemon_id(2, 2), daemon_id(3, 2), daemon_id(4, 2)}));
  EXPECT_TRUE(value->recovered);
  EXPECT_EQ(value->cut, numbers({1, 3, 0, 0, 0}));
  EXPECT_EQ(value->left[0], (DepartedDaemon{daemon_id(1), LeaveReason::kPartition}));
  kill({3, 4});
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ViewChoiceTest, LeavesOutAsFewLivingMembersAsItMay) {
  begin(7);
  for (const std::size_t i : {3u, 4u, 5u, 6u}) restart(i);
  part(0, 6);
  for (const Rank rank : {4u, 5u}) {
    part(1, rank);
    part(2, rank);
    part(6, rank);
  }
  part(2, 6);
  parts_with_living = true;
  // Of four each: 0 with 3, 4 and 5, and 0, 1 and 2 with 3.
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(1), daemon_id(2), daemon_id(3, 2)}));
  part(2, 3);  // 0 with 3, 4 and 5 is a quorum, 0, 1 and 3 are none
  EXPECT_EQ(chosen(), (Ids{daemon_id(0), daemon_id(3, 2), daemon_id(4, 2), daemon_id(5, 2)}));
}

// Half of a view is a quorum only with rank 0.
TEST_F(ViewChoiceTest, TakesOfTwoHalvesTheOneThatIsAQuorum) {
  begin(4);
  kill({2});
  restart(0);
  part(0, 3);
  EXPECT_EQ(choose(), std::nullopt);
  parts_with_living = true;
  EXPECT_EQ(chosen(), (Ids{daemon_id(1), daemon_id(0, 2)}));
}

TEST_F(ViewChoiceTest, LeavesOutAllTheLivingForAQuorumOfRecordsAlone) {
  begin(5);
  kill({4});
  for (const std::size_t i : {1u, 2u, 3u}) restart(i);
  part(0, 2);
  part(0, 3);
  hold(0, {1, 0, 0, 0, 0});
  EXPECT_EQ(choose(), std::nullopt);
  parts_with_living = true;
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(1, 2), daemon_id(2, 2), daemon_id(3, 2)}));
  EXPECT_TRUE(value->recovered);
  EXPECT_TRUE(value->cut.empty());  // nobody in it can deliver anything
  EXPECT_TRUE(fits(*value, base));
}

TEST_F(ViewChoiceTest, MarksAViewThatRestsOnRecords) {
  begin(3);
  restart(0);
  restart(1);
  hold(2, {1, 2, 3});
  const auto value = choose();
  EXPECT_TRUE(value->recovered);
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(2), daemon_id(0, 2), daemon_id(1, 2)}));
  EXPECT_EQ(value->cut, numbers({1, 2, 3}));
}

TEST_F(ViewChoiceTest, HasNoCutWhereNobodyLives) {
  begin(3);
  for (std::size_t i = 0; i < 3; ++i) restart(i);
  const auto value = choose();
  EXPECT_TRUE(value->recovered);
  EXPECT_TRUE(value->cut.empty());
  EXPECT_TRUE(value->places.empty());
  EXPECT_EQ(value->left.size(), 3u);
}

TEST_F(ViewChoiceTest, FoundsALineageWithTheFirstView) {
  base = genesis_of(3);
  for (std::size_t i = 0; i < 2; ++i) {
    answers[static_cast<Rank>(i)].from = daemon_id(i);
    answers[static_cast<Rank>(i)].state.hears = {incarnation_of(0), incarnation_of(1)};
  }
  silent = {2};
  const auto value = choose();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->next.id, (ViewId{1, incarnation_of(0), 3}));
  EXPECT_EQ(value->next.lineage, incarnation_of(0));
  EXPECT_EQ(ids_in(value->next), ids({0, 1}));
  EXPECT_TRUE(value->left.empty());
  EXPECT_FALSE(value->recovered);
}

// --- what is delivered before --------------------------------------------------------------------

TEST_F(ViewChoiceTest, CutsAtTheMostThatAnyMemberHolds) {
  begin(3);
  hold(0, {9, 2, 0});
  hold(1, {4, 5, 0});
  hold(2, {6, 1, 8});
  EXPECT_EQ(choose()->cut, numbers({9, 5, 8}));
}

TEST_F(ViewChoiceTest, CountsForTheCutAlsoThoseThatDoNotStay) {
  begin(5);
  hold(4, {0, 7, 0, 0, 0});
  for (const Rank rank : {0u, 1u, 2u, 3u}) cut(4, rank);
  const auto value = choose();
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2, 3}));
  EXPECT_EQ(value->cut, numbers({0, 7, 0, 0, 0}));
}

TEST_F(ViewChoiceTest, JoinsTheKnownPlacesToTheLongestRun) {
  begin(3);
  const MessageReference a{0, MessageNumber{1}};
  const MessageReference b{1, MessageNumber{1}};
  const MessageReference c{2, MessageNumber{1}};
  know(0, 6, {b});
  know(1, 5, {a, b, c});
  know(2, 7, {c});
  const auto value = choose();
  EXPECT_EQ(value->first_place, OrderNumber{5});
  EXPECT_EQ(value->places, (std::vector<MessageReference>{a, b, c}));
}

TEST_F(ViewChoiceTest, ExtendsTheRunByOneThatBeginsLater) {
  begin(3);
  const MessageReference a{0, MessageNumber{1}};
  const MessageReference b{1, MessageNumber{1}};
  const MessageReference c{2, MessageNumber{1}};
  know(0, 5, {a});
  know(1, 6, {b, c});
  know(2, 5, {});
  const auto value = choose();
  EXPECT_EQ(value->first_place, OrderNumber{5});
  EXPECT_EQ(value->places, (std::vector<MessageReference>{a, b, c}));
}

// --- small functions -----------------------------------------------------------------------------

protocol::AcceptedValue accepted(std::uint64_t round, Rank proposer, std::uint64_t counter) {
  protocol::AcceptedValue value;
  value.ballot = {round, proposer, incarnation_of(proposer)};
  value.value.next.id.counter = counter;
  return value;
}

TEST(ValueToAdopt, IsThatOfTheHighestBallot) {
  Answers answers;
  answers[0].state.accepted = accepted(2, 1, 50);
  answers[1].state.accepted = accepted(3, 0, 60);
  answers[2].state.accepted = accepted(2, 2, 70);
  answers[3];
  EXPECT_EQ(value_to_adopt(answers, /*forced=*/false), accepted(3, 0, 60).value);
}

TEST(ValueToAdopt, IsNoneWhereNobodyAccepted) {
  Answers answers;
  answers[0];
  answers[1];
  EXPECT_EQ(value_to_adopt(answers, /*forced=*/false), std::nullopt);
}

TEST(RanksIn, LooksAtIncarnationsOrNames) {
  const protocol::DaemonView base = view_of(3);
  protocol::DaemonView next = view_of(0);
  next.members = {daemon_member(2), daemon_member(0, 2)};
  EXPECT_EQ(ranks_in(base, next, false), RankSet{2});
  EXPECT_EQ(ranks_in(base, next, true), (RankSet{0, 2}));
}

TEST(IsQuorumOf, CountsRankZeroInAnExactHalf) {
  const protocol::DaemonView view = view_of(4);
  EXPECT_TRUE(is_quorum_of(view, {0, 3}));
  EXPECT_FALSE(is_quorum_of(view, {1, 3}));
  EXPECT_TRUE(is_quorum_of(view, {1, 2, 3}));
  EXPECT_FALSE(is_quorum_of(view, {}));
}

// --- primary again (rule Q3) ---------------------------------------------------------------------

TEST_F(ViewChoiceTest, CountsAViewBehindTheAttemptsThatItOutvotes) {
  begin(3);
  base.primary = false;
  const protocol::PrimaryClaim claim{view_of(3, 5), {view_of(2, 30)}};
  for (auto& [rank, made] : answers) made.state.claim = claim;
  const auto value =
      choose_value({.base = base,
                    .answers = answers,
                    .joiners = joiners,
                    .silent = silent,
                    .ballot = {.round = 3, .proposer = 0, .incarnation = incarnation_of(0)},
                    .partitionable = true});
  ASSERT_TRUE(value.has_value());
  EXPECT_TRUE(value->next.primary);
  EXPECT_EQ(value->next.id.counter, 31u);
  EXPECT_EQ(value->claim, claim);
}

}  // namespace
}  // namespace groupcomm::membership
