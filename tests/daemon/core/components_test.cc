// Under the partitionable policy all sides of a partition go on, and come together again.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Gone;
using protocol::SendFail;
using protocol::Suspended;
using protocol::Transition;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class Components : public Room, public ::testing::Test {
 protected:
  explicit Components(std::size_t size = 5) : Room(size), size_(size) {
    defaults().partitionable = true;
  }
  // Everybody in one of the sides hears those of the same side only.
  void split(const std::vector<std::vector<std::size_t>>& sides) {
    for (const auto& side : sides) {
      for (const auto& other : sides) {
        if (&side == &other) continue;
        for (const std::size_t i : side) {
          for (const std::size_t j : other) cut(i, j);
        }
      }
    }
    run_for(seconds(5));
  }
  void unite() {
    heal();
    run_for(seconds(8));
  }
  bool is_primary(std::size_t i) { return status(i).primary; }
  std::size_t primaries() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < size_; ++i) count += is_running(i) && is_primary(i) ? 1 : 0;
    return count;
  }
  Texts sorted_members(std::size_t i) {
    Texts names = members(i);
    std::sort(names.begin(), names.end());
    return names;
  }
  Texts sorted_names(std::size_t i) {
    Texts names = names_in_view(i);
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::size_t size_;
};

TEST_F(Components, BeginAloneAndFormAPrimaryView) {
  open();
  EXPECT_EQ(primaries(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(installed(i).front().view.primary);
    EXPECT_EQ(installed(i).front().view.members.size(), 1u);
    EXPECT_EQ(names_in_view(i), (Texts{"c0", "c1", "c2", "c3", "c4"}));
    EXPECT_TRUE(last_view(i).primary);
  }
}

TEST_F(Components, GoOnOnAllSidesAndSayWhichIsPrimary) {
  open();
  split({{0, 1, 2}, {3, 4}});
  EXPECT_EQ(sorted_members(0), (Texts{"d0", "d1", "d2"}));
  EXPECT_EQ(sorted_members(4), (Texts{"d3", "d4"}));
  EXPECT_TRUE(last_view(0).primary);
  EXPECT_FALSE(last_view(3).primary);
  say(1, 1, multicast(7, "here", Order::kSafe));
  say(4, 1, multicast(7, "there", Order::kSafe));
  run_for(milliseconds(200));
  for (const std::size_t i : {0u, 1u, 2u}) EXPECT_EQ(texts(i, 1), Texts{"here"});
  for (const std::size_t i : {3u, 4u}) EXPECT_EQ(texts(i, 1), Texts{"there"});
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(heard_of<Suspended>(i, 1).empty());
    EXPECT_TRUE(heard_of<Gone>(i, 1).empty());
    EXPECT_FALSE(gave_up(i));
  }
}

TEST_F(Components, ComeTogetherWithTheirMembersAndNothingOfTheirPast) {
  open();
  split({{0, 1, 2}, {3, 4}});
  say(4, 1, multicast(7, "there"));
  run_for(milliseconds(200));
  unite();
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(members(i).size(), 5u);
    EXPECT_TRUE(is_primary(i));
    EXPECT_EQ(last_view(i).id, last_view(0).id);
    EXPECT_EQ(names_in_view(i), (Texts{"c0", "c1", "c2", "c3", "c4"}));
  }
  const GroupView here = last_view(0);
  const GroupView there = last_view(3);
  EXPECT_EQ(here.joined, (std::vector<ProcessId>{process(3, 1), process(4, 1)}));
  EXPECT_EQ(here.transitional.size(), 3u);
  EXPECT_EQ(there.joined, (std::vector<ProcessId>{process(0, 1), process(1, 1), process(2, 1)}));
  EXPECT_EQ(there.transitional, (std::vector<ProcessId>{process(3, 1), process(4, 1)}));
  EXPECT_TRUE(texts(0, 1).empty());
  say(3, 1, multicast(8, "all"));
  run_for(milliseconds(200));
  EXPECT_EQ(texts(0, 1), Texts{"all"});
  EXPECT_EQ(texts(3, 1), (Texts{"there", "all"}));
}

