#include "daemon/host/client_gate.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "daemon/host/descriptor_shares.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

// So much of a frame need not be payload.
constexpr std::size_t kFrameSlack = 4096;

Payload* payload_of(protocol::ClientMessage& message) {
  if (auto* multicast = std::get_if<protocol::Multicast>(&message)) return &multicast->payload;
  auto* chunk = std::get_if<protocol::MulticastChunk>(&message);
  return chunk == nullptr ? nullptr : &chunk->payload;
}

// A payload that is kept keeps its frame. Where that has little else than other things, its client
// would have much more kept than its window says: the payloads get bytes of their own.
void part_from_frame(std::vector<protocol::ClientMessage>& messages, std::size_t frame_bytes) {
  std::size_t payload_bytes = 0;
  for (protocol::ClientMessage& message : messages) {
    if (const Payload* payload = payload_of(message)) payload_bytes += payload->size();
  }
  if (frame_bytes <= kFrameSlack + 2 * payload_bytes) return;
  for (protocol::ClientMessage& message : messages) {
    if (Payload* payload = payload_of(message)) *payload = Payload::copy_of(payload->bytes());
  }
}

}  // namespace

SessionId ClientGate::begin_session() {
  ++counters_.clients_total;
  return ++last_session_;
}

Result<std::vector<protocol::ClientMessage>> ClientGate::read(const Payload& frame, bool is_first) {
  ++counters_.client_frames_in;
  counters_.client_bytes_in += frame.size();
  auto decoded = wire::decode_client_messages(frame, counters_.unknown_client_messages);
  if (!decoded.ok()) return decoded;
  auto messages = std::move(decoded).value();
  const bool greets =
      !messages.empty() && std::holds_alternative<protocol::Hello>(messages.front());
  if (is_first && !greets) return Failure{"its first message is no Hello"};
  part_from_frame(messages, frame.size());
  return messages;
}

bool ClientGate::has_operators_word(const std::vector<protocol::ClientMessage>& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const auto& message) {
    return std::holds_alternative<protocol::Bootstrap>(message);
  });
}

bool ClientGate::is_operator(uid_t user) { return user == 0 || user == geteuid(); }

void ClientGate::note_bad(pid_t process, const std::string& why) {
  ++counters_.bad_client_frames;
  warn(bad_frames_, "client of process " + std::to_string(process) +
                        " sent what is no frame and is cut off: " + why);
}

// Served, it could take what the daemon needs for its own files. The core never hears of it.
Payload ClientGate::turn_away() {
  ++counters_.connections_turned_away;
  warn(crowds_, "refuses a client: no descriptors are left for more clients");
  const std::vector<protocol::DaemonMessage> answer = {protocol::Refused{
      "it has no descriptors left for more clients: raise its limit of open files"}};
  return wire::encode(answer);
}

std::optional<Descriptor> ClientGate::watch(pid_t process) {
  if (process == 0) return Descriptor();
  const long handle = syscall(SYS_pidfd_open, process, 0);
  if (handle >= 0) return Descriptor(static_cast<int>(handle));
  if (errno == ESRCH) return std::nullopt;
  const std::string why = std::strerror(errno);
  warn(unwatched_processes_, "cannot watch process " + std::to_string(process) + " of a client: " +
                                 why + "; its end shows when nobody holds its connection");
  return Descriptor();
}

void ClientGate::count_sent(const Payload& frame) {
  ++counters_.client_frames_out;
  counters_.client_bytes_out += frame.size();
}

void ClientGate::poll(TimePoint now) {
  polled_at_ = now;
  for (LogLimit* limit : {&bad_frames_, &unwatched_processes_, &crowds_}) {
    if (const auto line = limit->poll(now)) log_.warning(*line);
  }
  note_crowd();
}

// Those that were closed before anybody could tell them why.
void ClientGate::note_crowd() {
  const std::uint64_t before = std::exchange(crowd_, connections_turned_away());
  if (crowd_ == before) return;
  counters_.connections_turned_away += crowd_ - before;
  warn(crowds_, "has closed new connections: no descriptors are left for them");
}

void ClientGate::warn(LogLimit& limit, std::string line) {
  if (const auto shown = limit.take(std::move(line), polled_at_)) log_.warning(*shown);
}

TimePoint ClientGate::next_deadline() const {
  return std::min(
      {bad_frames_.next_deadline(), unwatched_processes_.next_deadline(), crowds_.next_deadline()});
}

}  // namespace groupcomm::daemon
