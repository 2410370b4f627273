// Asking the daemon one question.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::ctl {

// `possible`: the daemon can go on without a quorum, or has done so; `text` says what that would
// mean, or what came of it; else why not. Where it is forced, the answer comes with the view.
struct BootstrapAnswer {
  bool possible = false;
  std::vector<std::string> without;
  std::string text;
};

// All throw groupcomm::Error or CommandFailed where there is no answer in time.
protocol::DaemonStatus ask_status(const std::string& socket, std::chrono::milliseconds timeout);
std::vector<protocol::GroupStatus> ask_groups(const std::string& socket,
                                              std::chrono::milliseconds timeout);
BootstrapAnswer ask_bootstrap(const std::string& socket, std::chrono::milliseconds timeout,
                              const std::vector<std::string>& without);

}  // namespace groupcomm::ctl
