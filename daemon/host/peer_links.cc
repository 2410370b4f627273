#include "daemon/host/peer_links.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

// Until a name that did not resolve is asked for again.
constexpr Duration kResolvePause = std::chrono::seconds(1);
// How long an address has to give a connection, before the name is resolved anew or the peer's
// other address is tried.
constexpr Duration kRetryPause = std::chrono::seconds(5);

}  // namespace

PeerLinks::PeerLinks(zmq::context_t& context, HostCounters& counters, Log& log)
    : counters_(counters), log_(log), socket_(context) {}

Result<TcpAddress> PeerLinks::bind(const TcpAddress& address) {
  TcpAddress numeric = address;
  if (!is_numeric(address) && address.host != "*") {
    const auto host = resolve_host(address.host);
    if (!host) return Failure{"the name " + address.host + " does not resolve"};
    numeric.host = *host;
  }
  return socket_.bind(numeric);
}

void PeerLinks::connect(const std::string& peer, const std::string& address, TimePoint now) {
  const auto parsed = parse_tcp_address(address);
  if (!parsed.ok()) {
    return warn(bad_addresses_, "peer " + peer + " says that it is at \"" + address + "\", which " +
                                    parsed.error());
  }
  Link& link = links_[peer];
  const bool is_new = link.address != parsed.value();
  if (link.connected) {
    if (is_new) link.other = parsed.value();
    events_.push_back(PeerConnected{peer});
  } else if (is_new) {
    if (link.address.port != 0) link.other = link.address;
    link.address = parsed.value();
    begin(peer, link, now);
  }
}

void PeerLinks::begin(const std::string& peer, Link& link, TimePoint now) {
  link.name_is_bad = false;
  link.retry_at = now + kRetryPause;
  if (is_numeric(link.address)) {
    connect_numeric(peer, link, link.address);
  } else {
    resolver_.ask(link.address.host);
  }
}

void PeerLinks::on_retry(const std::string& peer, Link& link, TimePoint now) {
  link.retry_at = TimePoint::never();
  if (link.connected) return;
  if (link.other) {
    std::swap(link.address, *link.other);
    begin(peer, link, now);
  } else if (!is_numeric(link.address)) {
    resolver_.ask(link.address.host);
    link.retry_at = now + kRetryPause;
  }
}

void PeerLinks::connect_numeric(const std::string& peer, Link& link, const TcpAddress& address) {
  link.numeric = address;
  link.connected = false;
  probe_.stop(peer);
  socket_.connect(peer, address);
}

void PeerLinks::disconnect(const std::string& peer) {
  probe_.stop(peer);
  socket_.disconnect(peer);
  links_.erase(peer);
}

void PeerLinks::send(const std::vector<std::string>& peers, protocol::Lane lane,
                     const Payload& frame) {
  for (const std::string& peer : peers) {
    if (socket_.send(peer, lane, frame)) {
      ++counters_.peer_frames_out;
      counters_.peer_bytes_out += frame.size();
    } else {
      ++counters_.dropped_peer_frames;
    }
  }
}

std::optional<Event> PeerLinks::take_frame() {
  while (frames_ready_) {
    auto frame = socket_.receive();
    if (!frame) break;
    ++counters_.peer_frames_in;
    counters_.peer_bytes_in += frame->size();
    auto decoded = wire::decode_peer_frame(*frame);
    if (decoded.ok()) return PeerFrameReceived{std::move(decoded).value()};
    ++counters_.bad_peer_frames;
    warn(bad_frames_, "somebody sent the peers' port what is no frame: " + decoded.error());
  }
  frames_ready_ = false;
  return std::nullopt;
}

std::optional<Event> PeerLinks::take_link_event(TimePoint now) {
  if (events_.empty()) poll(now);
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void PeerLinks::warn(LogLimit& limit, std::string line) {
  if (const auto shown = limit.take(std::move(line), polled_at_)) log_.warning(*shown);
}

void PeerLinks::poll(TimePoint now) {
  polled_at_ = now;
  for (LogLimit* limit : {&bad_frames_, &bad_addresses_}) {
    if (const auto line = limit->poll(now)) log_.warning(*line);
  }
  if (std::exchange(links_ready_, false)) {
    for (const auto& change : socket_.take_link_changes()) on_link_change(change, now);
  }
  for (const std::string& peer : probe_.poll(now)) {
    if (!std::exchange(links_[peer].refused, true))
      log_.info("peer " + peer + " refuses connections");
    events_.push_back(PeerRefused{peer});
  }
  for (const auto& answer : resolver_.take_answers()) on_answer(answer, now);
  for (auto& [peer, link] : links_) {
    if (link.retry_at <= now) on_retry(peer, link, now);
  }
}

void PeerLinks::on_link_change(const PeerSocket::LinkChange& change, TimePoint now) {
  const auto it = links_.find(change.peer);
  if (it == links_.end()) return;
  Link& link = it->second;
  link.connected = change.connected;
  link.refused = false;
  log_.info("peer " + change.peer + (change.connected ? " connected" : " disconnected"));
  if (change.connected) {
    probe_.stop(change.peer);
    events_.push_back(PeerConnected{change.peer});
  } else {
    probe_.start(change.peer, *link.numeric, now);
  }
  link.retry_at = change.connected ? TimePoint::never() : now + kRetryPause;
}

void PeerLinks::on_answer(const Resolver::Answer& answer, TimePoint now) {
  for (auto& [peer, link] : links_) {
    if (link.address.host != answer.host) continue;
    if (!answer.address) {
      if (!link.name_is_bad) {
        log_.warning("peer " + peer + ": the name " + answer.host +
                     " does not resolve; asking again every second");
      }
      link.name_is_bad = true;
      link.retry_at = now + kResolvePause;
      continue;
    }
    link.name_is_bad = false;
    link.retry_at = now + kRetryPause;
    const TcpAddress address{*answer.address, link.address.port};
    const bool is_new = link.numeric != address && !link.connected;
    if (is_new) connect_numeric(peer, link, address);
  }
}

TimePoint PeerLinks::next_deadline() const {
  TimePoint deadline = std::min(
      {probe_.next_deadline(), bad_frames_.next_deadline(), bad_addresses_.next_deadline()});
  for (const auto& [peer, link] : links_) {
    deadline = std::min(deadline, link.retry_at);
  }
  return deadline;
}

std::vector<Source> PeerLinks::sources() {
  return {{socket_.frames_descriptor(), &frames_ready_},
          {socket_.links_descriptor(), &links_ready_},
          {probe_.descriptor(), nullptr},
          {resolver_.descriptor(), nullptr}};
}

}  // namespace groupcomm::daemon
