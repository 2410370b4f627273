#include "membership/flush_round.h"

#include <gtest/gtest.h>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint at(int ms) { return TimePoint{milliseconds(ms)}; }

TEST(FlushRound, BeginsByCollecting) {
  const FlushRound round({3, 1, incarnation_of(1)}, at(10));
  EXPECT_EQ(round.ballot(), (protocol::Ballot{3, 1, incarnation_of(1)}));
  EXPECT_NE(round.in<FlushRound::Collecting>(), nullptr);
  EXPECT_EQ(round.in<FlushRound::Filling>(), nullptr);
  EXPECT_EQ(round.begun(), at(10));
  EXPECT_EQ(round.phase_since(), at(10));
  EXPECT_EQ(round.last_sent(), at(10));
}

TEST(FlushRound, IsInOnePhaseAtATime) {
  FlushRound round({1, 0, incarnation_of(0)}, at(10));
  protocol::ViewChangeValue value;
  value.next = view_of(2);
  round.enter(at(20), FlushRound::Filling{value});
  EXPECT_EQ(round.in<FlushRound::Collecting>(), nullptr);
  ASSERT_NE(round.in<FlushRound::Filling>(), nullptr);
  EXPECT_EQ(round.in<FlushRound::Filling>()->value, value);
  round.enter(at(30), FlushRound::Proposing{.value = value, .accepted = {0}});
  EXPECT_EQ(round.in<FlushRound::Filling>(), nullptr);
  EXPECT_EQ(round.in<FlushRound::Proposing>()->quorum_at, TimePoint::never());
}

TEST(FlushRound, KnowsWhenItsPhaseBeganAndWhenItAskedLast) {
  FlushRound round({1, 0, incarnation_of(0)}, at(10));
  round.on_sent(at(15));
  EXPECT_EQ(round.last_sent(), at(15));
  EXPECT_EQ(round.phase_since(), at(10));
  round.enter(at(20), FlushRound::Decided{});
  EXPECT_EQ(round.begun(), at(10));
  EXPECT_EQ(round.phase_since(), at(20));
  EXPECT_EQ(round.last_sent(), at(20));
}

}  // namespace
}  // namespace groupcomm::membership
