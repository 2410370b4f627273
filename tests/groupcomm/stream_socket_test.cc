#include "groupcomm/stream_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/groupcomm/fake_daemon.h"

namespace groupcomm {
namespace {

// The daemon's end is the test's.
class StreamSockets : public testing::Test {
 protected:
  StreamSockets() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    wire::stream_path(path_).copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.number(), name, sizeof address), 0);
    EXPECT_EQ(listen(listener_.number(), 1), 0);
    socket_ = std::move(StreamSocket::open(path_)).value();
    daemon_ = std::make_unique<OwnedDescriptor>(accept(listener_.number(), nullptr, nullptr));
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path("d.sock");
  OwnedDescriptor listener_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::unique_ptr<DaemonSocket> socket_;
  std::unique_ptr<OwnedDescriptor> daemon_;
};

TEST_F(StreamSockets, AreOverWhereNothingCanBeSentBehindWhatCameBefore) {
  wire::FrameOutput output;
  output.add(Payload::copy_of("last words"));
  ASSERT_TRUE(output.write_to(daemon_->number()));
  shutdown(daemon_->number(), SHUT_RD);
  socket_->send(Payload::copy_of("for nobody"));
  EXPECT_TRUE(socket_->send_rest());
  const auto frame = socket_->receive();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->text(), "last words");
  EXPECT_EQ(socket_->receive(), std::nullopt);
  pollfd readable{.fd = socket_->descriptors().front(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&readable, 1, 0), 1) << "the descriptor tells of the end";
  EXPECT_EQ(socket_->receive(), std::nullopt);
  EXPECT_EQ(socket_->over(), "lost the connection to the daemon at " + path_);
}

}  // namespace
}  // namespace groupcomm
