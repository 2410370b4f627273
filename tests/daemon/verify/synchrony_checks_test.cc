#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

using Members = std::vector<std::string>;

// --- D6 ------------------------------------------------------------------------------------------

TEST(VirtualSynchrony, FailsWhereCompanionsDelivedDifferentSets) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kReliable, kView1).crash("c");
  story.deliver("a", "c", 1, Order::kReliable, kView1);
  story.view("a", kView2, {"a", "b"}).view("b", kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "D6");
}

TEST(VirtualSynchrony, FailsAtTheEndOfASettledRun) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kReliable, kView1).crash("c");
  story.deliver("a", "c", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(/*converged=*/true), "D6");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(VirtualSynchrony, AsksNothingOfThoseWhoDidNotGoAlong) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kReliable, kView1).crash("c");
  story.deliver("a", "c", 1, Order::kReliable, kView1).view("a", kView2, {"a", "b"}).crash("b");
  EXPECT_EQ(story.violated(), "");
}

TEST(VirtualSynchrony, AsksOnlyForWhatIsAddressed) {
  Story story;
  story.view(kView1, {"a", "b", "c"});
  record::Send send = story.make_send("c", 1, Order::kReliable, kView1);
  send.to = Story::full("a").substr(Story::full("a").find('#') + 1);
  story.stamp(send).add("c", send).deliver("a", "c", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "");
}

// --- D7 ------------------------------------------------------------------------------------------

TEST(SelfDelivery, FailsWhereASurvivorLosesItsOwnMessage) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1).view(kView2, {"a", "b"});
  EXPECT_EQ(story.violated(/*converged=*/false), "D7");
}

TEST(SelfDelivery, FailsAtTheEndOfASettledRun) {
  Story story;
  story.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/true), "D7");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(SelfDelivery, FailsWhereALeaverLosesItsOwnMessage) {
  Story story;
  story.view(kView1, {"a"}).send("a", 1, Order::kFifo, kView1).gone("a", "left");
  EXPECT_EQ(story.violated(), "D7");
}

TEST(SelfDelivery, WaitsOverViewsOfOneDaemonView) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1).view(kView1b, {"a", "b"});
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(SelfDelivery, FailsWhereTheExcludedAreNotToldWhatTheyDidNotDeliver) {
  const record::SendFail fail{.p = Story::full("a"), .g = "g", .number = 1};
  Story untold;
  untold.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1).gone("a", "excluded");
  EXPECT_EQ(untold.violated(), "D7");
  Story told;
  told.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1).add("a", fail);
  EXPECT_EQ(told.gone("a", "excluded").violated(), "");
}

TEST(SelfDelivery, IsNotOwedAfterALostDaemonNorAfterSendFail) {
  Story lost;
  lost.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1).gone("a", "daemon_lost");
  EXPECT_EQ(lost.violated(), "");
  Story failed;
  failed.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1);
  failed.add("a", record::SendFail{.p = Story::full("a"), .g = "g", .number = 1});
  EXPECT_EQ(failed.violated(), "");
}

// --- D16 -----------------------------------------------------------------------------------------

TEST(SafeDelivery, FailsWhereOthersGoOnWithoutWhatTheDeadDelivered) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kSafe, kView1);
  story.deliver("c", "c", 1, Order::kSafe, kView1).crash("c");
  story.view("a", kView2, {"a", "b"}).view("b", kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "D16");
}

TEST(SafeDelivery, FailsWhereANoticeWasGivenTooEarly) {
  Story story;
  story.view(kView1, {"a", "b"}).send("b", 1, Order::kReliable, kView1);
  story.deliver("b", "b", 1, Order::kReliable, kView1);
  story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1}).crash("b");
  story.view("a", kView2, {"a"});
  EXPECT_EQ(story.violated(), "D16");
}

// A notice says nothing of members that are none any more, whatever they went on without.
TEST(SafeDelivery, IsNotOwedToThoseWhoWereNoMembersAtTheNotice) {
  Story story;
  story.view(kView1, {"a", "b"}).send("b", 1, Order::kReliable, kView1);
  story.view("a", kView1b, {"a", "b"}).crash("a");
  story.deliver("b", "b", 1, Order::kReliable, kView1).view("b", kView2, {"b"});
  story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1});
  EXPECT_EQ(story.violated(), "");
}

// d let a in, and died with its view: for those who recovered, a joined behind all that d was sent.
TEST(SafeDelivery, IsNotOwedToThoseWhoJoinedBeforeItOnlyAmongTheDead) {
  for (const bool was_in_before : {false, true}) {
    for (const bool is_recovered : {false, true}) {
      Story story;
      story.view("b", kView1, {"a", "b", "d"}).view("d", kView1, {"a", "b", "d"});
      if (was_in_before) story.view("a", kView1, {"a", "b", "d"});
      story.send("b", 1, Order::kReliable, kView1).deliver("d", "b", 1, Order::kReliable, kView1);
      story.deliver("b", "b", 1, Order::kReliable, kView1).crash("d");
      for (const std::string who : {"a", "b"}) {
        record::View view = story.make_view(who, kView2, {"a", "b"});
        view.recovered = is_recovered;
        story.add(who, view);
      }
      story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1});
      const bool is_owed = was_in_before || !is_recovered;
      EXPECT_EQ(story.violated().find("D16") != std::string::npos, is_owed);
    }
  }
}

TEST(SafeDelivery, FailsWhereOneWhoDiesLaterHadNotYetDeliveredWhatIsSaidToBeSafe) {
  for (const bool is_removed_first : {false, true}) {
    Story story;
    story.view(kView1, {"a", "b"}).send("b", 1, Order::kReliable, kView1);
    story.deliver("b", "b", 1, Order::kReliable, kView1).crash("a");
    if (is_removed_first) story.view("b", kView2, {"b"});
    story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1});
    EXPECT_EQ(story.violated(), is_removed_first ? "" : "D16");
  }
}

