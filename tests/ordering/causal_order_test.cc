#include "ordering/causal_order.h"

#include <gtest/gtest.h>

#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

MessageBuilder causal(std::uint64_t value, const std::vector<std::uint64_t>& context) {
  return message(value, Order::kCausal).causal(value, context);
}

// The number of the message that is ready, or 0.
std::uint64_t ready(const CausalOrder& order, Rank sender) {
  const protocol::StampedMessage* head = order.ready(sender);
  return head == nullptr ? 0 : head->number.value;
}

TEST(IsNext, TakesTheNextOfASenderWhenItsContextWasSeen) {
  const VectorTime seen = vector_time({2, 5, 0});
  EXPECT_TRUE(is_next(seen, 1, CausalNumber{6}, vector_time({2, 5, 0})));
  EXPECT_TRUE(is_next(seen, 1, CausalNumber{6}, vector_time({0, 0, 0})));
  EXPECT_FALSE(is_next(seen, 1, CausalNumber{7}, vector_time({2, 5, 0})));
  EXPECT_FALSE(is_next(seen, 1, CausalNumber{5}, vector_time({2, 5, 0})));
  EXPECT_FALSE(is_next(seen, 1, CausalNumber{6}, vector_time({3, 5, 0})));
  EXPECT_FALSE(is_next(seen, 1, CausalNumber{6}, vector_time({2, 5, 1})));
}

TEST(IsNext, DoesNotUseTheSendersOwnEntryOfTheContext) {
  EXPECT_TRUE(is_next(vector_time({2, 5}), 1, CausalNumber{6}, vector_time({2, 99})));
}

TEST(CausalOrder, HasNothingReadyAtFirst) {
  const CausalOrder order(2);
  EXPECT_EQ(order.ready(0), nullptr);
  EXPECT_EQ(order.seen(), vector_time({0, 0}));
  EXPECT_FALSE(order.is_waiting(0));
}

TEST(CausalOrder, TakesTheMessagesOfASenderInOrder) {
  CausalOrder order(1);
  order.add(0, causal(1, {0}));
  order.add(0, causal(2, {0}));
  EXPECT_EQ(order.take(0)->number, number(1));
  EXPECT_EQ(order.take(0)->number, number(2));
  EXPECT_EQ(order.seen(), vector_time({2}));
  EXPECT_FALSE(order.is_waiting(0));
}

TEST(CausalOrder, HoldsAMessageUntilItsCauseWasTaken) {
  CausalOrder order(3);
  order.add(1, causal(1, {1, 0, 0}));  // an answer to the first message of rank 0
  EXPECT_EQ(ready(order, 1), 0u);
  EXPECT_TRUE(order.is_waiting(1));
  order.add(0, causal(1, {0, 0, 0}));
  EXPECT_EQ(ready(order, 1), 0u);
  order.take(0);
  EXPECT_EQ(ready(order, 1), 1u);
}

TEST(CausalOrder, HoldsWhatIsBehindAHeldMessageOfTheSameSender) {
  CausalOrder order(2);
  order.add(1, causal(1, {1, 0}));
  order.add(1, causal(2, {0, 1}));
  EXPECT_EQ(ready(order, 1), 0u);
  order.add(0, causal(1, {0, 0}));
  order.take(0);
  order.take(1);
  EXPECT_EQ(ready(order, 1), 2u);
}

TEST(CausalOrder, FollowsAChainOfCausesOverThreeSenders) {
  CausalOrder order(3);
  order.add(2, causal(1, {1, 1, 0}));
  order.add(1, causal(1, {1, 0, 0}));
  order.add(0, causal(1, {0, 0, 0}));
  EXPECT_EQ(ready(order, 2), 0u);
  order.take(0);
  EXPECT_EQ(ready(order, 2), 0u);
  order.take(1);
  EXPECT_EQ(ready(order, 2), 1u);
}

TEST(CausalOrder, LetsConcurrentMessagesBeTakenInAnyOrder) {
  CausalOrder order(2);
  order.add(0, causal(1, {0, 0}));
  order.add(1, causal(1, {0, 0}));
  EXPECT_EQ(ready(order, 0), 1u);
  EXPECT_EQ(ready(order, 1), 1u);
}

TEST(CausalOrderDeathTest, StopsOnAHoleInTheNumbersAndOnTakingWhatIsNotReady) {
  CausalOrder order(2);
  EXPECT_DEATH(order.add(0, causal(2, {0, 0})), "CHECK failed");
  order.add(0, causal(1, {0, 1}));
  EXPECT_DEATH(order.take(0), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
