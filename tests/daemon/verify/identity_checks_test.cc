#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// --- M11 -----------------------------------------------------------------------------------------

TEST(TheExcluded, AreNotToldThatTheyGoOn) {
  for (const bool is_primary : {true, false}) {
    Story story;
    story.view(kView1, {"a", "b", "c"}).view("b", kView2, {"b", "c"}).view("c", kView2, {"b", "c"});
    record::View alone = story.make_view("a", kView3, {"a"});
    alone.primary = is_primary;
    story.add("a", alone);
    EXPECT_EQ(story.violated().find("M11") != std::string::npos, is_primary);
  }
}

// The one goes on with somebody who then dies before it installs that view, and has accepted it.
TEST(TheExcluded, MayHaveBeenInAnEarlierPrimaryViewWhereTheyPartFromOneThatIsNot) {
  for (const bool is_primary : {true, false}) {
    Story story;
    for (const char* who : {"a", "b", "c"}) {
      record::View first = story.make_view(who, kView1, {"a", "b", "c"});
      first.primary = is_primary;
      story.add(who, first);
    }
    story.view("a", kView2, {"a"}).crash("a");
    story.view("b", kView3, {"b", "c"}).view("c", kView3, {"b", "c"});
    EXPECT_EQ(story.violated().find("M11") != std::string::npos, is_primary);
  }
}

TEST(TheExcluded, AreToldSoBeforeTheirEnd) {
  for (const bool is_told : {true, false}) {
    Story story;
    story.view(kView1, {"a"});
    if (is_told) story.gone("a", "excluded");
    story.add("a", record::Exit{.p = Story::full("a")});
    EXPECT_EQ(story.violated(), is_told ? "" : "M11");
  }
}

TEST(TheExcluded, MayLearnThatTheyAreGone) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).gone("a", "excluded");
  for (const char* who : {"b", "c"}) {
    record::View next = story.make_view(who, kView2, {"b", "c"});
    next.left[0].reason = "partition";
    story.add(who, next);
  }
  EXPECT_EQ(story.violated(), "");
}

// --- M12 -----------------------------------------------------------------------------------------

record::Lead lead(const std::string& who, const std::string& id) {
  return {.p = Story::full(who), .g = "g", .view = id};
}
record::Act act(const std::string& who, const std::string& id) {
  return {.p = Story::full(who), .g = "g", .view = id};
}

TEST(Leader, IsTheMemberAtRankZero) {
  Story story;
  story.view(kView1, {"a", "b"}).add("a", lead("a", kView1)).add("a", act("a", kView1));
  story.view("b", kView2, {"b"}).add("b", lead("b", kView2)).crash("a");
  EXPECT_EQ(story.violated(), "");
}

TEST(Leader, IsNobodyElse) {
  Story story;
  story.view(kView1, {"a", "b"}).add("b", lead("b", kView1));
  EXPECT_EQ(story.violated(), "M12");
}

TEST(Leader, IsOneForEachView) {
  Story story;
  story.view("a", kView1, {"a", "b"}).view("b", kView1, {"b", "a"});
  story.add("a", lead("a", kView1)).add("b", lead("b", kView1));
  EXPECT_NE(story.violated().find("M12"), std::string::npos);
}

TEST(Leader, ActsWithTheTokenOfItsView) {
  Story story;
  story.view(kView1, {"a"}).view(kView2, {"a"}).add("a", act("a", kView1));
  EXPECT_EQ(story.violated(), "M12");
}

TEST(Leader, DoesNotActAfterItsViewEnds) {
  const std::string a = Story::full("a");
  for (const Record& end : {Record(record::Transition{.p = a, .g = "g", .transitional = {a}}),
                            Record(record::Suspended{.p = a, .g = "g"})}) {
    Story story;
    story.view(kView1, {"a"}).add("a", end).add("a", act("a", kView1)).view(kView2, {"a"});
    EXPECT_EQ(story.violated(), "M12");
  }
}

// --- M13 -----------------------------------------------------------------------------------------

record::View daemon_view(std::uint64_t counter, std::vector<std::string> members,
                         std::vector<std::string> joined, std::vector<std::string> left) {
  record::View view{.id = std::to_string(counter) + ".0000000000000001.1", .members = members};
  view.joined = std::move(joined);
  for (const std::string& one : left) view.left.push_back({.member = one, .reason = "daemon_lost"});
  return view;
}

TEST(Identities, DoNotShareAName) {
  Story story;
  story.daemon_view("a#1", daemon_view(1, {"a#1", "b#1", "b#2"}, {"a#1", "b#1", "b#2"}, {}));
  EXPECT_EQ(story.violated(), "M13");
}

TEST(Identities, MayTakeOverANameInOneChange) {
  Story story;
  for (const char* who : {"a#1", "b#1", "c#1"}) {
    story.daemon_view(who, daemon_view(1, {"a#1", "b#1", "c#1"}, {"a#1", "b#1", "c#1"}, {}));
  }
  story.daemon_view("a#1", daemon_view(2, {"a#1", "c#1", "b#2"}, {"b#2"}, {"b#1"}));
  EXPECT_EQ(story.violated(), "");
}

TEST(Identities, DoNotComeBack) {
  for (const bool was_installed : {true, false}) {
    Story story;
    story.daemon_view("a#1", daemon_view(1, {"a#1", "b#1"}, {"a#1", "b#1"}, {}));
    if (was_installed) {
      story.daemon_view("b#1", daemon_view(1, {"a#1", "b#1"}, {"a#1", "b#1"}, {}));
    }
    story.daemon_view("a#1", daemon_view(2, {"a#1"}, {}, {"b#1"}));
    story.daemon_view("a#1", daemon_view(3, {"a#1", "b#1"}, {"b#1"}, {}));
    EXPECT_EQ(story.violated(), was_installed ? "M13" : "");
  }
}

TEST(Identities, RiseWithEachIncarnation) {
  Story story;
  story.daemon_view("a#1", daemon_view(1, {"a#1", "b#5"}, {"a#1", "b#5"}, {}));
  story.daemon_view("a#1", daemon_view(2, {"a#1"}, {}, {"b#5"}));
  story.daemon_view("a#1", daemon_view(3, {"a#1", "b#4"}, {"b#4"}, {}));
  EXPECT_EQ(story.violated(), "M13");
}

TEST(Identities, OfProcessesAreOneMembershipAtATime) {
  Story story;
  story.view("a", kView1, {"a", "b", "b~2"});
  EXPECT_EQ(story.violated(), "M13");
}

}  // namespace
}  // namespace groupcomm::verify