TEST_F(Components, ArePrimaryAgainAsSoonAsAQuorumHasComeTogether) {
  open();
  split({{0, 1}, {2, 3}, {4}});
  EXPECT_EQ(primaries(), 0u);
  heal();
  for (const std::size_t i : {0u, 1u, 2u, 3u}) cut(i, 4);
  run_for(seconds(8));
  EXPECT_EQ(sorted_members(0), (Texts{"d0", "d1", "d2", "d3"}));
  EXPECT_EQ(primaries(), 4u);
  EXPECT_FALSE(is_primary(4));
  EXPECT_FALSE(last_view(0).recovered);
  unite();
  EXPECT_EQ(primaries(), 5u);
}

TEST_F(Components, DoNotTakeAMinorityForPrimaryAfterwards) {
  open();
  split({{0, 1, 2}, {3, 4}});
  // The quorum moved on: two of these three are the next one, and the four others are none.
  heal();
  for (const std::size_t j : {1u, 2u, 3u, 4u}) cut(0, j);
  for (const std::size_t i : {1u, 2u}) {
    for (const std::size_t j : {3u, 4u}) cut(i, j);
  }
  run_for(seconds(5));
  EXPECT_EQ(sorted_members(1), (Texts{"d1", "d2"}));
  EXPECT_TRUE(is_primary(1));
  EXPECT_FALSE(is_primary(0));
  heal();
  for (const std::size_t i : {0u, 3u, 4u}) {
    for (const std::size_t j : {1u, 2u}) cut(i, j);
  }
  run_for(seconds(8));
  EXPECT_EQ(sorted_members(0), (Texts{"d0", "d3", "d4"}));
  EXPECT_FALSE(is_primary(0));
  EXPECT_TRUE(is_primary(1));
}

TEST_F(Components, RestartIntoAPrimaryViewThatIsRecovered) {
  open();
  for (std::size_t i = 0; i < 5; ++i) kill(i);
  for (std::size_t i = 0; i < 5; ++i) start(i);
  run_for(seconds(6));
  EXPECT_EQ(primaries(), 5u);
  const InstallView& last = installed(0).back();
  EXPECT_TRUE(last.recovered);
  EXPECT_EQ(last.view.lineage, installed(1).back().view.lineage);
}

TEST_F(Components, DoNotBecomePrimaryWithRecordsThatWereLost) {
  open();
  for (std::size_t i = 0; i < 5; ++i) kill(i);
  for (const std::size_t i : {2u, 3u, 4u}) wipe(i);
  for (std::size_t i = 0; i < 5; ++i) start(i);
  run_for(seconds(6));
  EXPECT_EQ(members(0).size(), 5u);
  EXPECT_EQ(primaries(), 0u);
}

TEST_F(Components, LeaveOutMembersWhoseGroupHasOtherOptions) {
  open();
  split({{0, 1, 2}, {3, 4}});
  greet(0, 2);
  greet(4, 2);
  say(0, 2, join(1, "new", {.flush = false, .uniform = true}));
  say(4, 2, join(1, "new", {.flush = false, .uniform = false}));
  run_for(milliseconds(100));
  unite();
  EXPECT_EQ(last_view(0, 2).members.size(), 1u);
  const auto gone = heard_of<Gone>(4, 2);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].group, group_key("new"));
  EXPECT_EQ(gone[0].reason, GoneReason::kExcluded);
  say(4, 2, join(2, "new", {.flush = false, .uniform = true}));
  run_for(milliseconds(100));
  EXPECT_EQ(last_view(4, 2).members.size(), 2u);
}

TEST_F(Components, KeepGroupsThatOnlyOneSideHas) {
  open();
  split({{0, 1, 2}, {3, 4}});
  greet(0, 2);
  greet(4, 2);
  say(0, 2, join(1, "here"));
  say(4, 2, join(1, "there"));
  run_for(milliseconds(100));
  unite();
  EXPECT_EQ(last_view(0, 2).id.daemon_view, last_view(4, 2).id.daemon_view);
  EXPECT_EQ(last_view(4, 2).members.size(), 1u);
  say(0, 2, multicast(2, "hello", Order::kFifo, "there"));
  run_for(milliseconds(100));
  EXPECT_EQ(texts(4, 2), Texts{"hello"});
}

TEST_F(Components, TellASenderWhoseGroupIsOnTheOtherSide) {
  open();
  greet(0, 2);
  say(0, 2, join(1, "far"));
  run_for(milliseconds(100));
  split({{0, 1, 2}, {3, 4}});
  say(4, 1, multicast(9, "anybody?", Order::kTotal, "far"));
  run_for(milliseconds(100));
  const auto rejected = this->rejected(4, 1);
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].reason, RejectReason::kNoSuchGroup);
}

