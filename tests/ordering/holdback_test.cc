#include "ordering/holdback.h"

#include <gtest/gtest.h>

#include "ordering/sequencer_order.h"
#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

using protocol::MessageKind;
using Texts = std::vector<std::string>;

// A closing that names the first message of rank 0 as its cause.
MessageBuilder closing(std::uint64_t value, std::uint64_t causal_number, std::uint64_t closes) {
  return message(value, Order::kCausal)
      .kind(MessageKind::kClosing)
      .causal(causal_number, {1, 0, 0})
      .closes(closes);
}

// The holdback queue of rank 1 of three; the places come from rank 0.
class HoldbackTest : public ::testing::Test {
 protected:
  void admit(Rank sender, const protocol::MessagePointer& message) {
    holdback.admit(sender, holdback.buffer(sender).put(message->number, message));
    holdback.advance();
    collect();
  }
  void place_at(std::uint64_t first, const References& places) {
    holdback.total().on_places(place(first), places);
    holdback.advance();
    collect();
  }
  void acknowledge(Rank member, std::uint64_t ordered) {
    holdback.stability().on_ordered(member, place(ordered));
    holdback.advance();
    collect();
  }
  // Another member says that it holds what this sender sent.
  void tell_held(Rank member, Rank sender, std::uint64_t held) {
    holdback.stability().on_received(member, sender, number(held));
    holdback.advance();
    collect();
  }
  void collect() {
    for (const Delivery& delivery : holdback.take_deliveries()) {
      if (delivery.message->kind == MessageKind::kClosing) continue;
      std::string text = delivery.transitional ? "~" : "";
      for (const Payload& chunk : delivery.chunks) text += chunk.text();
      delivered.push_back(text + std::string(delivery.message->payload.text()));
    }
  }
  std::uint64_t clear_line(Rank sender) const { return holdback.clear_line(sender).value; }

  Holdback holdback{3, 1, std::make_unique<SequencerOrder>(1)};
  Texts delivered;
};

TEST_F(HoldbackTest, DeliversAReliableMessageAtOnce) {
  admit(0, message(1, Order::kReliable).text("r"));
  EXPECT_EQ(delivered, Texts{"r"});
  EXPECT_EQ(clear_line(0), 1u);
}

TEST_F(HoldbackTest, HoldsAFifoMessageUntilItsPredecessorIsDelivered) {
  admit(0, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("t"));
  admit(0, message(2, Order::kFifo).predecessor(1).text("f"));
  admit(0, message(3, Order::kFifo).session(2).text("other"));
  EXPECT_EQ(delivered, Texts{"other"});
  EXPECT_EQ(clear_line(0), 3u);  // it could be delivered, as soon as the order is known
  place_at(1, {reference(0, 1)});
  EXPECT_EQ(delivered, (Texts{"other", "t", "f"}));
}

TEST_F(HoldbackTest, IsNotClearUntilTheCausesAreHeld) {
  admit(0, message(1, Order::kCausal).causal(1, {0, 0, 1}).text("answer"));
  admit(0, message(2, Order::kFifo).predecessor(1).text("next"));
  admit(0, message(3, Order::kReliable).text("free"));
  EXPECT_EQ(clear_line(0), 0u);
  EXPECT_EQ(delivered, Texts{"free"});
  admit(2, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("question"));
  EXPECT_EQ(clear_line(0), 3u);
  EXPECT_EQ(delivered, (Texts{"free", "question", "answer", "next"}));
}

TEST_F(HoldbackTest, HoldsACausalMessageBehindAnEarlierTotalOneOfItsDaemon) {
  admit(0, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("t"));
  admit(0, message(2, Order::kCausal).causal(2, {0, 0, 0}).session(2).text("c"));
  EXPECT_EQ(delivered, Texts{});
  place_at(1, {reference(0, 1)});
  EXPECT_EQ(delivered, (Texts{"t", "c"}));
}

