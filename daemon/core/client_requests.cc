// ClientService: what clients ask for.
#include <algorithm>
#include <utility>

#include "daemon/core/client_service.h"
#include "groupcomm/probe.h"
#include "groupcomm/protocol/queue_cost.h"

namespace groupcomm::daemon {

using protocol::ClientMessage;
using protocol::DaemonMessage;

namespace {

constexpr std::size_t kChunksMax = kPayloadBytesMax / protocol::kChunkBytesMax;
// A client that keeps to its window never has more than twice as much waiting here.
constexpr std::uint64_t kWindowSlack = 2;
// Sends, joins and leaves: a client may leave each group that it is in or joins.
std::uint64_t requests_max(const Session& session, const DaemonOptions& options) {
  return kWindowSlack * options.client_window_messages + 2 * protocol::kJoinsMax +
         session.groups.size();
}

}  // namespace

ClientService::ClientService(const DaemonOptions& options, std::vector<Effect>& effects)
    : options_(options), effects_(effects) {}

void ClientService::tell(SessionId id, DaemonMessage message) {
  if (Session* session = sessions_.find(id)) charge(*session, protocol::queue_cost(message));
  effects_.push_back(SendToClient{id, std::move(message)});
}

// Rule W3: over the limit before this, the client is evicted; near it, it is warned of.
void ClientService::charge(Session& session, std::uint64_t bytes) {
  const std::uint64_t waiting = session.meter.waiting();
  session.meter.on_delivered(bytes);
  // Who is about to leave by itself is let go: the others are told of a leave.
  if (waiting > options_.client_queue_bytes && !session.leaving) {
    if (!is_stamping_) PROBE("E18: a slow client has too much waiting as the view changes");
    if (to_evict_.empty() || to_evict_.back() != session.id) to_evict_.push_back(session.id);
  } else if (waiting > options_.client_queue_bytes / 2 && !session.warned) {
    session.warned = true;
    effects_.push_back(Report{true, to_string(session.process) + " reads slowly: " +
                                        std::to_string(waiting) + " bytes wait for it"});
  }
}

void ClientService::evict_slow_readers() {
  for (const SessionId id : std::exchange(to_evict_, {})) {
    Session* session = sessions_.find(id);
    if (session == nullptr) continue;
    const std::string waiting = std::to_string(session->meter.waiting());
    evict(*session, "does not keep up: " + waiting + " bytes wait for it",
          "messages were not read in time");
  }
}

std::vector<protocol::ClientStatus> ClientService::client_statuses() const {
  std::vector<protocol::ClientStatus> clients;
  for (const auto& [id, session] : sessions_.all()) {
    if (!session.greeted) continue;
    clients.push_back({.process = session.process,
                       .groups = session.groups.size(),
                       .waiting_bytes = session.meter.waiting(),
                       .queued_requests = session.queue.size()});
  }
  std::stable_sort(clients.begin(), clients.end(), [](const auto& a, const auto& b) {
    return std::pair(b.waiting_bytes, b.queued_requests) <
           std::pair(a.waiting_bytes, a.queued_requests);
  });
  if (clients.size() > protocol::kClientsShownMax) clients.resize(protocol::kClientsShownMax);
  return clients;
}

std::uint64_t ClientService::waiting_bytes() const {
  std::uint64_t waiting = 0;
  for (const auto& [id, session] : sessions_.all()) waiting += session.meter.waiting();
  return waiting;
}

bool ClientService::asks_for_status(const std::vector<ClientMessage>& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const ClientMessage& message) {
    return std::holds_alternative<protocol::StatusQuery>(message);
  });
}

std::uint64_t ClientService::queued_requests() const {
  std::uint64_t queued = 0;
  for (const auto& [id, session] : sessions_.all()) queued += session.queue.size();
  return queued;
}

void ClientService::on_frame(SessionId id, std::vector<ClientMessage> messages) {
  if (sessions_.find(id) == nullptr) sessions_.add(id);
  for (ClientMessage& message : messages) {
    Session* session = sessions_.find(id);
    if (session == nullptr) return;
    if (!session->greeted && !std::holds_alternative<protocol::Hello>(message)) {
      refuse(*session, "the first message of a connection must be a Hello");
      return;
    }
    std::visit([&](auto& value) { on_message(*session, std::move(value)); }, message);
    evict_slow_readers();
  }
}

void ClientService::on_lost(SessionId id) {
  Session* session = sessions_.find(id);
  if (session != nullptr) end_session(*session, LeaveReason::kCrash);
}

