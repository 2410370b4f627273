// A view by the operator's word, without a quorum (rules R6 and R7).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/membership/view_change_net.h"
#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<DaemonId>;

Ids ids(std::initializer_list<std::size_t> daemons, std::uint64_t life = 1) {
  Ids ids;
  for (const std::size_t i : daemons) ids.push_back(daemon_id(i, life));
  return ids;
}

// Of five, 3 and 4 are left, and 3 accepts a value by force that 4 proposes, who then dies.
ViewChangeNet accepted_by_force() {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {0u, 1u, 2u}) {
    net.cut(i, 3);
    net.cut(i, 4);
  }
  net.set_filter([](const ViewChangeNet::Frame& frame) {
    return frame.from == 4 || (frame.from == 3 && ViewChangeNet::kind_of(frame.body) != "ACCEPT");
  });
  net.force(4, {0, 1, 2});
  net.run_for(seconds(1));
  EXPECT_TRUE(net.node(3).record.accepted.has_value());
  net.kill(4);
  net.set_filter({});
  net.heal();
  return net;
}

TEST(ForcedView, NeedsNoQuorum) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {0u, 1u, 2u}) net.kill(i);
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.force(4, {0, 1, 2});
  net.run_for(seconds(5));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({3, 4}, 1));
  EXPECT_TRUE(value->forced);
  EXPECT_TRUE(value->recovered);
}

// Those who accepted a value by force do not vote: so three of five need a word once more, and what
// is decided then may leave out what the other two know.
TEST(ForcedView, SaysRecoveredWhereAQuorumLives) {
  auto net = ViewChangeNet::living(5);
  net.kill(3);
  net.kill(4);
  net.cut(0, 2);
  net.cut(1, 2);
  net.set_filter([](const ViewChangeNet::Frame& frame) {
    return frame.from != 1 || ViewChangeNet::kind_of(frame.body) != "ACCEPT";
  });
  net.force(0, {2, 3, 4});
  net.run_for(seconds(3));
  ASSERT_EQ(net.decided(), std::nullopt);
  ASSERT_TRUE(net.node(1).record.accepted.has_value());
  net.node(0).given_up.reset();
  net.set_filter({});
  net.heal();
  net.run_for(seconds(10));
  ASSERT_EQ(net.decided(), std::nullopt);
  net.force(0, {3, 4});
  net.run_for(seconds(5));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2}, 1));
  EXPECT_TRUE(value->forced);
  EXPECT_TRUE(value->recovered);
}

TEST(ForcedView, IsNotSaidToBeForcedWhereThereIsAQuorum) {
  auto net = ViewChangeNet::living(3);
  net.kill(2);
  net.force(0, {2});
  net.run_for(seconds(1));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_FALSE(value->forced);
  EXPECT_FALSE(value->recovered);
}

TEST(ForcedView, WaitsForAllThatItReaches) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {0u, 1u, 2u}) net.kill(i);
  net.run_for(seconds(3));
  net.node(3).can_pull = false;  // it cannot accept
  net.force(4, {0, 1, 2});
  net.run_for(seconds(5));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.node(3).can_pull = true;
  net.run_for(seconds(5));
  EXPECT_EQ(net.decided_members(), ids({3, 4}, 1));
}

// Those who were given up may have decided it, and go on from it: this is another lineage.
TEST(ForcedView, DoesNotProposeAgainWhatOthersAccepted) {
  auto net = ViewChangeNet::living(5);
  net.kill(4);
  net.set_filter(lose(0, "PROPOSE", {3}));
  net.begin_ballot(0);
  net.deliver();
  ASSERT_TRUE(net.node(3).record.accepted.has_value());
  const auto accepted = net.node(3).record.accepted->value;
  for (const std::size_t i : {0u, 1u, 2u}) net.kill(i);
  net.set_filter({});
  net.force(3, {0, 1, 2, 4});
  net.run_for(seconds(6));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({3}, 1));
  EXPECT_NE(value->next.lineage, accepted.next.lineage);
  EXPECT_EQ(value->next.ancestors, std::vector<Incarnation>{accepted.next.lineage});
}

