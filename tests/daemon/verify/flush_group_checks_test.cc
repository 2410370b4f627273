#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

record::Block block(const std::string& who) { return {.p = Story::full(who), .g = "g"}; }
record::BlockOk block_ok(const std::string& who, std::uint64_t request) {
  return {.p = Story::full(who), .g = "g", .request = request};
}

// a sends with the given request; its daemon stamps it in `id`.
void send_with_request(Story& story, std::uint64_t number, std::uint64_t request,
                       const std::string& id) {
  record::Send send = story.make_send("a", number, Order::kReliable, id);
  story.stamp(send);
  send.request = request;
  story.add("a", send);
}

// What comes before each view but the first of a membership.
Story& hold_back(Story& story, const std::vector<std::string>& members) {
  for (const std::string& who : members) story.add(who, block(who));
  return story;
}

TEST(SendingView, FailsWhereAMessageIsDeliveredInALaterView) {
  for (const bool is_flush : {true, false}) {
    Story story;
    if (is_flush) story.make_flush();
    story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1);
    hold_back(story, {"a", "b"}).view(kView1b, {"a", "b"});
    for (const char* who : {"a", "b"}) story.deliver(who, "a", 1, Order::kTotal, kView1b);
    EXPECT_EQ(story.violated(), is_flush ? "D4" : "");
  }
}

// The daemon stamps and delivers it in one view, but its sender had been told of another one.
TEST(SendingView, FailsWhereTheSenderKnewAnEarlierView) {
  for (const std::string& known : {kView1, kView1b, std::string()}) {
    Story story;
    story.make_flush().view(kView1, {"a", "b"});
    hold_back(story, {"a", "b"}).view(kView1b, {"a", "b"});
    record::Send send = story.make_send("a", 1, Order::kTotal, kView1b);
    story.stamp(send);
    send.asked_in = known;
    story.add("a", send);
    for (const char* who : {"a", "b"}) story.deliver(who, "a", 1, Order::kTotal, kView1b);
    EXPECT_EQ(story.violated(), known == kView1 ? "D4" : "") << known;
  }
}

// It asked to leave and to join again, and did not wait for either.
TEST(SendingView, IsThatOfTheMembershipThatSends) {
  Story story;
  story.make_flush().view(kView1, {"a", "b"}).gone("a", "left").view("b", kView1b, {"b"});
  const std::string id = "1.0000000000000001.1/6";
  story.view("b", id, {"b", "a~2"}).view("a~2", id, {"b", "a~2"});
  record::Send send = story.make_send("a", 1, Order::kTotal, id);
  story.stamp(send);
  send.asked_in = kView1;
  story.add("a", send);
  for (const char* who : {"a~2", "b"}) story.deliver(who, "a", 1, Order::kTotal, id);
  EXPECT_EQ(story.violated(/*converged=*/false).find("D4"), std::string::npos);
}

TEST(SendingView, IsNotPromisedToThoseWhoAreNoMembers) {
  Story story;
  story.make_flush().view(kView1, {"a"});
  record::Send send = story.make_send("b", 1, Order::kTotal, kView1);
  send.member = false;
  story.stamp(send).add("b", send);
  hold_back(story, {"a"}).view(kView1b, {"a"});
  story.deliver("a", "b", 1, Order::kTotal, kView1b);
  EXPECT_EQ(story.violated(), "");
}

TEST(BlockContract, HoldsWhereTheSenderHoldsBack) {
  Story story;
  story.view(kView1, {"a"}).add("a", block("a"));
  send_with_request(story, 1, 4, kView1);
  story.deliver("a", "a", 1, Order::kReliable, kView1).add("a", block_ok("a", 4));
  story.view(kView2, {"a"});
  send_with_request(story, 2, 5, kView2);
  story.deliver("a", "a", 2, Order::kReliable, kView2);
  EXPECT_EQ(story.violated(), "");
}

TEST(BlockContract, FailsWhereAMessageIsAcceptedAfterTheAgreement) {
  Story story;
  story.view(kView1, {"a"}).add("a", block("a")).add("a", block_ok("a", 4));
  send_with_request(story, 1, 5, kView1);
  story.deliver("a", "a", 1, Order::kReliable, kView1).view(kView2, {"a"});
  EXPECT_EQ(story.violated(), "D8");
}

TEST(BlockContract, FailsWhereAMemberIsAskedTwice) {
  Story story;
  story.view(kView1, {"a"}).add("a", block("a")).add("a", block("a")).view(kView2, {"a"});
  EXPECT_EQ(story.violated(), "D8");
}

TEST(BlockContract, FailsWhereNobodyAsked) {
  Story story;
  story.view(kView1, {"a"}).add("a", block_ok("a", 0)).view(kView2, {"a"});
  EXPECT_EQ(story.violated(), "D8");
}

TEST(BlockContract, FailsWhereAViewComesWithoutABlock) {
  for (const bool is_flush : {true, false}) {
    Story story;
    if (is_flush) story.make_flush();
    story.view(kView1, {"a"});
    hold_back(story, {"a"}).view(kView1b, {"a", "b"}).view(kView2, {"a", "b"});
    EXPECT_EQ(story.violated(), is_flush ? "D8" : "");
  }
}

TEST(BlockContract, AsksForNoBlockBeforeTheFirstViewOfAMembership) {
  Story story;
  story.make_flush().view(kView1, {"a"}).gone("a", "left").view("a~2", kView2, {"a~2"});
  EXPECT_EQ(story.violated(), "");
}

TEST(BlockContract, FailsWhereAMemberStaysBlocked) {
  Story story;
  story.view(kView1, {"a"}).add("a", block("a"));
  EXPECT_EQ(story.violated(/*converged=*/true), "L4");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  EXPECT_EQ(story.crash("a").violated(/*converged=*/true), "");
}

}  // namespace
}  // namespace groupcomm::verify