TEST_F(HoldbackTest, DeliversTotalMessagesByPlaceAndWaitsForAMissingOne) {
  admit(0, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("a"));
  place_at(1, {reference(2, 1), reference(0, 1)});
  EXPECT_EQ(delivered, Texts{});
  EXPECT_EQ(holdback.ordered_line(), place(0));
  admit(2, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("b"));
  EXPECT_EQ(delivered, (Texts{"b", "a"}));
  EXPECT_EQ(holdback.ordered_line(), place(2));
  EXPECT_EQ(holdback.delivered_place(), place(2));
}

TEST_F(HoldbackTest, AcknowledgesNoPlaceWhoseMessageIsNotClear) {
  admit(0, message(1, Order::kSafe).causal(1, {0, 0, 1}).text("s"));
  place_at(1, {reference(0, 1)});
  EXPECT_EQ(holdback.ordered_line(), place(0));
  admit(2, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("c"));
  EXPECT_EQ(holdback.ordered_line(), place(1));
}

TEST_F(HoldbackTest, WaitsWithASafeMessageForAll) {
  admit(0, message(1, Order::kSafe).causal(1, {0, 0, 0}).text("s"));
  place_at(1, {reference(0, 1)});
  EXPECT_EQ(holdback.last_strong_place(), place(1));
  acknowledge(0, 1);
  EXPECT_EQ(delivered, Texts{});
  acknowledge(2, 1);
  EXPECT_EQ(delivered, Texts{"s"});
}

TEST_F(HoldbackTest, WaitsWithAUniformMessageForAQuorum) {
  admit(0, message(1, Order::kTotal).causal(1, {0, 0, 0}).uniform().text("u"));
  place_at(1, {reference(0, 1)});
  EXPECT_EQ(delivered, Texts{});  // this member alone is no quorum
  acknowledge(2, 1);
  EXPECT_EQ(delivered, Texts{"u"});
}

// Rule F9: what the others acknowledged at this place has been lost with them.
TEST_F(HoldbackTest, CountsNoAcknowledgementForWhatAFlushPutsInTheSamePlace) {
  acknowledge(0, 1);
  acknowledge(2, 1);
  admit(1, message(1, Order::kSafe).causal(1, {0, 0, 0}).text("s"));
  holdback.freeze();
  EXPECT_TRUE(holdback.finish({number(0), number(1), number(0)}, place(1), {}));
  collect();
  EXPECT_EQ(delivered, Texts{"~s"});
}

TEST_F(HoldbackTest, LetsNoTotalMessageOvertakeAWaitingOne) {
  admit(0, message(1, Order::kSafe).causal(1, {0, 0, 0}).text("s"));
  admit(2, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("t"));
  place_at(1, {reference(0, 1), reference(2, 1)});
  EXPECT_EQ(delivered, Texts{});
  acknowledge(0, 1);
  acknowledge(2, 1);
  EXPECT_EQ(delivered, (Texts{"s", "t"}));
}

TEST_F(HoldbackTest, JoinsTheChunksOfASessionToItsNextMessage) {
  admit(0, message(1, Order::kReliable).kind(MessageKind::kChunk).text("a1"));
  admit(0, message(2, Order::kReliable).kind(MessageKind::kChunk).session(2).text("b1"));
  admit(0, message(3, Order::kReliable).kind(MessageKind::kChunk).text("a2"));
  admit(0, message(4, Order::kFifo).session(2).chunks(1).text("b"));
  admit(0, message(5, Order::kFifo).chunks(2).text("a"));
  EXPECT_EQ(delivered, (Texts{"b1b", "a1a2a"}));
}

TEST_F(HoldbackTest, TakesASmallMessageBetweenTheChunksOfAnotherSession) {
  admit(0, message(1, Order::kReliable).kind(MessageKind::kChunk).text("big1"));
  admit(0, message(2, Order::kFifo).session(2).text("small"));
  admit(0, message(3, Order::kFifo).chunks(1).text("big"));
  EXPECT_EQ(delivered, (Texts{"small", "big1big"}));
}

