#include "ordering/fifo_order.h"

#include <gtest/gtest.h>

namespace groupcomm::ordering {
namespace {

using Numbers = std::vector<MessageNumber>;

constexpr MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }

TEST(FifoOrder, ReleasesWhatWaitedForAMessageOnce) {
  FifoOrder order;
  order.wait_for(number(3), number(5));
  EXPECT_EQ(order.take_waiting_for(number(3)), Numbers{number(5)});
  EXPECT_EQ(order.take_waiting_for(number(3)), Numbers{});
  EXPECT_TRUE(order.empty());
}

TEST(FifoOrder, KeepsWhatWaitsForAnother) {
  FifoOrder order;
  order.wait_for(number(3), number(5));
  EXPECT_EQ(order.take_waiting_for(number(4)), Numbers{});
  EXPECT_FALSE(order.empty());
}

TEST(FifoOrder, ReleasesSeveralInTheOrderInWhichTheyCame) {
  FifoOrder order;
  order.wait_for(number(3), number(5));
  order.wait_for(number(4), number(6));
  order.wait_for(number(3), number(8));
  EXPECT_EQ(order.take_waiting_for(number(3)), (Numbers{number(5), number(8)}));
  EXPECT_FALSE(order.empty());
}

}  // namespace
}  // namespace groupcomm::ordering
