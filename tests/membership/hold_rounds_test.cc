#include "membership/hold_rounds.h"

#include <gtest/gtest.h>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using Change = HoldRounds::Change;

constexpr GroupOptions kFlush{.flush = true, .uniform = false};

GroupMember member(std::size_t daemon, std::uint64_t session) {
  return {{"client", daemon_name(daemon), {incarnation_of(daemon), SessionId{session}}}, 1};
}
Change join_of(const GroupMember& who, GroupOptions options = kFlush) {
  return {.is_join = true, .name = "room", .options = options, .member = who};
}
Change leave_of(const GroupMember& who) {
  Change change;
  change.member = who;
  change.reason = LeaveReason::kCrash;
  return change;
}

// A flush group with members at daemons 0, 0 and 1.
class HoldRoundsTest : public ::testing::Test {
 protected:
  HoldRoundsTest() {
    for (const GroupMember& who : {member(0, 1), member(0, 2), member(1, 1)}) {
      directory.join({view_of(3).id, OrderNumber{1}}, "room", kFlush, who);
    }
  }
  const GroupDirectory::Group* room() const { return directory.find("room"); }
  bool must_wait(const Change& change) const { return rounds.must_wait(key, room(), change); }

  const GroupKey key = group_key("room");
  GroupDirectory directory;
  HoldRounds rounds;
};

TEST_F(HoldRoundsTest, LetWaitWhatChangesTheMembersOfAFlushGroup) {
  EXPECT_TRUE(must_wait(join_of(member(2, 1))));
  EXPECT_TRUE(must_wait(leave_of(member(1, 1))));
  EXPECT_FALSE(must_wait(leave_of(member(2, 1))));
  EXPECT_FALSE(rounds.must_wait(key, nullptr, join_of(member(2, 1))));
}

TEST_F(HoldRoundsTest, DoNotLetWaitWhatWillBeRefused) {
  EXPECT_FALSE(must_wait(join_of(member(2, 1), {})));
  Change other = join_of(member(2, 1));
  other.name = "another name of this key";
  EXPECT_FALSE(must_wait(other));
}

TEST_F(HoldRoundsTest, DoNotLetOtherGroupsWait) {
  GroupDirectory plain;
  plain.join({view_of(3).id, OrderNumber{1}}, "room", {}, member(0, 1));
  EXPECT_FALSE(rounds.must_wait(key, plain.find("room"), join_of(member(2, 1), {})));
}

TEST_F(HoldRoundsTest, LetTheLeaveWaitOfOneWhoseJoinWaits) {
  rounds.announce(key, *room(), join_of(member(2, 1)));
  EXPECT_TRUE(must_wait(leave_of(member(2, 1))));
}

TEST_F(HoldRoundsTest, KnowWhoseJoinWaits) {
  EXPECT_EQ(rounds.find_join(member(2, 1).process.key), nullptr);
  rounds.announce(key, *room(), leave_of(member(1, 1)));
  rounds.announce(key, *room(), join_of(member(2, 1)));
  ASSERT_NE(rounds.find_join(member(2, 1).process.key), nullptr);
  EXPECT_EQ(rounds.find_join(member(2, 1).process.key)->member, member(2, 1));
  EXPECT_EQ(rounds.find_join(member(1, 1).process.key), nullptr);
}

TEST_F(HoldRoundsTest, WaitForEveryDaemonThatHasMembers) {
  EXPECT_TRUE(rounds.empty());
  rounds.announce(key, *room(), join_of(member(2, 1)));
  EXPECT_FALSE(rounds.empty());
  EXPECT_TRUE(rounds.awaits(key, incarnation_of(0)));
  EXPECT_FALSE(rounds.awaits(key, incarnation_of(2)));
  EXPECT_FALSE(rounds.hold(key, incarnation_of(0)).has_value());
  EXPECT_FALSE(rounds.awaits(key, incarnation_of(0)));
  rounds.announce(key, *room(), leave_of(member(1, 1)));
  const auto changes = rounds.hold(key, incarnation_of(1));
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_TRUE((*changes)[0].is_join);
  EXPECT_EQ((*changes)[1].member, member(1, 1));
  EXPECT_TRUE(rounds.empty());
}

TEST_F(HoldRoundsTest, IgnoreAHoldWithoutARound) {
  EXPECT_FALSE(rounds.hold(key, incarnation_of(0)).has_value());
}

TEST_F(HoldRoundsTest, EndWithTheViewOfDaemons) {
  rounds.announce(key, *room(), join_of(member(2, 1)));
  const auto ended = rounds.end_all();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].first, key);
  EXPECT_EQ(ended[0].second.size(), 1u);
  EXPECT_TRUE(rounds.empty());
}

TEST(Merge, LeavesOutWhoJoinedAndLeftInBetween) {
  GroupDirectory directory;
  const auto place = [](std::uint64_t n) { return GroupViewId{view_of(3).id, OrderNumber{n}}; };
  directory.join(place(1), "room", kFlush, member(0, 1));
  std::vector<GroupChange> changes{directory.renew(place(9), group_key("room"))};
  changes.push_back(*directory.join(place(9), "room", kFlush, member(1, 1)).change);
  changes.push_back(*directory.join(place(9), "room", kFlush, member(1, 2)).change);
  changes.push_back(
      *directory.leave(place(9), group_key("room"), member(1, 1).process.key, LeaveReason::kCrash));
  changes.push_back(
      *directory.leave(place(9), group_key("room"), member(0, 1).process.key, LeaveReason::kLeave));
  const GroupChange merged = merge(changes);
  EXPECT_EQ(merged.view.id, place(9));
  EXPECT_EQ(merged.view.members, std::vector<GroupMember>{member(1, 2)});
  EXPECT_EQ(merged.view.joined, std::vector<ProcessId>{member(1, 2).process});
  EXPECT_EQ(merged.view.left, (std::vector<Departed>{{member(0, 1).process, LeaveReason::kLeave}}));
}

}  // namespace
}  // namespace groupcomm::membership
