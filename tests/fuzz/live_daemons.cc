#include "tests/fuzz/live_daemons.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "groupcomm/check.h"
#include "groupcomm/wire/checksum.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::fuzz {
namespace {

constexpr std::size_t kFramesMax = 256;
constexpr std::size_t kSessionsMax = 4;
constexpr const char* kGroups[] = {"room", "hall", "a name with spaces", "räum"};

std::string name_of(std::size_t node) { return "d" + std::to_string(node); }
std::string address_of(std::size_t node) { return "tcp://10.0.0.1:" + std::to_string(4000 + node); }

std::string group(FuzzInput& input) { return kGroups[input.below(std::size(kGroups))]; }

// A peer frame (groupcomm.capnp, Frames) with other bits in one of its fields.
Payload changed(const Payload& frame, FuzzInput& input) {
  constexpr std::size_t kPrefixWords = 3;  // magic, checksum, table
  constexpr std::size_t kWordBytes = 8;
  std::string bytes(reinterpret_cast<const char*>(frame.data()), frame.size());
  const std::size_t words = bytes.size() / kWordBytes;
  const std::size_t size = std::size_t{1} << input.below(4);
  const std::size_t fields = (words - kPrefixWords) * kWordBytes / size;
  const std::size_t chosen = (input.below(256) << 8 | input.below(256)) % fields;
  char* const field = bytes.data() + kPrefixWords * kWordBytes + chosen * size;
  std::uint64_t value = 0;
  std::memcpy(&value, field, size);
  switch (input.below(6)) {
    case 0: value = 0; break;
    case 1: value = ~std::uint64_t{0} - input.below(4); break;
    case 2: value += 1 + input.below(16); break;
    case 3: value -= 1 + input.below(16); break;
    case 4: value ^= std::uint64_t{1} << input.below(64); break;
    default: value = input.number();
  }
  std::memcpy(field, &value, size);
  const std::uint64_t sum = wire::checksum(bytes.data() + 2 * kWordBytes, words - 2);
  std::memcpy(bytes.data() + kWordBytes, &sum, sizeof sum);
  return Payload::copy_of(bytes);
}

}  // namespace

LiveDaemons::LiveDaemons(std::size_t size, FuzzInput& input) : nodes_(size) {
  const std::size_t choice = input.below(4);
  if (choice % 2 == 1) engine_ = daemon::TotalOrderEngine::kLamport;
  partitionable_ = choice / 2 == 1;
  for (std::size_t node = 0; node < size; ++node) start(node);
}

// --- daemons -------------------------------------------------------------------------------------

void LiveDaemons::start(std::size_t node) {
  daemon::DaemonOptions options;
  options.self = {name_of(node), Incarnation{++incarnations_ << 8 | node}};
  options.version = "fuzz";
  options.address = address_of(node);
  options.engine = engine_;
  options.partitionable = partitionable_;
  options.report_all_deliveries = true;
  // Small, so that few messages reach the limits.
  options.window_messages = 8;
  options.client_window_messages = 8;
  options.client_queue_bytes = 64u << 10;
  for (std::size_t other = 0; other < nodes_.size(); ++other) {
    if (other != node) options.peers.push_back({name_of(other), address_of(other)});
  }
  Node& self = nodes_[node];
  self.sessions.clear();
  self.last_session = 0;
  self.core.emplace(options, self.record, now_);
  perform(node);
}

void LiveDaemons::stop(std::size_t node) {
  nodes_[node].core.reset();
  nodes_[node].sessions.clear();
}

std::size_t LiveDaemons::number_of(const std::string& name) const {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (name_of(node) == name) return node;
  }
  return nodes_.size();
}

void LiveDaemons::step(std::size_t node, daemon::Event event) {
  Node& self = nodes_[node];
  if (!self.core) return;
  self.core->step(now_, std::move(event));
  self.core->check_invariants();
  perform(node);
}

void LiveDaemons::perform(std::size_t node) {
  for (daemon::Effect& effect : nodes_[node].core->take_effects()) {
    perform(node, effect);
    if (!nodes_[node].core) return;
  }
}

