#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

record::Reject rejected(const std::string& who, const std::string& reason) {
  return {.p = Story::full(who), .g = "g", .reason = reason};
}
record::SendFail failed(const std::string& who, std::uint64_t number) {
  return {.p = Story::full(who), .g = "g", .number = number};
}
record::Suspended suspended(const std::string& who) { return {.p = Story::full(who), .g = "g"}; }

// a's daemon accepts a message, and a is told: rejected.
Story rejected_and_accepted(const std::string& reason) {
  Story story;
  story.view(kView1, {"a", "b"}).add("a", rejected("a", reason));
  story.stamp(story.make_send("a", 1, Order::kReliable, kView1));
  return story.deliver("b", "a", 1, Order::kReliable, kView1);
}

TEST(Answers, HoldWhereTheConnectionEndedWithoutOne) {
  Story story = rejected_and_accepted("gone");
  story.gone("a", "daemon_lost").add("a", record::Exit{.p = Story::full("a")});
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(Answers, FailWhereARejectedSendHasAnEffect) {
  Story story = rejected_and_accepted("no_primary");
  story.gone("a", "daemon_lost").add("a", record::Exit{.p = Story::full("a")});
  EXPECT_EQ(story.violated(/*converged=*/false), "D14");
}

TEST(Answers, AreOwedToWhoeverLivesOn) {
  Story story = rejected_and_accepted("no_primary");
  story.deliver("a", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  EXPECT_EQ(story.violated(), "D14");
}

TEST(Answers, OfOneWhoWasKilledAreNotKnown) {
  Story story = rejected_and_accepted("no_primary");
  EXPECT_EQ(story.crash("a").violated(/*converged=*/false), "");
}

// a is told that its message was accepted, and its daemon's trace knows nothing of it.
TEST(Answers, FailWhereNothingWasStamped) {
  const std::string daemon = "d#0000000000000001";
  Story story;
  story.view(kView1, {"a", "b"}).add("a", story.make_send("a", 1, Order::kTotal, kView1));
  EXPECT_EQ(story.violated(/*converged=*/false), "");  // there is no such trace
  story.daemon("d1").records.push_back(record::Start{.p = daemon});
  EXPECT_EQ(story.violated(/*converged=*/false), "D14");
  story.stamp(story.make_send("a", 1, Order::kTotal, kView1));
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

// b sends to a and is told that nobody is there; a delivers it or not.
Story sent_to_nobody(bool is_delivered) {
  Story story;
  story.view(kView1, {"a", "b"});
  record::Send send = story.make_send("b", 1, Order::kTotal, kView1);
  send.to = Story::full("a");
  story.stamp(send).add("b", send).add("b", failed("b", 1));
  if (is_delivered) story.deliver("a", "b", 1, Order::kTotal, kView1);
  return story;
}

TEST(SendFailures, HoldWhereNobodyHasTheMessage) {
  EXPECT_EQ(sent_to_nobody(/*is_delivered=*/false).view(kView2, {"b"}).violated(false), "");
}

TEST(SendFailures, FailWhereOneWhoLivesOnHasIt) {
  Story story = sent_to_nobody(/*is_delivered=*/true);
  EXPECT_EQ(story.view(kView2, {"a", "b"}).violated(false), "D14");
}

TEST(SendFailures, MayBeOfWhatNoTraceSent) {
  Story story = sent_to_nobody(/*is_delivered=*/true);
  story.add("b", failed("b", 2))
      .add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 3});
  EXPECT_EQ(story.view(kView2, {"a", "b"}).violated(false), "D14");
}

TEST(SendFailures, SayNothingOfThoseWhoDied) {
  Story story = sent_to_nobody(/*is_delivered=*/true);
  EXPECT_EQ(story.crash("a").view(kView2, {"b"}).violated(false), "");
}

TEST(SendFailures, SayNothingOfOthersWhereTheSenderWasExcluded) {
  Story story = sent_to_nobody(/*is_delivered=*/true);
  record::View next = story.make_view("a", kView2, {"a"});
  next.left[0].reason = "partition";
  story.add("a", next).gone("b", "excluded");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(Suspensions, EndWithTheNextViewAndWhatIsLeftOfTheLast) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1);
  for (const char* who : {"a", "b"}) story.add(who, suspended(who));
  for (const char* who : {"a", "b"}) story.deliver(who, "a", 1, Order::kTotal, kView1);
  story.view(kView2, {"a", "b"}).send("a", 2, Order::kTotal, kView2);
  for (const char* who : {"a", "b"}) story.deliver(who, "a", 2, Order::kTotal, kView2);
  EXPECT_EQ(story.violated(), "");
}

TEST(Suspensions, FailWhereAMessageIsAccepted) {
  Story story;
  story.view(kView1, {"a"}).add("a", suspended("a")).send("a", 1, Order::kTotal, kView1);
  story.deliver("a", "a", 1, Order::kTotal, kView1).view(kView2, {"a"});
  EXPECT_EQ(story.violated(), "M15");
}

TEST(Suspensions, FailWhereOneDeliversAndIsExcluded) {
  for (const bool is_after : {false, true}) {
    Story story;
    story.view(kView1, {"a", "b"}).send("a", 1, Order::kReliable, kView1);
    if (is_after) story.add("b", suspended("b"));
    story.deliver("b", "a", 1, Order::kReliable, kView1);
    if (!is_after) story.add("b", suspended("b"));
    story.gone("b", "excluded");
    EXPECT_EQ(story.violated(/*converged=*/false), is_after ? "M15" : "");
  }
}

TEST(Suspensions, AreToldOnce) {
  Story story;
  story.view(kView1, {"a"}).add("a", suspended("a")).add("a", suspended("a"));
  EXPECT_EQ(story.violated(/*converged=*/false), "M15");
}

TEST(Suspensions, DoNotLastForEver) {
  Story story;
  story.view(kView1, {"a"}).add("a", suspended("a"));
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  EXPECT_EQ(story.violated(), "L4");
}

}  // namespace
}  // namespace groupcomm::verify
