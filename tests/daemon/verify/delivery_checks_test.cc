#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// a and b in one view; a has sent a fifo message, and both have delivered it.
Story two_members() {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kFifo, kView1);
  story.deliver("a", "a", 1, Order::kFifo, kView1).deliver("b", "a", 1, Order::kFifo, kView1);
  return story;
}

TEST(DeliveryChecks, AreContentWithAnOrdinaryStory) { EXPECT_EQ(two_members().violated(), ""); }

// --- D1 ------------------------------------------------------------------------------------------

TEST(Integrity, FailsWhereAMessageComesFromNowhere) {
  Story story = two_members();
  story.deliver("a", "a", 2, Order::kFifo, kView1).deliver("b", "a", 2, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D1");
}

TEST(Integrity, FailsWhereOneIsNamedWhoseDaemonNeverHeardOfIt) {
  Story story;
  story.view(kView1, {"a", "b"}).deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  story.daemon("d1").records.push_back(record::Start{.p = "d#0000000000000001"});
  EXPECT_EQ(story.violated(/*converged=*/false), "D1");
}

TEST(Integrity, FailsWhereSomebodyElseIsAddressed) {
  Story story;
  story.view(kView1, {"a", "b", "c"});
  record::Send send = story.make_send("a", 1, Order::kReliable, kView1);
  send.to = Story::full("b");
  story.stamp(send).add("a", send);
  story.deliver("b", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "");
  story.deliver("c", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "D1");
}

TEST(Integrity, FailsWhereASelfDiscardedMessageComesBack) {
  Story story;
  story.view(kView1, {"a", "b"});
  record::Send send = story.make_send("a", 1, Order::kReliable, kView1);
  send.self_discard = true;
  story.stamp(send).add("a", send);
  story.deliver("b", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "");
  story.deliver("a", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "D1");
}

TEST(Integrity, IsContentWithTheDaemonsWordForAKilledSender) {
  Story story;
  story.view(kView1, {"a", "b"}).stamp(story.make_send("a", 1, Order::kFifo, kView1)).crash("a");
  story.deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "");
}

TEST(Integrity, SaysNothingOfSendersWithoutATrace) {
  Story story;
  story.view("b", kView1, {"a", "b"}).deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "");
}

// --- D2 ------------------------------------------------------------------------------------------

TEST(NoDuplicates, FailsInOneViewAndOverViews) {
  Story one = two_members();
  one.deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(one.violated(), "D2");
  Story two = two_members();
  two.view(kView2, {"a", "b"}).deliver("b", "a", 1, Order::kFifo, kView2);
  EXPECT_NE(two.violated().find("D2"), std::string::npos);
}

TEST(NoDuplicates, FailsOverMembershipsOfOneProcess) {
  Story story = two_members();
  story.gone("b", "left").view("b~2", kView2, {"b~2"}).deliver("b~2", "a", 1, Order::kFifo, kView2);
  EXPECT_NE(story.violated(false).find("D2"), std::string::npos);
}

TEST(NoDuplicates, AllowsEqualPayloads) {
  Story story = two_members();
  record::Send send = story.make_send("b", 1, Order::kFifo, kView1);
  story.stamp(send).add("b", send);
  story.deliver("a", "b", 1, Order::kFifo, kView1).deliver("b", "b", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "");
}

// --- D3 ------------------------------------------------------------------------------------------

TEST(PayloadIntegrity, FailsWhereContentOrOrderDiffers) {
  for (int what = 0; what < 3; ++what) {
    Story story;
    story.view(kView1, {"a"});
    record::Send send = story.make_send("a", 1, Order::kFifo, kView1);
    if (what == 0) send.hash = 99;
    if (what == 1) send.size = 99;
    if (what == 2) send.order = Order::kCausal;
    story.stamp(send).add("a", send).deliver("a", "a", 1, Order::kFifo, kView1);
    EXPECT_EQ(story.violated(), "D3") << what;
  }
}

TEST(PayloadIntegrity, FailsWhereTheDaemonStampedOtherBytes) {
  Story story;
  story.view(kView1, {"a"});
  record::Send send = story.make_send("a", 1, Order::kFifo, kView1);
  story.add("a", send);
  send.hash = 99;
  story.stamp(send).deliver("a", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D3");
}

// --- D5 ------------------------------------------------------------------------------------------

TEST(SameView, FailsWhereReceiversAreInDifferentViews) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kReliable, kView1);
  story.deliver("a", "a", 1, Order::kReliable, kView1).view(kView2, {"a", "b"});
  story.deliver("b", "a", 1, Order::kReliable, kView2);
  EXPECT_NE(story.violated().find("D5"), std::string::npos);
}

