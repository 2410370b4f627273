#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// Three daemons in one view. Clients a and b are at d#1, c at e#1.
class DaemonOrder : public testing::Test {
 protected:
  DaemonOrder() { begin(); }
  void begin() {
    story = Story();
    for (const char* who : {"d#1", "e#1", "f#1"}) {
      record::View view{.id = kId, .members = {"d#1", "e#1", "f#1"}};
      view.joined = view.members;
      story.daemon_view(who, view);
    }
  }
  static std::string daemon_of_client(const std::string& client) {
    return client < "c" ? "d#1" : "e#1";
  }
  void stamp(const std::string& client, std::uint64_t number, Order order,
             const std::string& group = "g") {
    record::Send send = story.make_send(client, number, order, kId + "/1");
    send.g = group;
    send.seen.reset();
    send.member = false;
    send.daemon_number = number;
    story.daemon(daemon_of_client(client)).records.push_back(send);
  }
  void deliver(const std::string& who, const std::string& client, std::uint64_t number,
               Order order) {
    record::Deliver delivery{.p = who, .g = std::string(kDaemons), .view = kId};
    delivery.sender = daemon_of_client(client);
    delivery.number = number;
    delivery.order = order;
    delivery.hash = number;
    delivery.size = 1;
    story.daemon(who).records.push_back(delivery);
  }
  // e#1 delivers a's message before c's is stamped.
  void effect_of(Order cause, Order effect) {
    stamp("a", 1, cause);
    deliver("d#1", "a", 1, cause);
    deliver("e#1", "a", 1, cause);
    stamp("c", 1, effect);
    for (const char* who : {"d#1", "e#1"}) deliver(who, "c", 1, effect);
  }
  std::string violated() { return story.violated(/*converged=*/false); }

  const std::string kId = "1.0000000000000001.1";
  Story story;
};

TEST_F(DaemonOrder, HoldsWhereCausesComeFirst) {
  effect_of(Order::kCausal, Order::kTotal);
  deliver("f#1", "a", 1, Order::kCausal);
  deliver("f#1", "c", 1, Order::kTotal);
  EXPECT_EQ(violated(), "");
}

TEST_F(DaemonOrder, FailsWhereAnEffectComesFirst) {
  effect_of(Order::kTotal, Order::kCausal);
  deliver("f#1", "c", 1, Order::kCausal);
  deliver("f#1", "a", 1, Order::kTotal);
  EXPECT_EQ(violated(), "D10");
}

TEST_F(DaemonOrder, FailsWhereAnEffectComesWithoutItsCause) {
  effect_of(Order::kSafe, Order::kTotal);
  deliver("f#1", "c", 1, Order::kTotal);
  EXPECT_EQ(violated(), "D15");
}

TEST_F(DaemonOrder, LetsFifoMessagesCarryNothing) {
  for (const bool is_cause : {true, false}) {
    SCOPED_TRACE(is_cause);
    begin();
    const Order cause = is_cause ? Order::kFifo : Order::kCausal;
    const Order effect = is_cause ? Order::kCausal : Order::kFifo;
    effect_of(cause, effect);
    deliver("f#1", "c", 1, effect);
    deliver("f#1", "a", 1, cause);
    EXPECT_EQ(violated(), "");
  }
}

TEST_F(DaemonOrder, CountsWhatTheDaemonStampedForOthersAsACause) {
  stamp("a", 1, Order::kTotal);
  stamp("b", 2, Order::kCausal);
  deliver("e#1", "b", 2, Order::kCausal);
  deliver("e#1", "a", 1, Order::kTotal);
  EXPECT_EQ(violated(), "D10");
}

TEST_F(DaemonOrder, FailsWhereACauseIsLost) {
  stamp("a", 1, Order::kCausal);
  stamp("b", 2, Order::kCausal);
  deliver("e#1", "b", 2, Order::kCausal);
  EXPECT_EQ(violated(), "D17");
}

TEST_F(DaemonOrder, FailsWhereAMessageOvertakesOneOfItsSender) {
  for (const char* group : {"g", "h"}) {
    SCOPED_TRACE(group);
    begin();
    stamp("a", 1, Order::kSafe, group);
    stamp("a", 2, Order::kFifo);
    deliver("e#1", "a", 2, Order::kFifo);
    deliver("e#1", "a", 1, Order::kSafe);
    EXPECT_EQ(violated(), "D9");
  }
}

TEST_F(DaemonOrder, LetsFifoMessagesOfTwoSendersGoAnyWay) {
  stamp("a", 1, Order::kFifo);
  stamp("b", 2, Order::kFifo);
  stamp("a", 3, Order::kReliable);
  for (const auto& [client, number, order] :
       {std::tuple("a", 3u, Order::kReliable), std::tuple("b", 2u, Order::kFifo),
        std::tuple("a", 1u, Order::kFifo)}) {
    deliver("e#1", client, number, order);
  }
  EXPECT_EQ(violated(), "");
}

TEST_F(DaemonOrder, SaysNothingOfThoseWhoseStampsAreUnknown) {
  deliver("e#1", "a", 2, Order::kFifo);
  deliver("e#1", "a", 1, Order::kTotal);
  EXPECT_EQ(violated(), "D1");
}

// Two of the three go on; f#1 delivers the second of two safe messages only, and dies. It may have
// been on its way to a side of its own, where it tells its clients, and the trace only of its view.
TEST_F(DaemonOrder, AsksNothingOfSafeMessagesOfWhoMayHaveDiedOnItsWayToASide) {
  for (const bool is_partitionable : {false, true}) {
    SCOPED_TRACE(is_partitionable);
    begin();
    stamp("a", 1, Order::kSafe);
    stamp("c", 1, Order::kSafe);
    record::View next{.id = "2.0000000000000001.1", .members = {"d#1", "e#1"}};
    next.transitional = next.members;
    next.left = {{"f#1", "daemon_lost"}};
    for (const char* who : {"d#1", "e#1"}) {
      deliver(who, "a", 1, Order::kSafe);
      deliver(who, "c", 1, Order::kSafe);
      story.daemon_view(who, next);
    }
    deliver("f#1", "c", 1, Order::kSafe);
    story.daemon("f#1").records.push_back(record::Crash{.p = "f#1"});
    record::View alone{.id = "1.0000000000000009.0", .members = {"g#1"}, .primary = false};
    alone.joined = alone.members;
    if (is_partitionable) story.daemon_view("g#1", alone);
    EXPECT_EQ(violated(), is_partitionable ? "" : "D13");
  }
}

}  // namespace
}  // namespace groupcomm::verify
