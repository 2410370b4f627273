// Random traffic, loss, joins and a flush in the middle, judged by rules that know nothing of
// clocks, places or epochs. Every run follows from its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "ordering/view_ordering.h"
#include "tests/ordering/messages.h"
#include "tests/ordering/ordering_net.h"

namespace groupcomm::ordering {
namespace {

using protocol::MessageReference;
using protocol::StampedMessage;

// One run of so many members.
class RandomRun {
 public:
  RandomRun(Engine engine, std::uint32_t seed, std::size_t members, bool ends_with_flush)
      : random_(seed), net_(members, engine), ends_with_flush_(ends_with_flush) {}

  void run() {
    for (int step = 0; step < 150; ++step) do_something();
    std::vector<Rank> judged;
    for (Rank rank = 0; rank < net_.size(); ++rank) judged.push_back(rank);
    if (ends_with_flush_) {
      const Rank dead = any();
      std::erase(judged, dead);
      net_.flush(judged);
      for (const Rank rank : judged) expect_safe_kept(dead, rank);
    } else {
      for (int round = 0; round < 40 && !is_quiet(); ++round) heal();
      for (const Rank rank : judged) EXPECT_TRUE(net_.at(rank).is_quiet()) << rank;
      for (const Rank rank : judged) EXPECT_EQ(net_.deliveries(rank).size(), sent_) << rank;
    }
    for (Rank rank = 0; rank < net_.size(); ++rank) {
      expect_no_repetition(rank);
      expect_fifo(rank);
      expect_causality(rank);
    }
    for (const Rank rank : judged) expect_like(judged[0], rank);
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  Rank any() { return static_cast<Rank>(pick(net_.size())); }

  void do_something() {
    const Rank rank = any();
    const Rank other = any();
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
      case 3: return send(rank);
      case 4: return control(rank);
      case 5:
      case 6: net_.tell(rank); return;
      case 7:
        if (pick(2) == 0) net_.lose_first(rank, other);
        return;
      case 8: net_.repeat(rank, other); return;
      case 9: net_.repair_for(std::chrono::milliseconds(pick(3) == 0 ? 20 : 0)); return;
      default:
        if (net_.waiting(rank, other) > 0) {
          net_.pass_at(rank, other, pick(net_.waiting(rank, other)));
        }
    }
  }
  void send(Rank rank) {
    OrderingNet::What what;
    what.order = static_cast<Order>(pick(5));
    what.session = 1 + pick(2);
    what.uniform = what.order == Order::kTotal && pick(3) == 0;
    what.groups = {1 + pick(2)};
    if (pick(4) == 0) what.groups = {1, 2};
    what.text = std::to_string(sent_);
    note_sent(rank, net_.send(rank, what));
  }
  void control(Rank rank) {
    if (pick(3) != 0) return;
    note_sent(rank, pick(2) == 0 ? net_.join(rank, 1 + pick(2)) : net_.leave(rank, {1, 2}));
  }
  // What this member had delivered before, of causal and stronger messages.
  void note_sent(Rank rank, MessageNumber number) {
    ++sent_;
    auto& past = past_[{rank, number}];
    for (const Delivery& delivery : net_.deliveries(rank)) {
      if (delivery.reference == MessageReference{rank, number}) continue;
      if (delivery.message->is_causal()) past.push_back(delivery.reference);
    }
  }
  void heal() {
    for (Rank rank = 0; rank < net_.size(); ++rank) {
      for (Rank other = 0; other < net_.size(); ++other) {
        if (rank != other) net_.hear_of(rank, other);
      }
    }
    net_.repair_for(std::chrono::milliseconds(50));
  }
  bool is_quiet() {
    for (Rank rank = 0; rank < net_.size(); ++rank) {
      if (!net_.at(rank).is_quiet()) return false;
    }
    return true;
  }

