#include "daemon/ctl/bench_processes.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "daemon/ctl/commands.h"

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
[[noreturn]] void run_child(const std::function<BenchResult()>& member, int writes) {
  BenchResult result;
  try {
    result = member();
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

Child start_child(const std::function<BenchResult()>& member) {
  int ends[2];
  if (::pipe(ends) != 0) throw CommandFailed{"no pipe can be made: too many descriptors"};
  const pid_t pid = ::fork();
  if (pid < 0) throw CommandFailed{"no process can be made"};
  if (pid == 0) {
    ::close(ends[0]);
    run_child(member, ends[1]);
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

}  // namespace

std::vector<Json> run_bench_processes(const std::vector<std::function<BenchResult()>>& members) {
  std::vector<Child> children;
  for (const auto& member : members) children.push_back(start_child(member));
  return results_of(std::move(children));
}

}  // namespace groupcomm::ctl
