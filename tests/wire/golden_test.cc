// The bytes of sample frames, as they were released. A difference means that daemons and clients
// of different builds would not understand one another: then raise the protocol version, or do not
// change it. Frames of a new kind, and wanted changes before a release, are written by
//
//   GROUPCOMM_REWRITE=1 wire_test --gtest_filter='Golden*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "groupcomm/wire/codec.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

std::string golden_path(const std::string& name) {
  return GROUPCOMM_GOLDEN_FRAMES "/" + name + ".bin";
}

void expect_golden(const std::string& name, const Payload& frame) {
  const std::string path = golden_path(name);
  if (std::getenv("GROUPCOMM_REWRITE") != nullptr) {
    std::ofstream(path, std::ios::binary) << frame.text();
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << "cannot read " << path;
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(frame.text() == golden) << name << " is not encoded as it was";
}

template <typename Message>
std::vector<Message> small_ones(std::vector<Message> messages) {
  std::erase_if(messages, [](const Message& message) {
    return encode(std::vector<Message>{message}).size() > protocol::kChunkBytesMax;
  });
  return messages;
}

TEST(Golden, ClientMessagesAreEncodedAsEver) {
  expect_golden("client_messages", encode(small_ones(samples::client_messages())));
}

TEST(Golden, DaemonMessagesAreEncodedAsEver) {
  expect_golden("daemon_messages", encode(small_ones(samples::daemon_messages())));
}

TEST(Golden, PeerFramesAreEncodedAsEver) {
  const char* const kNames[] = {"batch",   "nack",    "repair",  "heartbeat",
                                "beacon",  "prepare", "state",   "ballot_refused",
                                "propose", "accept",  "install", "install_request"};
  static_assert(std::size(kNames) == std::variant_size_v<protocol::PeerBody>);
  std::vector<bool> seen(std::size(kNames));
  for (const auto& body : samples::peer_bodies()) {
    if (seen[body.index()]) continue;  // the first of each kind is the full one
    seen[body.index()] = true;
    expect_golden(kNames[body.index()], encode(samples::peer_frame(body)));
  }
}

TEST(Golden, TheRecordIsEncodedAsEver) { expect_golden("record", encode(samples::record())); }

}  // namespace
}  // namespace groupcomm::wire
