// What is refused before any field is looked at, and frames that no encoder of ours would make.
#include "groupcomm/wire/frame_envelope.h"

#include <gtest/gtest.h>

#include "groupcomm/wire/codec.h"
#include "tests/wire/raw_frame.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

using protocol::ClientMessage;
using protocol::DaemonMessage;

Payload client_frame(const std::vector<ClientMessage>& messages) { return encode(messages); }
Payload daemon_frame(const std::vector<DaemonMessage>& messages) { return encode(messages); }

std::string refusal(const Payload& frame) {
  const auto decoded = decode_client_messages(frame);
  return decoded.ok() ? "accepted" : decoded.error();
}
std::string peer_refusal(const Payload& frame) {
  const auto decoded = decode_peer_frame(frame);
  return decoded.ok() ? "accepted" : decoded.error();
}

const Payload kPeerModel = encode(samples::peer_frame(protocol::InstallRequest{}));

// Where the kind stands in a frame of one message: after the pointer to the root, the version, the
// pointer to the list and its tag.
constexpr std::size_t kFirstMessage = kClientPrefixWords + 4;
// Where the kind of a peer frame stands: behind the version in the root's first word.
constexpr std::size_t kPeerRoot = kPeerPrefixWords + 1;

TEST(FrameEnvelope, HasTheDocumentedPrefix) {
  const Words client = words_of_frame(client_frame({protocol::Bye{}}));
  EXPECT_EQ(std::memcmp(client.data(), "GCtodm01", 8), 0);
  EXPECT_EQ(client[1], std::uint64_t{client.size() - 2} << 32);
  const Words daemon = words_of_frame(daemon_frame({}));
  EXPECT_EQ(std::memcmp(daemon.data(), "GCtocl01", 8), 0);
  const Words peer = words_of_frame(kPeerModel);
  EXPECT_EQ(std::memcmp(peer.data(), "GCpeer01", 8), 0);
  EXPECT_EQ(peer[1], checksum(peer.data() + 2, peer.size() - 2));
  EXPECT_EQ(peer[2], std::uint64_t{peer.size() - 3} << 32);
  const Words record = words_of_frame(encode(samples::record()));
  EXPECT_EQ(std::memcmp(record.data(), "GCreco01", 8), 0);
}

TEST(FrameEnvelope, RefusesFramesOfAnotherDirection) {
  EXPECT_EQ(refusal(daemon_frame({})), "not a frame of this kind: wrong magic");
  EXPECT_EQ(refusal(kPeerModel), "not a frame of this kind: wrong magic");
  EXPECT_EQ(peer_refusal(encode(samples::record())), "not a frame of this kind: wrong magic");
}

TEST(FrameEnvelope, RefusesFramesThatAreTooShort) {
  EXPECT_EQ(refusal(Payload()), "not a frame: too short");
  EXPECT_EQ(refusal(Payload::copy_of("GCtodm01")), "not a frame: too short");
  EXPECT_EQ(refusal(Payload::copy_of("GET / HTTP/1.1\r\n\r\n")),
            "not a frame: its size is not a multiple of 8");
}

TEST(FrameEnvelope, RefusesFramesThatAreTooLarge) {
  const Payload frame = Payload::copy_of(std::string(kFrameBytesMax + 8, '\0'));
  EXPECT_EQ(refusal(frame), "a frame of more than 16 MiB");
  EXPECT_EQ(peer_refusal(frame), "a frame of more than 16 MiB");
}

TEST(FrameEnvelope, RefusesAnotherSizeThanItSays) {
  Words words = words_of_frame(client_frame({protocol::Bye{}}));
  words.push_back(0);
  EXPECT_EQ(refusal(frame_of(words)), "not a frame: its size is not what it says");
}

TEST(FrameEnvelope, RefusesOtherVersionsOfPeers) {
  for (const std::uint64_t version : {0u, 2u}) {
    Words words = words_of_frame(kPeerModel);
    words[kPeerRoot] = (words[kPeerRoot] & ~std::uint64_t{0xFFFF}) | version;
    EXPECT_EQ(peer_refusal(resealed(words)),
              "protocol version " + std::to_string(version) + " is not spoken here");
  }
}

TEST(FrameEnvelope, RefusesUnknownKindsOfPeerFrames) {
  Words words = words_of_frame(kPeerModel);
  const std::uint64_t kind_mask = std::uint64_t{0xFFFF} << 16;
  ASSERT_EQ((words[kPeerRoot] & kind_mask) >> 16, std::variant_size_v<protocol::PeerBody> - 1);
  words[kPeerRoot] = (words[kPeerRoot] & ~kind_mask) | std::uint64_t{12} << 16;
  EXPECT_EQ(peer_refusal(resealed(words)), "unknown kind 12");
}

TEST(FrameEnvelope, SkipsAndCountsUnknownKindsOfClientMessages) {
  const Payload model = client_frame({protocol::Bye{}, protocol::Consumed{7}});
  Words words = words_of_frame(model);
  const std::size_t kind = kFirstMessage + 2;
  ASSERT_EQ(words[kind] >> 32, 7u);  // bye
  words[kind] = std::uint64_t{12} << 32;
  std::uint64_t unknown_kinds = 1;
  const auto decoded = decode_client_messages(frame_of(words), unknown_kinds);
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_EQ(decoded.value(), std::vector<ClientMessage>{protocol::Consumed{7}});
  EXPECT_EQ(unknown_kinds, 2u);
}

