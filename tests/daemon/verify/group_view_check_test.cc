#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// The daemons of Story's clients: a and b are at the first one, c and others at the second.
const std::string kFirst = "d#0000000000000001";
const std::string kSecond = "e#0000000000000002";

class GroupViews : public testing::Test {
 protected:
  GroupViews() { begin(); }
  void begin() {
    story = Story();
    current_.clear();
    daemon_view(kFirst, kDaemonView1, {kFirst, kSecond}, {kFirst, kSecond}, {});
    daemon_view(kSecond, kDaemonView1, {kFirst, kSecond}, {kFirst, kSecond}, {});
  }

  void daemon_view(const std::string& who, const std::string& id, std::vector<std::string> members,
                   std::vector<std::string> joined, std::vector<std::string> left) {
    record::View view{.id = id, .members = std::move(members)};
    view.joined = std::move(joined);
    for (const auto& one : left) view.left.push_back({.member = one, .reason = "daemon_lost"});
    story.daemon_view(who, view);
  }

  // A client of the second daemon: Story would put it on another daemon of the same name.
  static std::string at_second(const std::string& name) { return name + "@" + kSecond + ".9"; }
  static std::string at_first(const std::string& name) { return name + "@" + kFirst + ".9"; }

  // The view as `who` is told it, by full names.
  void view(const std::string& who, const std::string& id, std::vector<std::string> members,
            bool primary = true) {
    record::View view{.p = who, .g = "g", .id = id, .members = members, .primary = primary};
    auto& before = current_[who];
    for (const auto& member : members) {
      const bool is_old = std::find(before.begin(), before.end(), member) != before.end();
      (is_old ? view.transitional : view.joined).push_back(member);
    }
    for (const auto& member : before) {
      if (std::find(members.begin(), members.end(), member) != members.end()) continue;
      const bool is_lost = id.starts_with(kDaemonView2) && daemon_of(member) == kSecond;
      view.left.push_back({.member = member, .reason = is_lost ? "daemon_lost" : "crash"});
    }
    if (before.empty()) view.transitional = {who};
    before = members;
    story.add(who.substr(0, 1), view);
  }
  std::string violated() const { return story.violated(/*converged=*/false); }

  static inline const std::string kDaemonView1 = "1.0000000000000001.1";
  static inline const std::string kDaemonView2 = "2.0000000000000001.1";
  Story story;
  std::map<std::string, std::vector<std::string>> current_;
  const std::string a = at_first("a");
  const std::string b = at_first("b");
  const std::string c = at_second("c");
};

TEST_F(GroupViews, FollowFromOneControlMessageEach) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {a, c});
  view(a, kDaemonView1 + "/4", {a});
  EXPECT_EQ(violated(), "");
}

TEST_F(GroupViews, HaveNoTwoChangesAtOnce) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {a, b, c});
  EXPECT_EQ(violated(), "M14");
}

TEST_F(GroupViews, PutAJoinerLast) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {c, a});
  EXPECT_EQ(violated(), "M14");
}

TEST_F(GroupViews, LoseTheClientsOfALostDaemonAllAtOnce) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {a, c});
  daemon_view(kFirst, kDaemonView2, {kFirst}, {}, {kSecond});
  view(a, kDaemonView2 + "/0", {a});
  EXPECT_EQ(violated(), "");
}

TEST_F(GroupViews, KeepNoClientOfALostDaemon) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {a, c});
  daemon_view(kFirst, kDaemonView2, {kFirst}, {}, {kSecond});
  view(a, kDaemonView2 + "/0", {a, c});
  EXPECT_EQ(violated(), "M14");
}

TEST_F(GroupViews, LoseNobodyElseWithADaemonView) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView1 + "/3", {a, b});
  daemon_view(kFirst, kDaemonView2, {kFirst}, {}, {kSecond});
  view(a, kDaemonView2 + "/0", {a});
  EXPECT_EQ(violated(), "M14");
}

TEST_F(GroupViews, BeginEachDaemonViewWithTheOneOfIt) {
  view(a, kDaemonView1 + "/1", {a});
  daemon_view(kFirst, kDaemonView2, {kFirst}, {}, {kSecond});
  view(a, kDaemonView2 + "/7", {a});
  EXPECT_EQ(violated(), "M14");
}

TEST_F(GroupViews, RestOnADaemonViewThatExists) {
  view(a, "9.0000000000000001.1/1", {a});
  EXPECT_EQ(violated(), "M14");
}

// What a daemon installed after the end of its trace is not known: nobody else may have installed
// it, or somebody has.
TEST_F(GroupViews, MayRestOnADaemonViewThatWasCutOffATrace) {
  view(a, kDaemonView1 + "/1", {a});
  view(a, kDaemonView2 + "/0", {a});
  Trace& first = story.daemon(kFirst);
  first.records.insert(first.records.begin(), record::Start{.p = kFirst});
  for (const bool is_known : {false, true}) {
    if (is_known) daemon_view(kSecond, kDaemonView2, {kFirst, kSecond}, {}, {});
    first.is_cut = false;
    EXPECT_EQ(violated(), "M14") << is_known;
    first.is_cut = true;
    EXPECT_EQ(violated(), "") << is_known;
  }
}

TEST_F(GroupViews, MissNoDaemonViewAtTheEnd) {
  view(a, kDaemonView1 + "/1", {a});
  daemon_view(kFirst, kDaemonView2, {kFirst}, {}, {kSecond});
  EXPECT_EQ(story.violated(/*converged=*/true), "M14");
  EXPECT_EQ(violated(), "");
}

TEST_F(GroupViews, SayWhetherTheyArePrimary) {
  view(a, kDaemonView1 + "/1", {a}, /*primary=*/false);
  EXPECT_EQ(violated(), "M8");
}

// c has written no trace.
TEST_F(GroupViews, SayOfEachMemberWhetherItsDaemonCameAlong) {
  for (const bool says_so : {true, false}) {
    SCOPED_TRACE(says_so);
    begin();
    view(a, kDaemonView1 + "/1", {a, c});
    daemon_view(kFirst, kDaemonView2, {kFirst, kSecond}, {}, {});
    daemon_view(kSecond, kDaemonView2, {kFirst, kSecond}, {}, {});
    view(a, kDaemonView2 + "/0", {a, c});
    if (!says_so) {
      std::get<record::View>(story.client("a").records.back()).transitional = {a};
    }
    EXPECT_EQ(violated(), says_so ? "" : "M9");
  }
}

TEST_F(GroupViews, NameNobodyWhoseDaemonCameFromElsewhere) {
  view(a, kDaemonView1 + "/1", {a, c});
  daemon_view(kFirst, kDaemonView2, {kFirst, kSecond}, {}, {});
  daemon_view(kSecond, "1.0000000000000002.1", {kSecond}, {}, {kFirst});
  daemon_view(kSecond, kDaemonView2, {kFirst, kSecond}, {kFirst}, {});
  view(a, kDaemonView2 + "/0", {a, c});
  EXPECT_NE(violated().find("M9"), std::string::npos);
}

}  // namespace
}  // namespace groupcomm::verify
