#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

TEST(ViewChecks, AreContentWithAnOrdinaryStory) {
  Story story;
  story.view(kView1, {"a", "b"}).view(kView2, {"a", "b", "c"});
  story.crash("b").view("a", kView3, {"a", "c"}).view("c", kView3, {"a", "c"});
  EXPECT_EQ(story.violated(), "");
}

// --- M1 ------------------------------------------------------------------------------------------

TEST(SelfInclusion, FailsWhereAMemberIsNotInItsView) {
  Story story;
  record::View view = story.make_view("a", kView1, {"b"});
  view.joined = {Story::full("a")};
  story.add("a", view);
  EXPECT_NE(story.violated().find("M1"), std::string::npos);
}

TEST(SelfInclusion, FailsWhereAnEarlierMembershipIsInTheView) {
  Story story;
  record::View view = story.make_view("a~2", kView1, {"a"});
  view.joined = {Story::full("a~2")};
  story.add("a", view);
  EXPECT_NE(story.violated().find("M1"), std::string::npos);
}

// --- M2 ------------------------------------------------------------------------------------------

TEST(Monotony, FailsWhereAnOlderViewFollows) {
  Story story;
  story.view(kView2, {"a", "b"}).view(kView1, {"a", "b"});
  EXPECT_EQ(story.violated(), "M2");
}

TEST(Monotony, FailsWhereAViewIsInstalledTwice) {
  Story story;
  story.view(kView1, {"a", "b"}).view(kView1, {"a", "b"});
  EXPECT_NE(story.violated().find("M2"), std::string::npos);
}

TEST(Monotony, KnowsThatPlacesOfOneDaemonViewRise) {
  Story story;
  story.view(kView1, {"a"}).view(kView1b, {"a", "b"}).view(kView2, {"a", "b", "c"});
  EXPECT_EQ(story.violated(), "");
}

TEST(Monotony, HoldsOverTheMembershipsOfOneProcess) {
  for (const std::string& again : {kView1b, kView3}) {
    Story story;
    story.view(kView2, {"a"}).gone("a", "left").view("a~2", again, {"a~2"});
    EXPECT_EQ(story.violated(), again == kView3 ? "" : "M2");
  }
}

TEST(ViewOrder, IsReadFromTheId) {
  EXPECT_EQ(parse_view_order("12.00000000000000ff.3/4"), ViewOrder(12, 255, 3, 4));
  EXPECT_EQ(parse_view_order("12.00000000000000ff.3"), ViewOrder(12, 255, 3, 0));
  for (const char* id : {"", "1", "1.2", "x", "1.2.3/", "1.2.3/4/5", "1/2.3.4"}) {
    EXPECT_EQ(parse_view_order(id), std::nullopt) << id;
  }
}

// --- M3 ------------------------------------------------------------------------------------------

TEST(Agreement, FailsWhereMembersOrRanksDiffer) {
  Story members;
  members.view("a", kView1, {"a", "b"}).view("b", kView1, {"a", "b", "c"});
  EXPECT_NE(members.violated().find("M3"), std::string::npos);
  Story ranks;
  ranks.view("a", kView1, {"a", "b"}).view("b", kView1, {"b", "a"});
  EXPECT_EQ(ranks.violated(), "M3");
}

TEST(Agreement, FailsWherePrimaryDiffers) {
  Story story;
  story.view("a", kView1, {"a", "b"});
  record::View view = story.make_view("b", kView1, {"a", "b"});
  view.primary = false;
  story.add("b", view);
  EXPECT_EQ(story.violated(), "M3");
}

TEST(Agreement, FailsWhereOneIsToldARecoveryAndTheOtherNot) {
  Story story;
  story.view(kView1, {"a", "b"}).view("a", kView2, {"a", "b"});
  record::View view = story.make_view("b", kView2, {"a", "b"});
  view.recovered = true;
  story.add("b", view);
  EXPECT_NE(story.violated().find("M3"), std::string::npos);
}

