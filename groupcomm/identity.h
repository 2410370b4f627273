// Who is who: daemons and processes, with incarnations.
//
// An identity is never used again. A restarted daemon, a daemon admitted again after an exclusion
// and a client that connects again are new identities under an old name (PROTOCOL.md, Identity).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "groupcomm/number.h"
#include "groupcomm/result.h"

namespace groupcomm {

inline constexpr std::size_t kNameBytesMax = 255;

// Milliseconds since 1970 at the start in the upper 44 bits, random bits in the lower 20. Unique
// for ever for one name, and later ones are larger: of two incarnations of one name the larger one
// proves the smaller one dead.
struct Incarnation {
  std::uint64_t value = 0;
  auto operator<=>(const Incarnation&) const = default;
};

// 16 lower-case hexadecimal digits.
std::string to_string(Incarnation incarnation);

// One incarnation of a daemon.
struct DaemonId {
  std::string name;
  Incarnation incarnation;
  auto operator<=>(const DaemonId&) const = default;
};

// "name#0123456789abcdef".
std::string to_string(const DaemonId& id);

// What tells processes apart inside the protocol: the daemon's incarnation and the session there.
struct ProcessKey {
  Incarnation daemon;
  SessionId session;
  auto operator<=>(const ProcessKey&) const = default;
};

// One incarnation of an application process: a client session of one daemon incarnation.
struct ProcessId {
  std::string name;    // chosen by the client; need not be unique
  std::string daemon;  // the name of its daemon
  ProcessKey key;
  auto operator<=>(const ProcessId&) const = default;
};

// The full name, unique for ever: "name@daemon#0123456789abcdef.7".
std::string to_string(const ProcessId& id);

// The inverse of to_string. The name may itself hold '@' and '#'.
Result<ProcessId> parse_process_id(std::string_view text);

// Group and process names: UTF-8, 1-255 bytes, no control characters. Returns why a name is bad,
// or an empty text where it is good.
std::string why_bad_name(std::string_view name);

// Daemon and cluster names are also parts of file names and addresses: letters, digits, '.', '-'
// and '_', 1-255 bytes, not starting with '.'. Returns why a name is bad, or an empty text.
std::string why_bad_daemon_name(std::string_view name);

// The fingerprint of a group's name. Two names with one fingerprint cannot be groups of one
// cluster at once: the second join is refused (PROTOCOL.md, Groups). Never 0.
GroupKey group_key(std::string_view group_name);

}  // namespace groupcomm
