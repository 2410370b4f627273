#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// b's first message is delivered by a and b, and said to be safe.
class NoticesInTime : public testing::Test {
 protected:
  void begin(const std::vector<std::string>& members = {"a", "b", "c"}) {
    story = Story();
    story.view(kView1, members).send("b", 1, Order::kReliable, kView1);
    for (const char* who : {"a", "b"}) deliver(who, "b", 1);
  }
  void notice() { story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1}); }
  void deliver(const std::string& who, const std::string& sender, std::uint64_t number,
               const std::string& view = kView1) {
    story.deliver(who, sender, number, Order::kReliable, view);
  }
  void send_to_all_but_c(const std::string& who, std::uint64_t number) {
    story.send(who, number, Order::kReliable, kView1);
    for (const char* member : {"a", "b"}) deliver(member, who, number);
  }
  Story story;
};

TEST_F(NoticesInTime, FailWhereSomebodyLearntOfThemBeforeItHadTheMessage) {
  // Without a delivery in between it may have asked for its second message before the notice.
  for (const bool is_plainly_later : {true, false}) {
    SCOPED_TRACE(is_plainly_later);
    begin();
    if (is_plainly_later) notice();
    send_to_all_but_c("a", 1);
    if (!is_plainly_later) notice();
    send_to_all_but_c("b", 2);
    for (const std::uint64_t number : {2u, 1u}) deliver("c", "b", number);
    deliver("c", "a", 1);
    EXPECT_EQ(story.violated(), is_plainly_later ? "D16" : "");
  }
}

TEST_F(NoticesInTime, FailWhereItLearntOfThemByOthers) {
  begin();
  notice();
  send_to_all_but_c("a", 1);
  send_to_all_but_c("b", 2);
  send_to_all_but_c("a", 2);
  deliver("c", "a", 2);
  for (const std::uint64_t number : {1u, 2u}) deliver("c", "b", number);
  deliver("c", "a", 1);
  EXPECT_EQ(story.violated(), "D16");
}

TEST_F(NoticesInTime, FailAlsoWhereTheSenderIsNoMember) {
  for (const bool is_late : {true, false}) {
    SCOPED_TRACE(is_late);
    story = Story();
    story.view(kView1, {"a", "c"});
    for (const std::uint64_t number : {1u, 2u}) {
      record::Send send = story.make_send("b", number, Order::kReliable, kView1);
      send.member = false;
      story.stamp(send);
      send.seen = number - 1;  // it delivers something in another group
      story.add("b", send);
      if (number == 1) notice();
      deliver("a", "b", number);
    }
    deliver("c", "b", is_late ? 2 : 1);
    deliver("c", "b", is_late ? 1 : 2);
    EXPECT_EQ(story.violated(), is_late ? "D16" : "");
  }
}

// The sender is no member, so that nobody knows whom it took for one.
TEST_F(NoticesInTime, SayNothingOfThoseWhoHadLeft) {
  for (const bool has_left : {true, false}) {
    SCOPED_TRACE(has_left);
    story = Story();
    story.view(kView1, {"a", "c"});
    const auto send = [&](std::uint64_t number) {
      record::Send sent = story.make_send("b", number, Order::kReliable, kView1);
      sent.member = false;
      story.stamp(sent);
      sent.seen = number - 1;
      story.add("b", sent);
    };
    send(1);
    deliver("a", "b", 1);
    notice();
    send(2);
    const std::string later = "1.0000000000000001.1/6";
    if (has_left) {
      story.view("a", kView1b, {"a"}).gone("c", "left").view(later, {"a", "c~2"});
    }
    deliver(has_left ? "c~2" : "c", "b", 2, has_left ? later : kView1);
    const std::string violated = story.violated(/*converged=*/false);
    EXPECT_EQ(violated.find("D16") == std::string::npos, has_left) << violated;
  }
}

}  // namespace
}  // namespace groupcomm::verify
