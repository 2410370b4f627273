// What the whole path of a message costs without sockets and threads: three daemons and a client at
// each, in one thread, whose frames are encoded, handed over and decoded as by their hosts. So it
// counts what our own code does, and can be run under a profiler.
//
// Usage: path_bench [MESSAGES [ORDER [WINDOW [BYTES]]]]. Prints nanoseconds of one processor for a
// message that is ordered and delivered at all three, and where they go.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "daemon/host/client_batches.h"
#include "groupcomm/client_core.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

constexpr std::size_t kNodes = 3;
// As the hosts do it.
constexpr std::size_t kFramesPerTurn = 64;
constexpr std::size_t kClientFrameMessages = 512;
constexpr SessionId kSession{1};

enum Part : std::uint8_t {
  kClient,
  kClientCodec,
  kCore,
  kPeerCodec,
  kClientBatching,
  kParts,
};
constexpr std::array<const char*, kParts> kPartNames = {"client", "codec of the clients",
                                                        "daemon core", "codec of the peers",
                                                        "daemon's codec and batches for clients"};

class Stopwatch {
 public:
  explicit Stopwatch(std::array<double, kParts>& spent) : spent_(spent) {}

  template <typename Work>
  decltype(auto) run(Part part, Work&& work) {
    const Interval interval(spent_[part]);
    return work();
  }

 private:
  class Interval {
   public:
    explicit Interval(double& spent) : spent_(spent) {}
    ~Interval() {
      const std::chrono::duration<double, std::nano> time = Clock::now() - begin_;
      spent_ += time.count();
    }
    Interval(const Interval&) = delete;
    Interval& operator=(const Interval&) = delete;

   private:
    using Clock = std::chrono::steady_clock;
    double& spent_;
    Clock::time_point begin_ = Clock::now();
  };

  std::array<double, kParts>& spent_;
};

struct Node {
  std::unique_ptr<DaemonCore> core;
  ClientBatches batches;
  ClientCore client{"bench"};
  std::deque<Payload> from_peers;
  std::deque<Payload> from_client;
  std::deque<Payload> to_client;
  std::vector<Upcall> upcalls;
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t own_delivered = 0;
  bool is_member = false;
};

struct Work {
  TotalOrderEngine engine = TotalOrderEngine::kSequencer;
  Order order = Order::kTotal;
  std::uint64_t messages = 0;  // of each sender
  std::uint64_t window = 512;
  std::size_t bytes = 64;
};