// What was asked before is not who is there now.
TEST(ForcedView, AsksAfresh) {
  auto net = ViewChangeNet::living(7);
  for (const std::size_t i : {3u, 4u, 5u, 6u}) net.kill(i);
  net.run_for(seconds(3));  // 0 has the answers of 1 and 2
  net.kill(1);
  net.kill(2);
  net.force(0, {1, 2, 3, 4, 5, 6});
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided_members(), ids({0}, 1));
}

TEST(ForcedView, FormsAClusterThatNeverWasWithoutTheOthers) {
  auto net = ViewChangeNet::genesis(3, {1});
  net.run_for(seconds(2));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.force(1, {0, 2});
  net.run_for(seconds(2));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->next.members.size(), 1u);
  EXPECT_TRUE(value->forced);
  EXPECT_FALSE(value->recovered);
}

// Who was given up, and is reached all the same, keeps its vote for a quorum.
TEST(ForcedView, IsAcceptedByItsMembersOnly) {
  auto net = ViewChangeNet::living(3);
  net.cut_one_way(0, 2);  // 2 is heard, and does not hear
  net.cut_one_way(1, 2);
  net.force(2, {0, 1});
  net.run_for(seconds(3));
  EXPECT_TRUE(net.node(2).record.accepted->value.forced);
  for (const std::size_t i : {0u, 1u}) {
    const auto& accepted = net.node(i).record.accepted;
    EXPECT_TRUE(!accepted || !accepted->value.forced) << i;
  }
}

TEST(ForcedView, LeavesOutNobodyWhomTheOperatorDidNotGiveUp) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {0u, 1u, 2u, 3u}) net.kill(i);
  net.force(4, {0, 1, 2});
  net.run_for(seconds(6));
  EXPECT_EQ(net.decided(), std::nullopt);
}

TEST(ForcedView, TakesInThoseWhoWereGivenUpAndAreThere) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {0u, 1u, 2u}) net.kill(i);
  net.force(4, {0, 1, 2, 3});
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided_members(), ids({3, 4}, 1));
}

// The word is for a lineage of its own: in the old one nothing is decided without a quorum.
TEST(ForcedView, IsNoExcuseToDecideAnythingElseWithoutAQuorum) {
  auto net = ViewChangeNet::living(3);
  net.kill(1);
  net.set_filter([](const ViewChangeNet::Frame& frame) {
    const std::string kind = ViewChangeNet::kind_of(frame.body);
    return frame.from == 2 ? kind != "PROPOSE" : kind != "PREPARE";
  });
  net.force(2, {0, 1});
  net.run_for(milliseconds(500));
  ASSERT_TRUE(net.node(2).record.accepted.has_value());
  EXPECT_FALSE(net.node(2).record.accepted->value.forced);  // with the answer of 0
  net.kill(0);
  net.run_for(milliseconds(500));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(seconds(3));
  ASSERT_TRUE(net.decided().has_value());
  EXPECT_TRUE(net.decided()->forced);
}

// It may have been decided, by one who died since.
TEST(ForcedView, IsProposedAgainByForce) {
  auto net = accepted_by_force();
  const auto accepted = net.node(3).record.accepted->value;
  for (const std::size_t i : {0u, 1u, 2u}) net.kill(i);
  net.force(3, {0, 1, 2, 4});
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided(), accepted);
}

TEST(ForcedView, IsNotProposedAgainWhereItLeavesOutSomebodyElse) {
  auto net = accepted_by_force();
  for (const std::size_t i : {0u, 1u}) net.kill(i);
  net.force(3, {0, 1, 4});
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided_members(), ids({2, 3}, 1));
}

TEST(ForcedView, IsNotProposedAgainByAQuorum) {
  auto net = accepted_by_force();
  net.run_for(seconds(6));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_FALSE(value->forced);
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2, 3}, 1));
}

// What it accepted before, in the old lineage, it has forgotten.
TEST(ForcedView, TakesTheAnswerOfItsMembersFromTheQuorum) {
  auto net = accepted_by_force();
  for (const std::size_t i : {0u, 1u}) net.kill(i);
  net.start(4, net.node(2).record);
  net.run_for(seconds(8));
  EXPECT_EQ(net.decided(), std::nullopt);  // 2 and 4 are two of five
  net.start(1, net.node(2).record);
  net.run_for(seconds(8));
  ASSERT_TRUE(net.decided().has_value());
  EXPECT_FALSE(net.decided()->forced);
}

}  // namespace
}  // namespace groupcomm::membership
