// What the pure core costs: three daemons joined in memory, no codec and no sockets. Prints
// nanoseconds of one thread for a message that is stamped, ordered and delivered at all three.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/daemon/core/cluster.h"

namespace groupcomm::daemon {
namespace {

constexpr std::size_t kDaemons = 3;
constexpr std::uint64_t kBurst = 64;

double nanoseconds_per_message(TotalOrderEngine engine, Order order, std::uint64_t rounds) {
  Cluster cluster(kDaemons, engine);
  cluster.defaults().client_queue_bytes = ~std::uint64_t{0};  // nothing here says what it consumed
  cluster.start_all();
  cluster.run_for(std::chrono::seconds(2));
  for (std::size_t i = 0; i < kDaemons; ++i) {
    cluster.say(i, 1, protocol::Hello{.name = "member"});
    cluster.say(i, 1, protocol::Join{.request = RequestId{1}, .group = "room", .options = {}});
    cluster.settle();
  }
  const Payload payload = Payload::copy_of(std::string(64, 'x'));
  std::uint64_t request = 1;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < kDaemons; ++i) {
      std::vector<protocol::ClientMessage> messages;
      for (std::uint64_t n = 0; n < kBurst; ++n) {
        protocol::Multicast multicast;
        multicast.request = RequestId{++request};
        multicast.group = group_key("room");
        multicast.order = order;
        multicast.payload = payload;
        messages.emplace_back(std::move(multicast));
      }
      cluster.say_all(i, 1, std::move(messages));
    }
    cluster.settle();
    for (std::size_t i = 0; i < kDaemons; ++i) {
      if (round + 1 < rounds) cluster.heard(i, 1).clear();
    }
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  for (std::size_t i = 0; i < kDaemons; ++i) {
    if (cluster.texts(i, 1).size() != kDaemons * kBurst) {
      std::fprintf(stderr, "the last round was not delivered whole\n");
      std::exit(1);
    }
  }
  return spent.count() / static_cast<double>(rounds * kDaemons * kBurst);
}

}  // namespace
}  // namespace groupcomm::daemon

int main() {
  using groupcomm::Order;
  using groupcomm::daemon::TotalOrderEngine;
  constexpr std::uint64_t kRounds = 2000;
  for (const auto engine : {TotalOrderEngine::kSequencer, TotalOrderEngine::kLamport}) {
    const char* name = engine == TotalOrderEngine::kSequencer ? "sequencer" : "lamport";
    for (const Order order :
         {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
      const double cost = groupcomm::daemon::nanoseconds_per_message(engine, order, kRounds);
      std::printf("%-10s %-9s %7.0f ns per message\n", name, to_string(order).c_str(), cost);
    }
  }
}