TEST(FrameEnvelope, SkipsAndCountsUnknownKindsOfDaemonMessages) {
  Words words = words_of_frame(daemon_frame({protocol::Accepted{RequestId{1}}}));
  ASSERT_EQ(words[kFirstMessage], 2u);  // accepted
  words[kFirstMessage] = 18;
  std::uint64_t unknown_kinds = 0;
  const auto decoded = decode_daemon_messages(frame_of(words), unknown_kinds);
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_TRUE(decoded.value().empty());
  EXPECT_EQ(unknown_kinds, 1u);
}

// A later version has longer structs: what is not known is not looked at.
TEST(FrameEnvelope, IgnoresUnknownFields) {
  const Payload frame = client_frame_around(
      client_frame({}), {struct_pointer(0, 2, 2), 1, ~std::uint64_t{0},
                         list_pointer(1, Elements::kStructs, 8), 0, structs_tag(1, 5, 3), 77, 0,
                         std::uint64_t{2} << 32, ~std::uint64_t{0}, ~std::uint64_t{0}, 0, 0, 0});
  const auto decoded = decode_client_messages(frame);
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_EQ(decoded.value(), std::vector<ClientMessage>{protocol::Consumed{77}});
}

// --- much out of little --------------------------------------------------------------------------

TEST(FrameEnvelope, RefusesAFrameWithoutARoot) {
  EXPECT_EQ(refusal(client_frame_around(client_frame({}), {0})),
            "not a frame: no protocol version");
}

TEST(FrameEnvelope, RefusesListsOfStructsWithoutBytes) {
  const Words segment{struct_pointer(0, 1, 1), 1, list_pointer(0, Elements::kStructs, 0),
                      structs_tag(0x1FFFFFFF, 0, 0)};
  EXPECT_NE(refusal(client_frame_around(client_frame({}), segment)), "accepted");
  const Words voids{struct_pointer(0, 1, 1), 1, list_pointer(0, Elements::kVoid, 0x1FFFFFFF)};
  EXPECT_NE(refusal(client_frame_around(client_frame({}), voids)), "accepted");
}

TEST(FrameEnvelope, RefusesListsOfBytesForLists) {
  for (const Elements elements : {Elements::kByte, Elements::kWord}) {
    Words segment{struct_pointer(0, 1, 1), 1, list_pointer(0, elements, 64)};
    segment.resize(100);
    EXPECT_EQ(refusal(client_frame_around(client_frame({}), segment)),
              "a list of structs without structs");
  }
}

TEST(FrameEnvelope, RefusesMessagesThatAreTooSmall) {
  Words segment{struct_pointer(0, 1, 1), 1, list_pointer(0, Elements::kStructs, 1000),
                structs_tag(1000, 1, 0)};
  segment.resize(1004);
  EXPECT_EQ(refusal(client_frame_around(client_frame({}), segment)), "too many messages: 1000");
}

TEST(FrameEnvelope, RefusesObjectsThatArePointedToTwice) {
  // Two messages of kind watch whose lists of names are one and the same.
  const std::uint64_t watch = std::uint64_t{10} << 32;
  Words segment{struct_pointer(0, 1, 1),
                1,
                list_pointer(0, Elements::kStructs, 10),
                structs_tag(2, 3, 2),
                0,
                0,
                watch,
                list_pointer(6, static_cast<Elements>(6), 50),
                0,
                0,
                0,
                watch,
                list_pointer(1, static_cast<Elements>(6), 50),
                0};
  for (std::int32_t i = 0; i < 50; ++i) segment.push_back(list_pointer(49 - i, Elements::kByte, 2));
  segment.push_back('a');
  EXPECT_NE(refusal(client_frame_around(client_frame({}), segment)), "accepted");
}

TEST(FrameEnvelope, RefusesPointersOutOfTheFrame) {
  for (const std::int32_t offset : {-2, 1, 1000, 0x1FFFFFFF, -0x1FFFFFFF}) {
    const Words segment{struct_pointer(offset, 1, 1), 1, 0};
    EXPECT_NE(refusal(client_frame_around(client_frame({}), segment)), "accepted") << offset;
  }
}

// --- the builder ---------------------------------------------------------------------------------

TEST(FrameBuilder, WritesTheSameFrameWhateverItsEstimate) {
  const auto build = [](std::size_t estimate) {
    FrameBuilder builder(kToDaemonFormat, estimate);
    auto list = builder.initRoot<capnp::AnyPointer>().initAs<capnp::List<capnp::Text>>(40);
    for (capnp::uint i = 0; i < 40; ++i) list.set(i, "a text that takes some words");
    return builder.finish();
  };
  const Payload exact = build(1 + 40 + 40 * 4);
  EXPECT_EQ(build(10000), exact);
  for (const std::size_t estimate : {0u, 1u, 50u, 200u})
    EXPECT_EQ(build(estimate), exact) << estimate;
}

}  // namespace
}  // namespace groupcomm::wire
