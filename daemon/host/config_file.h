// The configuration file: TOML, as OPERATIONS.md documents it.
#pragma once

#include <string>
#include <string_view>

#include "daemon/host/options.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// What the file says is put over `defaults`. The first thing that is wrong is the Failure:
// "FILE:LINE: KEY = VALUE: must be ...". Unknown keys are wrong too.
Result<Options> read_config_file(const std::string& path, Options defaults);

// The same for text; `name` stands for the file in messages.
Result<Options> parse_config(std::string_view text, const std::string& name, Options defaults);

}  // namespace groupcomm::daemon