void ClientService::refuse(Session& session, const std::string& why) {
  const SessionId id = session.id;
  if (session.greeted) {
    tell(id, protocol::Disconnect{why});
    effects_.push_back(CloseClient{id});
    end_session(session, LeaveReason::kCrash);
    return;
  }
  tell(id, protocol::Refused{why});
  effects_.push_back(CloseClient{id});
  sessions_.erase(id);
}

void ClientService::reject(Session& session, RequestId request, GroupKey group,
                           RejectReason reason) {
  ++rejected_requests_;
  tell(session.id, protocol::Rejected{request, group, reason});
}

// A send, or what is left of a run.
void ClientService::reject_each(Session& session, QueuedSend& send, GroupKey group,
                                RejectReason reason) {
  do {
    session.queued_bytes -= send.bytes();
    reject(session, send.multicast.request, group, reason);
  } while (send.go_on());
}

void ClientService::on_message(Session& session, protocol::Hello hello) {
  if (session.greeted) return refuse(session, "a second Hello");
  if (hello.version != protocol::kProtocolVersion) {
    return refuse(session, "the daemon speaks protocol version " +
                               std::to_string(protocol::kProtocolVersion) +
                               ", the client version " + std::to_string(hello.version));
  }
  session.greeted = true;
  session.process = {.name = std::move(hello.name),
                     .daemon = options_.self.name,
                     .key = {options_.self.incarnation, session.id}};
  tell(session.id, protocol::Welcome{.process = session.process,
                                     .daemon_version = options_.version,
                                     .protocol_version = protocol::kProtocolVersion,
                                     .send_window_bytes = options_.client_window_bytes,
                                     .send_window_messages = options_.client_window_messages,
                                     .queue_bytes = options_.client_queue_bytes});
}

void ClientService::enqueue(Session& session, QueuedRequest request, std::size_t bytes) {
  // The last message may overshoot the bytes: its size is not known to the window.
  if (session.queue.size() >= requests_max(session, options_) ||
      session.queued_bytes > kWindowSlack * options_.client_window_bytes + kPayloadBytesMax) {
    return refuse(session, "more was sent than the daemon's window allows");
  }
  session.queued_bytes += bytes;
  session.queue.push_back(std::move(request));
}

void ClientService::on_message(Session& session, protocol::Join join) {
  if (!is_stamping_ && !view_.members.empty()) PROBE("E6: a join is asked for during a flush");
  enqueue(session, std::move(join), 0);
}

void ClientService::on_message(Session& session, protocol::Leave leave) {
  enqueue(session, std::move(leave), 0);
}

void ClientService::on_message(Session& session, protocol::MulticastChunk chunk) {
  if (session.chunks.size() >= kChunksMax) return refuse(session, "a payload over 64 MiB");
  session.chunks.push_back(std::move(chunk.payload));
}

void ClientService::on_message(Session& session, protocol::Multicast multicast) {
  QueuedSend send{.multicast = std::move(multicast), .chunks = std::exchange(session.chunks, {})};
  if (send.bytes() > kPayloadBytesMax) {
    reject(session, send.multicast.request, {}, RejectReason::kTooBig);
    if (!send.go_on()) return;
  }
  std::size_t bytes = send.bytes();
  for (const Payload& payload : send.multicast.run) bytes += payload.size();
  if (suspended_ || view_.members.empty()) {
    session.queued_bytes += bytes;
    return reject_each(session, send, {}, RejectReason::kNoPrimary);
  }
  enqueue(session, std::move(send), bytes);
}

void ClientService::on_message(Session& session, protocol::Consumed consumed) {
  if (!session.meter.on_consumed(consumed.bytes_total)) {
    return refuse(session, "more was consumed than delivered");
  }
  count_seen(session.unseen, consumed.bytes_total);
  if (session.meter.waiting() < options_.client_queue_bytes / 4) session.warned = false;
}

void ClientService::on_message(Session& session, protocol::Bye) {
  effects_.push_back(CloseClient{session.id});
  end_session(session, LeaveReason::kLeave);
}

void ClientService::on_message(Session& session, protocol::StatusQuery query) {
  tell(session.id, protocol::StatusReply{query.request, status_});
}