TEST(Agreement, FailsWhereDaemonsNameOtherOrigins) {
  enum { kNothing, kLineage, kAncestor, kForced };
  for (const int what : {kNothing, kLineage, kAncestor, kForced}) {
    Story story;
    for (const std::string who : {"d#1", "e#1"}) {
      record::View view{.id = "1.0000000000000001.1", .members = {"d#1", "e#1"}};
      view.joined = view.members;
      view.lineage = what == kLineage ? who : "1";
      view.ancestor = what == kAncestor ? who : "";
      view.forced = what == kForced && who == "d#1";
      story.daemon_view(who, view);
    }
    EXPECT_EQ(story.violated().find("M3") != std::string::npos, what != kNothing) << what;
  }
}

TEST(Agreement, FailsWhereMembersNameOtherOptionsOfTheirGroup) {
  for (const bool is_uniform : {true, false}) {
    for (const char* odd : {"a", "b", ""}) {
      Story story;
      for (const char* who : {"a", "b"}) {
        record::View view = story.make_view(who, kView1, {"a", "b"});
        (is_uniform ? view.uniform : view.flush) = who != std::string(odd);
        story.add(who, view);
      }
      EXPECT_EQ(story.violated(), *odd == '\0' ? "" : "M3") << is_uniform << odd;
    }
  }
}

TEST(Agreement, FailsWhereOptionsChangeUnderAMember) {
  for (const bool is_flush_later : {true, false}) {
    Story story;
    record::View first = story.make_view("a", kView1, {"a"});
    first.flush = true;
    record::View second = story.make_view("a", kView2, {"a"});
    second.flush = is_flush_later;
    story.add("a", first).add("a", record::Block{.p = Story::full("a"), .g = "g"});
    story.add("a", second);
    EXPECT_EQ(story.violated(), is_flush_later ? "" : "M3");
  }
}

TEST(Agreement, DoesNotCompareWhatIsRelativeToTheReceiver) {
  Story story;
  story.view("a", kView1, {"a"}).view(kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "");
}

// --- M4 ------------------------------------------------------------------------------------------

TEST(EveryEventInAView, FailsBeforeTheFirstView) {
  Story story;
  story.view("b", kView1, {"a", "b"});
  story.send("b", 1, Order::kFifo, kView1).deliver("b", "b", 1, Order::kFifo, kView1);
  story.deliver("a", "b", 1, Order::kFifo, kView1).view("a", kView1, {"a", "b"});
  EXPECT_NE(story.violated().find("M4"), std::string::npos);
}

TEST(EveryEventInAView, FailsAfterTheEnd) {
  Story story;
  story.view(kView1, {"a"}).gone("a", "left");
  story.add("a", record::Block{.p = Story::full("a"), .g = "g"});
  EXPECT_EQ(story.violated(), "M4");
}

TEST(EveryEventInAView, FailsWhereADeliveryNamesAnotherView) {
  Story story;
  story.view(kView1, {"a"}).send("a", 1, Order::kFifo, kView1).view(kView2, {"a"});
  story.deliver("a", "a", 1, Order::kFifo, kView1);
  EXPECT_NE(story.violated().find("M4"), std::string::npos);
}

TEST(EveryEventInAView, FailsWhereAFirstViewSaysNothingOfTheJoin) {
  Story story;
  record::View view = story.make_view("a", kView1, {"a"});
  view.joined.clear();
  story.add("a", view);
  EXPECT_EQ(story.violated(), "M4");
}

TEST(EveryEventInAView, FailsWhereAMembershipBeginsBeforeTheLastIsOver) {
  Story story;
  story.view(kView1, {"a"}).view("a~2", kView2, {"a~2"});
  EXPECT_NE(story.violated().find("M4"), std::string::npos);
}

