#include "daemon/host/client_links.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "daemon/host/client_socket.h"
#include "daemon/host/client_streams.h"
#include "groupcomm/wire/frame_stream.h"

namespace groupcomm::daemon {
namespace {

Result<std::monostate> make_directory_of(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) return std::monostate{};
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return std::monostate{};
  if (directory.has_parent_path()) {
    std::filesystem::create_directories(directory.parent_path(), error);
  }
  const bool made = mkdir(directory.c_str(), 0750) == 0 || errno == EEXIST;
  if (made) return std::monostate{};
  return Failure{"cannot create " + directory.string() + ": " + std::strerror(errno)};
}

}  // namespace

Result<FileLock> ClientLinks::lock(const std::string& path) {
  const auto directory = make_directory_of(path);
  if (!directory.ok()) return Failure{directory.error()};
  return FileLock::take(path + ".lock", "another groupcommd is serving " + path);
}

Result<std::unique_ptr<ClientLinks>> ClientLinks::open(SocketContext& context,
                                                       const std::string& path,
                                                       HostCounters& counters, Log& log) {
  std::unique_ptr<ClientLinks> links(new ClientLinks(counters, log));
  // Who finds the ZeroMQ socket looks for the stream socket: so that is there first.
  if (wire::stream_path(path).size() < sizeof(sockaddr_un::sun_path)) {
    auto streams = ClientStreams::open(path, links->gate_);
    if (!streams.ok()) return Failure{streams.error()};
    links->transports_.push_back(std::move(streams).value());
  } else {
    log.warning("has no stream socket, since its path would be too long: clients take ZeroMQ");
  }
  auto socket = ClientSocket::open(context, path, links->gate_);
  if (!socket.ok()) return Failure{socket.error()};
  links->transports_.push_back(std::move(socket).value());
  return links;
}

void ClientLinks::poll(TimePoint now) {
  gate_.poll(now);
  for (const auto& transport : transports_) transport->poll(now);
}

std::optional<Event> ClientLinks::take_event() {
  for (std::size_t i = 0; i < transports_.size(); ++i) {
    auto event = transports_[turn_]->take_event();
    turn_ = (turn_ + 1) % transports_.size();
    if (event) return event;
  }
  return std::nullopt;
}

void ClientLinks::send(SessionId session, const Payload& frame) {
  for (const auto& transport : transports_) {
    if (transport->send(session, frame)) return;
  }
}

void ClientLinks::close(SessionId session, TimePoint now) {
  for (const auto& transport : transports_) {
    if (transport->close(session, now)) return;
  }
}

void ClientLinks::close_all(TimePoint now) {
  for (const auto& transport : transports_) transport->close_all(now);
  gate_.forget_sessions();
}

std::size_t ClientLinks::session_count() const {
  std::size_t count = 0;
  for (const auto& transport : transports_) count += transport->session_count();
  return count;
}

TimePoint ClientLinks::next_deadline() const {
  TimePoint deadline = gate_.next_deadline();
  for (const auto& transport : transports_) {
    deadline = std::min(deadline, transport->next_deadline());
  }
  return deadline;
}

std::vector<Source> ClientLinks::sources() {
  std::vector<Source> all;
  for (const auto& transport : transports_) {
    for (const Source& source : transport->sources()) all.push_back(source);
  }
  return all;
}

void ClientLinks::linger(std::chrono::milliseconds time) {
  for (const auto& transport : transports_) transport->linger(time);
}

}  // namespace groupcomm::daemon
