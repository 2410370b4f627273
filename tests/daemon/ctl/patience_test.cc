#include "daemon/ctl/patience.h"

#include <gtest/gtest.h>

namespace groupcomm::ctl {
namespace {

using std::chrono::milliseconds;
using Step = Lateness::Step;

constexpr auto kLate = Lateness::kLateAfter;
constexpr Lateness::Time kBegin{};

TEST(Lateness, WaitsForNothingWhereNothingIsOwed) {
  Lateness lateness;
  EXPECT_EQ(lateness.wait_ms(kBegin), -1);
  EXPECT_EQ(lateness.take_step(kBegin), Step::kNone);
  lateness.on_asked(kBegin);
  lateness.on_answered(kBegin);
  EXPECT_EQ(lateness.wait_ms(kBegin), -1);
  EXPECT_EQ(lateness.take_step(kBegin + kLate), Step::kNone);
}

TEST(Lateness, AsksTheDaemonFirstThenTellsTheUserAndThatOnce) {
  Lateness lateness;
  lateness.on_asked(kBegin);
  EXPECT_EQ(lateness.wait_ms(kBegin), kLate.count());
  EXPECT_EQ(lateness.take_step(kBegin + kLate - milliseconds(1)), Step::kNone);
  EXPECT_EQ(lateness.take_step(kBegin + kLate), Step::kAskStatus);
  EXPECT_EQ(lateness.take_step(kBegin + kLate), Step::kNone);
  EXPECT_EQ(lateness.take_step(kBegin + 2 * kLate), Step::kTellUser);
  EXPECT_EQ(lateness.wait_ms(kBegin + 2 * kLate), -1);
  EXPECT_EQ(lateness.take_step(kBegin + 3 * kLate), Step::kNone);
}

TEST(Lateness, AnAnswerIsASignOfLife) {
  Lateness lateness;
  lateness.on_asked(kBegin);
  lateness.on_asked(kBegin + milliseconds(1));
  lateness.on_answered(kBegin + kLate / 2);
  EXPECT_EQ(lateness.take_step(kBegin + kLate), Step::kNone);
  EXPECT_EQ(lateness.take_step(kBegin + kLate + kLate / 2), Step::kAskStatus);
}

TEST(Lateness, TheDaemonsWordOnItselfIsEnough) {
  Lateness lateness;
  lateness.on_asked(kBegin);
  EXPECT_EQ(lateness.take_step(kBegin + kLate), Step::kAskStatus);
  lateness.on_status();
  EXPECT_EQ(lateness.take_step(kBegin + 2 * kLate), Step::kNone);
}

TEST(Lateness, NothingIsOwedByALostConnection) {
  Lateness lateness;
  lateness.on_asked(kBegin);
  lateness.on_over();
  EXPECT_EQ(lateness.wait_ms(kBegin + kLate), -1);
}

TEST(Patience, SaysWhyADaemonIsIdle) {
  protocol::DaemonStatus status;
  EXPECT_EQ(why_idle(status), "the daemon has not found a quorum of the others yet");
  status.view = ViewId{};
  EXPECT_EQ(why_idle(status), "the daemon has lost the quorum of the others");
  status.primary = true;
  EXPECT_EQ(why_idle(status), "");
  EXPECT_EQ(no_answer_within(milliseconds(1500)), "the daemon did not answer within 1.5 s");
}

}  // namespace
}  // namespace groupcomm::ctl
