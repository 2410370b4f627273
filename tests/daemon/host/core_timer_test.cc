#include "daemon/host/core_timer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace groupcomm::daemon {
namespace {

TimePoint at_ms(int ms) {
  return TimePoint{std::chrono::seconds(100) + std::chrono::milliseconds(ms)};
}

TEST(CoreTimer, ExpiresWhenItsDeadlineHasCome) {
  CoreTimer timer;
  EXPECT_FALSE(timer.take_expired(at_ms(9), at_ms(10)));
  EXPECT_TRUE(timer.take_expired(at_ms(10), at_ms(10)));
  EXPECT_FALSE(timer.take_expired(at_ms(10), TimePoint::never()));
  EXPECT_EQ(timer.due(TimePoint::never()), TimePoint::never());
}

TEST(CoreTimer, ExpiresThoughEachStepNamesALaterDeadline) {
  CoreTimer timer;
  int expired = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    if (timer.take_expired(at_ms(ms), at_ms(ms + 20))) ++expired;
  }
  EXPECT_EQ(expired, 1000 / 21);
}

TEST(CoreTimer, IsDueWhenTheEarliestDeadlineWas) {
  CoreTimer timer;
  EXPECT_FALSE(timer.take_expired(at_ms(0), at_ms(20)));
  EXPECT_EQ(timer.due(at_ms(30)), at_ms(20));
  EXPECT_EQ(timer.due(at_ms(10)), at_ms(10));
}

}  // namespace
}  // namespace groupcomm::daemon
