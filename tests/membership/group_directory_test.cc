#include "membership/group_directory.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using protocol::GroupEntry;

// Two names with one fingerprint.
constexpr const char* kTwin = "8yn0iYCKYHlIj4-BwPqk";
constexpr const char* kOtherTwin = "GReLUrM4wMqfg9yzV3KQ";

// The client of a daemon, in its n-th membership of a group.
GroupMember member(std::size_t daemon, std::uint64_t session, std::uint32_t joins = 1) {
  const ProcessKey key{incarnation_of(daemon), SessionId{session}};
  return {{"client", daemon_name(daemon), key}, joins};
}
ProcessKey key_of(std::size_t daemon, std::uint64_t session) {
  return member(daemon, session).process.key;
}
GroupViewId view_id(std::uint64_t place) { return {view_of(1).id, OrderNumber{place}}; }

class GroupDirectoryTest : public ::testing::Test {
 protected:
  GroupChange join(std::uint64_t place, const std::string& name, const GroupMember& who) {
    auto outcome = directory.join(view_id(place), name, {}, who);
    EXPECT_TRUE(outcome.change.has_value());
    return outcome.change.value_or(GroupChange{});
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto* group : directory.groups()) names.push_back(group->name);
    return names;
  }

  GroupDirectory directory;
};

TEST_F(GroupDirectoryTest, MakesAGroupWithItsFirstMember) {
  const GroupChange change = join(3, "room", member(0, 1));
  EXPECT_EQ(change.key, group_key("room"));
  EXPECT_EQ(change.name, "room");
  GroupView expected;
  expected.id = view_id(3);
  expected.members = {member(0, 1)};
  expected.joined = {member(0, 1).process};
  EXPECT_EQ(change.view, expected);
  ASSERT_NE(directory.find("room"), nullptr);
  EXPECT_EQ(directory.find("room")->view, view_id(3));
}

TEST_F(GroupDirectoryTest, PutsLaterMembersBehindEarlierOnes) {
  join(1, "room", member(2, 1));
  join(2, "room", member(0, 1));
  const GroupChange change = join(3, "room", member(1, 1));
  EXPECT_EQ(change.view.members,
            (std::vector<GroupMember>{member(2, 1), member(0, 1), member(1, 1)}));
  EXPECT_EQ(change.view.joined, std::vector<ProcessId>{member(1, 1).process});
  EXPECT_EQ(directory.rank_of(group_key("room"), key_of(0, 1)), 1u);
  EXPECT_EQ(directory.rank_of(group_key("room"), key_of(0, 2)), std::nullopt);
  EXPECT_EQ(directory.rank_of(group_key("none"), key_of(0, 1)), std::nullopt);
}

TEST_F(GroupDirectoryTest, KeepsTheRanksOfThoseWhoStay) {
  for (std::uint64_t session = 1; session <= 3; ++session) {
    join(session, "room", member(0, session));
  }
  const auto change =
      directory.leave(view_id(4), group_key("room"), key_of(0, 2), LeaveReason::kCrash);
  ASSERT_TRUE(change.has_value());
  GroupView expected;
  expected.id = view_id(4);
  expected.members = {member(0, 1), member(0, 3)};
  expected.left = {{member(0, 2).process, LeaveReason::kCrash}};
  EXPECT_EQ(change->view, expected);
}

TEST_F(GroupDirectoryTest, ForgetsAGroupWithItsLastMember) {
  join(1, "room", member(0, 1));
  const auto change =
      directory.leave(view_id(2), group_key("room"), key_of(0, 1), LeaveReason::kLeave);
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->view.members.empty());
  EXPECT_EQ(directory.find("room"), nullptr);
  EXPECT_EQ(names(), std::vector<std::string>{});
}

TEST_F(GroupDirectoryTest, KnowsNoLeaveOfOneWhoIsNoMember) {
  join(1, "room", member(0, 1));
  EXPECT_EQ(directory.leave(view_id(2), group_key("room"), key_of(0, 2), {}).has_value(), false);
  EXPECT_EQ(directory.leave(view_id(2), group_key("none"), key_of(0, 1), {}).has_value(), false);
  EXPECT_EQ(directory.find("room")->view, view_id(1));
}

TEST_F(GroupDirectoryTest, RefusesAJoinWithOtherOptions) {
  directory.join(view_id(1), "room", {.flush = false, .uniform = true}, member(0, 1));
  const auto outcome = directory.join(view_id(2), "room", {}, member(0, 2));
  EXPECT_FALSE(outcome.change.has_value());
  EXPECT_EQ(outcome.refused, RejectReason::kBadOption);
  EXPECT_EQ(directory.find("room")->members, std::vector<GroupMember>{member(0, 1)});
  EXPECT_EQ(directory.find("room")->view, view_id(1));
}

