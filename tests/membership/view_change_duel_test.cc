// Proposers that do not hear one another, and members that hear them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <utility>

#include "membership/rank_set.h"
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
bool goes_on_with_the_last(ViewChangeNet& net, std::size_t proposers) {
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
    for (int i = 0; i < 60 && !goes_on_with_the_last(net, proposers); ++i) net.run_for(seconds(1));
    EXPECT_TRUE(goes_on_with_the_last(net, proposers)) << late;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Duels,
                         testing::Values(Duel{true, 2}, Duel{false, 2}, Duel{true, 3},
                                         Duel{false, 3}));

// Which members hear which, drawn at random: links that are cut, and members that are heard and
// answer nobody.
struct Links {
  std::size_t size;
  std::set<std::pair<std::size_t, std::size_t>> cut;
  RankSet deaf;

  bool are_joined(std::size_t a, std::size_t b) const {
    return !cut.contains({std::min(a, b), std::max(a, b)});
  }
  // Some quorum of members that answer and all hear one another.
  bool have_quorum(const protocol::DaemonView& base) const {
    for (std::uint32_t some = 1; some < 1u << size; ++some) {
      RankSet members;
      for (std::size_t i = 0; i < size; ++i) {
        if ((some >> i & 1) != 0) members.insert(static_cast<Rank>(i));
      }
      if (is_quorum_of(base, members) && hear_one_another(members)) return true;
    }
    return false;
  }

 private:
  bool hear_one_another(const RankSet& members) const {
    return std::all_of(members.begin(), members.end(), [&](Rank a) {
      return !deaf.contains(a) &&
             std::all_of(members.begin(), members.end(), [&](Rank b) { return are_joined(a, b); });
    });
  }
};

// By anybody; the sides of a partition need not agree.
bool is_decided(ViewChangeNet& net) {
  for (std::size_t i = 0; i < net.size(); ++i) {
    if (!net.node(i).decided.empty()) return true;
  }
  return false;
}

Links draw_links(std::mt19937_64& random) {
  Links links{3 + random() % 6, {}, {}};
  const std::uint64_t cut_percent = random() % 40;
  for (std::size_t a = 0; a < links.size; ++a) {
    if (random() % 100 < 15) links.deaf.insert(static_cast<Rank>(a));
    for (std::size_t b = a + 1; b < links.size; ++b) {
      if (random() % 100 < cut_percent) links.cut.insert({a, b});
    }
  }
  // That they answer nobody is no reason to leave them.
  std::erase_if(links.cut, [&](const auto& ends) {
    return links.deaf.contains(static_cast<Rank>(ends.first)) ||
           links.deaf.contains(static_cast<Rank>(ends.second));
  });
  return links;
}

// In a living view, in one of a side, which needs no quorum, or where all have just started.
enum class Beginning { kLiving, kSide, kGenesis };

ViewChangeNet net_of(Beginning beginning, std::size_t size) {
  if (beginning != Beginning::kGenesis) {
    return ViewChangeNet::living(size, beginning == Beginning::kSide);
  }
  std::set<std::size_t> all;
  for (std::size_t i = 0; i < size; ++i) all.insert(i);
  return ViewChangeNet::genesis(size, all);
}

class DuelsFrom : public testing::TestWithParam<Beginning> {};

TEST_P(DuelsFrom, EndWhereAQuorumHearsOneAnother) {
  std::mt19937_64 random(1);
  int runs = 0;
  for (int run = 0; run < 300; ++run) {
    const Links links = draw_links(random);
    auto net = net_of(GetParam(), links.size);
    const bool must_end = GetParam() == Beginning::kSide || links.have_quorum(view_of(links.size));
    if (links.cut.empty() || !must_end) continue;
    ++runs;
    for (const auto& [a, b] : links.cut) net.cut(a, b);
    net.set_filter(
        [&](const Frame& frame) { return !links.deaf.contains(static_cast<Rank>(frame.from)); });
    for (std::uint64_t rivals = random() % 4; rivals > 0; --rivals) {
      net.begin_ballot(random() % links.size);
      net.run_for(milliseconds(random() % 1500));
    }
    for (int i = 0; i < 120 && !is_decided(net); ++i) net.run_for(seconds(1));
    EXPECT_TRUE(is_decided(net)) << "run " << run;
  }
  EXPECT_GT(runs, 100);
}

INSTANTIATE_TEST_SUITE_P(All, DuelsFrom,
                         testing::Values(Beginning::kLiving, Beginning::kSide,
                                         Beginning::kGenesis));

}  // namespace
}  // namespace groupcomm::membership
