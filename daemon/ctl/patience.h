// Daemons that take their time: what the user is told, and when.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/ctl/program_input.h"
#include "groupcomm/client.h"
#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::ctl {

// "the daemon did not answer within 1.5 s"
std::string no_answer_within(std::chrono::milliseconds time);

// Why a daemon that answers does nothing for its clients; empty where it does.
std::string why_idle(const protocol::DaemonStatus& status);

// Connects, however long a daemon that is there may take to answer: the user is told of the wait
// once. Nothing where a signal ended it; throws Error where there is no daemon.
// REQUIRES: options.reconnect.
std::optional<Client> connect_patiently(ClientOptions options, ProgramInput& input);

// Notices that the daemon is late with its answers: for a person who sits before a silent screen.
class Lateness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kLateAfter{2000};

  // Something was asked for, and answered; nothing more is owed.
  void on_asked(Time now);
  void on_answered(Time now);
  void on_over() { owed_ = 0; }

  // What to do now: first to ask the daemon how it is, and when that is not answered either, to
  // tell the user.
  enum class Step : std::uint8_t { kNone, kAskStatus, kTellUser };
  Step take_step(Time now);
  // The daemon has said how it is.
  void on_status() { next_ = Step::kNone; }

  // Until the next step; negative: there will be none.
  int wait_ms(Time now) const;

 private:
  std::uint64_t owed_ = 0;
  Step next_ = Step::kNone;
  Time due_;  // of the next step
};

}  // namespace groupcomm::ctl
