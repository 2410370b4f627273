#include "daemon/host/peer_socket.h"

#include <gtest/gtest.h>

#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {
namespace {

using protocol::Lane;

const TcpAddress kAnyPort{"127.0.0.1", 0};

// Two daemons' sockets, of which one is connected to the other.
class PeerSockets : public testing::Test {
 protected:
  void SetUp() override {
    address_ = receiver_->bind(kAnyPort).value();
    sender_.connect("b", address_);
    ASSERT_TRUE(wait_for_link(true));
  }
  bool wait_for_link(bool connected) {
    return wait_until({sender_.links_descriptor()}, [&] {
      for (const auto& change : sender_.take_link_changes()) {
        if (change.peer == "b" && change.connected == connected) return true;
      }
      return false;
    });
  }
  std::string receive() {
    std::optional<Payload> frame;
    wait_until({receiver_->frames_descriptor()},
               [&] { return (frame = receiver_->receive()).has_value(); });
    return frame ? std::string(frame->text()) : "nothing";
  }

  zmq::context_t context_{1};
  std::unique_ptr<PeerSocket> receiver_ = std::make_unique<PeerSocket>(context_);
  PeerSocket sender_{context_};
  TcpAddress address_;
};

TEST_F(PeerSockets, CarryFramesOnTheControlLaneAtOnceWhenConnected) {
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload::copy_of("one")));
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload::copy_of("two")));
  EXPECT_EQ(receive(), "one");
  EXPECT_EQ(receive(), "two");
}

TEST_F(PeerSockets, CarryLargeAndEmptyFrames) {
  const std::string large(3u << 20, 'x');
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload::copy_of(large)));
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload()));
  EXPECT_EQ(receive(), large);
  EXPECT_EQ(receive(), "");
}

TEST_F(PeerSockets, LoseFramesForAPeerThatIsNotConnected) {
  EXPECT_FALSE(sender_.send("nobody", Lane::kControl, Payload::copy_of("x")));
  receiver_.reset();
  ASSERT_TRUE(wait_for_link(false));
  // The socket gives up its connection a moment after it said that it is lost.
  const Payload frame = Payload::copy_of("x");
  EXPECT_TRUE(wait_until(
      {}, [&] { return !sender_.send("b", Lane::kControl, frame); }, monotonic_now));
}

TEST_F(PeerSockets, ConnectAgainToAPeerThatComesBack) {
  receiver_.reset();
  ASSERT_TRUE(wait_for_link(false));
  receiver_ = std::make_unique<PeerSocket>(context_);
  ASSERT_TRUE(wait_until(
      {}, [&] { return receiver_->bind(address_).ok(); }, monotonic_now));
  ASSERT_TRUE(wait_for_link(true));
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload::copy_of("again")));
  EXPECT_EQ(receive(), "again");
}

TEST_F(PeerSockets, NeverWaitForAPeerThatDoesNotRead) {
  const Payload frame = Payload::copy_of(std::string(100'000, 'x'));
  int sent = 0;
  while (sent < 20'000 && sender_.send("b", Lane::kControl, frame)) ++sent;
  EXPECT_GT(sent, 1000);
  EXPECT_LT(sent, 20'000);
}

TEST_F(PeerSockets, GoOnAfterGarbageOfAStranger) {
  zmq::socket_t stranger(context_, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(to_string(address_));
  stranger.send(zmq::str_buffer("several"), zmq::send_flags::sndmore);
  stranger.send(zmq::str_buffer("parts"), zmq::send_flags::none);
  EXPECT_EQ(receive(), "");
  EXPECT_TRUE(sender_.send("b", Lane::kControl, Payload::copy_of("ours")));
  EXPECT_EQ(receive(), "ours");
}

TEST_F(PeerSockets, ForgetAPeerThatIsDisconnected) {
  sender_.disconnect("b");
  sender_.disconnect("nobody");
  EXPECT_FALSE(sender_.send("b", Lane::kControl, Payload::copy_of("x")));
  EXPECT_TRUE(sender_.take_link_changes().empty());
}

TEST(PeerSocket, RefusesAPortInUse) {
  zmq::context_t context(1);
  PeerSocket first(context);
  PeerSocket second(context);
  const TcpAddress address = first.bind(kAnyPort).value();
  const auto bound = second.bind(address);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error(), "Address already in use");
}

}  // namespace
}  // namespace groupcomm::daemon
