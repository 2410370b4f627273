// What the daemon is told at its start: flags, configuration file and defaults.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

inline constexpr std::uint16_t kDefaultPort = 4870;

// The effective configuration. core.self.incarnation and core.version are not part of it.
struct Options {
  DaemonOptions core;
  std::string listen;     // tcp://HOST:PORT; empty: no port is bound
  std::string socket;     // path of the clients' socket
  std::string state_dir;  // empty: nothing is kept (no peers)
  std::string trace;      // file; empty: none
  std::string log_level = "info";
  // It listens on every address, and for want of a better one tells peers the host's name.
  bool advertises_host_name = false;
};

// What defaults depend on.
struct Environment {
  bool root = false;
  std::string runtime_dir;  // $XDG_RUNTIME_DIR
  std::string state_home;   // $XDG_STATE_HOME
  std::string home;         // $HOME
  std::string host_name;
};
Environment read_environment();

// Nothing is to be run: `text` goes to standard output where `code` is 0, else to standard error.
struct PrintAndExit {
  std::string text;
  int code = 0;
};

// `arguments` without the program's name. Reads the configuration file that they name.
std::variant<Options, PrintAndExit> parse_command_line(const std::vector<std::string>& arguments,
                                                       const Environment& environment);

// The configuration as a file that would give it again.
std::string to_toml(const Options& options);

}  // namespace groupcomm::daemon