void ClientService::on_message(Session& session, protocol::GroupsQuery query) {
  protocol::GroupsReply reply{.request = query.request, .groups = {}};
  for (const Group* group : directory_.groups()) {
    protocol::GroupStatus status{
        .name = group->name, .view = group->view, .options = group->options, .members = {}};
    for (const GroupMember& member : group->members) status.members.push_back(member.process);
    reply.groups.push_back(std::move(status));
  }
  tell(session.id, std::move(reply));
}

void ClientService::on_message(Session& session, protocol::Bootstrap bootstrap) {
  bootstraps_.push_back({session.id, bootstrap});
}

void ClientService::answer(const BootstrapWish& wish, protocol::BootstrapReply reply) {
  if (sessions_.find(wish.session) == nullptr) return;
  reply.request = wish.of.request;
  tell(wish.session, std::move(reply));
}

void ClientService::on_message(Session& session, protocol::Watch watch) {
  for (const Group* group : directory_.groups()) {
    const auto& names = watch.groups;
    if (!names.empty() && std::find(names.begin(), names.end(), group->name) == names.end()) {
      continue;
    }
    GroupView view;
    view.id = group->view;
    view.members = group->members;
    view.primary = view_.primary;
    tell(session.id, protocol::WatchedView{group->name, std::move(view)});
  }
  session.watched = std::move(watch.groups);
}

void ClientService::end_session(Session& session, LeaveReason reason) {
  const SessionId id = session.id;
  std::vector<GroupKey> groups;
  for (const auto& [key, membership] : session.groups) {
    groups.push_back(key);
    forget_local_member(key, id);
  }
  const std::vector<GroupKey> left = groups;
  const auto* send =
      session.queue.empty() ? nullptr : std::get_if<QueuedSend>(&session.queue.front());
  if (send != nullptr && send->chunks_stamped > 0) pending_voids_.push_back(id);
  session.queue.take_all();
  session.groups.clear();
  // A join under way may still make it a member.
  if (session.joining) groups.push_back(*session.joining);
  leave_estate(session, groups);
  // A session that was in no group leaves something to forget only in the view that goes on.
  if (!groups.empty() || is_stamping_) pending_leaves_.push_back({id, std::move(groups), reason});
  sessions_.erase(id);
  for (const GroupKey key : left) hold_if_agreed(key);
}

// `what` it did, for the log, and `why` that is its end, in its own words.
void ClientService::evict(Session& session, const std::string& what, const std::string& why) {
  PROBE("a client is evicted");
  ++evicted_sessions_;
  effects_.push_back(Report{true, to_string(session.process) + " " + what + "; it is evicted"});
  for (const auto& [key, membership] : session.groups) {
    tell(session.id, protocol::Gone{key, GoneReason::kEvicted});
  }
  tell(session.id, protocol::Disconnect{"evicted: " + why});
  effects_.push_back(CloseClient{session.id});
  end_session(session, LeaveReason::kEvicted);
}

void ClientService::suspend() {
  if (suspended_) return;
  suspended_ = true;
  for (auto& [id, session] : sessions_.all()) {
    for (const auto& [key, membership] : session.groups) tell(id, protocol::Suspended{key});
    // Sends that were not stamped are refused; joins and leaves wait for the next view.
    for (QueuedRequest& request : session.queue.take_all()) {
      if (auto* send = std::get_if<QueuedSend>(&request)) {
        reject_each(session, *send, {}, RejectReason::kNoPrimary);
      } else {
        session.queue.push_back(std::move(request));
      }
    }
  }
}

void ClientService::fail_undelivered(const std::vector<protocol::MessagePointer>& undelivered) {
  for (const protocol::MessagePointer& message : undelivered) {
    if (message->kind != protocol::MessageKind::kData) continue;
    if (sessions_.find(message->session) == nullptr) continue;
    ordering::for_each_destination(*message, [&](const protocol::Destination& destination) {
      tell(message->session, protocol::SendFail{destination.group, destination.number});
    });
  }
}

void ClientService::end_all(GoneReason reason, const std::string& why) {
  for (auto& [id, session] : sessions_.all()) {
    for (const auto& [key, membership] : session.groups) tell(id, protocol::Gone{key, reason});
    tell(id, protocol::Disconnect{why});
    effects_.push_back(CloseClient{id});
  }
  sessions_.all().clear();
  handings_.clear();
  estates_.clear();
  estates_told_.clear();
  past_handings_ = 0;
  notices_.clear();
  past_notices_.clear();
  pending_leaves_.clear();
  pending_voids_.clear();
  holds_to_stamp_.clear();
  local_members_.clear();
  route_.reset();
}

}  // namespace groupcomm::daemon