TEST_F(HoldbackTest, ReleasesWhatIsStableAndDelivered) {
  admit(0, message(1, Order::kReliable));
  admit(0, message(2, Order::kSafe).causal(1, {0, 0, 0}));
  for (Rank member = 0; member < 3; ++member) {
    holdback.stability().on_received(member, 0, number(2));
  }
  std::size_t own = 0;
  holdback.release([&](const Retained&) { ++own; });
  EXPECT_TRUE(holdback.buffer(0).is_released(number(1)));
  EXPECT_FALSE(holdback.buffer(0).is_released(number(2)));  // not delivered here
  EXPECT_EQ(own, 0u);
}

TEST_F(HoldbackTest, ReportsTheReleaseOfOwnMessages) {
  admit(1, message(1, Order::kReliable).text("mine"));
  std::vector<std::string> released;
  const auto report = [&](const Retained& entry) {
    released.emplace_back(entry.message->payload.text());
  };
  holdback.release(report);
  EXPECT_EQ(released, Texts{});
  for (Rank member = 0; member < 3; ++member) {
    holdback.stability().on_received(member, 1, number(1));
  }
  holdback.release(report);
  EXPECT_EQ(released, Texts{"mine"});
}

TEST_F(HoldbackTest, WaitsForEverybodysClosingWithAJoin) {
  admit(0, message(1, Order::kTotal)
               .kind(MessageKind::kJoin)
               .causal(1, {0, 0, 0})
               .to_group(1, 0)
               .text("join"));
  place_at(1, {reference(0, 1)});
  EXPECT_TRUE(holdback.take_closing_due());
  EXPECT_FALSE(holdback.take_closing_due());
  acknowledge(0, 1);
  acknowledge(2, 1);
  admit(0, closing(2, 2, 1));
  admit(1, closing(1, 1, 1));
  EXPECT_EQ(delivered, Texts{});
  admit(2, message(1, Order::kReliable).to_group(1, 0).text("old"));
  for (Rank sender = 0; sender < 3; ++sender) tell_held(0, sender, 2);
  EXPECT_EQ(delivered, Texts{"old"});
  admit(2, closing(2, 1, 1));
  EXPECT_EQ(delivered, (Texts{"old", "join"}));
}

// Else a flush could lose a message that this member delivered before the join.
TEST_F(HoldbackTest, WaitsWithAJoinUntilAQuorumHoldsWhatIsBeforeTheClosings) {
  admit(0, message(1, Order::kTotal)
               .kind(MessageKind::kJoin)
               .causal(1, {0, 0, 0})
               .to_group(1, 0)
               .text("join"));
  place_at(1, {reference(0, 1)});
  for (const Rank member : {0u, 2u}) acknowledge(member, 1);
  admit(0, closing(2, 2, 1));
  admit(1, closing(1, 1, 1));
  admit(2, closing(1, 1, 1));
  EXPECT_EQ(delivered, Texts{});
  tell_held(2, 0, 2);
  tell_held(2, 1, 1);
  EXPECT_EQ(delivered, Texts{});
  tell_held(2, 2, 1);
  EXPECT_EQ(delivered, Texts{"join"});
}

// What counts as old by its stamp and waits for a total message that has no place yet moves to the
// new epoch: else the join would wait for it, it for the total message, and that for the join.
TEST_F(HoldbackTest, CountsAsNewWhatWaitsForATotalMessageBehindTheJoin) {
  admit(2, message(1, Order::kTotal).causal(1, {0, 0, 0}).text("t"));
  admit(2, message(2, Order::kFifo).predecessor(1).after(1).to_group(1, 0).text("f"));
  admit(0, message(1, Order::kTotal)
               .kind(MessageKind::kJoin)
               .causal(1, {0, 0, 0})
               .to_group(1, 0)
               .text("join"));
  place_at(1, {reference(0, 1), reference(2, 1)});
  for (const Rank member : {0u, 2u}) acknowledge(member, 2);
  admit(0, closing(2, 2, 2));
  admit(1, closing(1, 1, 2));
  EXPECT_EQ(delivered, Texts{});
  admit(2, closing(3, 2, 2));
  for (Rank sender = 0; sender < 3; ++sender) tell_held(0, sender, 3);
  EXPECT_EQ(delivered, (Texts{"join", "t", "f"}));
}

