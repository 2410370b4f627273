// Asking the daemon one question.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::ctl {

// Both throw groupcomm::Error or CommandFailed where there is no answer in time.
protocol::DaemonStatus ask_status(const std::string& socket, std::chrono::milliseconds timeout);
std::vector<protocol::GroupStatus> ask_groups(const std::string& socket,
                                              std::chrono::milliseconds timeout);

}  // namespace groupcomm::ctl
