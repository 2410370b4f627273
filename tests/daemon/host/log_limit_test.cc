#include "daemon/host/log_limit.h"

#include <gtest/gtest.h>

#include <chrono>

namespace groupcomm::daemon {
namespace {

TimePoint at_ms(int ms) {
  return TimePoint{std::chrono::seconds(100) + std::chrono::milliseconds(ms)};
}

TEST(LogLimit, LetsTheFirstLinePassAtOnce) {
  LogLimit limit;
  EXPECT_EQ(limit.take("a", at_ms(0)), "a");
  EXPECT_EQ(limit.next_deadline(), TimePoint::never());
}

TEST(LogLimit, TellsTheLastOfManyASecondLaterAndHowManyThereWere) {
  LogLimit limit;
  EXPECT_EQ(limit.take("a", at_ms(0)), "a");
  EXPECT_EQ(limit.take("b", at_ms(1)), std::nullopt);
  EXPECT_EQ(limit.take("c", at_ms(2)), std::nullopt);
  EXPECT_EQ(limit.next_deadline(), at_ms(1000));
  EXPECT_EQ(limit.poll(at_ms(999)), std::nullopt);
  EXPECT_EQ(limit.poll(at_ms(1000)), "c (and 1 like it before)");
  EXPECT_EQ(limit.poll(at_ms(2000)), std::nullopt);
  EXPECT_EQ(limit.next_deadline(), TimePoint::never());
}

TEST(LogLimit, LetsOneLineASecondPassUnderAStream) {
  LogLimit limit;
  int lines = 0;
  for (int ms = 0; ms < 5000; ++ms) {
    if (limit.take("x", at_ms(ms))) ++lines;
  }
  EXPECT_EQ(lines, 5);
}

TEST(LogLimit, LetsALinePassThatComesLongAfterTheLast) {
  LogLimit limit;
  EXPECT_EQ(limit.take("a", at_ms(0)), "a");
  EXPECT_EQ(limit.take("b", at_ms(1500)), "b");
  EXPECT_EQ(limit.take("c", at_ms(1600)), std::nullopt);
  EXPECT_EQ(limit.take("d", at_ms(4000)), "d (and 1 like it before)");
}

}  // namespace
}  // namespace groupcomm::daemon