// The places that made rank 0 count its message by epoch 1 died with it: in the flush two other
// joins come first, and the second must not wait for what waits for a message behind it.
TEST_F(HoldbackTest, WaitsInAFlushForNothingThatComesBehindTheJoin) {
  const auto join = [](std::uint64_t value, std::uint64_t stamp, std::uint64_t causal,
                       const std::string& text) {
    return message(value, Order::kTotal)
        .kind(MessageKind::kJoin)
        .stamp(stamp)
        .causal(causal, {0, 0, 0})
        .to_group(1, 0)
        .text(text);
  };
  admit(0, join(1, 5, 1, "join0"));
  admit(0, closing(2, 2, 1));
  admit(0, message(3, Order::kTotal).stamp(7).causal(3, {1, 0, 0}).to_group(1, 1).text("t"));
  admit(2, join(1, 1, 1, "join2"));
  admit(2, join(2, 2, 2, "join2 again"));
  admit(2, message(3, Order::kCausal).stamp(8).causal(3, {3, 0, 2}).to_group(1, 1).text("c"));
  holdback.freeze();
  EXPECT_TRUE(holdback.finish({number(3), number(0), number(3)}, place(1), {}));
  collect();
  EXPECT_EQ(delivered, (Texts{"join2", "join2 again", "join0", "t", "c"}));
}

MessageBuilder chunk(std::uint64_t value, const std::string& text) {
  return message(value, Order::kReliable).kind(MessageKind::kChunk).text(text);
}

// Rule C5: the send was rejected half-way, or its client was lost.
TEST_F(HoldbackTest, ForgetsChunksThatBelongToNothing) {
  admit(0, chunk(1, "lost"));
  EXPECT_EQ(holdback.waiting_chunks(0), 1u);
  admit(0, chunk(2, ""));
  EXPECT_EQ(holdback.waiting_chunks(0), 0u);
  admit(0, chunk(3, "first "));
  admit(0, message(4, Order::kReliable).chunks(1).text("and last"));
  EXPECT_EQ(delivered, Texts{"first and last"});
  EXPECT_EQ(holdback.waiting_chunks(0), 0u);
}

// What waits for the closing before it (rule E3) waits for its predecessor, too.
TEST_F(HoldbackTest, ClearsAChainBehindAClosingInItsOrder) {
  admit(2, closing(1, 1, 1));
  admit(2, message(2, Order::kFifo).text("first"));
  admit(2, message(3, Order::kFifo).predecessor(2).text("second"));
  EXPECT_EQ(clear_line(2), 0u);
  EXPECT_EQ(delivered, Texts{});
  admit(0, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("cause"));
  EXPECT_EQ(clear_line(2), 3u);
  EXPECT_EQ(delivered, (Texts{"cause", "first", "second"}));
}

MessageBuilder join_of_group_one(std::uint64_t value) {
  return message(value, Order::kTotal)
      .kind(MessageKind::kJoin)
      .causal(value, {0, 0, 0})
      .to_group(1, 0)
      .text("join");
}

// Rule E3: an honest daemon says so behind a closing. Others have to wait for what they count.
TEST_F(HoldbackTest, TakesForClearOnlyWhatCountsJoinsThatAreClear) {
  admit(2, message(1, Order::kReliable).to_group(1, 1).text("r"));
  EXPECT_EQ(clear_line(2), 0u);
  admit(0, join_of_group_one(1));
  EXPECT_EQ(clear_line(2), 1u);
  EXPECT_EQ(delivered, Texts{});
  place_at(1, {reference(0, 1)});
  for (const Rank member : {0u, 2u}) acknowledge(member, 1);
  admit(0, closing(2, 2, 1));
  admit(1, closing(1, 1, 1));
  admit(2, closing(2, 1, 1));
  for (Rank sender = 0; sender < 3; ++sender) tell_held(0, sender, 2);
  EXPECT_EQ(delivered, (Texts{"join", "r"}));
}

