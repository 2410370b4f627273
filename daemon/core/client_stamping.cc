// ClientService: what clients send becomes stamped messages.
#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/core/client_service.h"
#include "groupcomm/probe.h"

namespace groupcomm::daemon {

using ordering::ViewOrdering;
using protocol::MessageKind;
using protocol::StampedMessage;

void ClientService::begin_view(const protocol::DaemonView& view, bool is_quiet) {
  view_ = view;
  route_.reset();
  // What was delivered in the views before is now one question: who has caught up with it.
  past_handings_ = handings_.size();
  handed_.clear();
  for (Notice& notice : std::exchange(notices_, {})) past_notices_.push_back(std::move(notice));
  is_stamping_ = true;
  suspended_ = false;
  in_transition_.clear();
  pending_voids_.clear();
  // Chunks that were stamped in the old view are void without their end: begin again.
  for (auto& [id, session] : sessions_.all()) {
    if (session.queue.empty()) continue;
    auto* send = std::get_if<QueuedSend>(&session.queue.front());
    if (send == nullptr) continue;
    if (send->chunks_stamped > 0) PROBE("E39: a view change cuts a large message in two");
    send->chunks_stamped = 0;
  }
  if (is_quiet) stop_stamping();
}

void ClientService::pump(ViewOrdering& ordering) {
  // A join or leave that took effect lets the requests behind it go on.
  do {
    control_took_effect_ = false;
    notices_given_ = false;
    if (!is_stamping_) return;
    stamp_requests(ordering);
    tell_accepted();
    deliver_all(ordering);
  } while (control_took_effect_ || notices_given_ || !pending_leaves_.empty() ||
           !holds_to_stamp_.empty());
}

void ClientService::stamp_requests(ViewOrdering& ordering) {
  stamp_pending_leaves(ordering);
  stamp_holds(ordering);
  bool is_full = true;
  do {
    serve_in_turns(ordering);
    is_full = !ordering.may_send();
    ordering.settle();  // alone in a view, that makes room
  } while (is_full && ordering.may_send());
}

// One request of each session in turn, beginning after the one that was served last, until the
// window is full or nobody can be served.
void ClientService::serve_in_turns(ViewOrdering& ordering) {
  bool served = true;
  while (served && ordering.may_send()) {
    served = false;
    turns_.clear();
    for (const auto& [id, session] : sessions_.all()) {
      if (!session.queue.empty() && !session.pending_control) turns_.push_back(id);
    }
    std::rotate(turns_.begin(), std::upper_bound(turns_.begin(), turns_.end(), next_served_),
                turns_.end());
    for (const SessionId id : turns_) {
      if (!ordering.may_send()) break;
      Session* session = sessions_.find(id);
      if (session == nullptr) continue;
      next_served_ = id;
      served = serve_front(*session, ordering) || served;
    }
  }
}

bool ClientService::serve_front(Session& session, ViewOrdering& ordering) {
  QueuedRequest& request = session.queue.front();
  const bool done =
      std::visit([&](auto& value) { return serve(session, value, ordering); }, request);
  const bool awaits_notices = !done && is_waiting_for_notices(session);
  if (done) session.queue.go_on();
  if (session.pending_control || awaits_notices) agree_ahead_of_queue(session);
  return done;
}

bool ClientService::serve(Session& session, const protocol::Join& join, ViewOrdering& ordering) {
  const GroupKey key = group_key(join.group);
  if (session.groups.contains(key)) {
    reject(session, join.request, key, RejectReason::kBadOption);
    return true;
  }
  std::uint32_t& joins = session.joins[key];
  if (joins == std::numeric_limits<std::uint32_t>::max()) {  // rule P6
    reject(session, join.request, key, RejectReason::kTooBig);
    return true;
  }
  auto message = std::make_shared<StampedMessage>();
  message->kind = MessageKind::kJoin;
  message->order = Order::kTotal;
  message->session = session.id;
  message->destination.group = key;
  message->sender_name = session.process.name;
  message->control = protocol::ControlBody{
      .group_name = join.group, .options = join.options, .joins = ++joins, .reason = {}};
  session.pending_control = join.request;
  session.joining = key;
  ordering.stamp(std::move(message));
  return true;
}

bool ClientService::serve(Session& session, const protocol::Leave& leave, ViewOrdering& ordering) {
  const GroupKey key = group_key(leave.group);
  if (!session.groups.contains(key)) {
    reject(session, leave.request, key, RejectReason::kNotMember);
    return true;
  }
  auto message = std::make_shared<StampedMessage>();
  message->kind = MessageKind::kLeave;
  message->order = Order::kTotal;
  message->session = session.id;
  message->destination.group = key;
  message->control = protocol::ControlBody{};
  session.pending_control = leave.request;
  session.leaving = key;
  ordering.stamp(std::move(message));
  hold_if_agreed(key);
  return true;
}

void ClientService::stamp_pending_leaves(ViewOrdering& ordering) {
  for (const SessionId session : std::exchange(pending_voids_, {})) void_chunks(session, ordering);
  while (!pending_leaves_.empty()) {
    PendingLeave leave = std::move(pending_leaves_.front());
    pending_leaves_.pop_front();
    if (leave.groups.empty()) {
      ordering.forget_session(leave.session);
      continue;
    }
    auto message = std::make_shared<StampedMessage>();
    message->kind = MessageKind::kLeave;
    message->order = Order::kTotal;
    message->session = leave.session;
    message->control =
        protocol::ControlBody{.group_name = {}, .options = {}, .joins = 0, .reason = leave.reason};
    message->destination.group = leave.groups.front();
    const std::size_t in_this = std::min(leave.groups.size(), protocol::kGroupsPerSendMax);
    for (std::size_t i = 1; i < in_this; ++i) {
      message->more_destinations.push_back({.group = leave.groups[i], .epoch = {}, .number = {}});
    }
    const SessionId session = leave.session;
    leave.groups.erase(leave.groups.begin(),
                       leave.groups.begin() + static_cast<std::ptrdiff_t>(in_this));
    const bool is_last = leave.groups.empty();
    if (!is_last) pending_leaves_.push_front(std::move(leave));
    ordering.stamp(std::move(message));
    if (is_last) ordering.forget_session(session);
  }
}

std::optional<protocol::Rejected> ClientService::why_refused(
    const Session& session, const protocol::Multicast& multicast) const {
  const auto refused_by = [&](GroupKey key, std::size_t index) -> std::optional<RejectReason> {
    if (is_held(session, multicast, key, index)) return RejectReason::kBlocked;
    if (directory_.find(key) == nullptr) return RejectReason::kNoSuchGroup;
    if (multicast.to && !directory_.rank_of(key, *multicast.to)) return RejectReason::kNotMember;
    return std::nullopt;
  };
  if (session.groups.size() == 1 && multicast.more_groups.empty() && !multicast.to &&
      session.groups.begin()->first == multicast.group && !session.groups.begin()->second.flush) {
    return std::nullopt;
  }
  if (const auto reason = refused_by(multicast.group, 0)) {
    return protocol::Rejected{multicast.request, multicast.group, *reason};
  }
  for (std::size_t i = 0; i < multicast.more_groups.size(); ++i) {
    const GroupKey key = multicast.more_groups[i];
    if (const auto reason = refused_by(key, i + 1)) {
      return protocol::Rejected{multicast.request, key, *reason};
    }
  }
  return std::nullopt;
}

// Rule N2: its next send asks for a notice, and it has so many under way.
bool ClientService::is_waiting_for_notices(const Session& session) const {
  const auto* send = std::get_if<QueuedSend>(&session.queue.front());
  return send != nullptr && send->multicast.notify_safe &&
         session.notices >= options_.client_window_messages;
}

bool ClientService::serve(Session& session, QueuedSend& send, ViewOrdering& ordering) {
  if (const auto refused = why_refused(session, send.multicast)) {
    if (send.chunks_stamped > 0) void_chunks(session.id, ordering);
    reject(session, refused->request, refused->group, refused->reason);
    session.queued_bytes -= send.bytes();
    return true;
  }
  if (is_waiting_for_notices(session)) {
    PROBE("a send waits, since so many notices are awaited");
    return false;
  }
  while (send.chunks_stamped < send.chunks.size()) {
    if (!ordering.may_send()) return false;
    auto chunk = std::make_shared<StampedMessage>();
    chunk->kind = MessageKind::kChunk;
    chunk->order = Order::kReliable;
    chunk->session = session.id;
    chunk->destination.group = send.multicast.group;
    chunk->payload = send.chunks[send.chunks_stamped];
    ordering.stamp(std::move(chunk));
    ++send.chunks_stamped;
  }
  if (!ordering.may_send()) return false;
  const auto message = make_message(session, send);
  // The trace must know of the send before any frame with it leaves; frames leave later.
  ordering.stamp(message);
  if (message->notify_safe) expect_notice(session, *message);
  report_stamp(session, send, *message);
  ++accepted_messages_;
  session.accepted = send.multicast.request;
  session.queued_bytes -= send.bytes();
  return true;
}

// Rule C5: the chunks that were stamped for this session belong to nothing.
void ClientService::void_chunks(SessionId session, ViewOrdering& ordering) {
  auto end = std::make_shared<StampedMessage>();
  end->kind = MessageKind::kChunk;
  end->order = Order::kReliable;
  end->session = session;
  ordering.stamp(std::move(end));
}

std::shared_ptr<StampedMessage> ClientService::make_message(Session& session, QueuedSend& send) {
  const protocol::Multicast& multicast = send.multicast;
  auto message = std::make_shared<StampedMessage>();
  message->order = multicast.order;
  message->self_discard = multicast.self_discard;
  message->notify_safe = multicast.notify_safe;
  message->session = session.id;
  message->to = multicast.to;
  message->chunks = static_cast<std::uint32_t>(send.chunks.size());
  message->payload = multicast.payload;
  bool is_member_everywhere = true;
  const auto destination = [&](GroupKey key) {
    const Group* group = directory_.find(key);
    CHECK(group != nullptr);
    const bool is_member = session.groups.contains(key);
    // A group that the sender is not in may end and be made anew, uniform, before its place.
    message->uniform = message->uniform || group->options.uniform || !is_member;
    is_member_everywhere = is_member_everywhere && is_member;
    return protocol::Destination{.group = key, .epoch = {}, .number = ++session.sent[key]};
  };
  message->destination = destination(multicast.group);
  for (const GroupKey key : multicast.more_groups) {
    message->more_destinations.push_back(destination(key));
  }
  // What a member sends is delivered while it is one: only others must be named.
  if (!is_member_everywhere) message->sender_name = session.process.name;
  return message;
}

void ClientService::report_stamp(const Session& session, const QueuedSend& send,
                                 const StampedMessage& message) {
  if (!options_.report_all_deliveries) return;
  std::vector<Payload> parts = send.chunks;
  parts.push_back(send.multicast.payload);
  ordering::for_each_destination(message, [&](const protocol::Destination& destination) {
    const Group* group = directory_.find(destination.group);
    CHECK(group != nullptr);
    effects_.push_back(StampMessage{.sender = session.process,
                                    .group = group->name,
                                    .view = group->view,
                                    .member = session.groups.contains(destination.group),
                                    .number = destination.number,
                                    .daemon_number = message.number,
                                    .order = message.order,
                                    .parts = parts,
                                    .self_discard = message.self_discard,
                                    .to = message.to});
  });
}

void ClientService::tell_accepted() {
  for (auto& [id, session] : sessions_.all()) {
    if (session.accepted_told == session.accepted) continue;
    session.accepted_told = session.accepted;
    tell(id, protocol::Accepted{session.accepted});
  }
}

}  // namespace groupcomm::daemon
