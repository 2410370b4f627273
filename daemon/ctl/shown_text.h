// Text of strangers on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace groupcomm::ctl {

// The text with every byte escaped as \xNN that a terminal may take for a command: control
// characters (line feeds, too: they could pretend to be lines of others), and what is not UTF-8.
// Tabs stay.
std::string shown(std::string_view text);

}  // namespace groupcomm::ctl
