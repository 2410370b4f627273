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

TEST(SendingView, FailsWhereAMessageIsDeliveredInALaterView) {
  for (const bool is_flush : {true, false}) {
    Story story;
    if (is_flush) story.make_flush();
    story.view(kView1, {"a", "b"}).send("a", 1, Order::kTotal, kView1).view(kView1b, {"a", "b"});
    for (const char* who : {"a", "b"}) story.deliver(who, "a", 1, Order::kTotal, kView1b);
    EXPECT_EQ(story.violated(), is_flush ? "D4" : "");
  }
}

TEST(SendingView, IsNotPromisedToThoseWhoAreNoMembers) {
  Story story;
  story.make_flush().view(kView1, {"a"});
  record::Send send = story.make_send("b", 1, Order::kTotal, kView1);
  send.member = false;
  story.stamp(send).add("b", send).view(kView1b, {"a"});
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

TEST(BlockContract, FailsWhereAMemberStaysBlocked) {
  Story story;
  story.view(kView1, {"a"}).add("a", block("a"));
  EXPECT_EQ(story.violated(/*converged=*/true), "L4");
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  EXPECT_EQ(story.crash("a").violated(/*converged=*/true), "");
}

}  // namespace
}  // namespace groupcomm::verify
