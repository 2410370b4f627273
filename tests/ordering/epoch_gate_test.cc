#include "ordering/epoch_gate.h"

#include <gtest/gtest.h>

#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

using protocol::MessageKind;

constexpr GroupKey group(std::uint64_t value) { return GroupKey{value}; }

MessageBuilder join(std::uint64_t value, std::uint64_t group_value) {
  return message(value, Order::kTotal).kind(MessageKind::kJoin).to_group(group_value, 0);
}

MessageBuilder data(std::uint64_t value, std::uint64_t group_value, std::uint64_t epoch) {
  return message(value, Order::kFifo).to_group(group_value, epoch);
}

TEST(EpochGate, StampsWithTheNumberOfControlMessagesLearnt) {
  EpochGate gate(1);
  EXPECT_EQ(gate.stamp_epoch(group(1)), Epoch{0});
  gate.learn(place(1), *join(1, 1));
  gate.learn(place(4), *join(2, 1));
  gate.learn(place(5), *join(3, 2));
  EXPECT_EQ(gate.stamp_epoch(group(1)), Epoch{2});
  EXPECT_EQ(gate.stamp_epoch(group(2)), Epoch{1});
  EXPECT_EQ(gate.stamp_epoch(group(3)), Epoch{0});
}

TEST(EpochGate, IsOpenForAnEpochOnceItsControlMessageWasApplied) {
  EpochGate gate(1);
  EXPECT_TRUE(gate.is_open(*data(1, 1, 0)));
  EXPECT_FALSE(gate.is_open(*data(1, 1, 1)));
  gate.learn(place(1), *join(1, 1));
  EXPECT_FALSE(gate.is_open(*data(1, 1, 1)));
  gate.apply();
  EXPECT_TRUE(gate.is_open(*data(1, 1, 1)));
  EXPECT_TRUE(gate.is_open(*data(1, 1, 0)));
  EXPECT_FALSE(gate.is_open(*data(1, 1, 2)));
}

TEST(EpochGate, LooksAtEveryGroupOfAMessage) {
  EpochGate gate(1);
  EXPECT_FALSE(gate.is_open(*data(1, 1, 0).and_group(2, 1)));
  gate.learn(place(1), *join(1, 2));
  gate.apply();
  EXPECT_TRUE(gate.is_open(*data(1, 1, 0).and_group(2, 1)));
}

TEST(EpochGate, AppliesControlMessagesInTheOrderOfTheirPlaces) {
  EpochGate gate(1);
  EXPECT_EQ(gate.front(), nullptr);
  gate.learn(place(2), *join(1, 1));
  gate.learn(place(3), *join(2, 2));
  ASSERT_NE(gate.front(), nullptr);
  EXPECT_EQ(gate.front()->place, place(2));
  EXPECT_FALSE(gate.front()->blockers_known);
  gate.apply();
  EXPECT_EQ(gate.front()->place, place(3));
  gate.apply();
  EXPECT_EQ(gate.front(), nullptr);
}

TEST(EpochGate, ChangesAllGroupsOfALeaveAtOnce) {
  EpochGate gate(1);
  gate.learn(place(1),
             *message(1, Order::kTotal).kind(MessageKind::kLeave).to_group(1, 0).and_group(2, 0));
  EXPECT_EQ(gate.stamp_epoch(group(1)), Epoch{1});
  EXPECT_EQ(gate.stamp_epoch(group(2)), Epoch{1});
  EXPECT_TRUE(EpochGate::is_old(*data(1, 2, 0), *gate.front()));
  gate.apply();
  EXPECT_TRUE(gate.is_open(*data(1, 1, 1)));
  EXPECT_TRUE(gate.is_open(*data(1, 2, 1)));
}

TEST(EpochGate, FindsTheFirstClosingThatCoversAPlace) {
  EpochGate gate(2);
  EXPECT_EQ(gate.closing(1, place(3)), number(0));
  gate.on_closing(1, place(2), number(10));
  EXPECT_EQ(gate.closing(1, place(3)), number(0));
  gate.on_closing(1, place(5), number(20));
  gate.on_closing(1, place(7), number(30));
  EXPECT_EQ(gate.closing(1, place(3)), number(20));
  EXPECT_EQ(gate.closing(1, place(5)), number(20));
  EXPECT_EQ(gate.closing(1, place(6)), number(30));
  EXPECT_EQ(gate.closing(0, place(6)), number(0));
}

