#include "daemon/host/peer_probe.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {
namespace {

using Names = std::vector<std::string>;

// A listening socket on a port of the loopback; 0: a free one.
class Listener {
 public:
  explicit Listener(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    SocketAddress address = to_socket_address({"127.0.0.1", port});
    CHECK_EQ(bind(socket_.get(), address.get(), address.size), 0);
    CHECK_EQ(listen(socket_.get(), 16), 0);
    auto* out = reinterpret_cast<sockaddr*>(&address.storage);
    CHECK_EQ(getsockname(socket_.get(), out, &address.size), 0);
    address_ = {"127.0.0.1",
                ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port)};
  }
  const TcpAddress& address() const { return address_; }
  void stop() { socket_.reset(); }

 private:
  Descriptor socket_;
  TcpAddress address_;
};

// Runs the probe on the real clock until it has a result.
Names result_of(PeerProbe& probe) {
  Names refused;
  wait_until(
      {probe.descriptor()}, [&] { return !(refused = probe.poll(monotonic_now())).empty(); },
      [&] { return probe.next_deadline(); });
  return refused;
}

TEST(PeerProbe, IsRefusedWhereNobodyListens) {
  Listener listener;
  listener.stop();
  PeerProbe probe;
  probe.start("b", listener.address(), monotonic_now());
  EXPECT_EQ(result_of(probe), Names{"b"});
}

// A refusal within 200 ms of the peer's first frame is not believed (rule D2).
TEST(PeerProbe, LooksAgainForAQuarterOfASecond) {
  Listener listener;
  listener.stop();
  PeerProbe probe;
  const TimePoint begin = monotonic_now();
  probe.start("b", listener.address(), begin);
  for (int refusals = 0; refusals < 6; ++refusals) EXPECT_EQ(result_of(probe), Names{"b"});
  EXPECT_GE(monotonic_now() - begin, std::chrono::milliseconds(250));
  EXPECT_EQ(probe.next_deadline(), TimePoint::never());
}

TEST(PeerProbe, IsUndecidedAgainWhereSomebodyListensAfterARefusal) {
  Listener listener;
  listener.stop();
  PeerProbe probe;
  probe.start("b", listener.address(), monotonic_now());
  EXPECT_EQ(result_of(probe), Names{"b"});
  const Listener successor(listener.address().port);
  TimePoint now = probe.next_deadline();
  for (int i = 0; i < 100 && probe.next_deadline() != TimePoint::never(); ++i) {
    EXPECT_EQ(probe.poll(now), Names{});
    now = std::max(now, probe.next_deadline());
  }
  EXPECT_EQ(probe.next_deadline(), TimePoint::never());
}

TEST(PeerProbe, AsksAgainWhileSomebodyListens) {
  Listener listener;
  PeerProbe probe;
  probe.start("b", listener.address(), monotonic_now());
  TimePoint now = monotonic_now();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(probe.poll(now), Names{});
    now = std::max(monotonic_now(), probe.next_deadline());
  }
  listener.stop();
  EXPECT_EQ(result_of(probe), Names{"b"});
}

TEST(PeerProbe, GivesUpAfterSomeAttempts) {
  const Listener listener;
  PeerProbe probe;
  TimePoint now = monotonic_now();
  probe.start("b", listener.address(), now);
  for (int i = 0; i < 1000 && probe.next_deadline() != TimePoint::never(); ++i) {
    EXPECT_EQ(probe.poll(now), Names{});
    now = std::max(now, probe.next_deadline());
  }
  EXPECT_EQ(probe.next_deadline(), TimePoint::never());
}

TEST(PeerProbe, ProbesSeveralPeersAtOnce) {
  Listener gone;
  const Listener there;
  gone.stop();
  PeerProbe probe;
  const TimePoint now = monotonic_now();
  probe.start("alive", there.address(), now);
  probe.start("dead", gone.address(), now);
  EXPECT_EQ(result_of(probe), Names{"dead"});
}

TEST(PeerProbe, EndsWhenItIsStopped) {
  Listener listener;
  listener.stop();
  PeerProbe probe;
  const TimePoint now = monotonic_now();
  probe.start("b", listener.address(), now);
  probe.stop("b");
  probe.stop("c");
  EXPECT_EQ(probe.poll(now), Names{});
  EXPECT_EQ(probe.next_deadline(), TimePoint::never());
}

}  // namespace
}  // namespace groupcomm::daemon
