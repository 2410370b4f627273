// groupcommctl: the command line of groupcomm. Reads the arguments, nothing else.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "daemon/ctl/bench_options.h"
#include "daemon/ctl/commands.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

// The commands with their arguments, and the one that was chosen.
struct Commands {
  std::string socket;
  StatusCommand status;
  BootstrapCommand bootstrap;
  GroupsCommand groups;
  WatchCommand watch;
  ChatCommand chat;
  SendCommand send;
  PipeCommand pipe;
  BenchCommand bench;
  VerifyCommand verify;
  std::function<int()> chosen;
};

int fail(const std::string& message, int code) {
  std::fprintf(stderr, "groupcommctl: %s\n", message.c_str());
  return code;
}

std::string login_name() {
  const char* user = std::getenv("USER");
  return user != nullptr && why_bad_name(user).empty() ? user : "guest";
}

// Fits CLI11: an empty text, or what is wrong.
std::string check_name(const std::string& name) { return why_bad_name(name); }

const std::map<std::string, Order> kOrders = {{"reliable", Order::kReliable},
                                              {"fifo", Order::kFifo},
                                              {"causal", Order::kCausal},
                                              {"total", Order::kTotal},
                                              {"safe", Order::kSafe}};

void add_order(CLI::App& app, Order& order) {
  app.add_option_function<std::string>(
         "--order", [&order](const std::string& name) { order = parse_order(name).value(); },
         "reliable, fifo, causal, total or safe (default: total)")
      ->check(CLI::IsMember(kOrders))
      ->type_name("ORDER");
}

template <typename Command>
CLI::App& add_command(CLI::App& app, Commands& all, Command& command, const char* name,
                      const char* description) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->callback([&all, &command] {
    all.chosen = [&all, &command] {
      [[maybe_unused]] const std::string& socket = all.socket;
      if constexpr (requires { command.socket; }) command.socket = socket;
      return command.run();
    };
  });
  return *sub;
}

void add_timeout(CLI::App& app, std::chrono::milliseconds& timeout) {
  constexpr double kSecondsMax = 86'400;
  app.add_option_function<double>(
         "--timeout",
         [&timeout](const double& seconds) {
           timeout = std::chrono::milliseconds(std::lround(seconds * 1000));
         },
         "How long the daemon may take to answer (default: 10)")
      ->check(CLI::Range(0.001, kSecondsMax))
      ->type_name("SECONDS");
}

void add_questions(CLI::App& app, Commands& all) {
  auto& status = add_command(app, all, all.status, "status", "What the daemon says of itself");
  status.add_flag("--json", all.status.json, "JSON instead of a table");
  add_timeout(status, all.status.timeout);
  auto& groups = add_command(app, all, all.groups, "groups", "Groups and their members");
  groups.add_flag("--json", all.groups.json, "JSON instead of a table");
  add_timeout(groups, all.groups.timeout);
  auto& watch = add_command(app, all, all.watch, "watch", "Prints view changes as they happen");
  watch.add_option("GROUP", all.watch.groups, "Groups (default: all)")->check(check_name);
  auto& bootstrap =
      add_command(app, all, all.bootstrap, "bootstrap",
                  "Lets the daemons that are here go on without a quorum of their last view");
  bootstrap.add_flag("--force", all.bootstrap.force, "Do it, and not just tell what it would mean");
  bootstrap.add_flag("--yes", all.bootstrap.yes, "Ask nothing")->needs("--force");
  add_timeout(bootstrap, all.bootstrap.timeout);
  auto& verify = add_command(app, all, all.verify, "verify",
                             "Checks recorded traces against what is promised");
  verify.add_option("TRACE", all.verify.traces, "Trace files of one run")->required();
}

void add_conversations(CLI::App& app, Commands& all) {
  all.chat.name = login_name();
  auto& chat = add_command(app, all, all.chat, "chat", "Talk in a group: lines in, messages out");
  chat.add_option("GROUP", all.chat.group, "Group")->required()->check(check_name);
  chat.add_option("--name", all.chat.name, "Your name (default: " + all.chat.name + ")")
      ->check(check_name);
  add_order(chat, all.chat.order);

  auto& send = add_command(app, all, all.send, "send",
                           "Sends one message, or each line of standard input, to a group");
  send.add_option("GROUP", all.send.group, "Group")->required()->check(check_name);
  send.add_option("TEXT", all.send.text, "The message (default: lines of standard input)");
  add_order(send, all.send.order);
  add_timeout(send, all.send.timeout);

  all.pipe.name = "pipe";
  auto& pipe = add_command(app, all, all.pipe, "pipe",
                           "JSON lines both ways, for scripts: commands in, events out");
  pipe.add_option("--name", all.pipe.name, "Process name (default: pipe)")->check(check_name);
  pipe.add_option("--trace", all.pipe.trace, "Records what happens here in this file")
      ->type_name("FILE");
}

void add_bench(CLI::App& app, Commands& all) {
  BenchCommand& command = all.bench;
  BenchWork& work = command.work;
  auto& bench = add_command(app, all, command, "bench",
                            "Measures throughput or latency between members at several daemons");
  bench.add_option("SOCKET", command.sockets, "Daemons' sockets: members are started at each");
  bench.add_option("--members", work.members,
                   "Members of each group; more than there are sockets: the same command is run "
                   "elsewhere, too (default: one for each socket)");
  bench.add_option("--clients", command.clients, "Processes at each daemon (default: 1)")
      ->check(CLI::Range(1, 10'000));
  bench.add_option("--groups", work.groups, "Groups, spread over the clients (default: 1)")
      ->check(CLI::Range(1, 100'000));
  bench.add_option("--group", work.group, "Name of the group (default: bench)")->check(check_name);
  add_order(bench, work.order);
  add_bench_work(bench, work);
  bench.add_flag("--json", command.json, "JSON instead of a table");
}

int run(int argc, char** argv) {
  Commands commands;
  CLI::App app("Talks to the groupcomm daemon of this host.", "groupcommctl");
  app.set_version_flag("--version", std::string("groupcommctl ") + GROUPCOMM_VERSION);
  app.add_option("--socket", commands.socket,
                 "The daemon's socket (default: $GROUPCOMM_SOCKET, or the usual place)")
      ->type_name("PATH");
  app.require_subcommand(1);
  app.fallthrough();
  add_questions(app, commands);
  add_conversations(app, commands);
  add_bench(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (--help shows the usage)", kUsage);
  }
  try {
    return commands.chosen();
  } catch (const CommandFailed& failure) {
    return fail(failure.message, kFailed);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}

}  // namespace
}  // namespace groupcomm::ctl

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that goes away is an error of write, not our end.
  return groupcomm::ctl::run(argc, argv);
}
