#include "ordering/total_order.h"

#include <gtest/gtest.h>

#include "ordering/sequencer_order.h"
#include "tests/ordering/messages.h"

namespace groupcomm::ordering {
namespace {

// An order that knows the first three places.
class TotalOrderTest : public ::testing::Test {
 protected:
  TotalOrderTest() {
    order.on_places(place(1), References{reference(0, 1), reference(1, 1), reference(0, 2)});
  }

  References kept() const {
    References places;
    for (OrderNumber at = order.first_kept(); at <= order.known(); ++at) {
      places.push_back(order.at(at));
    }
    return places;
  }

  SequencerOrder order{1};
};

TEST_F(TotalOrderTest, KeepsItsPlacesUnderTheirNumbersAfterARelease) {
  order.release_through(place(2));
  EXPECT_EQ(order.first_kept(), place(3));
  EXPECT_EQ(order.known(), place(3));
  EXPECT_EQ(order.at(place(3)), reference(0, 2));
}

TEST_F(TotalOrderTest, IsExtendedByPlacesThatAFlushTells) {
  order.freeze();
  order.extend(place(2), References{reference(1, 1), reference(0, 2), reference(2, 1)});
  EXPECT_EQ(kept(),
            (References{reference(0, 1), reference(1, 1), reference(0, 2), reference(2, 1)}));
}

TEST_F(TotalOrderTest, IsNotExtendedBeyondAMissingPlace) {
  order.extend(place(5), References{reference(2, 1)});
  EXPECT_EQ(order.known(), place(3));
}

TEST_F(TotalOrderTest, PassesOverPlacesThatWereReleased) {
  order.release_through(place(2));
  order.extend(place(1), References{reference(9, 9), reference(9, 9), reference(0, 2)});
  EXPECT_EQ(kept(), References{reference(0, 2)});
}

TEST_F(TotalOrderTest, ReplacesWhatIsBeyondAPlace) {
  order.freeze();
  order.replace_after(place(1), References{reference(2, 5), reference(2, 6)});
  EXPECT_EQ(kept(), (References{reference(0, 1), reference(2, 5), reference(2, 6)}));
}

TEST_F(TotalOrderTest, ReplacesWithNothing) {
  order.freeze();
  order.replace_after(place(2), {});
  EXPECT_EQ(kept(), (References{reference(0, 1), reference(1, 1)}));
}

using TotalOrderDeathTest = TotalOrderTest;

TEST_F(TotalOrderDeathTest, StopsOnAPlaceThatIsNotKnownOrWasReleased) {
  EXPECT_DEATH(order.at(place(4)), "CHECK failed");
  order.release_through(place(1));
  EXPECT_DEATH(order.at(place(1)), "CHECK failed");
  EXPECT_DEATH(order.release_through(place(4)), "CHECK failed");
}

TEST_F(TotalOrderDeathTest, StopsWhereAFlushContradictsAKnownPlace) {
  EXPECT_DEATH(order.extend(place(2), References{reference(2, 1)}), "CHECK failed");
}

TEST_F(TotalOrderDeathTest, ReplacesNothingWhileTheViewGoesOn) {
  EXPECT_DEATH(order.replace_after(place(1), {}), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
