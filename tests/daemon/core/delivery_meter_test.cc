#include <gtest/gtest.h>

#include "daemon/core/session_table.h"

namespace groupcomm::daemon {
namespace {

constexpr std::uint64_t kLarge = 4u << 20;

TEST(DeliveryMeter, CountsWhatIsDeliveredAndNotConsumed) {
  DeliveryMeter meter;
  meter.on_delivered(300);
  EXPECT_TRUE(meter.on_consumed(100));
  EXPECT_EQ(meter.waiting(), 200u);
}

TEST(DeliveryMeter, LeavesOutTheLargestMessageUnderWay) {
  DeliveryMeter meter;
  meter.on_delivered(kLarge);
  meter.on_delivered(500);
  EXPECT_EQ(meter.waiting(), 500u);
}

TEST(DeliveryMeter, LeavesOutOnlyTheRestOfALargeMessageThatIsPartlyConsumed) {
  DeliveryMeter meter;
  meter.on_delivered(kLarge);
  meter.on_delivered(500);
  EXPECT_TRUE(meter.on_consumed(kLarge - 10));
  EXPECT_EQ(meter.waiting(), 500u);
}

TEST(DeliveryMeter, RefusesMoreThanWasDeliveredAndLessThanBefore) {
  DeliveryMeter meter;
  meter.on_delivered(300);
  EXPECT_FALSE(meter.on_consumed(301));
  EXPECT_TRUE(meter.on_consumed(200));
  EXPECT_FALSE(meter.on_consumed(100));
}

TEST(DeliveryMeter, LeavesOutTheLargestOfTheLargeMessages) {
  constexpr std::uint64_t kMegabyte = 1u << 20;
  DeliveryMeter meter;
  meter.on_delivered(2 * kMegabyte);
  meter.on_delivered(3 * kMegabyte);
  EXPECT_EQ(meter.waiting(), 2 * kMegabyte);
  EXPECT_TRUE(meter.on_consumed(2 * kMegabyte));
  EXPECT_EQ(meter.waiting(), 0u);
  EXPECT_TRUE(meter.on_consumed(5 * kMegabyte));
  meter.on_delivered(kMegabyte - 1);
  EXPECT_EQ(meter.waiting(), kMegabyte - 1);
}

}  // namespace
}  // namespace groupcomm::daemon
