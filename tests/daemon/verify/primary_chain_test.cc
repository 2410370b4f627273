#include <gtest/gtest.h>

#include <utility>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// Daemons go by one-letter names; ids of views by their counters.
class Daemons {
 public:
  Daemons& view(const std::string& who, std::uint64_t counter, std::vector<std::string> members,
                bool recovered = false, std::vector<record::Left> left = {}) {
    record::View view{
        .p = who, .g = "", .id = std::to_string(counter) + ".000000000000000" + proposer_ + ".1"};
    view.forced = std::exchange(forces_, false);
    view.lineage = lineage_;
    view.ancestor = ancestor_;
    const std::vector<std::string>& before = current_[who];
    for (const std::string& member : members) {
      const bool is_old = std::find(before.begin(), before.end(), member) != before.end();
      if (!is_old) view.joined.push_back(member);
    }
    for (const std::string& member : before) {
      const auto is_named = [&](const record::Left& one) { return one.member == member; };
      if (std::find(members.begin(), members.end(), member) == members.end() &&
          std::none_of(left.begin(), left.end(), is_named)) {
        left.push_back({.member = member, .reason = "daemon_lost"});
      }
    }
    view.left = left;
    view.members = members;
    view.recovered = recovered;
    current_[who] = members;
    story_.daemon_view(who, view);
    return *this;
  }
  // The views from here on are of this lineage.
  Daemons& lineage(const std::string& name, const std::string& ancestor) {
    lineage_ = name;
    ancestor_ = ancestor;
    proposer_ = name == "old" ? "1" : "2";
    return *this;
  }
  // The next view is forced.
  Daemons& force() {
    forces_ = true;
    return *this;
  }
  // The end of its trace is lost.
  Daemons& cut(const std::string& who) {
    Trace& trace = story_.daemon(who);
    trace.records.insert(trace.records.begin(), record::Start{.p = who});
    trace.is_cut = true;
    return *this;
  }
  std::string violated() const { return story_.violated(); }

 private:
  Story story_;
  bool forces_ = false;
  std::string lineage_ = "old";
  std::string ancestor_;
  std::string proposer_ = "1";
  std::map<std::string, std::vector<std::string>> current_;
};

TEST(PrimaryChain, GoesOnWithAQuorum) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a", "b"}).view("b", 2, {"a", "b"}).view("a", 3, {"a"});
  EXPECT_EQ(daemons.violated(), "");
}

TEST(PrimaryChain, FailsWithoutAQuorumOfTheViewBefore) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a"});
  EXPECT_EQ(daemons.violated(), "M6");
}

TEST(PrimaryChain, FailsWithTheHalfThatLacksRankZero) {
  Daemons daemons;
  daemons.view("a", 1, {"a", "b"}).view("b", 1, {"a", "b"}).view("b", 2, {"b"});
  EXPECT_EQ(daemons.violated(), "M6");
}

TEST(PrimaryChain, DoesNotCountARestartedDaemonAsTheOldOne) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a", "b'"}).view("b'", 2, {"a", "b'"});
  EXPECT_EQ(daemons.violated(), "M6");
}

TEST(PrimaryChain, CountsThoseWhoLeaveWithTheChange) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a"}, false, {{.member = "b", .reason = "leave"}});
  EXPECT_EQ(daemons.violated(), "");
}

TEST(PrimaryChain, FailsWhereTwoViewsFollowOne) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a", "b"}).view("b", 3, {"b", "c"}).view("c", 3, {"b", "c"});
  EXPECT_NE(daemons.violated().find("M6"), std::string::npos);
}

TEST(PrimaryChain, FailsWhereADaemonSkipsAView) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("a", 2, {"a", "b"}).view("b", 2, {"a", "b"});
  daemons.view("a", 3, {"a", "b", "c"}).view("c", 3, {"a", "b", "c"});
  EXPECT_NE(daemons.violated().find("M6"), std::string::npos);
}