TEST(SafeDelivery, FailsAtTheEndOfASettledRun) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kSafe, kView1);
  story.deliver("c", "c", 1, Order::kSafe, kView1).crash("c");
  EXPECT_EQ(story.violated(/*converged=*/true), "D16");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(SafeDelivery, IsPromisedOnlyAmongThoseWhoComeAlongAfterATransition) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kSafe, kView1);
  story.add("c",
            record::Transition{
                .p = Story::full("c"), .g = "g", .transitional = Story::full(Members{"b", "c"})});
  story.deliver("c", "c", 1, Order::kSafe, kView1).crash("c").crash("b");
  story.view("a", kView2, {"a"});
  EXPECT_EQ(story.violated().find("D16"), std::string::npos);
  Story among;
  among.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kSafe, kView1);
  among.add("c",
            record::Transition{
                .p = Story::full("c"), .g = "g", .transitional = Story::full(Members{"a", "c"})});
  among.deliver("c", "c", 1, Order::kSafe, kView1).crash("c");
  among.view("a", kView2, {"a", "b"}).view("b", kView2, {"a", "b"});
  EXPECT_EQ(among.violated(), "D16");
}

// What a quorum of the dead held may be gone where the view says so. What the survivors held, as
// every safe message, may not.
TEST(SafeDelivery, ForgetsInARecoveredViewWhatOnlyTheDeadHeld) {
  for (const Order order : {Order::kTotal, Order::kSafe}) {
    for (const bool says_so : {true, false}) {
      Story story;
      story.make_uniform().view(kView1, {"a", "b", "c"}).send("c", 1, order, kView1);
      story.deliver("c", "c", 1, order, kView1).crash("c").crash("b");
      record::View view = story.make_view("a", kView2, {"a"});
      view.recovered = says_so;
      story.add("a", view);
      EXPECT_EQ(story.violated(), says_so && order == Order::kTotal ? "" : "D16");
    }
  }
}

// One went with its daemon alone to a further view of its group, or two, and both died; c never
// heard of these views, and delivered the message in the first one.
struct Forgotten {
  std::string view = kView1b;  // in which the dead delivered
  bool goes_on = false;        // to another view still
  bool recovered = true;
  bool after_transition = true;
  std::vector<std::string> next_daemons = {};  // in a trace of the daemons
  std::string dead = "a";
};

std::string violated_in(const Forgotten& what) {
  Story story;
  const std::string& dead = what.dead;
  story.view(kView1, {"a", "c", "d", "e"}).view(dead, kView1b, {"a", "c", "d"});
  story.send("a", 1, Order::kReliable, what.view);
  story.deliver(dead, "a", 1, Order::kReliable, what.view);
  if (what.goes_on) story.view(dead, "1.0000000000000001.1/6", {"a", "c", "d", "e~2"});
  story.crash("a").crash("d").crash("e");
  if (what.after_transition) {
    story.add("c", record::Transition{
                       .p = Story::full("c"), .g = "g", .transitional = {Story::full("c")}});
  }
  story.deliver("c", "a", 1, Order::kReliable, kView1);
  record::View view = story.make_view("c", kView2, {"c"});
  view.recovered = what.recovered;
  story.add("c", view);
  if (!what.next_daemons.empty()) {
    record::View daemons{.id = "2.0000000000000001.1", .members = what.next_daemons};
    daemons.recovered = what.recovered;
    story.daemon_view("d#0000000000000002", daemons);
  }
  std::string text;
  for (const Violation& violation : check(story.run(/*converged=*/false)).violations) {
    if (violation.property == "D5") text = "D5";
  }
  return text;
}

const std::string kDaemon1 = "d#0000000000000001";  // of a and b
const std::string kDaemon2 = "d#0000000000000002";  // of all others

TEST(SameView, IsForgottenWithTheDeadWhereTheNextViewSaysSo) {
  EXPECT_EQ(violated_in({}), "");
  EXPECT_EQ(violated_in({.recovered = false}), "D5");
}

TEST(SameView, IsForgottenEvenWhereTheDeadHadGoneOnTwice) {
  EXPECT_EQ(violated_in({.goes_on = true}), "");
  EXPECT_EQ(violated_in({.goes_on = true, .recovered = false}), "D5");
}

TEST(SameView, IsNotForgottenBeforeTheTransitionOfTheSurvivors) {
  EXPECT_EQ(violated_in({.after_transition = false}), "D5");
  EXPECT_EQ(violated_in({.goes_on = true, .after_transition = false}), "D5");
}

TEST(SameView, IsNotForgottenByTheDeadClientsOfADaemonThatLivesOn) {
  EXPECT_EQ(violated_in({.next_daemons = {kDaemon2}}), "");
  EXPECT_EQ(violated_in({.next_daemons = {kDaemon1, kDaemon2}}), "D5");
  EXPECT_EQ(violated_in({.next_daemons = {kDaemon2}, .dead = "d"}), "D5");
}

TEST(SafeDelivery, AsksNothingForAMereTotal) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kTotal, kView1);
  story.deliver("c", "c", 1, Order::kTotal, kView1).crash("c");
  story.view("a", kView2, {"a", "b"}).view("b", kView2, {"a", "b"});
  EXPECT_EQ(story.violated(), "");
  EXPECT_EQ(story.make_uniform().violated(), "D16");
}

}  // namespace
}  // namespace groupcomm::verify
