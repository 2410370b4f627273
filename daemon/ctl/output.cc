#include "daemon/ctl/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace groupcomm::ctl {

bool write_out(std::string& text) {
  std::size_t written = 0;
  bool good = true;
  while (good && written < text.size()) {
    const ssize_t count = write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd descriptor{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      poll(&descriptor, 1, -1);
    } else {
      good = errno == EINTR;
    }
  }
  text.clear();
  return good;
}

}  // namespace groupcomm::ctl
