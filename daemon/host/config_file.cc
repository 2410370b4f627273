#include "daemon/host/config_file.h"

#include <toml++/toml.h>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "daemon/host/option_values.h"

namespace groupcomm::daemon {
namespace {

using Check = std::string (*)(std::string_view);

// A value as the file has it, on one line.
std::string shown(const toml::node& node) {
  std::ostringstream text;
  if (node.is_table()) return "{...}";
  if (node.is_array()) return "[...]";
  node.visit([&](const auto& value) { text << value; });
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

// Collects the first thing that is wrong, with its place.
class Complaint {
 public:
  explicit Complaint(std::string file) : file_(std::move(file)) {}

  void about(const toml::source_region& place, const std::string& what) {
    if (!text_) text_ = file_ + ":" + std::to_string(place.begin.line) + ": " + what;
  }
  const std::optional<std::string>& text() const { return text_; }

 private:
  std::string file_;
  std::optional<std::string> text_;
};

// Reads the keys of one table, and knows which were asked for.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string prefix, Complaint& complaint)
      : table_(table), prefix_(std::move(prefix)), complaint_(complaint) {}

  // Each leaves `target` as it is where the key is not there.
  void text(const std::string& key, Check why_bad, std::string& target) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::string>();
    if (!value) return complain(key, *node, "must be a text in quotes");
    const std::string why = why_bad(*value);
    if (!why.empty()) return complain(key, *node, why);
    target = *value;
  }

  void number(const std::string& key, std::uint64_t least, std::uint64_t most,
              std::uint64_t& target) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    const bool good = value && *value >= 0 && static_cast<std::uint64_t>(*value) >= least &&
                      static_cast<std::uint64_t>(*value) <= most;
    if (good) {
      target = static_cast<std::uint64_t>(*value);
    } else {
      complain(
          key, *node,
          "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
  }

  void milliseconds(const std::string& key, std::uint64_t least, std::uint64_t most,
                    Duration& target) {
    auto count = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(target).count());
    number(key, least, most, count);
    target = std::chrono::milliseconds(count);
  }

  void section(const std::string& key, const std::function<void(TableReader&)>& read) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::table* table = node->as_table();
    if (table == nullptr) return complain(key, *node, "must be a section, [" + key + "]");
    TableReader reader(*table, prefix_ + key + ".", complaint_);
    read(reader);
    reader.finish();
  }

  void sections(const std::string& key, const std::function<void(TableReader&)>& read) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    const bool good = array != nullptr && array->is_homogeneous<toml::table>();
    if (!good) return complain(key, *node, "must be sections, each headed by [[" + key + "]]");
    for (const toml::node& element : *array) {
      TableReader reader(*element.as_table(), key + ".", complaint_);
      read(reader);
      reader.finish();
    }
  }

  // A section of which nothing works yet.
  void not_built_in(const std::string& key) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    complaint_.about(node->source(), prefix_ + key + ": is not built into this version");
  }

  void require(const std::string& key) {
    if (table_.contains(key)) return;
    complaint_.about(table_.source(), prefix_ + key + " is missing");
  }

  // REQUIRES: the key is there.
  void complain(const std::string& key, const std::string& what) {
    complain(key, *table_.get(key), what);
  }

  // Every key that nobody asked for is wrong.
  void finish() {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
      const std::string meant = nearest(name, asked_);
      complaint_.about(key.source(), prefix_ + name + ": no such key" +
                                         (meant.empty() ? "" : "; is " + meant + " meant?"));
    }
  }

 private:
  const toml::node* find(const std::string& key) {
    asked_.push_back(key);
    return table_.get(key);
  }
  void complain(const std::string& key, const toml::node& node, const std::string& what) {
    complaint_.about(node.source(), prefix_ + key + " = " + shown(node) + ": " + what);
  }

  const toml::table& table_;
  std::string prefix_;
  Complaint& complaint_;
  std::vector<std::string> asked_;
};