TEST_F(GroupDirectoryTest, TakesNewOptionsWhenTheGroupBeginsAnew) {
  directory.join(view_id(1), "room", {.flush = false, .uniform = true}, member(0, 1));
  directory.leave(view_id(2), group_key("room"), key_of(0, 1), LeaveReason::kLeave);
  EXPECT_TRUE(directory.join(view_id(3), "room", {}, member(0, 1)).change.has_value());
  EXPECT_EQ(directory.find("room")->options, GroupOptions{});
}

TEST_F(GroupDirectoryTest, RefusesANameWithTheFingerprintOfAnotherGroup) {
  ASSERT_EQ(group_key(kTwin), group_key(kOtherTwin));
  join(1, kTwin, member(0, 1));
  const auto outcome = directory.join(view_id(2), kOtherTwin, {}, member(0, 2));
  EXPECT_FALSE(outcome.change.has_value());
  EXPECT_EQ(outcome.refused, RejectReason::kBadName);
  EXPECT_EQ(names(), std::vector<std::string>{kTwin});
  directory.leave(view_id(3), group_key(kTwin), key_of(0, 1), LeaveReason::kLeave);
  EXPECT_TRUE(directory.join(view_id(4), kOtherTwin, {}, member(0, 2)).change.has_value());
}

TEST_F(GroupDirectoryTest, ListsGroupsByName) {
  join(1, "c", member(0, 1));
  join(2, "a", member(0, 1));
  join(3, "b", member(0, 1));
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(GroupDirectoryTest, RenewsAllGroupsWithADaemonViewAndDropsTheLostAllAtOnce) {
  join(1, "b", member(0, 1));
  join(2, "b", member(1, 1));
  join(3, "b", member(2, 1));
  join(4, "b", member(1, 2));
  join(5, "a", member(0, 1));
  const auto changes = directory.change_daemons(
      view_of(3, 8),
      {{daemon_id(1), LeaveReason::kDaemonLost}, {daemon_id(2), LeaveReason::kPartition}});
  ASSERT_EQ(changes.size(), 2u);
  const GroupViewId id{view_of(3, 8).id, OrderNumber{0}};
  GroupView a;
  a.id = id;
  a.members = {member(0, 1)};
  EXPECT_EQ(changes[0].name, "a");
  EXPECT_EQ(changes[0].view, a);
  GroupView b = a;
  b.left = {{member(1, 1).process, LeaveReason::kDaemonLost},
            {member(2, 1).process, LeaveReason::kPartition},
            {member(1, 2).process, LeaveReason::kDaemonLost}};
  EXPECT_EQ(changes[1].name, "b");
  EXPECT_EQ(changes[1].view, b);
  EXPECT_EQ(directory.find("b")->members, std::vector<GroupMember>{member(0, 1)});
  EXPECT_EQ(directory.find("b")->view, id);
}

// Rule F10: nobody was told of them, so they show in the view that comes next.
TEST_F(GroupDirectoryTest, MakesEarlierChangesPartOfTheViewThatComesWithADaemonView) {
  join(1, "room", member(0, 1));
  join(2, "room", member(0, 2));
  std::vector<GroupChange> earlier;
  earlier.push_back(join(3, "room", member(0, 3)));
  earlier.push_back(join(4, "room", member(1, 1)));
  earlier.push_back(join(5, "room", member(0, 4)));
  for (const GroupMember& leaver : {member(0, 2), member(0, 4)}) {
    const auto change =
        directory.leave(view_id(6), group_key("room"), leaver.process.key, LeaveReason::kLeave);
    ASSERT_TRUE(change.has_value());
    earlier.push_back(*change);
  }
  const auto changes =
      directory.change_daemons(view_of(1, 8), {{daemon_id(1), LeaveReason::kDaemonLost}}, earlier);
  ASSERT_EQ(changes.size(), 1u);
  GroupView expected;
  expected.id = {view_of(1, 8).id, OrderNumber{0}};
  expected.members = {member(0, 1), member(0, 3)};
  expected.joined = {member(0, 3).process};
  expected.left = {{member(0, 2).process, LeaveReason::kLeave}};
  EXPECT_EQ(changes[0].view, expected);
}

TEST_F(GroupDirectoryTest, ForgetsGroupsWhoseMembersAreAllLost) {
  join(1, "gone", member(1, 1));
  join(2, "stays", member(0, 1));
  const auto changes =
      directory.change_daemons(view_of(1, 8), {{daemon_id(1), LeaveReason::kDaemonLost}});
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].name, "gone");
  EXPECT_TRUE(changes[0].view.members.empty());
  EXPECT_EQ(names(), std::vector<std::string>{"stays"});
}

