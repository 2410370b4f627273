#include "daemon/host/client_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

using protocol::ClientMessage;

// Whether what was sent with this payload, and some requests beside it, keeps its whole frame.
bool keeps_frame(std::size_t payload_bytes, std::size_t requests) {
  HostCounters counters;
  Log log("off");
  ClientGate gate(counters, log);
  const std::string text(payload_bytes, 'x');
  std::vector<ClientMessage> messages;
  for (std::size_t i = 0; i < requests; ++i) {
    messages.emplace_back(protocol::Watch{.request = RequestId{i + 1}, .groups = {"room"}});
  }
  protocol::Multicast multicast;
  multicast.request = RequestId{requests + 1};
  multicast.group = group_key("room");
  multicast.payload = Payload::copy_of(text);
  messages.emplace_back(multicast);
  const Payload frame = wire::encode(messages);
  const auto read = gate.read(frame, /*is_first=*/false).value();
  const Payload& payload = std::get<protocol::Multicast>(read.back()).payload;
  EXPECT_EQ(payload.text(), text);
  return frame.data() <= payload.data() && payload.data() < frame.data() + frame.size();
}

TEST(ClientGate, LetsAPayloadKeepAFrameThatIsHardlyMore) {
  EXPECT_TRUE(keeps_frame(100, 0));
  EXPECT_TRUE(keeps_frame(60'000, 0));
  EXPECT_TRUE(keeps_frame(60'000, 500));
}

TEST(ClientGate, LetsNoPayloadKeepAFrameThatIsMuchMore) {
  EXPECT_FALSE(keeps_frame(100, 1000));
  EXPECT_FALSE(keeps_frame(1000, 1000));
}

}  // namespace
}  // namespace groupcomm::daemon
