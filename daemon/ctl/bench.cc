// groupcommctl bench: a process for each member, and what they saw as a table.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/ctl/bench_member.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/line_reader.h"
#include "daemon/ctl/output.h"

namespace groupcomm::ctl {
namespace {

using Json = nlohmann::ordered_json;

// The process of a member.
struct Child {
  pid_t pid = 0;
  int reads = -1;    // descriptor of what it says
  std::string said;  // so far
};

Json to_json(const BenchResult& result) {
  return {
      {"process", result.process},
      {"failure", result.failure},
      {"sent", result.sent},
      {"delivered", result.delivered},
      {"seconds", result.seconds},
      {"rate", result.seconds > 0 ? static_cast<double>(result.delivered - 1) / result.seconds : 0},
      {"cpu_seconds", result.cpu_seconds},
      {"node", result.latencies.node},
      {"us", result.latencies.us}};
}

// What the child says, in one line. It never returns to its caller.
[[noreturn]] void run_child(const BenchWork& work, const std::string& socket, std::uint32_t number,
                            std::uint32_t clients, int writes) {
  BenchResult result;
  try {
    result = run_bench_member(work, socket, number, clients);
  } catch (const std::exception& error) {
    result.failure = error.what();
  }
  const std::string line = to_json(result).dump();
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(writes, line.data() + done, line.size() - done);
    if (n <= 0) ::_exit(1);
    done += static_cast<std::size_t>(n);
  }
  ::_exit(0);
}

Child start_child(const BenchWork& work, const std::string& socket, std::uint32_t number,
                  std::uint32_t clients) {
  int ends[2];
  if (::pipe(ends) != 0) throw CommandFailed{"no pipe can be made: too many descriptors"};
  const pid_t pid = ::fork();
  if (pid < 0) throw CommandFailed{"no process can be made"};
  if (pid == 0) {
    ::close(ends[0]);
    run_child(work, socket, number, clients, ends[1]);
  }
  ::close(ends[1]);
  return {pid, ends[0], {}};
}

Json result_of(const Child& child) {
  ::close(child.reads);
  ::waitpid(child.pid, nullptr, 0);
  Json result = Json::parse(child.said, nullptr, /*allow_exceptions=*/false);
  return result.is_discarded() ? to_json({.failure = "a member ended without a word"}) : result;
}

// Those whose descriptors are open.
void end_all(const std::vector<Child>& children, const std::vector<pollfd>& open) {
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (open[i].fd < 0) continue;
    ::kill(children[i].pid, SIGKILL);
    ::waitpid(children[i].pid, nullptr, 0);
  }
}

// What all of them say, in their order. Throws where one of them saw what must not be, and ends the
// others: the run counts for nothing.
std::vector<Json> results_of(std::vector<Child> children) {
  std::vector<Json> results(children.size());
  std::vector<pollfd> open;
  for (const Child& child : children) open.push_back({child.reads, POLLIN, 0});
  for (std::size_t left = children.size(); left > 0;) {
    if (::poll(open.data(), open.size(), -1) < 0) continue;  // a signal
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      char buffer[16384];
      const ssize_t n = ::read(open[i].fd, buffer, sizeof buffer);
      if (n > 0) children[i].said.append(buffer, static_cast<std::size_t>(n));
      if (n > 0) continue;
      open[i].fd = -1;
      --left;
      results[i] = result_of(children[i]);
      const std::string failure = results[i].at("failure");
      if (failure.empty()) continue;
      end_all(children, open);
      throw CommandFailed{"this run counts for nothing: " + failure};
    }
  }
  return results;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[index];
}

// Replaces the single times by what is asked of them.
void sum_up_times(Json& member) {
  const auto times = member.at("us").get<std::vector<double>>();
  member.erase("us");
  if (times.empty()) return;
  member["samples"] = times.size();
  for (const auto& [name, share] :
       {std::pair{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"max_us", 1.0}}) {
    member[name] = percentile(times, share);
  }
}

Json report_of(const BenchWork& work, std::vector<Json> members) {
  double slowest = members.front().at("rate");
  for (Json& member : members) {
    slowest = std::min(slowest, member.at("rate").get<double>());
    member.erase("failure");
    sum_up_times(member);
  }
  Json report = {{"order", to_string(work.order)},
                 {"size", work.size},
                 {"senders", work.senders},
                 {"window", work.window},
                 {"members", members}};
  if (!work.latency) report["slowest"] = slowest;
  return report;
}

std::string line_of(const Json& member, bool latency) {
  char line[256];
  const std::string process = member.at("process");
  if (latency) {
    const bool is_self = member.at("node") == 1;
    std::snprintf(line, sizeof line, "%-40.40s %-7s %8.0f %8.0f %8.0f %8.0f\n", process.c_str(),
                  is_self ? "self" : "remote", member.value("p50_us", 0.0),
                  member.value("p90_us", 0.0), member.value("p99_us", 0.0),
                  member.value("max_us", 0.0));
  } else {
    std::snprintf(line, sizeof line, "%-40.40s %12llu %12llu %10.3f %12.0f\n", process.c_str(),
                  static_cast<unsigned long long>(member.at("sent")),
                  static_cast<unsigned long long>(member.at("delivered")),
                  member.at("seconds").get<double>(), member.at("rate").get<double>());
  }
  return line;
}

std::string table(const Json& report, bool latency) {
  char head[256];
  if (latency) {
    std::snprintf(head, sizeof head, "%-40s %-7s %8s %8s %8s %8s\n", "process", "", "p50 us",
                  "p90 us", "p99 us", "max us");
  } else {
    std::snprintf(head, sizeof head, "%-40s %12s %12s %10s %12s\n", "process", "sent", "delivered",
                  "seconds", "messages/s");
  }
  std::string text = head;
  for (const Json& member : report.at("members")) text += line_of(member, latency);
  return text;
}

}  // namespace

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
  std::vector<Child> children;
  for (const std::string& place : places) {
    for (std::uint32_t number = 0; number < clients; ++number) {
      children.push_back(start_child(of_all, place, number, clients));
    }
  }
  std::vector<Json> members = results_of(std::move(children));
  const Json report = report_of(of_all, std::move(members));
  std::string text = json ? report.dump() + "\n" : table(report, work.latency);
  return write_out(text) ? 0 : 1;
}

}  // namespace groupcomm::ctl
