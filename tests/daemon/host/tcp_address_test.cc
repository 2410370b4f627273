#include "daemon/host/tcp_address.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

TEST(TcpAddress, ReadsNamesAndNumbers) {
  EXPECT_EQ(parse_tcp_address("tcp://host-1.example.org:4870").value(),
            (TcpAddress{"host-1.example.org", 4870}));
  EXPECT_EQ(parse_tcp_address("tcp://10.0.0.1:1").value(), (TcpAddress{"10.0.0.1", 1}));
  EXPECT_EQ(parse_tcp_address("tcp://[fe80::1]:65535").value(), (TcpAddress{"fe80::1", 65535}));
  EXPECT_EQ(parse_tcp_address("tcp://*:4870").value(), (TcpAddress{"*", 4870}));
}

TEST(TcpAddress, IsWrittenAsItIsRead) {
  for (const char* text : {"tcp://h:1", "tcp://[::1]:2", "tcp://*:3", "tcp://127.0.0.1:4"}) {
    EXPECT_EQ(to_string(parse_tcp_address(text).value()), text);
  }
}

TEST(TcpAddress, SaysWhatWouldBeRight) {
  for (const char* text :
       {"", "h:1", "udp://h:1", "tcp://h", "tcp://:1", "tcp://h:", "tcp://h:0", "tcp://h:65536",
        "tcp://h:1x", "tcp://h:-1", "tcp://h:+1", "tcp://a b:1", "tcp://::1:5", "tcp://[h]:1",
        "tcp://[]:1", "tcp://h/x:1", "tcp://*x:1"}) {
    const auto address = parse_tcp_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error(), "must be tcp://HOST:PORT with a port from 1 to 65535") << text;
  }
}

TEST(TcpAddress, KnowsWildcardsAndNumbers) {
  EXPECT_TRUE(is_wildcard({"*", 1}));
  EXPECT_TRUE(is_wildcard({"0.0.0.0", 1}));
  EXPECT_TRUE(is_wildcard({"::", 1}));
  EXPECT_FALSE(is_wildcard({"127.0.0.1", 1}));
  EXPECT_TRUE(is_numeric({"127.0.0.1", 1}));
  EXPECT_TRUE(is_numeric({"::1", 1}));
  EXPECT_FALSE(is_numeric({"localhost", 1}));
  EXPECT_FALSE(is_numeric({"1.2.3", 1}));
}

TEST(TcpAddress, FindsTheLocalAddressTowardsAPeer) {
  EXPECT_EQ(local_address_towards({"127.0.0.1", 4870}), "127.0.0.1");
}

}  // namespace
}  // namespace groupcomm::daemon