TEST_F(GroupDirectoryTest, TellsTheIncarnationsOfADaemonApart) {
  join(1, "room", member(1, 1));
  directory.change_daemons(view_of(2, 8), {{daemon_id(1, 2), LeaveReason::kDaemonLost}});
  EXPECT_EQ(directory.find("room")->members, std::vector<GroupMember>{member(1, 1)});
}

TEST_F(GroupDirectoryTest, IsTheSameAfterASnapshotAndARestore) {
  directory.join(view_id(1), "b", {.flush = false, .uniform = true}, member(0, 1));
  join(2, "a", member(1, 1, 3));
  const std::vector<GroupEntry> entries = directory.snapshot();
  const std::vector<GroupEntry> expected{
      {"a", {}, view_id(2), {member(1, 1, 3)}},
      {"b", {.flush = false, .uniform = true}, view_id(1), {member(0, 1)}}};
  EXPECT_EQ(entries, expected);
  GroupDirectory other;
  other.join(view_id(9), "old", {}, member(5, 1));
  other.restore(entries);
  EXPECT_EQ(other.snapshot(), entries);
  EXPECT_EQ(other.find("old"), nullptr);
  EXPECT_EQ(other.rank_of(group_key("a"), key_of(1, 1)), 0u);
}

TEST_F(GroupDirectoryTest, CountsTheMembershipsOfOneProcess) {
  join(1, "room", member(0, 1, 1));
  directory.leave(view_id(2), group_key("room"), key_of(0, 1), LeaveReason::kLeave);
  join(3, "room", member(0, 1, 2));
  EXPECT_EQ(directory.find("room")->members, std::vector<GroupMember>{member(0, 1, 2)});
}

TEST_F(GroupDirectoryTest, RefusesASecondJoinOfAMember) {
  join(1, "room", member(0, 1));
  const auto outcome = directory.join(view_id(2), "room", {}, member(0, 1));
  EXPECT_FALSE(outcome.change);
  EXPECT_EQ(directory.find("room")->members.size(), 1u);
}

TEST_F(GroupDirectoryTest, HasRoomForSoManyMembersOnly) {
  const auto try_to_join = [&](std::uint64_t session) {
    GroupMember who = member(0, session);
    who.process.name.assign(kNameBytesMax, 'p');
    return directory.join(view_id(session), "room", {}, who);
  };
  std::uint64_t last = 1;
  GroupEntry most{"room", {}, view_id(0), {}};
  for (; last <= 13000; ++last) {
    most.members.push_back(member(0, last));
    most.members.back().process.name.assign(kNameBytesMax, 'p');
  }
  directory.restore({most});
  while (try_to_join(last).change) ++last;
  EXPECT_EQ(try_to_join(last).refused, RejectReason::kTooBig);
  EXPECT_EQ(directory.find("room")->members.size(), last - 1);

  GroupDirectory copy;
  copy.restore(directory.snapshot());
  directory = std::move(copy);
  EXPECT_EQ(try_to_join(last).refused, RejectReason::kTooBig) << "a joiner has the same groups";

  EXPECT_TRUE(directory.leave(view_id(last), group_key("room"), key_of(0, 1), LeaveReason::kLeave));
  EXPECT_TRUE(try_to_join(last).change);
  EXPECT_FALSE(try_to_join(last + 1).change);
  directory.change_daemons(view_of(1), {{daemon_id(0), LeaveReason::kDaemonLost}});
  EXPECT_TRUE(try_to_join(last + 2).change) << "the group was empty and forgotten";
}

// Rule F10, where nobody of a group is left: who watches it has been told of no view without them.
TEST_F(GroupDirectoryTest, TellsOfAGroupWhoseLastMemberHasLeftUnseen) {
  join(1, "room", member(0, 1));
  std::vector<GroupChange> earlier;
  const auto leave_unseen = [&](const std::string& group, std::uint64_t session) {
    const auto change =
        directory.leave(view_id(4), group_key(group), key_of(0, session), LeaveReason::kLeave);
    ASSERT_TRUE(change.has_value());
    earlier.push_back(*change);
  };
  leave_unseen("room", 1);
  earlier.push_back(join(3, "brief", member(0, 2)));
  leave_unseen("brief", 2);  // nobody has ever seen it
  const auto changes = directory.change_daemons(view_of(2, 8), {}, earlier);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].name, "room");
  GroupView expected;
  expected.id = {view_of(2, 8).id, OrderNumber{0}};
  expected.left = {{member(0, 1).process, LeaveReason::kLeave}};
  EXPECT_EQ(changes[0].view, expected);
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace groupcomm::membership
