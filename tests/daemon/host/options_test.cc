#include "daemon/host/options.h"

#include <gtest/gtest.h>

#include "tests/daemon/host/temporary_folder.h"

namespace groupcomm::daemon {
namespace {

Environment user() {
  Environment environment;
  environment.runtime_dir = "/run/user/7";
  environment.home = "/home/u";
  environment.host_name = "host";
  return environment;
}

Options accepted(const std::vector<std::string>& arguments,
                 const Environment& environment = user()) {
  const auto parsed = parse_command_line(arguments, environment);
  if (const auto* print = std::get_if<PrintAndExit>(&parsed)) {
    ADD_FAILURE() << print->text;
    return {};
  }
  return std::get<Options>(parsed);
}

std::string refused(const std::vector<std::string>& arguments,
                    const Environment& environment = user()) {
  const auto parsed = parse_command_line(arguments, environment);
  const auto* print = std::get_if<PrintAndExit>(&parsed);
  if (print == nullptr) return "accepted";
  EXPECT_EQ(print->code, 2);
  return print->text;
}

TEST(Options, NeedNothingForAClusterOfOne) {
  const Options options = accepted({});
  EXPECT_EQ(options.core.self.name, "host");
  EXPECT_EQ(options.core.cluster, "groupcomm");
  EXPECT_EQ(options.socket, "/run/user/7/groupcomm/groupcommd.sock");
  EXPECT_EQ(options.listen, "");
  EXPECT_EQ(options.core.address, "");
  EXPECT_EQ(options.state_dir, "");
  EXPECT_EQ(options.log_level, "info");
  EXPECT_FALSE(options.core.report_all_deliveries);
}

TEST(Options, HaveOtherDefaultsForRoot) {
  Environment root = user();
  root.root = true;
  const Options options = accepted({"--peer", "b=tcp://10.0.0.2:4870"}, root);
  EXPECT_EQ(options.socket, "/run/groupcomm/groupcommd.sock");
  EXPECT_EQ(options.state_dir, "/var/lib/groupcomm/host");
  EXPECT_EQ(options.listen, "tcp://0.0.0.0:4870");
}

TEST(Options, KeepTheStateOfUsersInTheirHome) {
  EXPECT_EQ(accepted({"--peer", "b=tcp://h:1"}).state_dir, "/home/u/.local/state/groupcomm/host");
  Environment environment = user();
  environment.state_home = "/state";
  EXPECT_EQ(accepted({"--name", "a", "--peer", "b=tcp://h:1"}, environment).state_dir,
            "/state/groupcomm/a");
}

TEST(Options, KeepNoStateWithoutPeers) {
  EXPECT_EQ(accepted({"--state-dir", "/x"}).state_dir, "");
  EXPECT_EQ(accepted({"--state-dir", "/x", "--peer", "b=tcp://h:1"}).state_dir, "/x");
}

TEST(Options, AdvertiseTheAddressThatPeersCanReach) {
  const auto address = [](const std::vector<std::string>& arguments) {
    return accepted(arguments).core.address;
  };
  EXPECT_EQ(address({"--listen", "tcp://10.1.1.1:5"}), "tcp://10.1.1.1:5");
  EXPECT_EQ(address({"--listen", "tcp://*:5"}), "tcp://host:5");
  EXPECT_EQ(address({"--listen", "tcp://*:5", "--peer", "b=tcp://127.0.0.1:6"}),
            "tcp://127.0.0.1:5");
  EXPECT_EQ(address({"--listen", "tcp://*:5", "--peer", "host=tcp://me:7"}), "tcp://me:7");
}

TEST(Options, KnowWhenTheyAdvertiseTheHostsNameForWantOfABetterAddress) {
  const auto is_guess = [](const std::vector<std::string>& arguments) {
    return accepted(arguments).advertises_host_name;
  };
  EXPECT_TRUE(is_guess({"--peer", "b=tcp://hostb:6"}));
  EXPECT_FALSE(is_guess({}));
  EXPECT_FALSE(is_guess({"--listen", "tcp://10.1.1.1:5", "--peer", "b=tcp://hostb:6"}));
  EXPECT_FALSE(is_guess({"--listen", "tcp://*:5", "--peer", "b=tcp://127.0.0.1:6"}));
  EXPECT_FALSE(is_guess({"--peer", "host=tcp://me:7", "--peer", "b=tcp://hostb:6"}));
}

TEST(Options, LeaveThemselvesOutOfTheirPeers) {
  const Options options =
      accepted({"--name", "a", "--peer", "a=tcp://h:1", "--peer", "b=tcp://h:2"});
  ASSERT_EQ(options.core.peers.size(), 1u);
  EXPECT_EQ(options.core.peers[0].name, "b");
  EXPECT_EQ(options.core.peers[0].address, "tcp://h:2");
}

TEST(Options, RefuseWrongFlagsInOneLine) {
  const std::string address = "must be tcp://HOST:PORT with a port from 1 to 65535\n";
  const std::string name =
      "must be 1 to 255 letters, digits, '.', '-' and '_', not beginning with '.'\n";
  EXPECT_EQ(refused({"--listen", "x"}), "groupcommd: --listen x: " + address);
  EXPECT_EQ(refused({"--name", "a b"}), "groupcommd: --name a b: " + name);
  EXPECT_EQ(refused({"--name", ""}), "groupcommd: --name '': " + name);
  EXPECT_EQ(refused({"--name="}),
            "groupcommd: --name: 1 required TEXT missing (--help lists the flags)\n");
  EXPECT_EQ(refused({"--state-dir", ""}), "groupcommd: --state-dir '': must be a path\n");
  EXPECT_EQ(refused({"--config", ""}), "groupcommd: : cannot be read\n");
  EXPECT_EQ(refused({"--peer", "b"}), "groupcommd: --peer b: must be NAME=tcp://HOST:PORT\n");
  EXPECT_EQ(refused({"--peer", "b=x"}), "groupcommd: --peer b=x: the address " + address);
  EXPECT_EQ(refused({"--peer", ".=tcp://h:1"}), "groupcommd: --peer .=tcp://h:1: the name " + name);
  EXPECT_EQ(refused({"--peer", "b=tcp://h:1", "--peer", "b=tcp://h:2"}),
            "groupcommd: --peer b=tcp://h:2: is there twice\n");
  EXPECT_EQ(
      refused({"--socket", std::string(108, 'x')}),
      "groupcommd: --socket " + std::string(108, 'x') + ": must be a path of 1 to 107 bytes\n");
  EXPECT_EQ(refused({"--http", "127.0.0.1:1"}),
            "groupcommd: --http 127.0.0.1:1: is not built into this version\n");
  EXPECT_EQ(refused({"--config", "/no/such/file"}), "groupcommd: /no/such/file: cannot be read\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--fly"}, {"more"}, {"--name"}, {"--name", "a", "--name", "b"}, {"--peer", "b", "c"}}) {
    const std::string text = refused(arguments);
    EXPECT_EQ(text.find("groupcommd: "), 0u) << text;
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  }
}

