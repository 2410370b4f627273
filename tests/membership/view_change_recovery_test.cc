// Daemons without a view: the first one, and those after a restart.
#include <gtest/gtest.h>

#include "membership/view_change.h"
#include "membership/view_fits.h"
#include "tests/membership/view_change_net.h"

namespace groupcomm::membership {
namespace {

using protocol::DepartedDaemon;
using protocol::DurableRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<DaemonId>;

Ids ids(std::initializer_list<std::size_t> daemons, std::uint64_t life) {
  Ids ids;
  for (const std::size_t i : daemons) ids.push_back(daemon_id(i, life));
  return ids;
}

DurableRecord record_of(const protocol::DaemonView& view) {
  return {.decided = view, .promised = {}, .accepted = std::nullopt};
}

// All of these restarted, with the same record of view 7.
ViewChangeNet restarted(std::size_t size, const std::set<std::size_t>& daemons) {
  std::map<std::size_t, DurableRecord> records;
  for (const std::size_t i : daemons) records[i] = record_of(view_of(size));
  return ViewChangeNet::outside(view_of(size), records, 2);
}

// Daemons that promised a ballot of this round before they died together.
ViewChangeNet restarted_behind(std::uint64_t round) {
  std::map<std::size_t, DurableRecord> records;
  for (std::size_t i = 0; i < 3; ++i) {
    records[i] = record_of(view_of(3));
    records[i].promised = {.round = round, .proposer = 2, .incarnation = incarnation_of(2)};
  }
  return ViewChangeNet::outside(view_of(3), records, 2);
}

// E25.
TEST(Rounds, AreNumbersLikeOthersWhereverTheyBegin) {
  for (const std::uint64_t round :
       {(std::uint64_t{1} << 32) - 1, (std::uint64_t{1} << 53), kCountMax - 1}) {
    auto net = restarted_behind(round);
    net.run_for(seconds(1));
    const auto value = net.decided();
    ASSERT_TRUE(value.has_value());
    EXPECT_EQ(value->next.id, (ViewId{8, incarnation_of(0, 2), round + 1}));
    EXPECT_EQ(ids_in(value->next), ids({0, 1, 2}, 2));
  }
}

// Rule P6.
TEST(Rounds, EndWithTheLastNumber) {
  auto net = restarted_behind(kCountMax);
  net.run_for(seconds(10));
  EXPECT_EQ(net.decided(), std::nullopt);
  EXPECT_EQ(net.change(0).ballots_begun(), 0u);
  EXPECT_TRUE(net.change(0).is_near({.round = kCountMax, .proposer = 0, .incarnation = {}}));
  EXPECT_FALSE(net.change(0).is_near({.round = kCountMax + 1, .proposer = 0, .incarnation = {}}));
}

TEST(Genesis, FormsAViewAtOnceWhereAllSeedsAreThere) {
  auto net = ViewChangeNet::genesis(3, {0, 1, 2});
  net.run_for(Duration(0));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2}, 1));
  EXPECT_EQ(value->next.id, (ViewId{1, incarnation_of(0), 1}));
  EXPECT_EQ(value->next.lineage, incarnation_of(0));
  EXPECT_TRUE(value->cut.empty());
  EXPECT_TRUE(value->left.empty());
  EXPECT_FALSE(value->recovered);
}

TEST(Genesis, WaitsAWhileForAllBeforeItGoesOnWithAQuorum) {
  auto net = ViewChangeNet::genesis(3, {1, 2});
  net.run_for(milliseconds(390));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(20));
  EXPECT_EQ(net.decided_members(), ids({1, 2}, 1));
}

TEST(Genesis, FormsNothingWithoutAQuorumOfTheSeeds) {
  auto net = ViewChangeNet::genesis(3, {1});
  net.run_for(seconds(10));
  EXPECT_EQ(net.decided(), std::nullopt);
  EXPECT_EQ(net.change(1).ballots_begun(), 0u);
  net.start(2, record_of(genesis_of(3)));
  net.run_for(milliseconds(600));
  EXPECT_EQ(net.decided_members(), ids({1, 2}, 1));
}

TEST(Genesis, FormsNothingWhereALivingViewIsKnown) {
  auto net = ViewChangeNet::genesis(2, {0, 1});
  ViewChange::Situation situation = net.situation(net.node(0));
  situation.may_recover = false;
  EXPECT_FALSE(net.change(0).is_ballot_due(net.now() + seconds(10), situation));
  situation.may_recover = true;
  EXPECT_TRUE(net.change(0).is_ballot_due(net.now() + seconds(10), situation));
}

TEST(Genesis, HasNoPartInAClusterThatItIsNoSeedOf) {
  ViewChange::Options options;
  options.self = daemon_member(9);
  ViewChange change(options, record_of(genesis_of(3)), TimePoint{});
  EXPECT_EQ(change.rank(), std::nullopt);
  EXPECT_FALSE(change.may_promise({1, 0, incarnation_of(0)}));
  EXPECT_FALSE(change.is_ballot_due(TimePoint{seconds(10)}, {}));
}

TEST(Recovery, FormsTheNextViewOutOfRecords) {
  auto net = restarted(3, {0, 1, 2});
  net.run_for(Duration(0));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), ids({0, 1, 2}, 2));
  EXPECT_EQ(value->next.id, (ViewId{8, incarnation_of(0, 2), 1}));
  EXPECT_EQ(value->next.lineage, view_of(3).lineage);
  EXPECT_TRUE(value->recovered);
  EXPECT_TRUE(value->cut.empty());
  EXPECT_EQ(value->left.size(), 3u);
}

