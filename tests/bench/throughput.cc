// One member of a throughput measurement: a process that sends, receives, and prints one line of
// JSON about what it saw. measure.py starts one for each daemon and compares their lines.
//
// Senders send for a fixed time, then an end marker in the same order; every member stops when it
// has the end markers of all senders. The rate is (deliveries - 1) / (last - first delivery). The
// hash runs over the delivered messages in order, so that equal hashes mean one order.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "groupcomm/client.h"

namespace {

using Clock = std::chrono::steady_clock;
using groupcomm::Client;
using groupcomm::Group;
using groupcomm::GroupView;
using groupcomm::Message;
using groupcomm::Order;
using groupcomm::Payload;
using std::chrono::milliseconds;

constexpr std::uint32_t kMagic = 0x67636d31;
constexpr int kBurstMax = 64;
constexpr milliseconds kWait{100};

enum class Type : std::uint16_t { kData = 1, kEnd = 2 };

struct Header {
  std::uint32_t magic = kMagic;
  Type type = Type::kData;
  std::uint16_t node = 0;
  std::uint64_t sequence = 0;
  std::uint64_t sent_ns = 0;
};
static_assert(sizeof(Header) == 24);

struct Options {
  std::string socket;
  std::uint16_t node = 1;
  std::uint16_t senders = 3;
  std::uint16_t members = 3;
  std::size_t size = 64;
  std::uint64_t window = 64;  // own sent minus own delivered; 0: only the daemon's credit
  std::string order = "total";
  double seconds = 3;
  double give_up_seconds = 60;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
          .count());
}

class Member : public groupcomm::GroupListener {
 public:
  explicit Member(const Options& options) : options_(options) {}

  void on_view(Group& /*group*/, const GroupView& view) override {
    views_ += 1;
    member_count_ = view.members.size();
  }
  void on_message(Group& /*group*/, const Message& message) override {
    if (message.payload.size() < sizeof(Header)) return;
    Header header;
    std::memcpy(&header, message.payload.data(), sizeof header);
    if (header.magic != kMagic) return;
    last_ns_ = now_ns();
    if (delivered_ == 0) first_ns_ = last_ns_;
    ++delivered_;
    mix(header.node);
    mix(static_cast<std::uint64_t>(header.type));
    mix(header.sequence);
    std::uint64_t& expected = next_sequence_[header.node];
    gaps_ += header.sequence != expected;
    expected = header.sequence + 1;
    ends_ += header.type == Type::kEnd;
    own_delivered_ += header.node == options_.node;
  }
  void on_rejected(Group& /*group*/, groupcomm::RequestId, groupcomm::RejectReason) override {
    ++rejected_;
  }
  void on_gone(Group& /*group*/, groupcomm::GoneReason) override { is_gone_ = true; }

  bool is_complete() const { return member_count_ >= options_.members; }
  bool is_finished() const { return ends_ >= options_.senders; }
  bool is_gone() const { return is_gone_; }
  std::uint64_t own_delivered() const { return own_delivered_; }

  void print(std::uint64_t sent) const {
    const double seconds = static_cast<double>(last_ns_ - first_ns_) / 1e9;
    const double rate = seconds > 0 ? static_cast<double>(delivered_ - 1) / seconds : 0;
    std::printf("{\"node\":%u,\"delivered\":%" PRIu64 ",\"sent\":%" PRIu64
                ",\"seconds\":%.3f,\"rate\":%.0f,\"hash\":\"%016" PRIx64
                "\",\"gaps\":%u,\"rejected\":%u,\"ends\":%u,\"views\":%u}\n",
                options_.node, delivered_, sent, seconds, rate, hash_, gaps_, rejected_, ends_,
                views_);
  }

 private:
  // FNV-1a, a 64-bit word at a time.
  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3u; }

  const Options& options_;
  std::size_t member_count_ = 0;
  std::map<std::uint16_t, std::uint64_t> next_sequence_;
  std::uint64_t delivered_ = 0;
  std::uint64_t own_delivered_ = 0;
  std::uint64_t first_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
  unsigned gaps_ = 0;
  unsigned rejected_ = 0;
  unsigned ends_ = 0;
  unsigned views_ = 0;
  bool is_gone_ = false;
};

class Sender {
 public:
  Sender(const Options& options, Client& client, Group& group, const Member& member)
      : options_(options),
        client_(client),
        group_(group),
        member_(member),
        order_(groupcomm::parse_order(options.order).value()) {}

  // As many as window and credit allow, at most kBurstMax. Returns how many went out.
  int burst() {
    const Client::Batch batch(client_);
    int count = 0;
    while (count < kBurstMax && window_is_open() && send(Type::kData)) ++count;
    return count;
  }
  bool send(Type type) {
    std::string bytes(std::max(options_.size, sizeof(Header)), '\xA5');
    const Header header{kMagic, type, options_.node, sent_, now_ns()};
    std::memcpy(bytes.data(), &header, sizeof header);
    if (!group_.multicast(Payload::copy_of(bytes), {.order = order_}).ok()) return false;
    ++sent_;
    return true;
  }
  std::uint64_t sent() const { return sent_; }

 private:
  bool window_is_open() const {
    return options_.window == 0 || sent_ - member_.own_delivered() < options_.window;
  }

  const Options& options_;
  Client& client_;
  Group& group_;
  const Member& member_;
  Order order_;
  std::uint64_t sent_ = 0;
};

int measure(const Options& options) {
  const auto give_up = Clock::now() + std::chrono::duration<double>(options.give_up_seconds);
  const auto may_go_on = [&] { return Clock::now() < give_up; };
  Member member(options);
  Client client =
      Client::connect({.name = "node" + std::to_string(options.node), .socket = options.socket});
  Group group = client.join("throughput", member);
  while (!member.is_complete() && may_go_on()) client.poll(kWait);

  Sender sender(options, client, group, member);
  if (options.node <= options.senders) {
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
    while (Clock::now() < end) {
      const int sent = sender.burst();
      client.poll(sent > 0 ? milliseconds(0) : milliseconds(10));
    }
    while (!sender.send(Type::kEnd) && may_go_on()) client.poll(milliseconds(10));
  }
  while (!member.is_finished() && !member.is_gone() && may_go_on()) client.poll(kWait);
  member.print(sender.sent());
  return member.is_finished() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("One member of a throughput measurement");
  app.add_option("--socket", options.socket, "the daemon's socket")->required();
  app.add_option("--node", options.node, "number of this member, from 1")->required();
  app.add_option("--senders", options.senders, "members 1 to this number send");
  app.add_option("--members", options.members, "start when the view has so many");
  app.add_option("--size", options.size, "payload bytes, at least 24");
  app.add_option("--window", options.window, "own messages under way; 0: no limit of ours");
  app.add_option("--order", options.order, "reliable, fifo, causal, total or safe");
  app.add_option("--seconds", options.seconds, "how long to send");
  app.add_option("--give-up", options.give_up_seconds, "seconds after which to end in any case");
  CLI11_PARSE(app, argc, argv);
  try {
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "throughput: %s\n", error.what());
    return 1;
  }
}
