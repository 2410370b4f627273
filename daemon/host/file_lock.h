// One process per socket and per state directory.
#pragma once

#include <string>

#include "daemon/host/descriptor.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// Holds an exclusive lock on a file that carries the holder's process id. The kernel lets the lock
// go when the process ends, however it ends; the file stays.
class FileLock {
 public:
  // Creates the file where it is not there. Where another process holds it, the Failure is `held`
  // and who it is: "another groupcommd is serving /x (pid 123)".
  static Result<FileLock> take(const std::string& path, const std::string& held);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
};

}  // namespace groupcomm::daemon
