#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// Two daemons in one view, and what the first one stamps for a client of its own.
class Stamps : public testing::Test {
 protected:
  Stamps() {
    for (const char* who : {"d#1", "e#1"}) view(who, 1, {"d#1", "e#1"}, {"d#1", "e#1"});
  }
  void view(const std::string& who, int counter, std::vector<std::string> members,
            std::vector<std::string> joined) {
    record::View view{.id = id(counter), .members = std::move(members)};
    view.joined = std::move(joined);
    story.daemon_view(who, view);
  }
  static std::string id(int counter) { return std::to_string(counter) + ".0000000000000001.1"; }
  void stamp(std::uint64_t number, bool member = true) {
    record::Send send = story.make_send("a", number, Order::kTotal, id(1) + "/1");
    send.member = member;
    send.seen.reset();
    send.daemon_number = number;
    story.daemon("d#1").records.push_back(send);
  }
  void deliver(const std::string& who, std::uint64_t number, std::uint64_t hash) {
    record::Deliver delivery{.p = who, .g = std::string(kDaemons), .view = id(1), .sender = "d#1"};
    delivery.number = number;
    delivery.order = Order::kTotal;
    delivery.hash = hash;
    delivery.size = 1;
    story.daemon(who).records.push_back(delivery);
  }
  Story story;
};

TEST_F(Stamps, AreDelivered) {
  stamp(1);
  for (const char* who : {"d#1", "e#1"}) deliver(who, 1, 1);
  EXPECT_EQ(story.violated(), "");
}

TEST_F(Stamps, PrecedeEachDeliveryOfADaemon) {
  for (const char* who : {"d#1", "e#1"}) deliver(who, 1, 1);
  EXPECT_EQ(story.violated(), "D1");
}

TEST_F(Stamps, SayWhatIsDelivered) {
  stamp(1);
  for (const char* who : {"d#1", "e#1"}) deliver(who, 1, 2);
  EXPECT_EQ(story.violated(), "D3");
}

TEST_F(Stamps, AreNotLostByADaemonThatGoesOn) {
  stamp(1);
  view("d#1", 2, {"d#1", "e#1"}, {});
  view("e#1", 2, {"d#1", "e#1"}, {});
  EXPECT_EQ(story.violated(/*converged=*/false), "D7");
}

TEST_F(Stamps, OfThoseOutsideOfAGroupAreNotLostEither) {
  stamp(1, /*member=*/false);
  view("d#1", 2, {"d#1", "e#1"}, {});
  view("e#1", 2, {"d#1", "e#1"}, {});
  EXPECT_EQ(story.violated(/*converged=*/false), "D7");
}

TEST(OpenGroups, KnowWhoIsNoMember) {
  for (const bool says_member : {true, false}) {
    Story story;
    story.view(kView1, {"b"});
    record::Send send = story.make_send("a", 1, Order::kTotal, kView1);
    send.member = says_member;
    story.stamp(send).deliver("b", "a", 1, Order::kTotal, kView1);
    EXPECT_EQ(story.violated().find("D19") != std::string::npos, says_member);
  }
}

TEST(OpenGroups, GiveTheReceiversOfAStrangersMessagesTheSameOrder) {
  Story story;
  story.view(kView1, {"b", "c"});
  for (const std::uint64_t number : {1u, 2u}) {
    record::Send send = story.make_send("a", number, Order::kFifo, kView1);
    send.member = false;
    story.stamp(send);
    story.deliver("b", "a", number, Order::kFifo, kView1);
  }
  story.deliver("c", "a", 2, Order::kFifo, kView1).deliver("c", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D9");
}

TEST(OpenGroups, DeliverAStrangersMessageOnce) {
  Story story;
  story.view(kView1, {"b"});
  record::Send send = story.make_send("a", 1, Order::kFifo, kView1);
  send.member = false;
  story.stamp(send);
  for (int i = 0; i < 2; ++i) story.deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D2");
}

}  // namespace
}  // namespace groupcomm::verify
