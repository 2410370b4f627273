// ClientService: groups with sync = flush, whose members hold back before their view changes.
#include <algorithm>
#include <utility>

#include "daemon/core/client_service.h"
#include "groupcomm/probe.h"

namespace groupcomm::daemon {
namespace {

using Hold = Membership::Hold;

bool is_send_to(const QueuedRequest& request, GroupKey key) {
  const auto* send = std::get_if<QueuedSend>(&request);
  if (send == nullptr) return false;
  const auto& more = send->multicast.more_groups;
  return send->multicast.group == key || std::find(more.begin(), more.end(), key) != more.end();
}

bool is_block_ok_of(const QueuedRequest& request, GroupKey key) {
  const auto* block_ok = std::get_if<protocol::BlockOk>(&request);
  return block_ok != nullptr && group_key(block_ok->group) == key;
}

// Who leaves sends nothing behind its leave.
bool has_agreed(const Session& session, GroupKey key) {
  return session.groups.at(key).hold == Hold::kAgreed || session.leaving == key;
}

}  // namespace

// Rule H1: a change of the group was announced.
void ClientService::ask_to_hold(GroupKey key) {
  for (const SessionId id : local_members(key)) {
    Session* session = sessions_.find(id);
    CHECK(session != nullptr);
    if (has_agreed(*session, key)) continue;
    Membership& membership = session->groups.at(key);
    if (membership.hold == Hold::kFree) {
      membership.hold = Hold::kAsked;
      tell(id, protocol::Block{key});
    }
    const bool is_silent = membership.hold == Hold::kAsked;
    if (is_silent && membership.answer_due == TimePoint::never()) {
      membership.answer_due = now_ + options_.block_time_out;
    }
  }
  hold_if_agreed(key);
}

// Rule H4: the view of daemons is being left, and every group gets another one with the next.
// Nobody waits for the answers: what was not stamped by now is refused.
void ClientService::stop_stamping() {
  is_stamping_ = false;
  for (auto& [id, session] : sessions_.all()) {
    for (auto& [key, membership] : session.groups) {
      membership.answer_due = TimePoint::never();
      ask_at_once(id, key, membership);
    }
  }
}

void ClientService::ask_at_once(SessionId id, GroupKey key, Membership& membership) {
  if (!membership.flush || membership.hold != Hold::kFree) return;
  membership.hold = Hold::kAsked;
  tell(id, protocol::Block{key});
}

// --- answers -------------------------------------------------------------------------------------

void ClientService::on_message(Session& session, protocol::BlockOk block_ok) {
  const GroupKey key = group_key(block_ok.group);
  const auto membership = session.groups.find(key);
  if (membership == session.groups.end()) {
    // An answer that crossed the end of the membership needs none itself.
    if (!session.joins.contains(key)) {
      reject(session, block_ok.request, key, RejectReason::kNotMember);
    }
    return;
  }
  Membership& member = membership->second;
  if (!member.flush) return reject(session, block_ok.request, key, RejectReason::kBadOption);
  // Else it crossed the view that it was to make room for.
  if (member.hold != Hold::kAsked || block_ok.views_seen != member.views) return;
  member.hold = Hold::kAnswered;
  member.answer_due = TimePoint::never();
  const SessionId id = session.id;
  enqueue(session, std::move(block_ok), 0);
  if (sessions_.find(id) == nullptr) return;  // it was more than may wait
  if (session.pending_control) agree_ahead_of_queue(session);
}

bool ClientService::serve(Session& session, const protocol::BlockOk& block_ok,
                          ordering::ViewOrdering& /*ordering*/) {
  const GroupKey key = group_key(block_ok.group);
  agree(session, key);
  return true;
}

void ClientService::agree(Session& session, GroupKey key) {
  const auto membership = session.groups.find(key);
  if (membership == session.groups.end() || membership->second.hold != Hold::kAnswered) return;
  membership->second.hold = Hold::kAgreed;
  hold_if_agreed(key);
}

void ClientService::forget_answers(Session& session, GroupKey key) {
  for (QueuedRequest& request : session.queue.take_all()) {
    if (!is_block_ok_of(request, key)) session.queue.push_back(std::move(request));
  }
}

// An answer must not wait behind a join or leave that is under way, nor behind a send that waits
// for notices: those may themselves wait for members who wait for this one. Sends that were to come
// before it are refused.
void ClientService::agree_ahead_of_queue(Session& session) {
  std::vector<GroupKey> answered;
  for (const QueuedRequest& request : session.queue.all()) {
    const auto* block_ok = std::get_if<protocol::BlockOk>(&request);
    if (block_ok != nullptr) answered.push_back(group_key(block_ok->group));
  }
  for (const GroupKey key : answered) {
    PROBE("a member agrees to hold back ahead of what it asked for before");
    bool is_answered = false;
    for (QueuedRequest& request : session.queue.take_all()) {
      if (is_block_ok_of(request, key)) {
        is_answered = true;
      } else if (!is_answered && is_send_to(request, key)) {
        reject_each(session, std::get<QueuedSend>(request), key, RejectReason::kBlocked);
      } else {
        session.queue.push_back(std::move(request));
      }
    }
    agree(session, key);
  }
}

// Rule H4: the sender has agreed to hold back, or had not seen the view when it sent.
bool ClientService::is_held(const Session& session, const protocol::Multicast& multicast,
                            GroupKey key, std::size_t index) const {
  const auto it = session.groups.find(key);
  if (it == session.groups.end() || !it->second.flush) return false;
  if (it->second.hold == Hold::kAgreed) return true;
  const std::uint64_t seen = multicast.views_seen.empty() ? 0 : multicast.views_seen[index];
  if (seen == 0 || seen == it->second.views) return false;
  PROBE("a send to a flush group that was made in a past view");
  return true;
}

// Rule H2: who does not answer in time is evicted.
void ClientService::run_timers() {
  if (rounds_.empty() || !is_stamping_) return;
  std::vector<SessionId> silent;
  for (const auto& [id, session] : sessions_.all()) {
    const bool is_late =
        std::any_of(session.groups.begin(), session.groups.end(),
                    [&](const auto& entry) { return entry.second.answer_due <= now_; });
    if (is_late) silent.push_back(id);
  }
  for (const SessionId id : silent) {
    PROBE("E17: a client does not answer a block");
    evict(*sessions_.find(id), "did not answer a block", "a block was not answered in time");
  }
}

TimePoint ClientService::next_deadline() const {
  TimePoint due = TimePoint::never();
  if (rounds_.empty() || !is_stamping_) return due;
  for (const auto& [id, session] : sessions_.all()) {
    for (const auto& [key, membership] : session.groups) {
      due = std::min(due, membership.answer_due);
    }
  }
  return due;
}

// --- rounds --------------------------------------------------------------------------------------

// Rule H2: once all members here have agreed, their daemon says so behind all that they sent.
void ClientService::hold_if_agreed(GroupKey key) {
  if (!is_stamping_ || holding_.contains(key)) return;
  if (!rounds_.awaits(key, options_.self.incarnation)) return;
  const auto& members = local_members(key);
  const bool all_agreed = std::all_of(members.begin(), members.end(), [&](SessionId id) {
    return has_agreed(*sessions_.find(id), key);
  });
  if (!all_agreed) return;
  holding_.insert(key);
  holds_to_stamp_.push_back(key);
}

void ClientService::stamp_holds(ordering::ViewOrdering& ordering) {
  for (const GroupKey key : std::exchange(holds_to_stamp_, {})) {
    auto message = std::make_shared<protocol::StampedMessage>();
    message->kind = protocol::MessageKind::kHold;
    message->order = Order::kTotal;
    message->destination.group = key;
    message->control = protocol::ControlBody{};
    ordering.stamp(std::move(message));
  }
}

// Rule H3: with the last daemon's word all that was announced takes effect, as one view.
std::vector<membership::GroupChange> ClientService::apply_hold(const ordering::Delivery& delivery) {
  const GroupKey key = delivery.message->destination.group;
  const auto changes = rounds_.hold(key, view_.members[delivery.reference.sender].id.incarnation);
  if (!changes) return {};
  holding_.erase(key);
  const GroupViewId id{view_.id, delivery.place};
  if (changes->size() > 1) PROBE("several joins and leaves make one view of a flush group");
  std::vector<membership::GroupChange> applied{directory_.renew(id, key)};
  for (const membership::HoldRounds::Change& change : *changes) {
    if (auto made = apply(id, key, change)) applied.push_back(std::move(*made));
  }
  return {merge(applied)};
}

// The view of daemons is over: what was announced comes with the next one.
void ClientService::end_rounds(const GroupViewId& id,
                               std::vector<membership::GroupChange>& changes) {
  for (const auto& [key, announced] : rounds_.end_all()) {
    PROBE("a view of daemons ends while members of a flush group are asked to hold back");
    for (const membership::HoldRounds::Change& change : announced) {
      if (auto made = apply(id, key, change)) changes.push_back(std::move(*made));
    }
  }
  holding_.clear();
  holds_to_stamp_.clear();
}

}  // namespace groupcomm::daemon
