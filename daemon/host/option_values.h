// Checks that flags and the configuration file share. Each returns what would be right, as in
// "must be a whole number from 1 to 5", or an empty text where the value is good.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "daemon/host/options.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// The longest path that fits into a Unix domain socket's address.
inline constexpr std::size_t kSocketPathBytesMax = 107;

inline constexpr std::uint64_t kHeartbeatMsMin = 10;
inline constexpr std::uint64_t kHeartbeatMsMax = 60'000;
inline constexpr std::uint64_t kSuspectMsMin = 50;
inline constexpr std::uint64_t kSuspectMsMax = 600'000;

std::string why_bad_name_of_daemon(std::string_view text);
std::string why_bad_address(std::string_view text);
std::string why_bad_socket_path(std::string_view text);
std::string why_bad_path(std::string_view text);
std::string why_bad_log_level(std::string_view text);
std::string why_bad_total(std::string_view text);
std::string why_bad_partition_policy(std::string_view text);
std::string why_bad_slow_consumer(std::string_view text);

// "NAME=tcp://HOST:PORT", as --peer takes it.
Result<PeerAddress> parse_peer_flag(std::string_view text);

// The member of `known` that `text` was probably meant to be, or an empty text.
std::string nearest(std::string_view text, const std::vector<std::string>& known);

}  // namespace groupcomm::daemon
