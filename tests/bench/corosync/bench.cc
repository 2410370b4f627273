// corosync_bench: the work of `groupcommctl bench` between clients of Corosync (libcpg), each in
// the network namespace of its daemon. Reports as `groupcommctl bench` does.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <utility>

#include "daemon/ctl/bench_options.h"
#include "daemon/ctl/bench_processes.h"
#include "daemon/ctl/bench_report.h"
#include "daemon/ctl/commands.h"
#include "tests/bench/corosync/connection.h"

namespace groupcomm::bench {
namespace {

using ctl::CommandFailed;

class Room : public ctl::BenchRoom, public Connection::Receiver {
 public:
  Room(const ctl::BenchWork& work, Connection& connection)
      : BenchRoom(work, work.group), connection_(connection) {
    connection.receiver = this;
    connection.join(work.group);
  }

  void on_message(std::string_view bytes) override { on_payload(bytes); }

  void on_configuration(const std::vector<std::pair<unsigned, unsigned>>& members) override {
    const auto me = std::find(members.begin(), members.end(),
                              std::pair{connection_.node(), static_cast<unsigned>(::getpid())});
    if (me == members.end()) return fail("this member is not in the group");
    on_members(members.size(), static_cast<std::size_t>(me - members.begin()));
  }

 private:
  bool multicast(std::string_view bytes, Order /*order*/) override {
    return connection_.multicast(bytes);
  }

  Connection& connection_;
};

ctl::BenchResult run_member(const ctl::BenchWork& work, const std::string& name) {
  try {
    enter_namespace(name);
    Connection connection(std::chrono::duration<double>(work.give_up_seconds));
    std::vector<std::unique_ptr<ctl::BenchRoom>> rooms;
    rooms.push_back(std::make_unique<Room>(work, connection));
    return ctl::run_bench_member(work, connection, rooms);
  } catch (const CommandFailed& failed) {
    return {.failure = failed.message};
  }
}

int run(int argc, char** argv) {
  CLI::App app("The work of groupcommctl bench between clients of Corosync");
  ctl::BenchWork work;
  std::vector<std::string> namespaces;
  bool json = false;
  app.add_option("NAMESPACE", namespaces, "Network namespaces of daemons: a client is in each")
      ->required();
  ctl::add_bench_work(app, work);
  app.add_flag("--json", json, "JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  work.members = static_cast<std::uint16_t>(namespaces.size());
  std::vector<std::function<ctl::BenchResult()>> members;
  for (const std::string& name : namespaces) {
    members.push_back([&] { return run_member(work, name); });
  }
  try {
    const auto report = ctl::bench_report(work, ctl::run_bench_processes(members));
    std::fputs(
        json ? (report.dump() + "\n").c_str() : ctl::bench_table(report, work.latency).c_str(),
        stdout);
    return 0;
  } catch (const CommandFailed& failed) {
    std::fprintf(stderr, "corosync_bench: %s\n", failed.message.c_str());
    return 1;
  }
}

}  // namespace
}  // namespace groupcomm::bench

int main(int argc, char** argv) { return groupcomm::bench::run(argc, argv); }
