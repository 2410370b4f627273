#include "ordering/causal_order.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

MessageBuilder causal(std::uint64_t value, const std::vector<std::uint64_t>& context) {
  return message(value, Order::kCausal).causal(value, context);
}

// A CausalOrder and the messages that it looks at.
class Room {
 public:
  explicit Room(std::size_t view_size) : order_(view_size) {}

  void add(Rank sender, const protocol::MessagePointer& message) {
    kept_.push_back(message);
    order_.add(sender, *message);
  }
  // The number of the message that is ready, or 0.
  std::uint64_t ready(Rank sender) {
    const protocol::StampedMessage* head = order_.ready(sender);
    return head == nullptr ? 0 : head->number.value;
  }
  void take(Rank sender) { order_.take(sender); }
  const VectorTime& seen() const { return order_.seen(); }

 private:
  CausalOrder order_;
  std::vector<protocol::MessagePointer> kept_;
};

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
  Room order(2);
  EXPECT_EQ(order.ready(0), 0u);
  EXPECT_EQ(order.seen(), vector_time({0, 0}));
}

TEST(CausalOrder, TakesTheMessagesOfASenderInOrder) {
  Room order(1);
  order.add(0, causal(1, {0}));
  order.add(0, causal(2, {0}));
  EXPECT_EQ(order.ready(0), 1u);
  order.take(0);
  EXPECT_EQ(order.ready(0), 2u);
  order.take(0);
  EXPECT_EQ(order.seen(), vector_time({2}));
  EXPECT_EQ(order.ready(0), 0u);
}

TEST(CausalOrder, HoldsAMessageUntilItsCauseWasTaken) {
  Room order(3);
  order.add(1, causal(1, {1, 0, 0}));  // an answer to the first message of rank 0
  EXPECT_EQ(order.ready(1), 0u);
  order.add(0, causal(1, {0, 0, 0}));
  EXPECT_EQ(order.ready(1), 0u);
  order.take(0);
  EXPECT_EQ(order.ready(1), 1u);
}

TEST(CausalOrder, HoldsWhatIsBehindAHeldMessageOfTheSameSender) {
  Room order(2);
  order.add(1, causal(1, {1, 0}));
  order.add(1, causal(2, {0, 1}));
  EXPECT_EQ(order.ready(1), 0u);
  order.add(0, causal(1, {0, 0}));
  order.take(0);
  order.take(1);
  EXPECT_EQ(order.ready(1), 2u);
}

TEST(CausalOrder, FollowsAChainOfCausesOverThreeSenders) {
  Room order(3);
  order.add(2, causal(1, {1, 1, 0}));
  order.add(1, causal(1, {1, 0, 0}));
  order.add(0, causal(1, {0, 0, 0}));
  EXPECT_EQ(order.ready(2), 0u);
  order.take(0);
  EXPECT_EQ(order.ready(2), 0u);
  order.take(1);
  EXPECT_EQ(order.ready(2), 1u);
}

TEST(CausalOrder, LetsConcurrentMessagesBeTakenInAnyOrder) {
  Room order(2);
  order.add(0, causal(1, {0, 0}));
  order.add(1, causal(1, {0, 0}));
  EXPECT_EQ(order.ready(0), 1u);
  EXPECT_EQ(order.ready(1), 1u);
}

TEST(CausalOrder, LooksAtEachVectorTimeOfASender) {
  Room order(2);
  const protocol::MessagePointer first = causal(1, {0, 1});
  order.add(0, first);
  order.add(0, message(2, Order::kCausal).causal(2, {0, 1}).context_of(*first));
  order.add(0, causal(3, {0, 2}));
  order.add(1, causal(1, {0, 0}));
  EXPECT_EQ(order.ready(0), 0u);
  order.take(1);
  order.take(0);
  EXPECT_EQ(order.ready(0), 2u);
  order.take(0);
  EXPECT_EQ(order.ready(0), 0u);
  order.add(1, causal(2, {0, 0}));
  order.take(1);
  EXPECT_EQ(order.ready(0), 3u);
}

TEST(CausalOrderDeathTest, StopsOnAHoleInTheNumbersAndOnTakingWhatIsNotReady) {
  Room order(2);
  EXPECT_DEATH(order.add(0, causal(2, {0, 0})), "CHECK failed");
  order.add(0, causal(1, {0, 1}));
  EXPECT_DEATH(order.take(0), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
