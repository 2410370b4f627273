#include "ordering/send_window.h"

#include <gtest/gtest.h>

namespace groupcomm::ordering {
namespace {

TEST(SendWindow, IsFullAtSoManyMessages) {
  SendWindow window(2, 1000);
  EXPECT_TRUE(window.has_room());
  window.on_stamped(1);
  EXPECT_TRUE(window.has_room());
  window.on_stamped(1);
  EXPECT_FALSE(window.has_room());
}

TEST(SendWindow, IsFullAtSoManyBytesAndOneMessageMayOvershoot) {
  SendWindow window(100, 10);
  window.on_stamped(9);
  EXPECT_TRUE(window.has_room());
  window.on_stamped(5000);
  EXPECT_FALSE(window.has_room());
  EXPECT_EQ(window.bytes(), 5009u);
}

TEST(SendWindow, TakesAMessageLargerThanItself) {
  const SendWindow window(1, 1);
  EXPECT_TRUE(window.has_room());
}

TEST(SendWindow, OpensAgainWhenMessagesAreReleased) {
  SendWindow window(2, 10);
  window.on_stamped(10);
  window.on_stamped(3);
  window.on_released(10);
  EXPECT_TRUE(window.has_room());
  EXPECT_EQ(window.messages(), 1u);
  EXPECT_EQ(window.bytes(), 3u);
}

TEST(SendWindowDeathTest, StopsWhereMoreIsReleasedThanWasStamped) {
  SendWindow window(2, 10);
  EXPECT_DEATH(window.on_released(0), "CHECK failed");
  window.on_stamped(3);
  EXPECT_DEATH(window.on_released(4), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
