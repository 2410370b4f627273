#include "ordering/receive_window.h"

#include <gtest/gtest.h>

namespace groupcomm::ordering {
namespace {

using Ranges = std::vector<protocol::NumberRange>;

constexpr MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }

// A window that has accepted these numbers.
ReceiveWindow window_of(std::initializer_list<std::uint64_t> numbers) {
  ReceiveWindow window;
  for (const std::uint64_t value : numbers) EXPECT_TRUE(window.accept(number(value)));
  return window;
}

TEST(ReceiveWindow, HoldsNothingAtFirst) {
  const ReceiveWindow window;
  EXPECT_EQ(window.held(), number(0));
  EXPECT_FALSE(window.has_gap());
  EXPECT_EQ(window.missing(8), Ranges{});
}

TEST(ReceiveWindow, HoldsWhatCameInOrder) {
  const ReceiveWindow window = window_of({1, 2, 3});
  EXPECT_EQ(window.held(), number(3));
  EXPECT_FALSE(window.has_gap());
}

TEST(ReceiveWindow, TakesAMessageOnce) {
  ReceiveWindow window = window_of({1, 2, 4});
  EXPECT_FALSE(window.accept(number(1)));
  EXPECT_FALSE(window.accept(number(2)));
  EXPECT_FALSE(window.accept(number(4)));
  EXPECT_EQ(window.held(), number(2));
}

TEST(ReceiveWindow, KeepsWhatIsBeyondAHoleAndGoesOnWhenItIsFilled) {
  ReceiveWindow window = window_of({1, 3, 4, 6});
  EXPECT_EQ(window.held(), number(1));
  EXPECT_TRUE(window.accept(number(2)));
  EXPECT_EQ(window.held(), number(4));
  EXPECT_TRUE(window.accept(number(5)));
  EXPECT_EQ(window.held(), number(6));
  EXPECT_FALSE(window.has_gap());
}

TEST(ReceiveWindow, NeverTakesTheNumberZero) {
  ReceiveWindow window;
  EXPECT_FALSE(window.accept(number(0)));
}

TEST(ReceiveWindow, NamesEveryHoleAndTheMissingTail) {
  ReceiveWindow window = window_of({1, 3, 4, 7});
  window.on_sent(number(9));
  const Ranges expected{{number(2), number(2)}, {number(5), number(6)}, {number(8), number(9)}};
  EXPECT_EQ(window.missing(8), expected);
  EXPECT_TRUE(window.has_gap());
}

TEST(ReceiveWindow, NamesAtMostSoManyHoles) {
  ReceiveWindow window = window_of({2, 4, 6});
  window.on_sent(number(8));
  const Ranges expected{{number(1), number(1)}, {number(3), number(3)}};
  EXPECT_EQ(window.missing(2), expected);
  EXPECT_EQ(window.missing(0), Ranges{});
}

TEST(ReceiveWindow, SeesAHoleAtTheEndOnlyFromWhatTheSenderSays) {
  ReceiveWindow window = window_of({1, 2});
  window.on_sent(number(2));
  EXPECT_FALSE(window.has_gap());
  window.on_sent(number(4));
  EXPECT_TRUE(window.has_gap());
  EXPECT_EQ(window.missing(8), (Ranges{{number(3), number(4)}}));
  window.on_sent(number(1));  // an old word
  EXPECT_EQ(window.missing(8), (Ranges{{number(3), number(4)}}));
}

TEST(ReceiveWindow, RefusesWhatIsTooFarAhead) {
  ReceiveWindow window = window_of({1});
  const MessageNumber last = number(1 + ReceiveWindow::kAheadMax);
  EXPECT_FALSE(window.accept(last.next()));
  EXPECT_FALSE(window.has_gap());
  EXPECT_TRUE(window.accept(last));
  EXPECT_EQ(window.missing(8), (Ranges{{number(2), last.previous()}}));
}

TEST(ReceiveWindow, ForgetsWhatIsBeyondTheEndOfAFlush) {
  ReceiveWindow window = window_of({1, 3, 5, 6});
  window.end_at(number(5));
  EXPECT_EQ(window.missing(8), (Ranges{{number(2), number(2)}, {number(4), number(4)}}));
  EXPECT_TRUE(window.accept(number(6)));  // it was forgotten, not taken
}

TEST(ReceiveWindow, AsksUpToTheEndOfAFlushThoughNothingBeyondWasSeen) {
  ReceiveWindow window = window_of({1});
  window.end_at(number(3));
  EXPECT_EQ(window.missing(8), (Ranges{{number(2), number(3)}}));
  window.end_at(number(1));
  EXPECT_FALSE(window.has_gap());
}

}  // namespace
}  // namespace groupcomm::ordering