void LiveDaemons::perform(std::size_t node, daemon::Effect& effect) {
  Node& self = nodes_[node];
  if (const auto* send = std::get_if<daemon::SendToPeers>(&effect)) {
    for (const std::string& peer : send->peers) {
      const std::size_t to = number_of(peer);
      if (to < nodes_.size()) wire_.push_back({to, send->frame});
    }
    while (wire_.size() > kFramesMax) wire_.pop_front();
  } else if (const auto* record = std::get_if<daemon::PersistRecord>(&effect)) {
    auto read_back = wire::decode_durable_record(wire::encode(record->record()));
    CHECK(read_back.ok());
    self.record = std::move(read_back).value();
  } else if (const auto* tell = std::get_if<daemon::SendToClient>(&effect)) {
    CHECK(self.sessions.contains(tell->session.value));
    const std::vector<protocol::DaemonMessage> messages = {tell->message};
    CHECK(wire::decode_daemon_messages(wire::encode(messages)).ok());
  } else if (const auto* deliver = std::get_if<daemon::DeliverMessage>(&effect)) {
    for (const SessionId session : deliver->sessions) {
      CHECK(self.sessions.contains(session.value));
    }
    const std::vector<protocol::DaemonMessage> messages = {deliver->delivery};
    CHECK(wire::decode_daemon_messages(wire::encode(messages)).ok());
  } else if (const auto* close = std::get_if<daemon::CloseClient>(&effect)) {
    self.sessions.erase(close->session.value);
  } else if (std::holds_alternative<daemon::GiveUp>(effect)) {
    stop(node);
    start(node);
  } else if (std::holds_alternative<daemon::Finished>(effect)) {
    stop(node);
  }
}

// --- time and frames -----------------------------------------------------------------------------

void LiveDaemons::move_time(Duration duration) {
  const TimePoint end = now_ + duration;
  while (now_ < end) {
    TimePoint next = end;
    for (const Node& node : nodes_) {
      if (node.core) next = std::min(next, node.core->next_deadline());
    }
    now_ = std::max(now_ + std::chrono::microseconds(1), next);
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const auto& core = nodes_[node].core;
      if (core && core->next_deadline() <= now_) step(node, daemon::TimerExpired{});
    }
  }
}

void LiveDaemons::run_for(Duration duration) {
  const TimePoint end = now_ + duration;
  while (now_ < end) {
    move_time(std::chrono::milliseconds(20));
    for (std::size_t node = 0; node < nodes_.size(); ++node) step(node, daemon::InputDrained{});
    for (std::size_t left = wire_.size(); left > 0 && !wire_.empty(); --left) {
      const InFlight first = wire_.front();
      wire_.pop_front();
      arrive(first.to, *first.frame);
    }
  }
}

void LiveDaemons::arrive(std::size_t to, const protocol::PeerFrame& frame) {
  auto decoded = wire::decode_peer_frame(wire::encode(frame));
  CHECK(decoded.ok());
  step(to, daemon::PeerFrameReceived{std::move(decoded).value()});
}

// In order, out of order, never, twice, or long after.
void LiveDaemons::frame_happens(FuzzInput& input) {
  const bool again = input.below(8) == 0;
  std::deque<InFlight>& frames = again ? past_ : wire_;
  if (frames.empty()) return;
  const std::size_t position = input.flag() ? 0 : input.below(256) % frames.size();
  const InFlight chosen = frames[position];
  if (!again) {
    frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(position));
    past_.push_back(chosen);
    if (past_.size() > kFramesMax) past_.pop_front();
    if (input.below(8) == 0) return;
  }
  arrive(chosen.to, *chosen.frame);
}

void LiveDaemons::forge(FuzzInput& input) {
  const std::deque<InFlight>& frames = input.flag() ? past_ : wire_;
  if (frames.empty()) return;
  const InFlight chosen = frames[input.below(256) % frames.size()];
  Payload frame = wire::encode(*chosen.frame);
  for (std::size_t left = 1 + input.below(3); left > 0; --left) frame = changed(frame, input);
  auto decoded = wire::decode_peer_frame(frame);
  if (decoded.ok()) step(chosen.to, daemon::PeerFrameReceived{std::move(decoded).value()});
}

