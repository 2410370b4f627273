#include "daemon/host/peer_probe.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;

constexpr Duration kFirstPause = milliseconds(2);
constexpr Duration kPauseMax = milliseconds(256);
constexpr Duration kConnectTimeout = milliseconds(500);
// 0, 2, 6, 14, 30, 62, 126, 254, 510 ms and so on: about three seconds.
constexpr int kAttemptsMax = 18;
// Together more than the 200 ms of rule D2.
constexpr Duration kRefusedPause = milliseconds(50);
constexpr int kRefusalsMax = 6;

}  // namespace

void PeerProbe::start(const std::string& peer, const TcpAddress& address, TimePoint now) {
  stop(peer);
  Probe probe;
  probe.peer = peer;
  probe.address = address;
  probe.next = now;
  probe.pause = kFirstPause;
  probes_.emplace(++last_tag_, std::move(probe));
}

void PeerProbe::stop(const std::string& peer) {
  for (auto it = probes_.begin(); it != probes_.end(); ++it) {
    if (it->second.peer != peer) continue;
    abandon(it->second);
    probes_.erase(it);
    return;
  }
}

TimePoint PeerProbe::next_deadline() const {
  TimePoint deadline = TimePoint::never();
  for (const auto& [tag, probe] : probes_) deadline = std::min(deadline, probe.next);
  return deadline;
}

std::vector<std::string> PeerProbe::poll(TimePoint now) {
  std::vector<std::string> refused;
  if (probes_.empty()) return refused;
  const std::vector<std::uint64_t> ready = readiness_.poll();
  for (auto it = probes_.begin(); it != probes_.end();) {
    Probe& probe = it->second;
    Outcome outcome = Outcome::kWaiting;
    const bool answered = std::find(ready.begin(), ready.end(), it->first) != ready.end();
    if (answered) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(probe.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      outcome = error == ECONNREFUSED ? Outcome::kRefused : Outcome::kUndecided;
    } else if (probe.next <= now) {
      abandon(probe);
      outcome = connect(it->first, probe, now);
    }
    const bool is_refused = conclude(probe, outcome, now);
    if (is_refused) refused.push_back(probe.peer);
    const bool over = probe.refusals >= kRefusalsMax || probe.attempts >= kAttemptsMax;
    it = over ? probes_.erase(it) : std::next(it);
  }
  return refused;
}

PeerProbe::Outcome PeerProbe::connect(std::uint64_t tag, Probe& probe, TimePoint now) {
  const SocketAddress address = to_socket_address(probe.address);
  ++probe.attempts;
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return Outcome::kUndecided;
  const int result = ::connect(socket.get(), address.get(), address.size);
  if (result != 0 && errno == EINPROGRESS) {
    probe.socket = std::move(socket);
    probe.next = now + kConnectTimeout;
    readiness_.add(probe.socket.get(), tag, Readiness::Interest::kWrite);
    return Outcome::kWaiting;
  }
  return result != 0 && errno == ECONNREFUSED ? Outcome::kRefused : Outcome::kUndecided;
}

bool PeerProbe::conclude(Probe& probe, Outcome outcome, TimePoint now) {
  if (outcome == Outcome::kWaiting) return false;
  abandon(probe);
  if (outcome == Outcome::kRefused) {
    ++probe.refusals;
    probe.next = now + kRefusedPause;
    return true;
  }
  probe.next = now + probe.pause;
  probe.pause = std::min(2 * probe.pause, kPauseMax);
  return false;
}

void PeerProbe::abandon(Probe& probe) {
  if (!probe.socket.valid()) return;
  readiness_.remove(probe.socket.get());
  probe.socket.reset();
}

}  // namespace groupcomm::daemon
