#include "daemon/host/describe.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

TEST(Describe, NamesAnEventAndItsParts) {
  EXPECT_EQ(describe(Event(ClientFrame{SessionId{3}, {protocol::Hello{}, protocol::Bye{}}})),
            "ClientFrame session=3 messages=Hello,Bye");
  EXPECT_EQ(describe(Event(ClientLost{SessionId{3}})), "ClientLost session=3");
  EXPECT_EQ(describe(Event(PeerRefused{"b"})), "PeerRefused peer=b");
  EXPECT_EQ(describe(Event(InputDrained{})), "InputDrained");
}

TEST(Describe, NamesAnEffectAndItsParts) {
  SendToPeers send;
  send.peers = {"b", "c"};
  send.lane = protocol::Lane::kData;
  send.frame = std::make_shared<protocol::PeerFrame>(
      protocol::PeerFrame{protocol::FrameHeader{}, protocol::InstallRequest{}});
  EXPECT_EQ(describe(Effect(send)),
            "SendToPeers peers=b,c lane=data view=0.0000000000000000.0 body=InstallRequest");
  EXPECT_EQ(describe(Effect(SendToClient{SessionId{7}, protocol::WatchedView{}})),
            "SendToClient session=7 message=WatchedView");
  EXPECT_EQ(describe(Effect(ConnectPeer{"b", "tcp://h:1"})),
            "ConnectPeer peer=b address=tcp://h:1");
}

TEST(Describe, StaysOnOneLine) {
  EXPECT_EQ(describe(Effect(Report{false, "one\ntwo"})), "Report text=one two");
}

}  // namespace
}  // namespace groupcomm::daemon
