// Events, effects and frames in one line each, for the log of a single run.
#pragma once

#include <string>

#include "daemon/core/effect.h"
#include "daemon/core/event.h"
#include "groupcomm/client_core.h"

namespace groupcomm::simulation {

std::string describe(const daemon::Event& event);
std::string describe(const daemon::Effect& effect);
std::string describe(const protocol::PeerFrame& frame);
std::string describe(const protocol::ClientMessage& message);
std::string describe(const protocol::DaemonMessage& message);
std::string describe(const Upcall& upcall);

// "alice@d0.3" for the full name: the log has no room for incarnations.
std::string short_name(const ProcessId& process);

}  // namespace groupcomm::simulation
