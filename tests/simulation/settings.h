// The settings of a plan by name and as text: for the log, for scenario files and for shrinking.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/result.h"
#include "tests/simulation/plan.h"

namespace groupcomm::simulation {

enum class SettingRole : std::uint8_t {
  kFault,  // off at "0": a run without it is simpler
  kSize,   // a run with a smaller one is simpler
  kOther,
};

struct Setting {
  std::string name;
  SettingRole role = SettingRole::kOther;
  std::function<std::string(const Plan&)> text;
  // False where the text makes no sense.
  std::function<bool(Plan&, const std::string&)> read;
};

// All of them, in the order in which they are written.
const std::vector<Setting>& settings();

// "name=value" separated by spaces, a line for each part; those of a quiet plan are left out.
std::string to_string(const Plan& plan);
// The inverse of one "name=value".
Result<bool> read_setting(Plan& plan, std::string_view text);
// Empty, or why nothing like that can be run.
std::string why_unplayable(const Plan& plan);
// A plan without faults, as scenarios begin.
Plan quiet_plan();

// The names of frames between daemons, as triggers and scenarios use them.
std::size_t frame_kind(std::string_view name);  // the number of kinds where there is none
std::string_view frame_kind_name(std::size_t kind);

}  // namespace groupcomm::simulation