TEST(EveryEventInAView, AllowsToJoinAgain) {
  Story story;
  story.view(kView1, {"a"}).gone("a", "left").view("a~2", kView2, {"a~2"});
  EXPECT_EQ(story.violated(), "");
}

// --- M5 ------------------------------------------------------------------------------------------

TEST(Predecessors, FailWhereHistoriesHalfOverlap) {
  // c splits off alone; a and b take it back without having noticed.
  Story story;
  story.view(kView1, {"a", "b", "c"});
  record::View alone = story.make_view("c", kView2, {"c"});
  alone.primary = false;
  story.add("c", alone).view(kView3, {"a", "b", "c"});
  EXPECT_NE(story.violated().find("M5"), std::string::npos);
}

TEST(Predecessors, FailWhereAMemberSkipsAView) {
  Story story;
  story.view(kView1, {"a", "b"}).view("a", kView2, {"a", "b"}).view(kView3, {"a", "b"});
  EXPECT_NE(story.violated().find("M5"), std::string::npos);
}

TEST(Predecessors, AllowDisjointOnes) {
  Story story;
  story.view(kView1, {"a"}).view(kView1, {"a"});
  Story merge;
  merge.view("a", kView1, {"a"});
  record::View alone = merge.make_view("c", kView1b, {"c"});
  alone.primary = false;
  merge.add("c", alone);
  record::View at_a = merge.make_view("a", kView3, {"a", "c"});
  merge.add("a", at_a).add("c", merge.make_view("c", kView3, {"a", "c"}));
  EXPECT_EQ(merge.violated(), "");
}

// --- M9 ------------------------------------------------------------------------------------------

TEST(TransitionalSet, FailsWhereACompanionIsMissing) {
  Story story;
  story.view(kView1, {"a", "b"});
  record::View view = story.make_view("a", kView2, {"a", "b"});
  view.transitional = {Story::full("a")};
  story.add("a", view).view("b", kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "M9");
}

TEST(TransitionalSet, FailsWhereAJoinerIsInIt) {
  Story story;
  story.view(kView1, {"a"});
  record::View view = story.make_view("a", kView2, {"a", "b"});
  view.transitional.push_back(Story::full("b"));
  story.add("a", view).view("b", kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "M9");
}

// Nobody but the member itself tells of the other one.
TEST(TransitionalSet, FailsWhereOneIsInItThatIsNotInBothViews) {
  Story story;
  story.view("a", kView1, {"a"});
  record::View view = story.make_view("a", kView2, {"a", "b"});
  view.transitional.push_back(Story::full("b"));
  EXPECT_EQ(story.add("a", view).violated(), "M9");
}

TEST(TransitionalSet, FailsWhereOneIsInItThatCameFromAnotherView) {
  for (const bool is_named : {true, false}) {
    Story story;
    story.view(kView1, {"a", "b"}).view("b", kView2, {"a", "b"});
    record::View view = story.make_view("a", kView3, {"a", "b"});
    if (!is_named) view.transitional = {Story::full("a")};
    story.add("a", view);
    view = story.make_view("b", kView3, {"a", "b"});
    view.transitional = {Story::full("b")};
    story.add("b", view);
    EXPECT_EQ(story.violated().find("M9") != std::string::npos, is_named) << story.violated();
  }
}

// The third one wrote no trace.
TEST(TransitionalSet, FailsWhereTwoAreToldDifferently) {
  Story story;
  story.view("a", kView1, {"a", "b", "c"}).view("b", kView1, {"a", "b", "c"});
  story.view("a", kView2, {"a", "b", "c"});
  record::View view = story.make_view("b", kView2, {"a", "b", "c"});
  view.transitional.pop_back();
  EXPECT_EQ(story.add("b", view).violated(), "M9");
}

TEST(TransitionalSet, FailsWhereTheMemberItselfIsNotInIt) {
  Story story;
  story.view(kView1, {"a"});
  record::View view = story.make_view("a", kView2, {"a"});
  view.transitional.clear();
  story.add("a", view);
  EXPECT_EQ(story.violated(), "M9");
}