TEST(SameView, AllowsALaterViewThanTheSenders) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1).view(kView1b, {"a", "b"});
  story.deliver("a", "a", 1, Order::kTotal, kView1b).deliver("b", "a", 1, Order::kTotal, kView1b);
  EXPECT_EQ(story.violated(), "");
}

// Though one who died may have been alone with the place of a total message.
TEST(SameView, FailsWhereOneWhoDiedDeliveredInAnotherViewThanTheOthers) {
  for (const Order order : {Order::kTotal, Order::kSafe}) {
    Story story;
    story.view(kView1, {"a", "b"}).send("b", 1, order, kView1).deliver("b", "b", 1, order, kView1);
    story.crash("b").view("a", kView1b, {"a", "b"}).deliver("a", "b", 1, order, kView1b);
    story.view("a", kView2, {"a"});
    EXPECT_NE(story.violated().find("D5"), std::string::npos) << to_string(order);
  }
}

// All die: a, which alone had the next view of the group, and b on its way to a recovered view.
TEST(SameView, AsksNothingOfWhatOneWhoDiedDeliveredAfterATransitionIntoARecoveredView) {
  for (const bool after_transition : {true, false}) {
    Story story;
    story.view(kView1, {"a", "b"}).send("a", 1, Order::kFifo, kView1);
    story.view("a", kView1b, {"a", "b"}).deliver("a", "a", 1, Order::kFifo, kView1b).crash("a");
    if (after_transition) {
      story.add("b", record::Transition{
                         .p = Story::full("b"), .g = "g", .transitional = {Story::full("b")}});
    }
    story.deliver("b", "a", 1, Order::kFifo, kView1).crash("b");
    record::View view = story.make_view("e", kView2, {"e"});
    view.recovered = true;
    story.add("e", view);
    const bool is_found = story.violated(/*converged=*/false).find("D5") != std::string::npos;
    EXPECT_EQ(is_found, !after_transition);
  }
}

// --- D18 -----------------------------------------------------------------------------------------

TEST(Posthumous, FailsAfterTheSenderIsSaidToBeLost) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kReliable, kView1).crash("a");
  story.view("b", kView2, {"b"}).deliver("b", "a", 1, Order::kReliable, kView2);
  EXPECT_NE(story.violated().find("D18"), std::string::npos);
}

TEST(Posthumous, FailsBeforeTheViewThatHasTheSender) {
  Story story;
  story.view("b", kView1, {"b"});
  story.stamp(story.make_send("a", 1, Order::kReliable, kView2));
  story.deliver("b", "a", 1, Order::kReliable, kView1).view(kView2, {"a", "b"});
  EXPECT_NE(story.violated().find("D18"), std::string::npos);
}

// Only the dead saw it join: what is left of that comes after the transition into a recovered view.
TEST(Posthumous, AllowsWhatOneSentWhoseJoinOnlyTheDeadHadSeen) {
  for (const bool says_so : {true, false}) {
    for (const bool after_transition : {true, false}) {
      Story story;
      story.view("b", kView1, {"b"});
      story.stamp(story.make_send("a", 1, Order::kReliable, kView1b));
      if (after_transition) {
        story.add("b", record::Transition{
                           .p = Story::full("b"), .g = "g", .transitional = {Story::full("b")}});
      }
      story.deliver("b", "a", 1, Order::kReliable, kView1);
      record::View view = story.make_view("b", kView2, {"b"});
      view.recovered = says_so;
      story.add("b", view);
      const bool is_found = story.violated().find("D18") != std::string::npos;
      EXPECT_EQ(is_found, !says_so || !after_transition) << says_so << after_transition;
    }
  }
}

TEST(Posthumous, AllowsOpenSendersAndThoseWhoLeft) {
  Story story;
  story.view(kView1, {"a", "b"}).gone("a", "left");
  record::View view = story.make_view("b", kView2, {"b"});
  view.left.front().reason = "leave";
  record::Send send = story.make_send("a", 1, Order::kReliable, kView2);
  send.member = false;
  story.add("b", view).stamp(send).add("a", send).deliver("b", "a", 1, Order::kReliable, kView2);
  EXPECT_EQ(story.violated(), "");
}

}  // namespace
}  // namespace groupcomm::verify
