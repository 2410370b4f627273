// skeleton: how fast this machine can be without fault tolerance. Three relays, one of them the
// sequencer, and three clients do the work of `groupcommctl bench`, and report as it does.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>

#include "daemon/ctl/bench_options.h"
#include "daemon/ctl/bench_processes.h"
#include "daemon/ctl/bench_report.h"
#include "daemon/ctl/commands.h"
#include "tests/bench/skeleton/member.h"
#include "tests/bench/skeleton/relay.h"

namespace groupcomm::bench {
namespace {

struct Options {
  std::string transport;
  ctl::BenchWork work;
  int sequencer = kNodes;  // from 1
  Disturbance disturbance = Disturbance::kNone;
  bool json = false;
};

// Ends them with itself.
class Relays {
 public:
  Relays(const Options& options, Network& network) {
    for (int number = 0; number < kNodes; ++number) {
      const pid_t pid = ::fork();
      if (pid < 0) throw ctl::CommandFailed{"no process can be made"};
      if (pid == 0) run({number, options.sequencer - 1, options.disturbance}, network);
      pids_.push_back(pid);
    }
  }
  ~Relays() { end(); }
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  void end() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    pids_.clear();
  }

 private:
  [[noreturn]] static void run(const RelayOptions& options, Network& network) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      run_relay(options, *network.at_relay(options.number));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "skeleton: relay %d: %s\n", options.number + 1, error.what());
    }
    ::_exit(1);
  }

  std::vector<pid_t> pids_;
};

// User and system time of all processes that have ended.
double cpu_seconds_of_children() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void measure(const Options& options) {
  const int sequencer = options.sequencer - 1;
  const auto network = options.transport == "zmq" ? make_zmq_network(sequencer, options.work.size)
                                                  : make_socket_network(sequencer);
  Relays relays(options, *network);
  std::vector<std::function<ctl::BenchResult()>> members;
  for (int number = 0; number < kNodes; ++number) {
    members.push_back(
        [&, number] { return run_member(options.work, number, *network->at_client(number)); });
  }
  auto report = ctl::bench_report(options.work, ctl::run_bench_processes(members));
  relays.end();
  const double cpu_seconds = cpu_seconds_of_children();
  const double delivered = report.at("members").front().at("delivered");
  report["transport"] = options.transport;
  report["cpu_seconds"] = cpu_seconds;
  report["cpu_us_per_message"] = 1e6 * cpu_seconds / delivered;
  std::fputs(options.json ? (report.dump() + "\n").c_str()
                          : ctl::bench_table(report, options.work.latency).c_str(),
             stdout);
}

int run(int argc, char** argv) {
  const std::map<std::string, Disturbance> disturbances = {{"order", Disturbance::kOrder},
                                                           {"gap", Disturbance::kGap}};
  CLI::App app("The work of groupcommctl bench without fault tolerance: what the machine can do");
  Options options;
  app.add_option("TRANSPORT", options.transport, "sockets, or zmq")
      ->required()
      ->check(CLI::IsMember({"sockets", "zmq"}));
  ctl::add_bench_work(app, options.work);
  app.add_option("--sequencer", options.sequencer, "The node whose relay it is (default: 3)")
      ->check(CLI::Range(1, kNodes));
  app.add_option("--disturb", options.disturbance)
      ->transform(CLI::CheckedTransformer(disturbances))
      ->group("");  // for tests
  app.add_flag("--json", options.json, "JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  try {
    measure(options);
    return 0;
  } catch (const ctl::CommandFailed& failed) {
    std::fprintf(stderr, "skeleton: %s\n", failed.message.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "skeleton: %s\n", error.what());
  }
  return 1;
}

}  // namespace
}  // namespace groupcomm::bench

int main(int argc, char** argv) { return groupcomm::bench::run(argc, argv); }