TEST(TransitionalSet, FailsWhereAJoinerClaimsHistory) {
  Story story;
  story.view(kView1, {"a"}).view("a", kView2, {"a", "b"});
  record::View view = story.make_view("b", kView2, {"a", "b"});
  view.transitional = Story::full(std::vector<std::string>{"a", "b"});
  story.add("b", view);
  EXPECT_EQ(story.violated(), "M9");
}

// What the members are told before a view of daemons ends; c, whose join was under way, comes in
// between.
std::string violated_after_a_transition(const std::vector<std::string>& announced, bool joins) {
  Story story;
  story.view(kView1, {"a", "b"});
  for (const char* who : {"a", "b"}) {
    story.add(who, record::Transition{
                       .p = Story::full(who), .g = "g", .transitional = Story::full(announced)});
  }
  if (joins) story.view(kView1b, {"a", "b", "c"});
  return story.view(kView2, {"a", "b", "c"}).violated();
}

TEST(TransitionalSet, IsAmongThoseWhoWereAnnounced) {
  EXPECT_EQ(violated_after_a_transition({"a", "b"}, /*joins=*/false), "");
  EXPECT_EQ(violated_after_a_transition({"a", "b"}, /*joins=*/true), "");
  EXPECT_EQ(violated_after_a_transition({"a"}, /*joins=*/false), "M9");
  EXPECT_EQ(violated_after_a_transition({"b"}, /*joins=*/true), "M9");
}

TEST(TransitionalSet, MayNameOneWhoNeverCameSoFar) {
  Story story;
  story.view(kView1, {"a", "b"}).view("a", kView2, {"a", "b"}).crash("b");
  EXPECT_EQ(story.violated(), "");
}

// --- M10 -----------------------------------------------------------------------------------------

TEST(Delta, FailsWhereAJoinOrALeaveIsNotTold) {
  Story joined;
  joined.view(kView1, {"a"});
  record::View view = joined.make_view("a", kView2, {"a", "b"});
  view.joined.clear();
  joined.add("a", view).view("b", kView2, {"a", "b"});
  EXPECT_EQ(joined.violated(), "M10");

  Story left;
  left.view(kView1, {"a", "b"}).crash("b");
  view = left.make_view("a", kView2, {"a"});
  view.left.clear();
  left.add("a", view);
  EXPECT_EQ(left.violated(), "M10");
}

TEST(Delta, FailsWhereLeavingAndJoiningAgainIsHidden) {
  Story story;
  story.view(kView1, {"a", "b"}).gone("b", "left");
  record::View view = story.make_view("a", kView2, {"a", "b~2"});
  view.joined.clear();
  view.left.clear();
  story.add("a", view).view("b~2", kView2, {"a", "b~2"});
  EXPECT_EQ(story.violated(), "M10");
}

TEST(Delta, FailsWhereReasonsDiffer) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).crash("c").view("a", kView2, {"a", "b"});
  record::View view = story.make_view("b", kView2, {"a", "b"});
  view.left.front().reason = "evicted";
  story.add("b", view);
  EXPECT_EQ(story.violated(), "M10");
}

TEST(Delta, FailsWhereOneWhoLeftIsSaidToHaveCrashed) {
  Story story;
  story.view(kView1, {"a", "b"}).gone("b", "left").view("a", kView2, {"a"});
  EXPECT_EQ(story.violated(), "M10");
}

TEST(Delta, AllowsAnOrdinaryLeave) {
  Story story;
  story.view(kView1, {"a", "b"}).gone("b", "left");
  record::View view = story.make_view("a", kView2, {"a"});
  view.left.front().reason = "leave";
  story.add("a", view);
  EXPECT_EQ(story.violated(), "");
}

}  // namespace
}  // namespace groupcomm::verify