TEST(Options, SayWhatIsNeededWhereThereIsNoDefault) {
  Environment environment;
  environment.host_name = "host";
  EXPECT_EQ(refused({}, environment),
            "groupcommd: XDG_RUNTIME_DIR is not set: --socket PATH is needed\n");
  EXPECT_EQ(refused({"--socket", "/s", "--peer", "b=tcp://h:1"}, environment),
            "groupcommd: HOME is not set: --state-dir DIR is needed\n");
  environment.host_name = "a b";
  EXPECT_NE(refused({"--socket", "/s"}, environment).find("--name NAME is needed"),
            std::string::npos);
}

TEST(Options, PutFlagsOverTheFile) {
  const TemporaryFolder folder;
  const std::string file = folder.write("c.toml",
                                        "name = 'f'\ncluster = 'fc'\n"
                                        "[[peer]]\nname = 'p'\naddress = 'tcp://h:1'\n");
  const Options of_file = accepted({"--config", file});
  EXPECT_EQ(of_file.core.self.name, "f");
  EXPECT_EQ(of_file.core.peers.size(), 1u);
  const Options both = accepted({"--config", file, "--name", "x", "--peer", "q=tcp://h:2"});
  EXPECT_EQ(both.core.self.name, "x");
  EXPECT_EQ(both.core.cluster, "fc");
  ASSERT_EQ(both.core.peers.size(), 1u);
  EXPECT_EQ(both.core.peers[0].name, "q");
}

TEST(Options, AreShownAsAFileThatGivesThemAgain) {
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "c.toml",
      "name = 'f'\nlisten = 'tcp://10.0.0.1:7'\nsocket = '/tmp/\"s\"'\nstate_dir = '/x\\y'\n"
      "[[peer]]\nname = 'p'\naddress = 'tcp://h:1'\n[membership]\nheartbeat_ms = 50\n"
      "suspect_ms = 700\n[ordering]\ntotal = 'lamport'\n[limits]\nwindow_messages = 5\n");
  const auto shown = parse_command_line({"--config", file, "--check-config"}, user());
  const auto& first = std::get<PrintAndExit>(shown);
  EXPECT_EQ(first.code, 0);
  EXPECT_NE(first.text.find("heartbeat_ms = 50\nsuspect_ms = 700\n"), std::string::npos);
  const std::string again = folder.write("again.toml", first.text);
  const auto shown_again = parse_command_line({"--config", again, "--check-config"}, user());
  EXPECT_EQ(std::get<PrintAndExit>(shown_again).text, first.text);
}

TEST(Options, PrintHelpAndVersion) {
  const auto version = parse_command_line({"--version"}, user());
  EXPECT_EQ(std::get<PrintAndExit>(version).text, "groupcommd " GROUPCOMM_VERSION "\n");
  EXPECT_EQ(std::get<PrintAndExit>(version).code, 0);
  const auto help = parse_command_line({"--help"}, user());
  EXPECT_NE(std::get<PrintAndExit>(help).text.find("--check-config"), std::string::npos);
  EXPECT_EQ(std::get<PrintAndExit>(help).code, 0);
}

TEST(Options, ReportAllDeliveriesForATrace) {
  EXPECT_TRUE(accepted({"--trace", "/t"}).core.report_all_deliveries);
}

}  // namespace
}  // namespace groupcomm::daemon