TEST_F(Components, LetADaemonLeaveForGood) {
  open();
  split({{0, 1, 2}, {3, 4}});
  ask_to_leave(3);
  run_for(seconds(1));
  EXPECT_TRUE(finished(3));
  EXPECT_EQ(members(4), Texts{"d4"});
  EXPECT_EQ(last_view(4).left.front().reason, LeaveReason::kLeave);
  unite();
  EXPECT_EQ(members(4).size(), 4u);
}

TEST_F(Components, HaveNothingToDoWithThoseOfTheOtherPolicy) {
  defaults().partitionable = false;
  start(0);
  start(1);
  start(2);
  defaults().partitionable = true;
  start(3);
  start(4);
  run_for(seconds(6));
  EXPECT_EQ(sorted_members(0), (Texts{"d0", "d1", "d2"}));
  EXPECT_EQ(sorted_members(3), (Texts{"d3", "d4"}));
  EXPECT_FALSE(is_primary(3));
  const auto says_so = [](const Report& report) {
    return report.warning && report.text.find("another partition_policy") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(reports(0).begin(), reports(0).end(), says_so), 2);
  EXPECT_EQ(std::count_if(reports(3).begin(), reports(3).end(), says_so), 3);
}

// Whoever waits to be taken in does not wait for ever.
TEST_F(Components, GoOnWhereNobodyTakesThemIn) {
  open();
  split({{0, 1, 2}, {3, 4}});
  heal();
  set_filter([](const auto&, const std::string& to, const protocol::PeerBody& body) {
    const auto* install = std::get_if<protocol::Install>(&body);
    const bool is_kept_out = to == "d3" || to == "d4";
    return !is_kept_out || install == nullptr || install->value.arrivals.empty();
  });
  run_for(seconds(3));
  EXPECT_EQ(status(4).phase, "merging");
  say(4, 1, multicast(7, "still here"));
  run_for(seconds(6));
  EXPECT_EQ(texts(3, 1), Texts{"still here"});
  EXPECT_TRUE(is_primary(0));
  set_filter(nullptr);
  run_for(seconds(15));
  EXPECT_EQ(members(4).size(), 5u);
}

// Rule Q1: a decision that cannot be carried out binds nobody who hears no more of it.
TEST_F(Components, GiveUpADecisionWhoseMessagesCannotBeHad) {
  open();
  set_filter([](const auto&, const std::string& to, const protocol::PeerBody& body) {
    const bool is_data = std::holds_alternative<protocol::Batch>(body) ||
                         std::holds_alternative<protocol::Repair>(body);
    return to != "d2" || !is_data;
  });
  say(0, 1, multicast(7, "lost", Order::kReliable));
  settle();
  kill(4);
  run_for(milliseconds(1400));
  EXPECT_EQ(status(2).phase, "flushing");
  run_for(milliseconds(600));
  EXPECT_EQ(sorted_members(0), (Texts{"d0", "d1", "d3"}));
  EXPECT_TRUE(is_primary(0));
  EXPECT_EQ(members(2), Texts{"d2"});
  EXPECT_FALSE(is_primary(2));
  EXPECT_FALSE(gave_up(2));
  EXPECT_EQ(texts(1, 1), Texts{"lost"});
  EXPECT_EQ(texts(2, 1), Texts{});
  const auto says_so = [](const Report& report) {
    return report.text.find("goes on without those who have them") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(reports(2).begin(), reports(2).end(), says_so), 1);
  set_filter(nullptr);
  run_for(seconds(10));
  EXPECT_EQ(sorted_members(2), (Texts{"d0", "d1", "d2", "d3"}));
  EXPECT_TRUE(is_primary(2));
}

// Rule Q5: it is quiet and cannot go there without knowing how the groups stand.
TEST_F(Components, AskForTheGroupsWhereTheyAreTakenInWithoutThem) {
  open();
  split({{0, 1, 2}, {3, 4}});
  std::optional<protocol::PeerFrame> install;
  set_filter([&](const auto&, const std::string& to, const protocol::PeerBody& body) {
    const auto* told = std::get_if<protocol::Install>(&body);
    const bool is_taken_in = told != nullptr && !told->value.arrivals.empty();
    if (to == "d3" && is_taken_in && !install) install = find_last<protocol::Install>(0, 3);
    return (to != "d3" && to != "d4") || !is_taken_in;
  });
  heal();
  run_for(seconds(2));
  ASSERT_TRUE(install.has_value());
  ASSERT_EQ(status(3).phase, "merging");
  set_filter(nullptr);
  std::get<protocol::Install>(install->body).groups.reset();
  receive(3, *install);
  EXPECT_EQ(status(3).phase, "merging");
  settle();
  EXPECT_EQ(members(3).size(), 5u);
  EXPECT_EQ(names_in_view(3), (Texts{"c0", "c1", "c2", "c3", "c4"}));
}

