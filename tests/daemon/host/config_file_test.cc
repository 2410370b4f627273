#include "daemon/host/config_file.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/daemon/host/temporary_folder.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;

std::string refused(const std::string& text) {
  const auto options = parse_config(text, "f.toml", Options{});
  return options.ok() ? "accepted" : options.error();
}

TEST(ConfigFile, SetsEveryOption) {
  const auto parsed = parse_config(R"(
name = "a"
cluster = "c"
listen = "tcp://127.0.0.1:1"
socket = "/s"
state_dir = "/d"
trace = "/t"
[[peer]]
name = "b"
address = "tcp://b:2"
[[peer]]
name = "c"
address = "tcp://c:3"
[membership]
partition_policy = "primary"
heartbeat_ms = 20
suspect_ms = 400
block_ms = 300
[ordering]
total = "lamport"
domains = 1
[limits]
window_messages = 1
window_bytes = 65536
client_window_messages = 2
client_window_bytes = 65537
client_queue_bytes = 65538
batch_bytes = 1024
slow_consumer = "evict"
[log]
level = "debug"
)",
                                   "f.toml", Options{});
  ASSERT_TRUE(parsed.ok()) << parsed.error();
  const Options& options = parsed.value();
  EXPECT_EQ(options.core.self.name, "a");
  EXPECT_EQ(options.core.cluster, "c");
  EXPECT_EQ(options.listen, "tcp://127.0.0.1:1");
  EXPECT_EQ(options.socket, "/s");
  EXPECT_EQ(options.state_dir, "/d");
  EXPECT_EQ(options.trace, "/t");
  ASSERT_EQ(options.core.peers.size(), 2u);
  EXPECT_EQ(options.core.peers[1].name, "c");
  EXPECT_EQ(options.core.peers[1].address, "tcp://c:3");
  EXPECT_EQ(options.core.heartbeat, milliseconds(20));
  EXPECT_EQ(options.core.suspect, milliseconds(400));
  EXPECT_EQ(options.core.block_time_out, milliseconds(300));
  EXPECT_EQ(options.core.engine, TotalOrderEngine::kLamport);
  EXPECT_EQ(options.core.window_messages, 1u);
  EXPECT_EQ(options.core.window_bytes, 65536u);
  EXPECT_EQ(options.core.client_window_messages, 2u);
  EXPECT_EQ(options.core.client_window_bytes, 65537u);
  EXPECT_EQ(options.core.client_queue_bytes, 65538u);
  EXPECT_EQ(options.core.batch_bytes, 1024u);
  EXPECT_EQ(options.log_level, "debug");
}

TEST(ConfigFile, LeavesTheDefaultsOfWhatItDoesNotName) {
  Options defaults;
  defaults.core.window_messages = 77;
  defaults.log_level = "error";
  const auto parsed = parse_config("", "f.toml", defaults);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().core.window_messages, 77u);
  EXPECT_EQ(parsed.value().log_level, "error");
}

TEST(ConfigFile, NamesFileLineKeyAndWhatWouldBeRight) {
  EXPECT_EQ(refused("\n[membership]\nheartbeat_ms = \"soon\"\n"),
            "f.toml:3: membership.heartbeat_ms = 'soon': must be a whole number from 10 to 60000");
  EXPECT_EQ(refused("[membership]\nheartbeat_ms = 9\n"),
            "f.toml:2: membership.heartbeat_ms = 9: must be a whole number from 10 to 60000");
  EXPECT_EQ(refused("[membership]\nheartbeat_ms = 1.5\n"),
            "f.toml:2: membership.heartbeat_ms = 1.5: must be a whole number from 10 to 60000");
  EXPECT_EQ(refused("[membership]\nsuspect_ms = -1\n"),
            "f.toml:2: membership.suspect_ms = -1: must be a whole number from 50 to 600000");
  EXPECT_EQ(refused("listen = 'udp://h:1'\n"),
            "f.toml:1: listen = 'udp://h:1': must be tcp://HOST:PORT with a port from 1 to 65535");
  EXPECT_EQ(refused("socket = 5\n"), "f.toml:1: socket = 5: must be a text in quotes");
  EXPECT_EQ(refused("[ordering]\ntotal = 'dice'\n"),
            "f.toml:2: ordering.total = 'dice': must be \"sequencer\" or \"lamport\"");
  EXPECT_EQ(refused("[membership]\npartition_policy = 'merge'\n"),
            "f.toml:2: membership.partition_policy = 'merge': must be \"primary\" or "
            "\"partitionable\"");
  EXPECT_EQ(refused("[log]\nlevel = 'loud'\n"),
            "f.toml:2: log.level = 'loud': must be one of \"debug\", \"info\", \"warning\", "
            "\"error\", \"off\"");
  EXPECT_EQ(refused("membership = 5\n"),
            "f.toml:1: membership = 5: must be a section, [membership]");
  EXPECT_EQ(refused("peer = 'b'\n"),
            "f.toml:1: peer = 'b': must be sections, each headed by [[peer]]");
}