TEST(PrimaryChain, FailsWhereNobodySurvives) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.view("d", 2, {"a", "b", "d"});
  EXPECT_EQ(daemons.violated(), "M6");
}

TEST(PrimaryChain, CountsThoseWhoRestartedByTheirNames) {
  for (const bool has_quorum : {true, false}) {
    Daemons daemons;
    for (const char* who : {"a#1", "b#1", "c#1"}) daemons.view(who, 1, {"a#1", "b#1", "c#1"});
    if (has_quorum) {
      daemons.view("a#2", 2, {"a#2", "b#2"}, /*recovered=*/true);
    } else {
      daemons.view("a#2", 2, {"a#2"}, /*recovered=*/true);
    }
    EXPECT_EQ(daemons.violated(), has_quorum ? "" : "M6");
  }
}

TEST(PrimaryChain, KnowsNothingOfRecoveredViewsThatNobodyInstalled) {
  Daemons daemons;
  for (const char* who : {"a#1", "b#1", "c#1"}) daemons.view(who, 1, {"a#1", "b#1", "c#1"});
  daemons.view("a#2", 3, {"a#2"}, /*recovered=*/true);
  EXPECT_EQ(daemons.violated(), "");
}

TEST(PrimaryChain, KnowsNothingOfViewsBehindTheEndOfACutTrace) {
  Daemons daemons;
  for (const char* who : {"a#1", "b#1", "c#1"}) daemons.view(who, 1, {"a#1", "b#1", "c#1"});
  daemons.view("a#2", 3, {"b#1", "a#2"});
  EXPECT_EQ(daemons.violated(), "M6");
  EXPECT_EQ(daemons.cut("b#1").violated(), "");
}

// Three daemons, of which an operator gives up two.
Daemons forked() {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.lineage("new", "old").force().view("c", 2, {"c"}, /*recovered=*/true);
  return daemons;
}

TEST(PrimaryChain, BranchesWhereAnOperatorForcesAView) {
  Daemons daemons = forked();
  daemons.view("c", 3, {"c", "d"}).view("d", 3, {"c", "d"});
  EXPECT_EQ(daemons.violated(), "");
}

TEST(PrimaryChain, GoesOnBesideABranch) {
  Daemons daemons = forked();
  daemons.lineage("old", "").view("a", 2, {"a", "b"}).view("b", 2, {"a", "b"});
  daemons.view("a", 3, {"a"});
  EXPECT_EQ(daemons.violated(), "");
}

TEST(PrimaryChain, FailsWithoutAQuorumInABranch) {
  Daemons daemons = forked();
  for (const char* who : {"c", "d", "e"}) daemons.view(who, 3, {"c", "d", "e"});
  daemons.view("e", 4, {"e"});
  EXPECT_EQ(daemons.violated(), "M6");
}

TEST(PrimaryChain, FailsWhereALineageBeginsWithoutForce) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.lineage("new", "old").view("c", 2, {"c"});
  EXPECT_NE(daemons.violated().find("M6"), std::string::npos);
}

TEST(PrimaryChain, FailsWhereAForcedViewBeginsNoLineage) {
  Daemons daemons;
  for (const char* who : {"a", "b", "c"}) daemons.view(who, 1, {"a", "b", "c"});
  daemons.force().view("c", 2, {"c"}, /*recovered=*/true);
  EXPECT_NE(daemons.violated().find("M6"), std::string::npos);
}

TEST(PrimaryChain, FailsWhereADaemonGoesOverWithItsState) {
  Daemons daemons = forked();
  daemons.lineage("old", "").view("a", 2, {"a", "b"}).view("b", 2, {"a", "b"});
  daemons.lineage("new", "old").view("c", 3, {"c", "b"}).view("b", 3, {"c", "b"});
  EXPECT_NE(daemons.violated().find("M6"), std::string::npos);
}

}  // namespace
}  // namespace groupcomm::verify
