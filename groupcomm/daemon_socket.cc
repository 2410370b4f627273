#include "groupcomm/daemon_socket.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "groupcomm/stream_socket.h"
#include "groupcomm/zeromq_socket.h"

namespace groupcomm {
namespace {

// Why no connection to the socket file is possible, or an empty text.
std::string why_unreachable(const std::string& path) {
  if (path.empty()) return "the daemon's socket has no path: set GROUPCOMM_SOCKET";
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return "the daemon's socket path is longer than " +
           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes: " + path;
  }
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return no_daemon_at(path, std::strerror(errno));
  if (!S_ISSOCK(status.st_mode)) return "not a socket: " + path;
  if (access(path.c_str(), W_OK) != 0) return no_daemon_at(path, std::strerror(errno));
  return "";
}

}  // namespace

std::string no_daemon_at(const std::string& path, const std::string& why) {
  return "no daemon at " + path + " (" + why + "): start groupcommd or set GROUPCOMM_SOCKET";
}

Result<std::unique_ptr<DaemonSocket>> DaemonSocket::open(SocketContext& context,
                                                         const std::string& path) {
  if (std::string why = why_unreachable(path); !why.empty()) return Failure{std::move(why)};
  const char* wish = std::getenv("GROUPCOMM_TRANSPORT");
  const std::string_view transport = wish == nullptr ? "" : wish;
  if (transport == "stream") return StreamSocket::open(path);
  if (transport == "zeromq") return ZeromqSocket::open(context, path);
  if (!transport.empty()) {
    return Failure{"GROUPCOMM_TRANSPORT is \"" + std::string(transport) +
                   "\": it may be stream or zeromq"};
  }
  auto stream = StreamSocket::open(path);
  // A daemon that has none, or that has ended.
  return stream.ok() ? std::move(stream) : ZeromqSocket::open(context, path);
}

}  // namespace groupcomm
