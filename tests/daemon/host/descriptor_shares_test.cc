#include "daemon/host/descriptor_shares.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <limits>
#include <string>

#include "daemon/host/descriptor.h"
#include "tests/daemon/host/temporary_folder.h"

namespace groupcomm::daemon {
namespace {

constexpr int kAll = std::numeric_limits<int>::max();

// The next descriptor that the kernel will give.
int lowest_free() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)).get(); }

class AcceptedConnections : public testing::Test {
 protected:
  ~AcceptedConnections() override { set_descriptor_shares({kAll, kAll, kAll}); }

  // Listens, and has a client connected that is not accepted yet.
  void listen_for_a_client() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.path("s");
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect_to(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  void listen_for_a_peer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect_to(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  void connect_to(int domain, sockaddr* address, socklen_t size) {
    listener_ = Descriptor(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(listener_.get(), address, size), 0);
    ASSERT_EQ(listen(listener_.get(), 1), 0);
    ASSERT_EQ(getsockname(listener_.get(), address, &size), 0);
    caller_ = Descriptor(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(caller_.get(), address, size), 0);
  }
  Descriptor accept_it() {
    return Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  bool has_hung_up() {
    pollfd caller{.fd = caller_.get(), .events = POLLIN, .revents = 0};
    return poll(&caller, 1, 0) == 1;
  }

  TemporaryFolder folder_;
  Descriptor listener_;
  Descriptor caller_;
};

TEST_F(AcceptedConnections, AreThoseWithinTheirShare) {
  listen_for_a_client();
  const int next = lowest_free();
  set_descriptor_shares({.served = 0, .clients = next + 1, .peers = kAll});
  EXPECT_EQ(accept_it().get(), next);
}

TEST_F(AcceptedConnections, AreClosedWhereTheyAreBeyondTheShareOfClients) {
  listen_for_a_client();
  const std::uint64_t before = connections_turned_away();
  set_descriptor_shares({.served = 0, .clients = lowest_free(), .peers = kAll});
  EXPECT_FALSE(accept_it().valid());
  EXPECT_EQ(errno, ECONNABORTED);
  EXPECT_EQ(connections_turned_away(), before + 1);
  EXPECT_TRUE(has_hung_up());
}

TEST_F(AcceptedConnections, OfPeersHaveAShareOfTheirOwn) {
  listen_for_a_peer();
  set_descriptor_shares({.served = 0, .clients = 0, .peers = kAll});
  EXPECT_TRUE(accept_it().valid());
  listen_for_a_peer();
  set_descriptor_shares({.served = kAll, .clients = kAll, .peers = lowest_free()});
  EXPECT_FALSE(accept_it().valid());
}

TEST_F(AcceptedConnections, AreNoneWhereThereIsNobody) {
  listen_for_a_client();
  EXPECT_TRUE(accept_it().valid());
  const std::uint64_t before = connections_turned_away();
  fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
  EXPECT_FALSE(accept_it().valid());
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(connections_turned_away(), before);
}

TEST(DescriptorShares, LeaveSomeForFilesHoweverFewThereAre) {
  for (const std::uint64_t limit : {32u, 64u, 1024u, 1u << 20}) {
    for (const std::size_t peers : {0u, 2u, 63u}) {
      const DescriptorShares shares = shares_of(limit, peers);
      EXPECT_LT(0, shares.served);
      EXPECT_LT(shares.served, shares.clients);
      EXPECT_LT(shares.clients, shares.peers);
      EXPECT_LE(static_cast<std::uint64_t>(shares.peers) + 4, limit);
      const auto connections_of_peers = 2 * static_cast<int>(peers);
      const bool is_usual = limit >= 1024;
      EXPECT_TRUE(!is_usual || connections_of_peers <= shares.peers - shares.clients) << peers;
    }
  }
  EXPECT_GT(shares_of(std::numeric_limits<std::uint64_t>::max(), 2).served, 1'000'000);
}

}  // namespace
}  // namespace groupcomm::daemon