  std::map<MessageReference, std::size_t> positions(Rank rank) const {
    std::map<MessageReference, std::size_t> positions;
    for (const Delivery& delivery : net_.deliveries(rank)) {
      positions.emplace(delivery.reference, positions.size());
    }
    return positions;
  }
  void expect_no_repetition(Rank rank) const {
    EXPECT_EQ(positions(rank).size(), net_.deliveries(rank).size()) << rank;
  }
  void expect_fifo(Rank rank) const {
    std::map<std::pair<Rank, SessionId>, MessageNumber> last;
    for (const Delivery& delivery : net_.deliveries(rank)) {
      if (delivery.message->order == Order::kReliable) continue;
      auto& before = last[{delivery.reference.sender, delivery.message->session}];
      EXPECT_LT(before, delivery.reference.number) << rank;
      before = delivery.reference.number;
    }
  }
  // Everything in the past of a delivered message was delivered before it.
  void expect_causality(Rank rank) const {
    const auto at = positions(rank);
    for (const auto& [reference, position] : at) {
      const Delivery& delivery = net_.deliveries(rank)[position];
      if (!delivery.message->is_causal()) continue;
      for (const MessageReference& cause : past_.at(reference)) {
        const auto it = at.find(cause);
        EXPECT_TRUE(it != at.end() && it->second < position)
            << rank << ": " << reference.sender << "." << reference.number.value;
      }
    }
  }
  // What one delivered as safe, the others deliver too.
  void expect_safe_kept(Rank dead, Rank survivor) const {
    const auto at = positions(survivor);
    for (const Delivery& delivery : net_.deliveries(dead)) {
      const bool is_safe = delivery.message->order == Order::kSafe;
      EXPECT_TRUE(!is_safe || at.contains(delivery.reference)) << dead << " and " << survivor;
    }
  }
  // A member's view of a message: the joins and leaves that came before, by group, and which of
  // the ordered messages came before.
  using Standing = std::vector<std::size_t>;
  std::map<MessageReference, Standing> standings(Rank rank) const {
    std::map<MessageReference, Standing> standings;
    std::map<GroupKey, std::size_t> epochs;
    std::size_t ordered = 0;
    for (const Delivery& delivery : net_.deliveries(rank)) {
      const StampedMessage& message = *delivery.message;
      Standing standing{message.is_ordered() ? ++ordered : 0};
      for_each_destination(message, [&](const protocol::Destination& destination) {
        if (message.is_control()) ++epochs[destination.group];
        standing.push_back(epochs[destination.group]);
      });
      standings.emplace(delivery.reference, standing);
    }
    return standings;
  }
  // The same messages, in the same views of their groups, the ordered ones in the same order.
  void expect_like(Rank one, Rank other) const { EXPECT_EQ(standings(one), standings(other)); }

  std::minstd_rand random_;
  OrderingNet net_;
  bool ends_with_flush_;
  std::size_t sent_ = 0;
  std::map<MessageReference, std::vector<MessageReference>> past_;
};

// GROUPCOMM_WALKS in the environment says otherwise.
std::uint32_t runs(std::uint32_t by_default) {
  const char* variable = std::getenv("GROUPCOMM_WALKS");
  if (variable == nullptr) return by_default;
  return static_cast<std::uint32_t>(std::strtoul(variable, nullptr, 10));
}

class ViewOrderingRandomTest : public ::testing::TestWithParam<Engine> {};

TEST_P(ViewOrderingRandomTest, KeepsEveryOrderOverLossyLinks) {
  for (std::uint32_t seed = 1; seed <= runs(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun(GetParam(), seed, 2 + seed % 3, false).run();
    if (HasFailure()) return;
  }
}

TEST_P(ViewOrderingRandomTest, EndsAViewAlikeAtAllSurvivors) {
  for (std::uint32_t seed = 1; seed <= runs(120); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun(GetParam(), seed, 2 + seed % 3, true).run();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ViewOrderingRandomTest,
                         ::testing::Values(Engine::kSequencer, Engine::kLamport),
                         [](const auto& parameter) {
                           return parameter.param == Engine::kSequencer ? std::string("Sequencer")
                                                                        : std::string("Lamport");
                         });

}  // namespace
}  // namespace groupcomm::ordering