// One that hears nobody repeats its Prepare for ever. It must not keep the others from going on.
TEST(Recovery, GoesOnBesideADeafProposer) {
  auto net = restarted(3, {0, 1, 2});
  net.cut_one_way(0, 2);
  net.cut_one_way(1, 2);
  net.begin_ballot(2);
  net.run_for(seconds(3));
  EXPECT_EQ(net.decided_members(), ids({0, 1}, 2));
}

TEST(Recovery, NeedsAQuorumOfTheNewestDecidedViewByName) {
  auto net = restarted(5, {0, 4});
  net.run_for(seconds(5));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.start(2, record_of(view_of(5)));
  net.run_for(seconds(1));
  EXPECT_EQ(net.decided()->next.members.size(), 3u);
}

TEST(Recovery, WaitsAWhileForAllBeforeItGoesOnWithAQuorum) {
  auto net = restarted(3, {0, 2});
  net.run_for(milliseconds(390));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(20));
  EXPECT_EQ(net.decided_members(), ids({0, 2}, 2));
}

TEST(Recovery, ProposesAgainWhatARecordAccepted) {
  auto before = ViewChangeNet::living(3);
  before.node(0).messages.held = numbers({3, 1, 4});
  before.kill(2);
  before.set_filter([](const ViewChangeNet::Frame& frame) {
    return ViewChangeNet::kind_of(frame.body) != "ACCEPT";
  });
  before.run_for(Duration(0));
  const DurableRecord accepted = before.node(1).record;
  ASSERT_TRUE(accepted.accepted.has_value());
  auto after = ViewChangeNet::outside(
      view_of(3), {{0, before.node(0).record}, {1, accepted}, {2, record_of(view_of(3))}}, 2);
  after.run_for(seconds(1));
  EXPECT_EQ(after.decided(), accepted.accepted->value);
}

TEST(Recovery, KeepsAPromiseOverARestart) {
  DurableRecord record = record_of(view_of(3));
  record.promised = {5, 2, incarnation_of(2)};
  auto net = ViewChangeNet::outside(view_of(3), {{0, record}}, 2);
  EXPECT_FALSE(net.change(0).may_promise({4, 1, incarnation_of(1)}));
  EXPECT_TRUE(net.change(0).may_promise({5, 2, incarnation_of(2)}));
  net.begin_ballot(0);
  EXPECT_EQ(net.node(0).record.promised, (protocol::Ballot{6, 0, incarnation_of(0, 2)}));
}

TEST(Recovery, VotesInTheChangeOfTheLiving) {
  auto net = ViewChangeNet::living(3);
  net.node(2).messages.held = numbers({1, 2, 3});
  net.restart(0, 2);
  net.restart(1, 2);
  net.run_for(seconds(1));
  const auto value = net.decided();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(ids_in(value->next), (Ids{daemon_id(2), daemon_id(0, 2), daemon_id(1, 2)}));
  EXPECT_EQ(value->cut, numbers({1, 2, 3}));
  EXPECT_TRUE(value->recovered);
  EXPECT_EQ(value->left, (std::vector<DepartedDaemon>{{daemon_id(0), LeaveReason::kDaemonLost},
                                                      {daemon_id(1), LeaveReason::kDaemonLost}}));
}

// Rule V2: links may still be coming up.
TEST(Recovery, LeavesOutALivingMemberBehindABallotWithoutAResult) {
  auto net = ViewChangeNet::living(5);
  for (const std::size_t i : {2u, 3u, 4u}) net.restart(i, 2);
  for (const std::size_t i : {2u, 3u, 4u}) net.cut(1, i);
  net.run_for(milliseconds(1400));
  EXPECT_EQ(net.decided(), std::nullopt);
  net.run_for(milliseconds(400));
  EXPECT_EQ(net.decided_members(),
            (Ids{daemon_id(0), daemon_id(2, 2), daemon_id(3, 2), daemon_id(4, 2)}));
  auto healed = ViewChangeNet::living(5);
  for (const std::size_t i : {2u, 3u, 4u}) healed.restart(i, 2);
  for (const std::size_t i : {2u, 3u, 4u}) healed.cut(1, i);
  healed.run_for(milliseconds(1400));
  healed.heal();
  healed.run_for(seconds(1));
  EXPECT_EQ(healed.decided_members(),
            (Ids{daemon_id(0), daemon_id(1), daemon_id(2, 2), daemon_id(3, 2), daemon_id(4, 2)}));
}

TEST(Recovery, AcceptsWithoutPullingMessagesThatItCannotHave) {
  auto net = ViewChangeNet::living(3);
  net.restart(0, 2);
  net.node(0).can_pull = false;
  net.run_for(seconds(1));
  EXPECT_NE(net.decided(), std::nullopt);
  EXPECT_TRUE(net.node(0).record.accepted.has_value());
}

TEST(Recovery, WritesItsRecordBeforeItAnswers) {
  auto net = ViewChangeNet::living(3);
  ViewChange& member = net.change(1);
  member.on_prepare(net.now(), daemon_id(0), 0, {{1, 0, incarnation_of(0)}},
                    net.situation(net.node(1)), net.node(1).messages);
  EXPECT_TRUE(member.take_record_changed());
  EXPECT_EQ(member.take_outbound().size(), 1u);
  // The same question again needs no second writing.
  member.on_prepare(net.now(), daemon_id(0), 0, {{1, 0, incarnation_of(0)}},
                    net.situation(net.node(1)), net.node(1).messages);
  EXPECT_FALSE(member.take_record_changed());
  EXPECT_EQ(member.take_outbound().size(), 1u);
}

}  // namespace
}  // namespace groupcomm::membership
