// What a message costs to encode and to decode, by list length and payload size.
//
// Usage: codec_bench [ROUNDS]. Prints nanoseconds of one message, the best of five runs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "groupcomm/wire/checksum.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::wire {
namespace {

constexpr int kRuns = 5;

double best_ns(int rounds, const std::function<void()>& work) {
  double best = std::numeric_limits<double>::max();
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) work();
    const std::chrono::duration<double, std::nano> elapsed =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, elapsed.count() / rounds);
  }
  return best;
}

void print(const std::string& what, std::size_t count, double encode_ns, double decode_ns,
           std::size_t frame_bytes) {
  const auto messages = static_cast<double>(count);
  std::printf("%-34s %8.1f %8.1f %10.0f\n", what.c_str(), encode_ns / messages,
              decode_ns / messages, static_cast<double>(frame_bytes) / messages);
}

// The same bytes one byte further on, as they come from a socket: the decoder must copy them.
Payload misaligned(const Payload& frame) {
  return Payload::copy_of("x" + std::string(frame.text())).slice(1, frame.size());
}

protocol::PeerFrame batch_of(std::size_t count, const Payload& payload) {
  protocol::Batch batch;
  batch.first_place = OrderNumber{1000};
  const auto context =
      std::make_shared<const protocol::VectorTime>(protocol::VectorTime(3, CausalNumber{100}));
  for (std::size_t i = 1; i <= count; ++i) {
    protocol::StampedMessage message;
    message.number = MessageNumber{i};
    message.causal_number = CausalNumber{i};
    message.context = context;
    message.stamp = LamportStamp{i};
    message.session = SessionId{1};
    message.destination = {GroupKey{0x123456789}, Epoch{3}, SendNumber{i}};
    message.payload = payload;
    batch.messages.push_back(std::make_shared<const protocol::StampedMessage>(std::move(message)));
    batch.places.push_back({1, MessageNumber{i}});
  }
  batch.progress.received.resize(3);
  return {{.cluster = 1, .lineage = {2}, .sender = {"daemon-1", {3}}, .view = {4, {5}, 6}}, batch};
}

void measure_batch(int rounds, std::size_t count, std::size_t bytes) {
  const auto frame = batch_of(count, Payload::copy_of(std::string(bytes, 'p')));
  const Payload aligned = encode(frame);
  const Payload encoded = misaligned(aligned);
  const double encode_ns = best_ns(rounds, [&] { encode(frame); });
  const double decode_ns = best_ns(rounds, [&] { CHECK(decode_peer_frame(encoded).ok()); });
  print("Batch(" + std::to_string(count) + " x " + std::to_string(bytes) + " B)", count, encode_ns,
        decode_ns, encoded.size());
}

template <typename Message>
void measure_list(const std::string& name, int rounds, std::size_t count, const Message& message) {
  const std::vector<Message> messages(count, message);
  const Payload encoded = misaligned(encode(messages));
  const double encode_ns = best_ns(rounds, [&] { encode(messages); });
  const double decode_ns = best_ns(rounds, [&] {
    if constexpr (std::is_same_v<Message, protocol::ClientMessage>) {
      CHECK(decode_client_messages(encoded).ok());
    } else {
      CHECK(decode_daemon_messages(encoded).ok());
    }
  });
  print(name, count, encode_ns, decode_ns, encoded.size());
}

void measure_lists(int rounds, std::size_t count, std::size_t bytes) {
  const Payload payload = Payload::copy_of(std::string(bytes, 'p'));
  const std::string size = "(" + std::to_string(count) + " x " + std::to_string(bytes) + " B)";
  protocol::Multicast multicast;
  multicast.group = GroupKey{1};
  multicast.payload = payload;
  measure_list<protocol::ClientMessage>("Multicast" + size, rounds, count, multicast);
  protocol::Deliver deliver;
  deliver.group = GroupKey{1};
  deliver.sender_rank = 1;
  deliver.payload = payload;
  measure_list<protocol::DaemonMessage>("Deliver" + size, rounds, count, deliver);
}

void measure_checksum(int rounds) {
  const std::vector<std::uint64_t> words(8192, 0xA5);
  std::uint64_t sum = 0;
  const double ns = best_ns(rounds, [&] { sum += checksum(words.data(), words.size()); });
  std::printf("checksum of 64 KiB: %.1f GB/s (sum %016llx)\n", 65536 / ns,
              static_cast<unsigned long long>(sum));
}

void measure(int rounds) {
  std::printf("%-34s %8s %8s %10s\n", "per message", "enc ns", "dec ns", "wire bytes");
  for (const std::size_t bytes : {64u, 1024u, 8192u}) {
    for (const std::size_t count : {1u, 16u, 64u}) measure_batch(rounds, count, bytes);
  }
  for (const std::size_t bytes : {64u, 1024u}) {
    for (const std::size_t count : {1u, 16u, 64u}) measure_lists(rounds, count, bytes);
  }
  measure_list<protocol::ClientMessage>("Consumed(64)", rounds, 64, protocol::Consumed{1});
  measure_list<protocol::DaemonMessage>("Accepted(64)", rounds, 64, protocol::Accepted{});
  measure_checksum(rounds);
}

}  // namespace
}  // namespace groupcomm::wire

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  if (rounds <= 0) {
    std::fprintf(stderr, "usage: codec_bench [ROUNDS]\n");
    return 2;
  }
  groupcomm::wire::measure(rounds);
  return 0;
}