TEST(EpochGate, CallsOldWhatWasStampedBeforeTheControlMessageWasLearnt) {
  EpochGate gate(1);
  gate.learn(place(1), *join(1, 1));
  gate.apply();
  gate.learn(place(2), *join(2, 1));
  const EpochGate::Pending& pending = *gate.front();
  EXPECT_TRUE(EpochGate::is_old(*data(1, 1, 0), pending));
  EXPECT_TRUE(EpochGate::is_old(*data(1, 1, 1), pending));
  EXPECT_FALSE(EpochGate::is_old(*data(1, 1, 2), pending));
  EXPECT_FALSE(EpochGate::is_old(*data(1, 2, 0), pending));
  EXPECT_TRUE(EpochGate::is_old(*data(1, 2, 0).and_group(1, 1), pending));
}

TEST(EpochGate, TakesAClosingForAMessageOfNoGroup) {
  EpochGate gate(1);
  const MessageBuilder closing =
      message(1, Order::kCausal).kind(MessageKind::kClosing).to_group(0, 1);
  gate.learn(place(1), *join(1, 0));
  gate.learn(place(2), *join(2, 0));
  EXPECT_FALSE(EpochGate::is_old(*closing, *gate.front()));
  EXPECT_TRUE(gate.is_open(*closing));
  EXPECT_TRUE(gate.is_backed(*closing));
}

TEST(EpochGate, WakesWhatWasParkedForTheGroup) {
  EpochGate gate(1);
  gate.park(reference(0, 5), *data(5, 1, 1));
  gate.park(reference(0, 6), *data(6, 2, 1));
  gate.park(reference(1, 2), *data(2, 2, 0).and_group(1, 1));
  gate.learn(place(1), *join(1, 1));
  gate.learn(place(2), *join(2, 2));
  EXPECT_EQ(gate.apply(), (References{reference(0, 5), reference(1, 2)}));
  EXPECT_EQ(gate.apply(), References{reference(0, 6)});
}

TEST(EpochGate, TakesGroupsOfOneChannelAsOne) {
  EpochGate gate(1);
  const std::uint64_t twin = 1 + EpochGate::kChannels;
  gate.learn(place(1), *join(1, 1));
  EXPECT_EQ(gate.stamp_epoch(group(twin)), Epoch{1});
  EXPECT_EQ(gate.stamp_epoch(group(2)), Epoch{0});
  EXPECT_TRUE(EpochGate::is_old(*data(1, twin, 0), *gate.front()));
  EXPECT_FALSE(gate.is_open(*data(2, twin, 1)));
  gate.park(reference(0, 2), *data(2, twin, 1));
  EXPECT_EQ(gate.apply(), References{reference(0, 2)});
}

TEST(EpochGate, CountsALeaveOfSeveralGroupsOfOneChannelOnce) {
  EpochGate gate(1);
  const std::uint64_t twin = 1 + EpochGate::kChannels;
  gate.learn(
      place(1),
      *message(1, Order::kTotal).kind(MessageKind::kLeave).to_group(1, 0).and_group(twin, 0));
  EXPECT_EQ(gate.stamp_epoch(group(1)), Epoch{1});
  gate.apply();
  EXPECT_TRUE(gate.is_open(*data(1, 1, 1)));
}

TEST(EpochGateDeathTest, AppliesNothingThatIsBlockedOrUnknown) {
  EpochGate gate(1);
  EXPECT_DEATH(gate.apply(), "CHECK failed");
  gate.learn(place(1), *join(1, 1));
  gate.front()->blockers.insert(reference(0, 1));
  EXPECT_DEATH(gate.apply(), "CHECK failed");
  EXPECT_DEATH(gate.park(reference(0, 1), *data(1, 1, 0)), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
