// Standard output, a batch of lines at a time.
#pragma once

#include <string>

namespace groupcomm::ctl {

// Writes all of `text` and empties it; waits where the reader is slow. False where nobody reads any
// more.
bool write_out(std::string& text);

}  // namespace groupcomm::ctl
