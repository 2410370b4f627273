// Damaged and random bytes: nothing of it may crash, and nothing of it may pass where a checksum
// stands in front.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "groupcomm/wire/codec.h"
#include "tests/wire/raw_frame.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

constexpr int kRandomFrames = 5000;

// A frame that the decoder of its kind has found good is made of good values: what it encodes to
// must be good as well. (The bytes may differ: damage can hide in what is not read.)
template <typename Messages, typename Decode>
void expect_sound(const Result<Messages>& decoded, Decode decode) {
  if (!decoded.ok()) {
    EXPECT_FALSE(decoded.error().empty());
    return;
  }
  const auto again = decode(encode(decoded.value()));
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again.value(), decoded.value());
}

void expect_sound_from_client(const Payload& bytes) {
  const auto decode = [](const Payload& frame) { return decode_client_messages(frame); };
  expect_sound(decode(bytes), decode);
}
void expect_sound_from_daemon(const Payload& bytes) {
  const auto decode = [](const Payload& frame) { return decode_daemon_messages(frame); };
  expect_sound(decode(bytes), decode);
}

template <typename Use>
void for_each_flip(const Payload& frame, Use use) {
  std::string bytes(frame.text());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<char>(1 << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    use(Payload::copy_of(bytes));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
}

// Messages without large payloads: each byte of theirs means something.
template <typename Message>
std::vector<Message> without_chunks(std::vector<Message> messages) {
  std::erase_if(messages, [](const Message& message) {
    return encode(std::vector<Message>{message}).size() > protocol::kChunkBytesMax;
  });
  return messages;
}

std::vector<Payload> peer_frames() {
  std::vector<Payload> frames{encode(samples::batch_frame())};
  for (const auto& body : samples::peer_bodies()) {
    Payload frame = encode(samples::peer_frame(body));
    if (frame.size() < protocol::kChunkBytesMax) frames.push_back(std::move(frame));
  }
  return frames;
}

TEST(Codec, RejectsATruncatedPeerFrame) {
  for (const Payload& frame : peer_frames()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      ASSERT_FALSE(decode_peer_frame(frame.slice(0, size)).ok()) << size;
    }
  }
}

TEST(Codec, RejectsAPeerFrameWithAnyBitFlipped) {
  for (const Payload& frame : peer_frames()) {
    for_each_flip(frame, [](const Payload& bad) { ASSERT_FALSE(decode_peer_frame(bad).ok()); });
  }
}

TEST(Codec, RejectsADamagedRecord) {
  const Payload frame = encode(samples::record());
  for (std::size_t size = 0; size < frame.size(); ++size) {
    ASSERT_FALSE(decode_durable_record(frame.slice(0, size)).ok()) << size;
  }
  for_each_flip(frame, [](const Payload& bad) { ASSERT_FALSE(decode_durable_record(bad).ok()); });
}

TEST(Codec, RejectsTruncatedClientFrames) {
  const Payload from_client = encode(without_chunks(samples::client_messages()));
  for (std::size_t size = 0; size < from_client.size(); ++size) {
    ASSERT_FALSE(decode_client_messages(from_client.slice(0, size)).ok()) << size;
  }
  const Payload from_daemon = encode(without_chunks(samples::daemon_messages()));
  for (std::size_t size = 0; size < from_daemon.size(); ++size) {
    ASSERT_FALSE(decode_daemon_messages(from_daemon.slice(0, size)).ok()) << size;
  }
}

TEST(Codec, SurvivesClientFramesWithAnyBitFlipped) {
  for_each_flip(encode(without_chunks(samples::client_messages())), expect_sound_from_client);
  for_each_flip(encode(without_chunks(samples::daemon_messages())), expect_sound_from_daemon);
}

// Flipped bits behind a checksum that is right show what the checks of the fields are worth.
TEST(Codec, SurvivesPeerFramesThatOnlySeemWhole) {
  for (const Payload& frame : peer_frames()) {
    Words words = words_of_frame(frame);
    for (std::size_t bit = 64 * kPeerPrefixWords; bit < 64 * words.size(); ++bit) {
      words[bit / 64] ^= std::uint64_t{1} << (bit % 64);
      const auto decoded = decode_peer_frame(resealed(words));
      if (decoded.ok()) {
        const auto again = decode_peer_frame(encode(decoded.value()));
        ASSERT_TRUE(again.ok()) << again.error();
      }
      words[bit / 64] ^= std::uint64_t{1} << (bit % 64);
    }
  }
}

TEST(Codec, SurvivesRandomBytes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kRandomFrames; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const Payload frame = Payload::copy_of(bytes);
    ASSERT_FALSE(decode_client_messages(frame).ok());
    ASSERT_FALSE(decode_daemon_messages(frame).ok());
    ASSERT_FALSE(decode_peer_frame(frame).ok());
    ASSERT_FALSE(decode_durable_record(frame).ok());
  }
}

// Random words in place of some words of good frames come further than random bytes.
TEST(Codec, SurvivesRandomWordsInGoodFrames) {
  const Payload from_client = encode(without_chunks(samples::client_messages()));
  const Payload from_daemon = encode(without_chunks(samples::daemon_messages()));
  const std::vector<Payload> peers = peer_frames();
  std::mt19937_64 random(2);
  const auto scramble = [&](const Payload& frame, std::size_t prefix) {
    Words words = words_of_frame(frame);
    for (std::uint64_t changes = 1 + random() % 4; changes != 0; --changes) {
      const std::size_t at = prefix + random() % (words.size() - prefix);
      const std::uint64_t other = words[prefix + random() % (words.size() - prefix)];
      words[at] = random() % 2 == 0 ? other : words[at] ^ (random() >> random() % 64);
    }
    return words;
  };
  for (int i = 0; i < kRandomFrames; ++i) {
    expect_sound_from_client(frame_of(scramble(from_client, kClientPrefixWords)));
    expect_sound_from_daemon(frame_of(scramble(from_daemon, kClientPrefixWords)));
    const Payload& peer = peers[random() % peers.size()];
    const auto decoded = decode_peer_frame(resealed(scramble(peer, kPeerPrefixWords)));
    if (!decoded.ok()) {
      EXPECT_FALSE(decoded.error().empty());
    }
  }
}

}  // namespace
}  // namespace groupcomm::wire
