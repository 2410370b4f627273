#include "daemon/host/option_values.h"

#include <algorithm>
#include <numeric>

#include "daemon/host/log.h"
#include "daemon/host/tcp_address.h"

namespace groupcomm::daemon {
namespace {

// How many letters must be put in, taken out or replaced to make one text of the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    if (!list.empty()) list += ", ";
    list += '"' + text + '"';
  }
  return list;
}

}  // namespace

std::string why_bad_name_of_daemon(std::string_view text) {
  if (why_bad_daemon_name(text).empty()) return {};
  return "must be 1 to 255 letters, digits, '.', '-' and '_', not beginning with '.'";
}

std::string why_bad_address(std::string_view text) {
  const auto address = parse_tcp_address(text);
  return address.ok() ? std::string() : address.error();
}

std::string why_bad_socket_path(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kSocketPathBytesMax &&
                    text.find('\0') == std::string_view::npos && text.front() != '@';
  if (good) return {};
  return "must be a path of 1 to " + std::to_string(kSocketPathBytesMax) + " bytes";
}

std::string why_bad_path(std::string_view text) {
  const bool good = !text.empty() && text.find('\0') == std::string_view::npos;
  return good ? std::string() : "must be a path";
}

std::string why_bad_log_level(std::string_view text) {
  const auto& names = log_level_names();
  if (std::find(names.begin(), names.end(), text) != names.end()) return {};
  return "must be one of " + quoted_list(names);
}

std::string why_bad_total(std::string_view text) {
  if (text == "sequencer" || text == "lamport") return {};
  return "must be \"sequencer\" or \"lamport\"";
}

std::string why_bad_partition_policy(std::string_view text) {
  if (text == "primary" || text == "partitionable") return {};
  return "must be \"primary\" or \"partitionable\"";
}

std::string why_bad_slow_consumer(std::string_view text) {
  if (text == "evict") return {};
  if (text == "block") return "is not built into this version, which knows \"evict\" only";
  return "must be \"evict\"";
}

Result<PeerAddress> parse_peer_flag(std::string_view text) {
  const std::size_t sign = text.find('=');
  if (sign == std::string_view::npos) return Failure{"must be NAME=tcp://HOST:PORT"};
  const std::string_view name = text.substr(0, sign);
  const std::string_view address = text.substr(sign + 1);
  if (const std::string why = why_bad_name_of_daemon(name); !why.empty()) {
    return Failure{"the name " + why};
  }
  if (const std::string why = why_bad_address(address); !why.empty()) {
    return Failure{"the address " + why};
  }
  return PeerAddress{std::string(name), std::string(address)};
}

std::string nearest(std::string_view text, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace groupcomm::daemon
