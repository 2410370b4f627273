#include "daemon/host/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace groupcomm::daemon {
namespace {

// What the holder wrote into its lock file, or "?".
std::string holder_of(int file) {
  std::array<char, 16> text{};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  if (size <= 0) return "?";
  std::string_view pid(text.data(), static_cast<std::size_t>(size));
  pid = pid.substr(0, pid.find_first_not_of("0123456789"));
  return pid.empty() ? "?" : std::string(pid);
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path, const std::string& held) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!file.valid()) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failure{"cannot lock " + path + ": " + std::strerror(errno)};
    return Failure{held + " (pid " + holder_of(file.get()) + ")"};
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  const bool written =
      ftruncate(file.get(), 0) == 0 &&
      pwrite(file.get(), pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  if (!written) return Failure{"cannot write " + path + ": " + std::strerror(errno)};
  return FileLock(std::move(file));
}

}  // namespace groupcomm::daemon