class Path {
 public:
  explicit Path(const Work& work)
      : work_(work), payload_(Payload::copy_of(std::string(work.bytes, 'x'))) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      DaemonOptions options;
      options.self = {name(i), Incarnation{i + 1}};
      options.address = "tcp://127.0.0.1:" + std::to_string(4000 + i);
      options.engine = work.engine;
      for (std::size_t j = 0; j < kNodes; ++j) {
        if (j != i)
          options.peers.push_back({name(j), "tcp://127.0.0.1:" + std::to_string(4000 + j)});
      }
      nodes_[i].core = std::make_unique<DaemonCore>(options, protocol::DurableRecord{}, now_);
      nodes_[i].client.on_connecting();
    }
  }

  // Until all clients are members.
  void begin() {
    for (int turns = 0; turns < 1000; ++turns) {
      now_ = now_ + std::chrono::milliseconds(10);
      for (Node& node : nodes_) node.core->step(now_, TimerExpired{});
      turn();
      for (Node& node : nodes_) {
        if (node.client.connected() && !node.client.awaits_memberships()) {
          node.client.join("room", GroupOptions{});
        }
      }
      if (is_complete()) return;
    }
    std::fprintf(stderr, "path_bench: the group did not come together\n");
    std::exit(1);
  }

  // Nanoseconds of each part, for a message.
  std::array<double, kParts> run() {
    spent_ = {};
    std::uint64_t idle = 0;
    while (nodes_[0].delivered + nodes_[1].delivered + nodes_[2].delivered <
           kNodes * kNodes * work_.messages) {
      const std::uint64_t before = nodes_[0].delivered + nodes_[1].delivered + nodes_[2].delivered;
      now_ = now_ + std::chrono::microseconds(100);
      for (Node& node : nodes_) {
        if (node.core->next_deadline() <= now_) {
          watch_.run(kCore, [&] { node.core->step(now_, TimerExpired{}); });
        }
      }
      for (Node& node : nodes_) watch_.run(kClient, [&] { send(node); });
      turn();
      const bool moved = nodes_[0].delivered + nodes_[1].delivered + nodes_[2].delivered > before;
      idle = moved ? 0 : idle + 1;
      if (idle > 100'000) {
        std::fprintf(stderr, "path_bench: nothing is delivered any more\n");
        std::exit(1);
      }
    }
    std::array<double, kParts> each = spent_;
    for (double& part : each) part /= static_cast<double>(kNodes * work_.messages);
    return each;
  }

 private:
  static std::string name(std::size_t i) { return "d" + std::to_string(i); }
  static const std::vector<std::string>& rooms() {
    static const std::vector<std::string> kRooms{"room"};
    return kRooms;
  }

  bool is_complete() const {
    for (const Node& node : nodes_) {
      const GroupView* view = node.client.view("room");
      if (view == nullptr || view->members.size() != kNodes) return false;
    }
    return true;
  }

  void send(Node& node) {
    SendOptions options;
    options.order = work_.order;
    while (node.sent < work_.messages && node.sent - node.own_delivered < work_.window) {
      if (!node.client.multicast(rooms(), payload_, options).ok()) break;
      ++node.sent;
    }
  }

  // One turn of everybody's loop.
  void turn() {
    for (Node& node : nodes_) flush_client(node);
    for (std::size_t i = 0; i < kNodes; ++i) {
      Node& node = nodes_[i];
      for (std::size_t n = 0; n < kFramesPerTurn && !node.from_peers.empty(); ++n) {
        const Payload bytes = std::move(node.from_peers.front());
        node.from_peers.pop_front();
        auto frame = watch_.run(kPeerCodec, [&] { return wire::decode_peer_frame(bytes); });
        step(i, PeerFrameReceived{std::move(frame).value()});
      }
      while (!node.from_client.empty()) {
        const Payload bytes = std::move(node.from_client.front());
        node.from_client.pop_front();
        auto messages =
            watch_.run(kClientBatching, [&] { return wire::decode_client_messages(bytes); });
        step(i, ClientFrame{kSession, std::move(messages).value()});
      }
      step(i, InputDrained{});
      auto frames = watch_.run(kClientBatching, [&] { return node.batches.take_all(); });
      for (auto& frame : frames) node.to_client.push_back(std::move(frame.bytes));
    }
    for (Node& node : nodes_) read_client(node);
  }

  void flush_client(Node& node) {
    auto messages = watch_.run(kClient, [&] { return node.client.take_outgoing(); });
    const std::span<const protocol::ClientMessage> all(messages);
    for (std::size_t begin = 0; begin < all.size(); begin += kClientFrameMessages) {
      const std::size_t count = std::min(kClientFrameMessages, all.size() - begin);
      node.from_client.push_back(
          watch_.run(kClientCodec, [&] { return wire::encode(all.subspan(begin, count)); }));
    }
  }

  void read_client(Node& node) {
    for (const Payload& bytes : std::exchange(node.to_client, {})) {
      auto messages = watch_.run(kClientCodec, [&] { return wire::decode_daemon_messages(bytes); });
      watch_.run(kClient, [&] {
        CHECK(node.client.on_daemon_messages(std::move(messages).value()).ok());
        node.client.take_upcalls(node.upcalls);
        for (const Upcall& upcall : node.upcalls) {
          const auto* delivered = std::get_if<upcall::Delivered>(&upcall);
          if (delivered == nullptr) continue;
          const std::size_t count = 1 + delivered->run.size();
          node.delivered += count;
          if (delivered->message.sender == *node.client.process()) node.own_delivered += count;
        }
        node.client.on_upcalls_told();
      });
    }
  }

  void step(std::size_t i, Event event) {
    Node& node = nodes_[i];
    auto effects = watch_.run(kCore, [&] {
      node.core->step(now_, std::move(event));
      return node.core->take_effects();
    });
    perform(i, effects);
  }

  void perform(std::size_t i, std::vector<Effect>& effects) {
    Node& node = nodes_[i];
    watch_.run(kClientBatching, [&] {
      for (Effect& effect : effects) {
        if (auto* told = std::get_if<SendToClient>(&effect)) {
          node.batches.add(told->session, std::move(told->message));
        } else if (auto* delivery = std::get_if<DeliverMessage>(&effect)) {
          node.batches.add(std::move(*delivery));
        }
      }
    });
    for (const Effect& effect : effects) {
      const auto* frame = std::get_if<SendToPeers>(&effect);
      if (frame == nullptr) continue;
      const Payload bytes = watch_.run(kPeerCodec, [&] { return wire::encode(*frame->frame); });
      for (const std::string& peer : frame->peers) {
        nodes_[static_cast<std::size_t>(peer.back() - '0')].from_peers.push_back(bytes);
      }
    }
  }

  Work work_;
  Payload payload_;
  TimePoint now_{};
  std::array<Node, kNodes> nodes_;
  std::array<double, kParts> spent_{};
  Stopwatch watch_{spent_};
};

void measure(const Work& work) {
  Path path(work);
  path.begin();
  const auto spent = path.run();
  double all = 0;
  for (const double part : spent) all += part;
  std::printf("%-10s %-9s window %llu, %zu B: %7.0f ns a message\n",
              work.engine == TotalOrderEngine::kSequencer ? "sequencer" : "lamport",
              to_string(work.order).c_str(), static_cast<unsigned long long>(work.window),
              work.bytes, all);
  for (std::size_t part = 0; part < kParts; ++part) {
    std::printf("    %7.0f  %s\n", spent[part], kPartNames[part]);
  }
}

std::uint64_t number_of(const char* text) { return std::strtoull(text, nullptr, 10); }

}  // namespace
}  // namespace groupcomm::daemon

int main(int argc, char** argv) {
  using groupcomm::Order;
  groupcomm::daemon::Work work;
  work.messages = argc > 1 ? groupcomm::daemon::number_of(argv[1]) : 100'000;
  if (argc > 3) work.window = groupcomm::daemon::number_of(argv[3]);
  if (argc > 4) work.bytes = groupcomm::daemon::number_of(argv[4]);
  if (work.messages == 0 || work.window == 0) {
    std::fprintf(stderr, "usage: path_bench [MESSAGES [ORDER [WINDOW [BYTES]]]]\n");
    return 2;
  }
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    if (argc > 2 && to_string(order) != std::string_view(argv[2])) continue;
    work.order = order;
    groupcomm::daemon::measure(work);
  }
  return 0;
}
