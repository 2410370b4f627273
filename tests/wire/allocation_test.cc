// A frame costs memory in proportion to its size, whatever stands in it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>

#include "groupcomm/wire/codec.h"
#include "tests/wire/raw_frame.h"
#include "tests/wire/samples.h"

namespace {

std::atomic<std::size_t> allocated_bytes{0};

}  // namespace

// All memory of this program is counted.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace groupcomm::wire {
namespace {

// The words of an exception cost some memory however small the frame is.
constexpr std::size_t kBytesAnyway = 16u << 10;
constexpr std::size_t kFactorMax = 20;

template <typename Decode>
void expect_bounded(const Payload& frame, Decode decode) {
  const std::size_t before = allocated_bytes;
  const bool ok = decode(frame).ok();
  const std::size_t used = allocated_bytes - before;
  EXPECT_LE(used, kBytesAnyway + kFactorMax * frame.size()) << (ok ? "accepted" : "refused");
}

void expect_bounded_everywhere(const Words& segment) {
  const Payload to_daemon = encode(std::vector<protocol::ClientMessage>{});
  const Payload to_client = encode(std::vector<protocol::DaemonMessage>{});
  const Payload peer = encode(samples::batch_frame());
  const Payload record = encode(samples::record());
  expect_bounded(client_frame_around(to_daemon, segment),
                 [](const Payload& frame) { return decode_client_messages(frame); });
  expect_bounded(client_frame_around(to_client, segment),
                 [](const Payload& frame) { return decode_daemon_messages(frame); });
  expect_bounded(peer_frame_around(peer, segment), decode_peer_frame);
  expect_bounded(peer_frame_around(record, segment), decode_durable_record);
}

TEST(Allocation, IsBoundedForListsOfSmallElements) {
  for (const std::uint64_t words : {0u, 1u, 2u, 4u}) {
    const std::uint64_t count = words == 0 ? 0x1FFFFFFF : 10000 / words;
    Words segment{struct_pointer(0, 1, 1), 1, list_pointer(0, Elements::kStructs, count * words),
                  structs_tag(count, words, 0)};
    segment.resize(segment.size() + count * words);
    expect_bounded_everywhere(segment);
  }
  for (const Elements elements : {Elements::kVoid, Elements::kBit, Elements::kByte}) {
    Words segment{struct_pointer(0, 1, 1), 1, list_pointer(0, elements, 80000)};
    segment.resize(10003);
    expect_bounded_everywhere(segment);
  }
}

TEST(Allocation, IsBoundedForDamagedFrames) {
  std::mt19937_64 random(3);
  const auto damaged = [&](const Payload& frame, std::size_t prefix) {
    Words words = words_of_frame(frame);
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(prefix));
    for (std::uint64_t changes = 1 + random() % 4; changes != 0; --changes) {
      words[random() % words.size()] ^= random() >> random() % 64;
    }
    return words;
  };
  const Payload batch = encode(samples::batch_frame());
  const Payload install = encode(samples::peer_frame(
      protocol::Install{samples::view_change_value(), std::vector<protocol::GroupEntry>{}, {}}));
  const Payload status = encode(std::vector<protocol::DaemonMessage>{
      protocol::StatusReply{RequestId{1}, samples::daemon_status()},
      protocol::ViewChanged{"room", samples::group_view()}});
  for (int i = 0; i < 5000; ++i) {
    expect_bounded_everywhere(damaged(batch, kPeerPrefixWords));
    expect_bounded_everywhere(damaged(install, kPeerPrefixWords));
    expect_bounded_everywhere(damaged(status, kClientPrefixWords));
  }
}

TEST(Allocation, IsBoundedForGoodFrames) {
  expect_bounded(encode(samples::client_messages()),
                 [](const Payload& frame) { return decode_client_messages(frame); });
  expect_bounded(encode(samples::daemon_messages()),
                 [](const Payload& frame) { return decode_daemon_messages(frame); });
  for (const auto& body : samples::peer_bodies()) {
    expect_bounded(encode(samples::peer_frame(body)), decode_peer_frame);
  }
}

}  // namespace
}  // namespace groupcomm::wire