TEST_F(HoldbackTest, TakesForClearBehindAClosingOnlyWhatCountsJoinsThatAreClear) {
  admit(2, closing(1, 1, 1));  // its cause is no join
  admit(2, message(2, Order::kReliable).to_group(1, 1).text("r"));
  admit(0, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("cause"));
  EXPECT_EQ(clear_line(2), 1u);
  EXPECT_EQ(delivered, Texts{"cause"});
  admit(0, join_of_group_one(2));
  EXPECT_EQ(clear_line(2), 2u);
  EXPECT_EQ(delivered, Texts{"cause"});
}

TEST_F(HoldbackTest, ForgetsBeyondTheCutWhatCountsAJoinThatComesWithIt) {
  admit(2, message(1, Order::kReliable).to_group(1, 1).text("r"));
  holdback.freeze();
  holdback.truncate_after(2, number(0));
  admit(0, join_of_group_one(1));
  EXPECT_TRUE(holdback.finish({number(1), number(0), number(0)}, place(1), {}));
  collect();
  EXPECT_EQ(delivered, Texts{"join"});
}

TEST_F(HoldbackTest, ForgetsBeyondTheCutWhatWaitsForACauseThatComesWithIt) {
  admit(2, message(1, Order::kCausal).causal(1, {1, 0, 0}).text("effect"));
  holdback.freeze();
  holdback.truncate_after(2, number(0));
  admit(0, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("cause"));
  EXPECT_TRUE(holdback.finish({number(1), number(0), number(0)}, place(1), {}));
  collect();
  EXPECT_EQ(delivered, Texts{"cause"});
}

TEST_F(HoldbackTest, ForgetsBeyondTheCutWhatWaitsForAMessageOfIt) {
  admit(2, message(1, Order::kCausal).causal(1, {1, 0, 0}).text("effect"));
  admit(2, message(2, Order::kFifo).predecessor(1).text("next"));
  holdback.freeze();
  holdback.truncate_after(2, number(1));
  admit(0, message(1, Order::kCausal).causal(1, {0, 0, 0}).text("cause"));
  EXPECT_TRUE(holdback.finish({number(1), number(0), number(1)}, place(1), {}));
  collect();
  EXPECT_EQ(delivered, (Texts{"cause", "effect"}));
}

// Rule T3: such places are taken for unknown, until the flush decides.
TEST_F(HoldbackTest, HeedsNoPlacesThatContradictCausality) {
  admit(0, message(1, Order::kTotal).stamp(1).causal(1, {0, 0, 0}).text("cause"));
  admit(2, message(1, Order::kTotal).stamp(2).causal(1, {1, 0, 0}).text("effect"));
  const References places{reference(2, 1), reference(0, 1)};
  place_at(1, places);
  EXPECT_EQ(holdback.ordered_line(), place(0));
  EXPECT_EQ(delivered, Texts{});
  holdback.freeze();
  EXPECT_TRUE(holdback.finish({number(1), number(0), number(1)}, place(1), places));
  collect();
  EXPECT_EQ(delivered, (Texts{"cause", "effect"}));
}

// A message with an earlier stamp than its cause is no honest daemon's.
TEST_F(HoldbackTest, SaysSoWhereMessagesOfTheCutContradictOneAnother) {
  admit(0, message(1, Order::kTotal).stamp(5).causal(1, {0, 0, 0}).text("cause"));
  admit(2, message(1, Order::kTotal).stamp(2).causal(1, {1, 0, 0}).text("effect"));
  holdback.freeze();
  EXPECT_FALSE(holdback.finish({number(1), number(0), number(1)}, place(1), {}));
}

}  // namespace
}  // namespace groupcomm::ordering
