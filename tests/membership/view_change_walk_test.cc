// Random walks: members that crash, come back with their records, lose sight of one another and
// leave, over links that lose, delay and reorder frames. Whatever happens, nobody sees another
// decision than anybody else; and once it stops, there is one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include "tests/membership/view_change_net.h"

namespace groupcomm::membership {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {
    const std::size_t size = 2 + below(6);
    std::set<std::size_t> all;
    for (std::size_t i = 0; i < size; ++i) all.insert(i);
    net_ = below(4) == 0 ? ViewChangeNet::genesis(size, all) : ViewChangeNet::living(size);
    const std::uint64_t loss = below(3) == 0 ? below(40) : 0;
    const std::uint64_t lateness = below(3) == 0 ? below(80) : 0;
    net_.set_filter([this, loss](const ViewChangeNet::Frame&) { return below(100) >= loss; });
    net_.set_lateness([this, lateness] { return below(100) < lateness; });
    steps_ = 2 + below(30);
    step_ms_ = 1 + below(below(2) == 0 ? 50 : 2500);
  }

  // What went wrong, or nothing.
  std::string go() {
    for (std::size_t i = 0; i < steps_; ++i) {
      step();
      net_.run_for(milliseconds(below(step_ms_)));
      collect();
    }
    net_.heal();
    net_.set_filter({});
    net_.set_lateness({});
    for (int i = 0; i < 90 && !decided_; ++i) {
      net_.run_for(seconds(1));
      collect();
    }
    if (differs_) return "two decisions";
    if (!decided_ && has_reason()) return "no decision";
    return "";
  }
  bool is_decided() const { return decided_.has_value(); }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void step() {
    const std::size_t a = below(net_.size());
    const std::size_t b = below(net_.size());
    switch (below(8)) {
      case 0:
      case 1: return crash(a);
      case 2:
        if (a != b) net_.cut(a, b);
        return;
      case 3:
        if (a != b) net_.cut_one_way(a, b);
        return;
      case 4: return net_.heal(a, b);
      case 5: return net_.heal();
      case 6:  // one at most: where all leave, none needs a view
        net_.node(0).leaving = net_.node(0).life == 1 && below(4) == 0;
        return;
      default:
        if (net_.node(a).decided.empty()) net_.begin_ballot(a);
    }
  }

  // With the record, and without what was held.
  void crash(std::size_t i) {
    collect();
    net_.restart(i, ++lives_);
  }

  void collect() {
    for (std::size_t i = 0; i < net_.size(); ++i) {
      for (const auto& value : net_.node(i).decided) {
        differs_ = differs_ || (decided_ && *decided_ != value);
        decided_ = value;
      }
    }
  }

  bool has_reason() {
    for (std::size_t i = 0; i < net_.size(); ++i) {
      if (net_.change(i).is_flushing()) return true;
    }
    return false;
  }

  std::mt19937_64 random_;
  ViewChangeNet net_ = ViewChangeNet::living(1);
  std::size_t steps_ = 0;
  std::uint64_t step_ms_ = 1;
  std::uint64_t lives_ = 1;
  std::optional<protocol::ViewChangeValue> decided_;
  bool differs_ = false;
};

// GROUPCOMM_WALKS in the environment is how many.
TEST(ViewChangeWalks, AgreeAndEnd) {
  const char* variable = std::getenv("GROUPCOMM_WALKS");
  const std::uint64_t walks = variable == nullptr ? 2000 : std::strtoull(variable, nullptr, 10);
  std::uint64_t decided = 0;
  for (std::uint64_t seed = 1; seed <= walks; ++seed) {
    Walk walk(seed);
    EXPECT_EQ(walk.go(), "") << "walk " << seed;
    if (walk.is_decided()) ++decided;
  }
  EXPECT_GT(decided, walks / 2);
}

}  // namespace
}  // namespace groupcomm::membership
