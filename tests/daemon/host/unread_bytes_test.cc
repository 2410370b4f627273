#include "daemon/host/unread_bytes.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace groupcomm::daemon {
namespace {

constexpr std::size_t kPartBytes = 500;
constexpr std::size_t kWireBytes = kPartBytes + 9;

class UnreadBytes : public testing::Test {
 protected:
  UnreadBytes() {
    set_unread_bytes_max(2 * kWireBytes);
    open();
  }
  ~UnreadBytes() override {
    set_unread_bytes_max(UINT64_MAX);
    close();
  }

  void open() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair_.data()), 0); }
  void close() {
    ::close(pair_[0]);
    ::close(pair_[1]);
  }

  // One part on its way: what recv() says.
  ssize_t part_comes() {
    const std::string part(kWireBytes, 'x');
    EXPECT_EQ(write(pair_[1], part.data(), part.size()), static_cast<ssize_t>(part.size()));
    std::array<char, 4096> buffer;
    return recv(pair_[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
  }

  std::array<int, 2> pair_{};
};

TEST_F(UnreadBytes, EndAConnectionThatSendsTooMuch) {
  const std::uint64_t before = overfull_connections();
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  EXPECT_EQ(overfull_connections(), before);
  EXPECT_EQ(part_comes(), 0);
  EXPECT_EQ(overfull_connections(), before + 1);
}

TEST_F(UnreadBytes, AreReadNoMore) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
    on_part_read(pair_[0], kPartBytes);
  }
}

TEST_F(UnreadBytes, AreNeverLessThanNone) {
  on_part_read(pair_[0], 100 * kPartBytes);
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  EXPECT_EQ(part_comes(), 0);
}

TEST_F(UnreadBytes, OfAnEarlierConnectionDoNotCount) {
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
  const int number = pair_[0];
  close();
  open();
  ASSERT_EQ(pair_[0], number) << "the kernel gives the lowest number that is free";
  EXPECT_EQ(part_comes(), static_cast<ssize_t>(kWireBytes));
}

TEST_F(UnreadBytes, OfNoConnectionAreNotCounted) {
  std::array<char, 1> buffer;
  EXPECT_EQ(recv(-1, buffer.data(), buffer.size(), 0), -1);
  on_part_read(-1, kPartBytes);
}

}  // namespace
}  // namespace groupcomm::daemon
