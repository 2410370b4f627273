// ClientService: views and messages for the members here.
#include <algorithm>
#include <utility>

#include "daemon/core/client_service.h"
#include "groupcomm/probe.h"
#include "groupcomm/protocol/queue_cost.h"
#include "membership/partition_policy.h"

namespace groupcomm::daemon {
namespace {

bool is_watched(const Session& session, const std::string& group) {
  if (!session.watched) return false;
  const auto& names = *session.watched;
  return names.empty() || std::find(names.begin(), names.end(), group) != names.end();
}

}  // namespace

using ordering::Delivery;
using protocol::MessageKind;

// What was held back (rule D8) when the view was suspended comes with the next one, if at all: it
// may be delivered to nobody else.
void ClientService::deliver_all(ordering::ViewOrdering& ordering) {
  if (!suspended_) {
    for (Delivery& delivery : ordering.take_deliveries()) deliver(delivery);
  }
  pass_on_handed(ordering);
  // Rule N3: what others say counts when the leaves that they know have taken effect here.
  if (deferred_.empty()) give_notices(ordering);
  evict_slow_readers();
}

void ClientService::deliver(Delivery& delivery) {
  switch (delivery.message->kind) {
    case MessageKind::kData: return deliver_data(delivery);
    case MessageKind::kJoin:
    case MessageKind::kLeave:
    case MessageKind::kHold: return deliver_control(delivery);
    case MessageKind::kChunk:
    case MessageKind::kClosing: return;
  }
}

ProcessKey ClientService::process_of(const Delivery& delivery) const {
  return {view_.members[delivery.reference.sender].id.incarnation, delivery.message->session};
}

// Rule F10: a quorum died. Whoever applied this join or leave with them may have delivered other
// messages before it, so it makes no view of its own here, but is part of the next one.
void ClientService::deliver_control(const Delivery& delivery) {
  if (!delivery.message->control) return;
  if (deferring_after_ && delivery.place > *deferring_after_) {
    deferred_.push_back(delivery);
    return;
  }
  for (const auto& change : take_control(delivery)) announce(change);
}

Session* ClientService::local_session(const ProcessKey& process) {
  return process.daemon == options_.self.incarnation ? sessions_.find(process.session) : nullptr;
}

// The changes of views that this join, leave or hold makes here and now. Those of groups with
// sync = flush wait for their members, but for the deferred ones: the next view is theirs (F10).
std::vector<membership::GroupChange> ClientService::take_control(const Delivery& delivery) {
  const protocol::StampedMessage& message = *delivery.message;
  if (message.kind == MessageKind::kHold) return apply_hold(delivery);
  const protocol::ControlBody& control = *message.control;
  membership::HoldRounds::Change change;
  change.is_join = message.kind == MessageKind::kJoin;
  change.name = control.group_name;
  change.options = control.options;
  change.member = {.process = {.name = message.sender_name,
                               .daemon = view_.members[delivery.reference.sender].id.name,
                               .key = process_of(delivery)},
                   .joins = control.joins};
  change.reason = control.reason;
  std::vector<membership::GroupChange> changes;
  ordering::for_each_destination(message, [&](const protocol::Destination& destination) {
    const GroupKey key = destination.group;
    const Group* group = directory_.find(key);
    if (!is_view_over_ && rounds_.must_wait(key, group, change)) {
      rounds_.announce(key, *group, change);
      return ask_to_hold(key);
    }
    if (auto applied = apply({view_.id, delivery.place}, key, change)) {
      changes.push_back(std::move(*applied));
    }
  });
  return changes;
}

// A join or leave takes effect. Tells the session, if it is here, but not of the view.
std::optional<membership::GroupChange> ClientService::apply(
    const GroupViewId& id, GroupKey key, const membership::HoldRounds::Change& change) {
  const ProcessKey& process = change.member.process.key;
  Session* session = local_session(process);
  std::optional<membership::GroupChange> applied;
  route_.reset();
  if (change.is_join) {
    const auto outcome = directory_.join(id, change.name, change.options, change.member);
    applied = outcome.change;
    if (session != nullptr && applied) {
      session->groups[key] = {
          .group = change.name, .joins = change.member.joins, .flush = change.options.flush};
      SessionList& members = local_members_[key];
      members = members.with(session->id);
    } else if (session != nullptr) {
      reject(*session, session->pending_control.value_or(RequestId{}), key, outcome.refused);
    }
  } else {
    applied = directory_.leave(id, key, process, change.reason);
    if (session == nullptr && process.daemon == options_.self.incarnation) {
      on_leave_applied(process.session, key);
    }
    if (session != nullptr) {
      session->groups.erase(key);
      forget_local_member(key, session->id);
      tell(session->id, protocol::Gone{key, GoneReason::kLeft});
      session->leaving.reset();
    }
  }
  if (session != nullptr) {
    session->pending_control.reset();
    session->joining.reset();
    control_took_effect_ = true;
  }
  return applied;
}

void ClientService::deliver_data(Delivery& delivery) {
  bool is_first = true;
  ordering::for_each_destination(*delivery.message, [&](const protocol::Destination& destination) {
    deliver_to_group(delivery, destination, is_first);
    is_first = false;
  });
  if (delivery.message->notify_safe) await_handing(delivery);
}

const ClientService::Route& ClientService::find_route(GroupKey group, const ProcessKey& sender) {
  if (route_ && route_->group == group && route_->sender == sender) return *route_;
  route_ = Route{.group = group,
                 .sender = sender,
                 .found = directory_.find(group),
                 .rank = directory_.rank_of(group, sender),
                 .members = local_members(group),
                 .sessions = {}};
  for (const SessionId id : route_->members) {
    Session* session = sessions_.find(id);
    CHECK(session != nullptr);
    route_->sessions.push_back(session);
  }
  return *route_;
}

// Whom the message is for has gone, and its sender is here.
void ClientService::fail_without_addressee(const Delivery& delivery,
                                           const protocol::Destination& destination,
                                           const Route& route) {
  const protocol::StampedMessage& message = *delivery.message;
  const bool has_addressee =
      route.found != nullptr && (!message.to || directory_.rank_of(destination.group, *message.to));
  if (has_addressee || route.sender.daemon != options_.self.incarnation) return;
  if (sessions_.find(message.session) == nullptr) return;
  PROBE("whom an accepted message was for is gone at its place");
  drop_notice(message.number, destination.group);
  tell(message.session, protocol::SendFail{destination.group, destination.number});
}

SessionList ClientService::addressees(const protocol::StampedMessage& message,
                                      const Route& route) const {
  if (!message.to && !message.self_discard) return route.members;
  std::vector<SessionId> sessions;
  for (const SessionId id : route.members) {
    const ProcessKey key{options_.self.incarnation, id};
    if (message.to && *message.to != key) continue;
    if (message.self_discard && key == route.sender) continue;
    sessions.push_back(id);
  }
  return sessions;
}

// The last effect, where it is a delivery that this message differs from by its payload and the
// next numbers only.
DeliverMessage* ClientService::run_before(const Delivery& delivery,
                                          const protocol::Destination& destination,
                                          const Route& route) {
  const protocol::StampedMessage& message = *delivery.message;
  if (message.to || message.self_discard || message.notify_safe || delivery.transitional ||
      deferring_after_ || !delivery.chunks.empty() || !message.more_destinations.empty()) {
    return nullptr;
  }
  if (!route.rank || route.members.empty() || effects_.empty()) return nullptr;
  auto* run = std::get_if<DeliverMessage>(&effects_.back());
  if (run == nullptr || !run->sessions.is(route.members) || !run->chunks.empty()) return nullptr;
  const protocol::Deliver& first = run->delivery;
  const std::size_t count = 1 + first.run.size();
  const bool is_next = run->reference.number && first.number.plus(count) == destination.number &&
                       run->reference.sender == delivery.reference.sender &&
                       run->reference.number.plus(count) == delivery.reference.number;
  const bool is_alike = first.group == destination.group && first.sender_rank == *route.rank &&
                        first.order == message.order && !first.report_soon;
  if (!is_next || !is_alike || !protocol::may_run(first.payload, message.payload)) return nullptr;
  const std::uint64_t cost = run_cost_ + protocol::queue_cost_in_run(first, message.payload);
  return cost <= options_.batch_bytes && count < protocol::kRunMessagesMax ? run : nullptr;
}

void ClientService::deliver_to_group(Delivery& delivery, const protocol::Destination& destination,
                                     bool is_first) {
  const protocol::StampedMessage& message = *delivery.message;
  const Route& route = find_route(destination.group, process_of(delivery));
  if (DeliverMessage* run = run_before(delivery, destination, route)) {
    const std::uint64_t cost = protocol::queue_cost_in_run(run->delivery, message.payload);
    run->delivery.run.push_back(message.payload);
    run_cost_ += cost;
    delivered_messages_ += route.sessions.size();
    for (Session* session : route.sessions) charge(*session, cost);
    return;
  }
  fail_without_addressee(delivery, destination, route);
  if (route.found == nullptr && !options_.report_all_deliveries) return;
  if (message.notify_safe && route.found != nullptr) await_leaves(destination.group, message.to);
  SessionList sessions = addressees(message, route);
  if (sessions.empty() && !options_.report_all_deliveries) return;
  const bool is_after = delivery.transitional || deferring_after_;
  if (is_after && route.found != nullptr) announce_transition(destination.group, *route.found);

  DeliverMessage effect;
  protocol::Deliver& out = effect.delivery;
  out.group = destination.group;
  out.number = destination.number;
  out.order = message.order;
  out.payload = message.payload;
  out.report_soon = message.notify_safe;
  if (route.rank) {
    out.sender_rank = *route.rank;
  } else {
    out.sender = ProcessId{.name = sender_name(delivery),
                           .daemon = view_.members[delivery.reference.sender].id.name,
                           .key = route.sender};
  }
  effect.sessions = std::move(sessions);
  effect.chunks = delivery.chunks;
  if (is_first) effect.reference = delivery.reference;
  charge_delivery(effect, route);
  delivered_messages_ += effect.sessions.size();
  effects_.emplace_back(std::move(effect));
}

// What a member sends does not name it. Where its join is deferred, or the hold with which its join
// takes effect, it is none here yet (F10).
const std::string& ClientService::sender_name(const Delivery& delivery) const {
  const std::string& name = delivery.message->sender_name;
  if (!name.empty()) return name;
  if (const auto* waiting = rounds_.find_join(process_of(delivery))) {
    PROBE("F10: a message of one whose join waits for a deferred hold");
    return waiting->member.process.name;
  }
  const auto join = std::find_if(deferred_.begin(), deferred_.end(), [&](const Delivery& other) {
    return other.message->kind == MessageKind::kJoin && process_of(other) == process_of(delivery);
  });
  if (join == deferred_.end()) return name;
  PROBE("F10: a message of one whose join is deferred");
  return join->message->sender_name;
}

// A large message is one charge: while it is under way it does not count (rule W3).
void ClientService::charge_delivery(const DeliverMessage& effect, const Route& route) {
  std::uint64_t bytes = protocol::queue_cost(effect.delivery);
  for (const Payload& chunk : effect.chunks) {
    bytes += protocol::queue_cost(protocol::DeliverChunk{chunk});
  }
  run_cost_ = bytes;
  const auto charge_one = [&](Session& session) {
    charge(session, bytes);
    if (effect.delivery.report_soon) {
      told_positions_.emplace_back(session.id, session.meter.delivered());
    }
  };
  if (effect.sessions.is(route.members)) {
    for (Session* session : route.sessions) charge_one(*session);
    return;
  }
  for (const SessionId id : effect.sessions) {
    Session* session = sessions_.find(id);
    CHECK(session != nullptr);
    charge_one(*session);
  }
}

const SessionList& ClientService::local_members(GroupKey key) const {
  static const SessionList kNobody;
  const auto members = local_members_.find(key);
  return members == local_members_.end() ? kNobody : members->second;
}

void ClientService::forget_local_member(GroupKey key, SessionId session) {
  route_.reset();
  const auto members = local_members_.find(key);
  if (members == local_members_.end()) return;
  members->second = members->second.without(session);
  if (members->second.empty()) local_members_.erase(members);
}

void ClientService::announce_transition(GroupKey key, const Group& group) {
  if (is_in_transition(key)) return;
  in_transition_.push_back(key);
  const protocol::Transition transition = transition_of(key, group);
  for (const SessionId id : local_members(key)) tell(id, transition);
}

bool ClientService::is_in_transition(GroupKey key) const {
  return std::find(in_transition_.begin(), in_transition_.end(), key) != in_transition_.end();
}

protocol::Transition ClientService::transition_of(GroupKey key, const Group& group) const {
  protocol::Transition transition{.group = key, .transitional = {}};
  for (const GroupMember& member : group.members) {
    const bool stays = std::any_of(next_.members.begin(), next_.members.end(),
                                   [&](const protocol::DaemonMember& daemon) {
                                     return daemon.id.incarnation == member.process.key.daemon;
                                   });
    if (stays) transition.transitional.push_back(member.process);
  }
  return transition;
}

void ClientService::announce(const membership::GroupChange& change) {
  GroupView view = change.view;
  view.primary = view.id.daemon_view == next_.id ? next_.primary : view_.primary;
  std::vector<ProcessId> stayed;
  for (const GroupMember& member : view.members) {
    const bool is_new =
        std::find(view.joined.begin(), view.joined.end(), member.process) != view.joined.end();
    if (!is_new) stayed.push_back(member.process);
  }
  for (const SessionId id : local_members(change.key)) {
    Session* session = sessions_.find(id);
    CHECK(session != nullptr);
    Membership& membership = session->groups.at(change.key);
    membership.hold = Membership::Hold::kFree;
    membership.answer_due = TimePoint::never();
    ++membership.views;
    if (membership.flush) forget_answers(*session, change.key);
    const auto me = std::find_if(view.members.begin(), view.members.end(), [&](const auto& member) {
      return member.process.key == session->process.key;
    });
    CHECK(me != view.members.end());
    view.my_rank = static_cast<Rank>(me - view.members.begin());
    const bool is_new =
        std::find(view.joined.begin(), view.joined.end(), session->process) != view.joined.end();
    view.transitional = is_new ? std::vector<ProcessId>{session->process} : stayed;
    tell(id, protocol::ViewChanged{change.name, view});
    if (is_new && is_in_transition(change.key) && view.id.daemon_view != next_.id) {
      PROBE("a member joins after the transition");
      tell(id, transition_of(change.key, *directory_.find(change.key)));
    }
    if (!is_stamping_ && view.id.daemon_view == view_.id) ask_at_once(id, change.key, membership);
  }
  view.my_rank = 0;
  view.transitional.clear();
  for (const auto& [id, session] : sessions_.all()) {
    if (is_watched(session, change.name)) tell(id, protocol::WatchedView{change.name, view});
  }
}

void ClientService::begin_transition(const protocol::ViewChangeValue& value) {
  next_ = value.next;
  suspended_ = false;
  // Rule Q2: others may go on from the same view, too.
  if (value.recovered || membership::is_free(view_, value)) deferring_after_ = value.delivered;
}

void ClientService::on_daemons_changed(const protocol::ViewChangeValue& value) {
  route_.reset();
  deferring_after_.reset();
  std::vector<membership::GroupChange> earlier;
  is_view_over_ = true;
  end_rounds({value.next.id, OrderNumber{}}, earlier);
  for (const Delivery& delivery : std::exchange(deferred_, {})) {
    for (auto& change : take_control(delivery)) earlier.push_back(std::move(change));
  }
  is_view_over_ = false;
  for (auto& change : directory_.change_daemons(value.next, value.left, earlier, value.arrivals)) {
    change.view.recovered = value.recovered;
    announce(change);
  }
}

void ClientService::on_taken_in(const protocol::ViewChangeValue& value,
                                const std::vector<protocol::GroupEntry>& groups) {
  route_.reset();
  next_ = value.next;
  for (auto& change : directory_.restore_and_compare(groups, value.next.id)) {
    change.view.recovered = value.recovered;
    dismiss_left_out(change);
    announce(change);
  }
}

// Members here for whom there was no place in the other component's group.
void ClientService::dismiss_left_out(const membership::GroupChange& change) {
  for (const Departed& departed : change.view.left) {
    Session* session = local_session(departed.process.key);
    if (session == nullptr || session->groups.erase(change.key) == 0) continue;
    forget_local_member(change.key, session->id);
    tell(session->id, protocol::Gone{change.key, GoneReason::kExcluded});
  }
}

}  // namespace groupcomm::daemon