TEST(ConfigFile, SaysWhatIsNotBuiltIn) {
  EXPECT_EQ(refused("[http]\nlisten = 'x'\n"), "f.toml:1: http: is not built into this version");
  EXPECT_EQ(refused("[security]\n"), "f.toml:1: security: is not built into this version");
  EXPECT_EQ(refused("[limits]\nslow_consumer = 'block'\n"),
            "f.toml:2: limits.slow_consumer = 'block': is not built into this version, which knows "
            "\"evict\" only");
  EXPECT_EQ(refused("[ordering]\ndomains = 2\n"),
            "f.toml:2: ordering.domains = 2: must be a whole number from 1 to 1");
}

TEST(ConfigFile, RefusesUnknownKeysWithAHint) {
  EXPECT_EQ(refused("nmae = 'a'\n"), "f.toml:1: nmae: no such key; is name meant?");
  EXPECT_EQ(refused("[membership]\nheartbeat = 5\n"),
            "f.toml:2: membership.heartbeat: no such key; is heartbeat_ms meant?");
  EXPECT_EQ(refused("[zzz]\n"), "f.toml:1: zzz: no such key");
}

TEST(ConfigFile, NeedsNameAndAddressOfEachPeer) {
  EXPECT_EQ(refused("[[peer]]\nname = 'b'\n"), "f.toml:1: peer.address is missing");
  EXPECT_EQ(refused("[[peer]]\naddress = 'tcp://h:1'\n"), "f.toml:1: peer.name is missing");
  EXPECT_EQ(refused("[[peer]]\nname = 'b'\naddress = 'tcp://h:1'\n"
                    "[[peer]]\nname = 'b'\naddress = 'tcp://h:2'\n"),
            "f.toml:5: peer.name = 'b': is there twice");
}

TEST(ConfigFile, NamesTheLineOfBrokenToml) {
  EXPECT_EQ(refused("name = 'a'\n[ordering\n").find("f.toml:2: "), 0u);
  EXPECT_EQ(refused("name = \n").find("f.toml:1: "), 0u);
}

TEST(ConfigFile, MayBeEmptyButMustBeThere) {
  const TemporaryFolder folder;
  EXPECT_TRUE(read_config_file(folder.write("empty.toml", ""), Options{}).ok());
  EXPECT_FALSE(read_config_file(folder.path("none.toml"), Options{}).ok());
}

TEST(ConfigFile, IsComplainedOfInOneLine) {
  for (const std::string text : {"name = \"a\\nb\"\n", "\"a\\nb\" = 1\n", "a\n", "\"a\nb\" = 1\n",
                                 "cluster = i\nc\"l\"sten = 1\n"}) {
    const std::string why = refused(text);
    EXPECT_NE(why, "accepted");
    EXPECT_EQ(why.find('\n'), std::string::npos) << why;
  }
}

TEST(ConfigFile, IsWrittenAsItIsReadWhateverAPathHolds) {
  Options options;
  options.core.self.name = "a";
  options.socket = "/s";
  options.trace = "/a \"quoted\"\n\ttrace\\\x01\x7F of r\u00e4ume";
  const auto read = parse_config(to_toml(options), "f.toml", Options{});
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_EQ(read.value().trace, options.trace);
}

TEST(ConfigFile, ComplainsOfSeveralPeersWithoutANameAsOfOne) {
  EXPECT_EQ(refused("[[peer]]\n[[peer]]\n"), refused("[[peer]]\n"));
}

}  // namespace
}  // namespace groupcomm::daemon
