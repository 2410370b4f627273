// Events and effects as lines of the log: "KIND key=value ...".
#pragma once

#include <string>

#include "daemon/core/effect.h"
#include "daemon/core/event.h"

namespace groupcomm::daemon {

std::string describe(const Event& event);
std::string describe(const Effect& effect);
std::string describe(const protocol::DaemonView& view);

}  // namespace groupcomm::daemon
