// ClientService: who wants to know that all members have a message, and who has it (rules N1-N3).
#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/core/client_service.h"
#include "groupcomm/probe.h"

namespace groupcomm::daemon {

// --- what senders here wait for ------------------------------------------------------------------

void ClientService::expect_notice(Session& session, const protocol::StampedMessage& message) {
  ++session.notices;
  Notice notice{.number = message.number, .session = session.id, .of = {}};
  ordering::for_each_destination(message, [&](const protocol::Destination& destination) {
    notice.of.push_back({destination.group, destination.number});
  });
  notices_.push_back(std::move(notice));
}

// Its sender is told that this one failed.
void ClientService::drop_notice(MessageNumber number, GroupKey group) {
  for (Notice& notice : notices_) {
    if (notice.number != number) continue;
    std::erase_if(notice.of, [&](const auto& safe) { return safe.group == group; });
  }
}

void ClientService::give_notices(ordering::ViewOrdering& ordering) {
  const auto give = [this](const Notice& notice) {
    Session* session = sessions_.find(notice.session);
    if (session == nullptr) return;
    --session->notices;
    notices_given_ = true;
    for (const protocol::SafeNotice& safe : notice.of) tell(notice.session, safe);
  };
  if (!past_notices_.empty() && ordering.all_caught_up()) {
    PROBE("a safe notice comes in a later view");
    for (const Notice& notice : std::exchange(past_notices_, {})) give(notice);
  }
  const MessageNumber handed = ordering.handed_by_all();
  for (; !notices_.empty() && notices_.front().number <= handed; notices_.pop_front()) {
    give(notices_.front());
  }
}

// --- what members here have seen -----------------------------------------------------------------

// Members that have ended are members until their leaves take effect.
void ClientService::await_leaves(GroupKey group, const std::optional<ProcessKey>& to) {
  for (const auto& [id, estate] : estates_) {
    if (!estate.groups.contains(group)) continue;
    if (!to || *to == ProcessKey{options_.self.incarnation, id}) estates_told_.push_back(id);
  }
}

// Called when the message was handed to the queues of its members here.
void ClientService::await_handing(const ordering::Delivery& delivery) {
  if (told_positions_.empty() && estates_told_.empty()) {
    handed_.push_back(delivery.reference);
    return;
  }
  const std::uint64_t handing = ++last_handing_;
  handings_[handing] = {.view = view_.id,
                        .reference = delivery.reference,
                        .unseen_by = told_positions_.size() + estates_told_.size()};
  for (const SessionId id : std::exchange(estates_told_, {})) {
    estates_.at(id).unseen.push_back({0, handing});
  }
  for (const auto& [id, position] : std::exchange(told_positions_, {})) {
    Session* session = sessions_.find(id);
    CHECK(session != nullptr);
    session->unseen.push_back({position, handing});
  }
}

void ClientService::count_seen(std::deque<Unseen>& unseen, std::uint64_t up_to) {
  while (!unseen.empty() && unseen.front().position <= up_to) {
    const auto handing = handings_.find(unseen.front().handing);
    unseen.pop_front();
    CHECK(handing != handings_.end());
    if (--handing->second.unseen_by > 0) continue;
    if (handing->second.view == view_.id) {
      handed_.push_back(handing->second.reference);
    } else {
      --past_handings_;
    }
    handings_.erase(handing);
  }
}

// The session ends. Its leaves of these groups are on their way.
void ClientService::leave_estate(Session& session, const std::vector<GroupKey>& groups) {
  if (groups.empty()) {
    count_seen(session.unseen, session.meter.delivered());
  } else {
    estates_[session.id] = {.unseen = std::move(session.unseen),
                            .groups = {groups.begin(), groups.end()}};
  }
}

void ClientService::on_leave_applied(SessionId session, GroupKey group) {
  const auto estate = estates_.find(session);
  if (estate == estates_.end()) return;
  estate->second.groups.erase(group);
  if (!estate->second.groups.empty()) return;
  count_seen(estate->second.unseen, std::numeric_limits<std::uint64_t>::max());
  estates_.erase(estate);
}

void ClientService::pass_on_handed(ordering::ViewOrdering& ordering) {
  for (const protocol::MessageReference& reference : std::exchange(handed_, {})) {
    ordering.on_handed(reference);
  }
  if (past_handings_ == 0) ordering.on_caught_up();
}

}  // namespace groupcomm::daemon