void LiveDaemons::happen(FuzzInput& input) {
  const std::size_t node = input.below(nodes_.size());
  switch (input.below(16)) {
    case 0: return move_time(std::chrono::milliseconds(1 + input.byte()));
    case 1: return run_for(std::chrono::milliseconds(10 * (1 + input.byte())));
    case 2: return stop(node);
    case 3:
      if (!nodes_[node].core) start(node);
      return;
    case 4: {
      // Only what is true is said of a process's death.
      const std::size_t other = input.below(nodes_.size());
      if (other != node && !nodes_[other].core) step(node, daemon::PeerRefused{name_of(other)});
      return;
    }
    case 5: return step(node, daemon::PeerConnected{name_of(input.below(nodes_.size()))});
    case 6:
      if (input.below(8) == 0) step(node, daemon::LeaveRequested{});
      return;
    case 7: return step(node, daemon::InputDrained{});
    case 8:
    case 9:
    case 10: return client_speaks(node, input);
    default:
      for (std::size_t left = 1 + input.below(8); left > 0; --left) frame_happens(input);
  }
}

// --- clients -------------------------------------------------------------------------------------

void LiveDaemons::open_session(std::size_t node) {
  Node& self = nodes_[node];
  const SessionId session{++self.last_session};
  self.sessions.insert(session.value);
  const std::string name = "c" + std::to_string(session.value);
  step(node, daemon::ClientFrame{session, {protocol::Hello{.name = name}}});
}

void LiveDaemons::client_speaks(std::size_t node, FuzzInput& input) {
  Node& self = nodes_[node];
  if (!self.core) return;
  const std::size_t choice = input.below(kSessionsMax);
  if (choice >= self.sessions.size()) {
    if (self.sessions.size() < kSessionsMax) open_session(node);
    return;
  }
  const auto chosen = std::next(self.sessions.begin(), static_cast<std::ptrdiff_t>(choice));
  const SessionId session{*chosen};
  if (input.below(16) == 0) {
    self.sessions.erase(chosen);
    return step(node, daemon::ClientLost{session});
  }
  std::vector<protocol::ClientMessage> messages;
  for (std::size_t left = 1 + input.below(4); left > 0; --left) messages.push_back(message(input));
  // What the codec refuses never reaches a core.
  auto decoded = wire::decode_client_messages(wire::encode(messages));
  if (decoded.ok()) step(node, daemon::ClientFrame{session, std::move(decoded).value(), true});
}

protocol::ClientMessage LiveDaemons::message(FuzzInput& input) {
  using namespace protocol;
  const RequestId request{input.number()};
  switch (input.below(16)) {
    case 0: return Hello{.version = input.byte(), .name = "again"};
    case 1:
    case 2:
    case 3:
      return Join{
          request, group(input), {.flush = input.below(8) == 0, .uniform = input.below(4) == 0}};
    case 4: return Leave{request, group(input)};
    case 5: return MulticastChunk{Payload::copy_of(std::string(kChunkBytesMax, 'x'))};
    case 6: return BlockOk{request, group(input)};
    case 7: return Consumed{input.number() << input.below(32)};
    case 8: return input.below(8) == 0 ? ClientMessage(Bye{}) : ClientMessage(StatusQuery{request});
    case 9:
      if (input.flag()) return GroupsQuery{request};
      return Bootstrap{request, input.flag() ? std::vector<std::string>{}
                                             : std::vector<std::string>{name_of(input.below(3)),
                                                                        name_of(input.below(3))}};
    case 10:
      return Watch{request, input.flag() ? std::vector<std::string>{group(input)}
                                         : std::vector<std::string>{}};
    default: break;
  }
  Multicast send;
  send.request = request;
  send.group = group_key(group(input));
  if (input.below(4) == 0) send.more_groups.push_back(group_key(group(input)));
  send.order = static_cast<Order>(input.below(5));
  send.self_discard = input.below(8) == 0;
  send.notify_safe = input.below(8) == 0;
  if (input.below(8) == 0) {
    const std::uint64_t node = input.below(nodes_.size());
    send.to = ProcessKey{Incarnation{input.number() << 8 | node}, SessionId{input.number()}};
  }
  send.payload = Payload::copy_of(std::string(input.byte(), 'p'));
  const bool may_run =
      !send.to && send.more_groups.empty() && send.payload.size() >= kRunPayloadMin;
  for (std::uint64_t i = may_run && input.below(4) == 0 ? input.below(32) : 0; i > 0; --i) {
    send.run.push_back(send.payload);
  }
  return send;
}

}  // namespace groupcomm::fuzz
