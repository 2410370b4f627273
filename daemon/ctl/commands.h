// The commands of groupcommctl. Each returns the exit code: 0 done; 1 refused or failed, with one
// line on standard error.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctl/bench_work.h"
#include "groupcomm/message.h"

namespace groupcomm::ctl {

// Thrown to end a command: the line for standard error.
struct CommandFailed {
  std::string message;
};

// How long a daemon may take to answer, where the user does not say.
inline constexpr std::chrono::milliseconds kAnswerMax{10'000};

// How the commands that are no member of anything call themselves.
inline constexpr std::string_view kToolName = "groupcommctl";

struct StatusCommand {
  std::string socket;  // in all commands: empty for the default
  std::chrono::milliseconds timeout = kAnswerMax;
  bool json = false;
  int run() const;
};

struct GroupsCommand {
  std::string socket;
  std::chrono::milliseconds timeout = kAnswerMax;
  bool json = false;
  int run() const;
};

struct WatchCommand {
  std::string socket;
  std::vector<std::string> groups;  // empty: all
  int run() const;
};

struct ChatCommand {
  std::string socket;
  std::string group;
  std::string name;
  Order order = Order::kTotal;
  int run() const;
};

struct SendCommand {
  std::string socket;
  std::chrono::milliseconds timeout = kAnswerMax;
  std::string group;
  std::optional<std::string> text;  // nothing: each line of standard input
  Order order = Order::kTotal;
  int run() const;
};

struct PipeCommand {
  std::string socket;
  std::string name;
  std::string trace;  // a file; empty: none
  int run() const;
};

struct BootstrapCommand {
  std::string socket;
  std::chrono::milliseconds timeout = kAnswerMax;
  bool force = false;
  bool yes = false;  // asks nothing
  int run() const;
};

// Each client of a daemon is a process; each group has a member at each daemon.
struct BenchCommand {
  std::string socket;
  std::vector<std::string> sockets;  // of daemons, with members at each; empty: at `socket`
  std::uint32_t clients = 1;         // at each daemon
  BenchWork work{.members = 0, .senders = 0};  // of both 0: as many as there are sockets
  bool json = false;
  int run() const;
};

struct VerifyCommand {
  std::vector<std::string> traces;
  int run() const;
};

}  // namespace groupcomm::ctl
