// groupcommctl bench: a process for each member, and what they saw as a table.
#include <functional>
#include <string>
#include <vector>

#include "daemon/ctl/bench_client.h"
#include "daemon/ctl/bench_processes.h"
#include "daemon/ctl/bench_report.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/output.h"

namespace groupcomm::ctl {

int BenchCommand::run() const {
  if (clients > work.groups) {
    throw CommandFailed{"--clients is more than --groups: some would be in no group"};
  }
  if (work.latency && work.groups > 1) throw CommandFailed{"--latency is taken in one group"};
  const std::vector<std::string> places =
      sockets.empty() ? std::vector<std::string>{socket} : sockets;
  BenchWork of_all = work;
  if (of_all.members == 0) of_all.members = static_cast<std::uint16_t>(places.size());
  if (of_all.senders == 0) of_all.senders = of_all.members;
  std::vector<std::function<BenchResult()>> members;
  for (const std::string& place : places) {
    for (std::uint32_t number = 0; number < clients; ++number) {
      members.push_back([&of_all, &place, number, this] {
        return run_bench_client(of_all, place, number, clients);
      });
    }
  }
  const auto report = bench_report(of_all, run_bench_processes(members));
  std::string text = json ? report.dump() + "\n" : bench_table(report, work.latency);
  return write_out(text) ? 0 : 1;
}

}  // namespace groupcomm::ctl
