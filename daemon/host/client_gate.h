// What all ways in which clients reach the daemon have in common: who is let in, and what is said
// of those who are not.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/descriptor.h"
#include "daemon/host/host_counters.h"
#include "daemon/host/log.h"
#include "daemon/host/log_limit.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/result.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// Numbers the sessions, reads frames, counts, and warns of what clients can cause at will, but not
// as often as they can.
class ClientGate {
 public:
  // Both must outlive the gate.
  ClientGate(HostCounters& counters, Log& log) : counters_(counters), log_(log) {}

  // A session begins. They are counted from 1.
  SessionId begin_session();
  // The daemon begins anew: so does the count.
  void forget_sessions() { last_session_ = SessionId{}; }

  // What a frame says. The first one of a connection begins with a Hello.
  Result<std::vector<protocol::ClientMessage>> read(const Payload& frame, bool is_first);
  // Whether something in it is for operators only.
  static bool has_operators_word(const std::vector<protocol::ClientMessage>& messages);
  static bool is_operator(uid_t user);

  // A client sent what is no frame.
  void note_bad(pid_t process, const std::string& why);
  // There are no descriptors left for this one. Returns what it is told.
  Payload turn_away();
  // Becomes readable when the process ends; not valid where the kernel cannot tell. Nothing: it has
  // ended.
  std::optional<Descriptor> watch(pid_t process);

  void count_sent(const Payload& frame);

  void poll(TimePoint now);
  TimePoint next_deadline() const;

 private:
  void warn(LogLimit& limit, std::string line);
  void note_crowd();

  HostCounters& counters_;
  Log& log_;
  SessionId last_session_;
  TimePoint polled_at_;
  LogLimit bad_frames_;
  LogLimit unwatched_processes_;
  LogLimit crowds_;
  std::uint64_t crowd_ = 0;  // connections_turned_away(), as it was last noted
};

}  // namespace groupcomm::daemon
