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

TEST(SelfDelivery, IsNotOwedToTheExcludedNorAfterSendFail) {
  Story excluded;
  excluded.view(kView1, {"a"}).send("a", 1, Order::kTotal, kView1).gone("a", "excluded");
  EXPECT_EQ(excluded.violated(), "");
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

// a left alone with the quorum that knew of a view, and died; b never heard of that view.
TEST(SameView, IsForgottenWithTheDeadWhereTheNextViewSaysSo) {
  for (const bool says_so : {true, false}) {
    Story story;
    story.view(kView1, {"a", "b", "c"}).view("a", kView1b, {"a", "b"});
    story.send("a", 1, Order::kReliable, kView1b).deliver("a", "a", 1, Order::kReliable, kView1b);
    story.deliver("b", "a", 1, Order::kReliable, kView1).crash("a").crash("c");
    record::View view = story.make_view("b", kView2, {"b"});
    view.recovered = says_so;
    story.add("b", view);
    EXPECT_EQ(story.violated(/*converged=*/false), says_so ? "" : "D5");
  }
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