TEST_F(Components, NeedNoOperator) {
  open();
  split({{0, 1, 2}, {3, 4}});
  say(3, 1, protocol::Bootstrap{RequestId{9}, {"d0", "d1", "d2"}});
  settle();
  const auto answers = heard_of<protocol::BootstrapReply>(3, 1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].possible);
  EXPECT_EQ(answers[0].text, "under the partitionable policy every component goes on by itself");
}

// The sides that were not primary never were in the other policy's eyes.
TEST_F(Components, GoOnFromTheLastPrimaryViewWhenThePolicyWasChanged) {
  open();
  split({{0, 1, 2}, {3, 4}});
  const Incarnation lineage = installed(0).back().view.lineage;
  const std::uint64_t before = installed(0).back().view.id.counter;
  for (std::size_t i = 0; i < 5; ++i) kill(i);
  heal();
  defaults().partitionable = false;
  for (const std::size_t i : {3u, 4u}) start(i);
  run_for(seconds(6));
  EXPECT_EQ(status(3).phase, "joining") << "two of five are no quorum";
  for (const std::size_t i : {0u, 1u, 2u}) start(i);
  run_for(seconds(6));
  EXPECT_EQ(primaries(), 5u);
  EXPECT_EQ(members(3).size(), 5u);
  EXPECT_EQ(installed(3).back().view.lineage, lineage);
  EXPECT_GT(installed(3).back().view.id.counter, before);
}

class OneComponent : public Components {
 protected:
  OneComponent() : Components(1) {}
};

TEST_F(OneComponent, IsPrimaryByItself) {
  open();
  EXPECT_TRUE(is_primary(0));
  EXPECT_EQ(names_in_view(0), Texts{"c0"});
}

class ThreeInComponents : public Components {
 protected:
  ThreeInComponents() : Components(3) {}
};

// Rule Q6: what d0 decides is what the others had accepted without it, and have gone on to.
TEST_F(ThreeInComponents, GoOnWhereTheyDecideAViewWithoutThemselvesThatTheOthersAreInAlready) {
  open();
  ASSERT_EQ(members(1), (Texts{"d0", "d1", "d2"}));
  // d1 and d2 accept a view without d0; d1 does not learn that d2 did.
  set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return from != "d0" && to != "d0" && !is_body<protocol::Accept>(body);
  });
  refuse(2, 0);
  refuse(1, 0);
  settle();
  ASSERT_TRUE(record(2).accepted.has_value());
  ASSERT_EQ(record(2).accepted->value.next.members.size(), 2u);
  // d0 adopts it, and does not learn that d2 accepts it for the second time.
  set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return from != "d1" && to != "d1" && !is_body<protocol::Accept>(body);
  });
  refuse(0, 1);
  settle();
  run_for(milliseconds(50));
  const auto late = last_frame<protocol::Accept>(2, 0);
  // The other two go on, and d0 hears that they did.
  set_filter([](const std::string& from, const std::string& to, const auto& body) {
    return from != "d0" && (to != "d0" || is_body<protocol::Beacon>(body));
  });
  run_for(milliseconds(500));
  ASSERT_EQ(members(1), (Texts{"d1", "d2"}));
  ASSERT_EQ(members(2), (Texts{"d1", "d2"}));
  link_up(1, 0);
  link_up(2, 0);
  settle();
  ASSERT_EQ(members(0).size(), 3u);
  receive(0, late);
  run_for(milliseconds(100));
  EXPECT_EQ(members(0), Texts{"d0"});
  set_filter({});
  run_for(seconds(8));
  EXPECT_EQ(members(0), (Texts{"d1", "d2", "d0"}));
  EXPECT_EQ(status(0).view, status(1).view);
  EXPECT_EQ(primaries(), 3u);
}

}  // namespace
}  // namespace groupcomm::daemon
