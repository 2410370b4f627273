// Proposers that do not hear one another, and members that hear them all.
#include <gtest/gtest.h>

#include "tests/membership/view_change_net.h"

namespace groupcomm::membership {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Frame = ViewChangeNet::Frame;

struct Duel {
  bool is_side;
  std::size_t proposers;
};

void PrintTo(const Duel& duel, std::ostream* out) {
  *out << duel.proposers << " proposers" << (duel.is_side ? " of a side" : "");
}

class Duels : public testing::TestWithParam<Duel> {};

// One of the proposers goes on with the last member, which hears them all.
bool is_left_behind(ViewChangeNet& net, std::size_t proposers) {
  for (std::size_t i = 1; i <= proposers; ++i) {
    for (const auto& value : net.node(i).decided) {
      if (value.next.members.back().id == daemon_id(net.size() - 1)) return true;
    }
  }
  return false;
}

// 0 is heard by all and answers nobody, so that each ballot waits for it until it is late. The
// proposers behind it do not hear one another, and what one asks for, the last members have
// promised to the next by the time at which it could propose.
TEST_P(Duels, EndWhereEachBallotWaitsForOneThatDoesNotAnswer) {
  const auto [is_side, proposers] = GetParam();
  const std::size_t size = proposers + 1 + (is_side ? 1 : proposers);
  for (int late = 0; late < 1500; late += 100) {
    auto net = ViewChangeNet::living(size, is_side);
    net.set_filter([](const Frame& frame) { return frame.from != 0; });
    for (std::size_t a = 1; a <= proposers; ++a) {
      for (std::size_t b = a + 1; b <= proposers; ++b) net.cut(a, b);
    }
    net.begin_ballot(1);
    net.run_for(milliseconds(late));
    net.begin_ballot(2);
    net.run_for(seconds(60));
    EXPECT_TRUE(is_left_behind(net, proposers)) << late;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Duels,
                         testing::Values(Duel{true, 2}, Duel{false, 2}, Duel{true, 3},
                                         Duel{false, 3}));

}  // namespace
}  // namespace groupcomm::membership
