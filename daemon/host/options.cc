#include "daemon/host/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "daemon/host/config_file.h"
#include "daemon/host/option_values.h"
#include "daemon/host/tcp_address.h"

namespace groupcomm::daemon {
namespace {

constexpr const char* kProgram = "groupcommd";

// The flags as they stand on the command line.
using Flag = std::optional<std::string>;
struct Flags {
  Flag config;
  Flag name;
  Flag cluster;
  Flag listen;
  std::vector<std::string> peers;
  Flag socket;
  Flag state_dir;
  Flag http;
  Flag trace;
  Flag log_level;
  bool check_config = false;
  bool version = false;
};

PrintAndExit refused(const std::string& why) {
  return PrintAndExit{std::string(kProgram) + ": " + why + "\n", 2};
}

// Fills `flags`. What it returns is to be printed, and nothing else is to be done.
std::optional<PrintAndExit> parse_flags(const std::vector<std::string>& arguments, Flags& flags) {
  CLI::App app("Process groups with virtually synchronous views and ordered multicast: the daemon.",
               kProgram);
  app.add_option("--config", flags.config, "configuration file (TOML); flags override it");
  app.add_option("--name", flags.name, "this daemon's name (default: the host's)");
  app.add_option("--cluster", flags.cluster, "the cluster's name (default: groupcomm)");
  app.add_option("--listen", flags.listen,
                 "tcp://HOST:PORT for peers (default with peers: tcp://0.0.0.0:4870)");
  app.add_option("--peer", flags.peers, "NAME=tcp://HOST:PORT of another daemon; repeatable")
      ->allow_extra_args(false);
  app.add_option("--socket", flags.socket, "path of the clients' socket");
  app.add_option("--state-dir", flags.state_dir, "directory of the durable record");
  app.add_option("--http", flags.http, "HOST:PORT of the status server");
  app.add_option("--trace", flags.trace, "file that records what happens, for groupcommctl verify");
  app.add_option("--log-level", flags.log_level, "debug, info (default), warning, error or off");
  app.add_flag("--check-config", flags.check_config, "print the effective configuration and end");
  app.add_flag("--version", flags.version, "print the version and end");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return PrintAndExit{app.help(), 0};
  } catch (const CLI::ParseError& error) {
    return refused(std::string(error.what()) + " (--help lists the flags)");
  }
  if (flags.version) {
    return PrintAndExit{std::string(kProgram) + " " + GROUPCOMM_VERSION + "\n", 0};
  }
  return std::nullopt;
}

// Puts a flag over what the file said.
std::optional<Failure> override_text(const char* flag, const Flag& given,
                                     std::string (*why_bad)(std::string_view),
                                     std::string& target) {
  if (!given) return std::nullopt;
  if (const std::string why = why_bad(*given); !why.empty()) {
    return Failure{std::string(flag) + " " + (given->empty() ? "''" : *given) + ": " + why};
  }
  target = *given;
  return std::nullopt;
}

std::optional<Failure> override_peers(const Flags& flags, Options& options) {
  if (flags.peers.empty()) return std::nullopt;
  options.core.peers.clear();
  for (const std::string& text : flags.peers) {
    auto peer = parse_peer_flag(text);
    if (!peer.ok()) return Failure{"--peer " + text + ": " + peer.error()};
    for (const PeerAddress& other : options.core.peers) {
      if (other.name == peer.value().name) return Failure{"--peer " + text + ": is there twice"};
    }
    options.core.peers.push_back(std::move(peer).value());
  }
  return std::nullopt;
}

std::optional<Failure> apply_flags(const Flags& flags, Options& options) {
  if (flags.http) {
    return Failure{"--http " + *flags.http + ": is not built into this version"};
  }
  DaemonOptions& core = options.core;
  for (const auto& failure : {
           override_text("--name", flags.name, why_bad_name_of_daemon, core.self.name),
           override_text("--cluster", flags.cluster, why_bad_name_of_daemon, core.cluster),
           override_text("--listen", flags.listen, why_bad_address, options.listen),
           override_text("--socket", flags.socket, why_bad_socket_path, options.socket),
           override_text("--state-dir", flags.state_dir, why_bad_path, options.state_dir),
           override_text("--trace", flags.trace, why_bad_path, options.trace),
           override_text("--log-level", flags.log_level, why_bad_log_level, options.log_level),
           override_peers(flags, options),
       }) {
    if (failure) return failure;
  }
  return std::nullopt;
}

// Where this daemon's own name stands among the peers (one file for all hosts), its address there
// is the one that the others use.
std::string take_own_address(DaemonOptions& core) {
  auto& peers = core.peers;
  const auto own = std::find_if(peers.begin(), peers.end(), [&](const PeerAddress& peer) {
    return peer.name == core.self.name;
  });
  if (own == peers.end()) return {};
  std::string address = own->address;
  peers.erase(own);
  return address;
}

// The address at which the first peer with a numeric address would see this host.
std::optional<std::string> address_towards(const std::vector<PeerAddress>& peers) {
  for (const PeerAddress& peer : peers) {
    const auto address = parse_tcp_address(peer.address);
    if (!address.ok() || !is_numeric(address.value())) continue;
    if (auto local = local_address_towards(address.value())) return local;
  }
  return std::nullopt;
}

// Where peers reach this daemon: what stands for it among the peers, or else where it listens; if
// that is every address, the one that the first peer would see.
std::string advertised_address(const Environment& environment, Options& options) {
  const std::string own = take_own_address(options.core);
  if (!own.empty()) return own;
  TcpAddress address = parse_tcp_address(options.listen).value();
  if (is_wildcard(address)) {
    const auto towards_peers = address_towards(options.core.peers);
    options.advertises_host_name = !towards_peers;
    address.host = towards_peers.value_or(environment.host_name);
  }
  return to_string(address);
}

std::optional<Failure> default_addresses(const Environment& environment, Options& options) {
  if (options.listen.empty() && !options.core.peers.empty()) {
    options.listen = "tcp://0.0.0.0:" + std::to_string(kDefaultPort);
  }
  if (!options.listen.empty()) options.core.address = advertised_address(environment, options);
  return std::nullopt;
}

std::optional<Failure> default_paths(const Environment& environment, Options& options) {
  if (options.socket.empty()) {
    if (!environment.root && environment.runtime_dir.empty()) {
      return Failure{"XDG_RUNTIME_DIR is not set: --socket PATH is needed"};
    }
    const std::string base = environment.root ? "/run" : environment.runtime_dir;
    options.socket = base + "/groupcomm/groupcommd.sock";
    if (const std::string why = why_bad_socket_path(options.socket); !why.empty()) {
      return Failure{"the default socket " + options.socket + " " + why + ": set --socket PATH"};
    }
  }
  if (options.core.peers.empty()) {
    options.state_dir.clear();
    return std::nullopt;
  }
  if (!options.state_dir.empty()) return std::nullopt;
  std::string base = environment.state_home;
  if (environment.root) {
    base = "/var/lib";
  } else if (base.empty()) {
    if (environment.home.empty()) return Failure{"HOME is not set: --state-dir DIR is needed"};
    base = environment.home + "/.local/state";
  }
  options.state_dir = base + "/groupcomm/" + options.core.self.name;
  return std::nullopt;
}

// What is wrong only in combination.
std::optional<Failure> check_together(const Options& options) {
  const DaemonOptions& core = options.core;
  if (core.suspect < 2 * core.heartbeat) {
    return Failure{"membership.suspect_ms must be at least twice membership.heartbeat_ms"};
  }
  if (core.peers.size() >= protocol::kDaemonsMax) {
    return Failure{"a cluster has at most " + std::to_string(protocol::kDaemonsMax) + " daemons"};
  }
  return std::nullopt;
}

std::optional<Failure> complete(const Environment& environment, Options& options) {
  if (options.core.self.name.empty()) {
    if (const std::string why = why_bad_name_of_daemon(environment.host_name); !why.empty()) {
      return Failure{"the host's name is no name for a daemon, which " + why +
                     ": --name NAME is needed"};
    }
    options.core.self.name = environment.host_name;
  }
  for (const auto step : {default_addresses, default_paths}) {
    if (auto failure = step(environment, options)) return failure;
  }
  options.core.report_all_deliveries = !options.trace.empty();
  return check_together(options);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// A string of TOML.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(c));
      result += escape;
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string to_milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Environment read_environment() {
  Environment environment;
  environment.root = geteuid() == 0;
  environment.runtime_dir = variable("XDG_RUNTIME_DIR");
  environment.state_home = variable("XDG_STATE_HOME");
  environment.home = variable("HOME");
  std::array<char, 256> host_name{};
  if (gethostname(host_name.data(), host_name.size() - 1) == 0) {
    environment.host_name = host_name.data();
  }
  return environment;
}

std::variant<Options, PrintAndExit> parse_command_line(const std::vector<std::string>& arguments,
                                                       const Environment& environment) {
  Flags flags;
  if (auto print = parse_flags(arguments, flags)) return *print;
  Options options;
  if (flags.config) {
    auto from_file = read_config_file(*flags.config, options);
    if (!from_file.ok()) return refused(from_file.error());
    options = std::move(from_file).value();
  }
  if (const auto failure = apply_flags(flags, options)) return refused(failure->message);
  if (const auto failure = complete(environment, options)) return refused(failure->message);
  if (flags.check_config) return PrintAndExit{to_toml(options), 0};
  return options;
}

std::string to_toml(const Options& options) {
  const DaemonOptions& core = options.core;
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) {
    text += key + " = " + value + "\n";
  };
  const auto number = [&](const std::string& key, std::uint64_t value) {
    line(key, std::to_string(value));
  };
  line("name", quoted(core.self.name));
  line("cluster", quoted(core.cluster));
  if (!options.listen.empty()) line("listen", quoted(options.listen));
  line("socket", quoted(options.socket));
  if (!options.state_dir.empty()) line("state_dir", quoted(options.state_dir));
  if (!options.trace.empty()) line("trace", quoted(options.trace));
  for (const PeerAddress& peer : core.peers) {
    text += "\n[[peer]]\n";
    line("name", quoted(peer.name));
    line("address", quoted(peer.address));
  }
  text += "\n[membership]\n";
  line("partition_policy", quoted(core.partitionable ? "partitionable" : "primary"));
  line("heartbeat_ms", to_milliseconds(core.heartbeat));
  line("suspect_ms", to_milliseconds(core.suspect));
  line("block_ms", to_milliseconds(core.block_time_out));
  text += "\n[ordering]\n";
  line("total", core.engine == TotalOrderEngine::kLamport ? "\"lamport\"" : "\"sequencer\"");
  text += "domains = 1\n\n[limits]\n";
  number("window_messages", core.window_messages);
  number("window_bytes", core.window_bytes);
  number("client_window_messages", core.client_window_messages);
  number("client_window_bytes", core.client_window_bytes);
  number("client_queue_bytes", core.client_queue_bytes);
  number("batch_bytes", core.batch_bytes);
  text += "slow_consumer = \"evict\"\n\n[log]\n";
  line("level", quoted(options.log_level));
  return text;
}

}  // namespace groupcomm::daemon