void read_peers(TableReader& top, Options& options) {
  std::vector<PeerAddress> peers;
  top.sections("peer", [&](TableReader& reader) {
    PeerAddress peer;
    reader.require("name");
    reader.require("address");
    reader.text("name", why_bad_name_of_daemon, peer.name);
    reader.text("address", why_bad_address, peer.address);
    for (const PeerAddress& other : peers) {
      const bool is_named = !peer.name.empty();  // else that was complained of
      if (is_named && other.name == peer.name) reader.complain("name", "is there twice");
    }
    peers.push_back(peer);
  });
  if (!peers.empty()) options.core.peers = peers;
}

void read_membership(TableReader& reader, DaemonOptions& core) {
  std::string policy = core.partitionable ? "partitionable" : "primary";
  reader.text("partition_policy", why_bad_partition_policy, policy);
  core.partitionable = policy == "partitionable";
  reader.milliseconds("heartbeat_ms", kHeartbeatMsMin, kHeartbeatMsMax, core.heartbeat);
  reader.milliseconds("suspect_ms", kSuspectMsMin, kSuspectMsMax, core.suspect);
  reader.milliseconds("block_ms", kSuspectMsMin, kSuspectMsMax, core.block_time_out);
}

void read_ordering(TableReader& reader, DaemonOptions& core) {
  std::string total = core.engine == TotalOrderEngine::kLamport ? "lamport" : "sequencer";
  reader.text("total", why_bad_total, total);
  core.engine = total == "lamport" ? TotalOrderEngine::kLamport : TotalOrderEngine::kSequencer;
  std::uint64_t domains = 1;
  reader.number("domains", 1, 1, domains);
}

void read_limits(TableReader& reader, DaemonOptions& core) {
  constexpr std::uint64_t kMessagesMax = 1u << 20;
  constexpr std::uint64_t kBytesMin = 64u << 10;
  constexpr std::uint64_t kBytesMax = std::uint64_t{16} << 30;
  reader.number("window_messages", 1, kMessagesMax, core.window_messages);
  reader.number("window_bytes", kBytesMin, kBytesMax, core.window_bytes);
  reader.number("client_window_messages", 1, kMessagesMax, core.client_window_messages);
  reader.number("client_window_bytes", kBytesMin, kBytesMax, core.client_window_bytes);
  reader.number("client_queue_bytes", kBytesMin, kBytesMax, core.client_queue_bytes);
  reader.number("batch_bytes", 1u << 10, 1u << 20, core.batch_bytes);
  std::string slow_consumer = "evict";
  reader.text("slow_consumer", why_bad_slow_consumer, slow_consumer);
}

void read_all(TableReader& top, Options& options) {
  top.text("name", why_bad_name_of_daemon, options.core.self.name);
  top.text("cluster", why_bad_name_of_daemon, options.core.cluster);
  top.text("listen", why_bad_address, options.listen);
  top.text("socket", why_bad_socket_path, options.socket);
  top.text("state_dir", why_bad_path, options.state_dir);
  top.text("trace", why_bad_path, options.trace);
  read_peers(top, options);
  top.section("membership", [&](TableReader& reader) { read_membership(reader, options.core); });
  top.section("ordering", [&](TableReader& reader) { read_ordering(reader, options.core); });
  top.section("limits", [&](TableReader& reader) { read_limits(reader, options.core); });
  top.section("log", [&](TableReader& reader) {
    reader.text("level", why_bad_log_level, options.log_level);
  });
  top.not_built_in("http");
  top.not_built_in("security");
  top.finish();
}

// Keys and values are shown as they stand in the file; whatever they hold, a message is one line.
Failure one_line(std::string message) {
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  }
  return Failure{std::move(message)};
}

}  // namespace

Result<Options> parse_config(std::string_view text, const std::string& name, Options defaults) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return one_line(name + ":" + std::to_string(error.source().begin.line) + ": " +
                    std::string(error.description()));
  }
  Complaint complaint(name);
  Options options = std::move(defaults);
  TableReader top(table, "", complaint);
  read_all(top, options);
  if (complaint.text()) return one_line(*complaint.text());
  return options;
}

Result<Options> read_config_file(const std::string& path, Options defaults) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Failure{path + ": is a directory"};
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.is_open() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) return Failure{path + ": cannot be read"};
  return parse_config(text.str(), path, std::move(defaults));
}

}  // namespace groupcomm::daemon
