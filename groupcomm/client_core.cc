#include "groupcomm/client_core.h"

#include <algorithm>
#include <utility>

#include "groupcomm/check.h"

namespace groupcomm {
namespace {

// An application that joins and leaves one group faster than the daemon answers is held back here.
constexpr std::size_t kWishesMax = 16;

// A report for each delivery would double the frames; the daemon warns at half of the queue.
constexpr std::uint64_t kReportsPerQueue = 16;

// What a multicast costs in a frame besides its payload, roughly.
constexpr std::uint64_t kMulticastOverheadBytes = 64;

Queued refuse(RejectReason reason) { return {.request = {}, .refused = reason}; }

}  // namespace

ClientCore::ClientCore(std::string name) : name_(std::move(name)) {
  CHECK_EQ(why_bad_name(name_), std::string());
}

ClientCore::GroupState* ClientCore::remember_group(std::string_view name) {
  const GroupKey key = group_key(name);
  GroupState& group = groups_[key];
  if (group.name.empty()) {
    group.name = name;
    group.key = key;
  }
  return group.name == name ? &group : nullptr;
}

ClientCore::GroupState* ClientCore::find_group(GroupKey key) {
  const auto found = groups_.find(key);
  return found == groups_.end() ? nullptr : &found->second;
}

const ClientCore::GroupState* ClientCore::find_group(std::string_view name) const {
  const auto found = groups_.find(group_key(name));
  return found == groups_.end() || found->second.name != name ? nullptr : &found->second;
}

Queued ClientCore::join(std::string_view group_name, GroupOptions options) {
  if (!why_bad_name(group_name).empty()) return refuse(RejectReason::kBadName);
  if (!connected()) return refuse(RejectReason::kGone);
  GroupState* group = remember_group(group_name);
  if (group == nullptr) return refuse(RejectReason::kBadName);
  if (group->is_wanted()) return refuse(RejectReason::kBadOption);
  const bool is_full = joins_under_way_ == protocol::kJoinsMax;
  if (is_full || group->wishes.size() >= kWishesMax) return refuse(RejectReason::kWouldBlock);
  ++joins_under_way_;
  const RequestId request = next_request();
  group->wishes.push_back({.request = request, .is_join = true, .flush = options.flush});
  outgoing_.emplace_back(
      protocol::Join{.request = request, .group = group->name, .options = options});
  return {.request = request, .refused = {}};
}

Queued ClientCore::leave(std::string_view group_name) {
  if (!why_bad_name(group_name).empty()) return refuse(RejectReason::kBadName);
  if (!connected()) return refuse(RejectReason::kGone);
  GroupState* group = find_group(group_key(group_name));
  if (group == nullptr || group->name != group_name || !group->is_wanted()) {
    return refuse(RejectReason::kNotMember);
  }
  const RequestId request = next_request();
  group->wishes.push_back({.request = request, .is_join = false});
  outgoing_.emplace_back(protocol::Leave{.request = request, .group = group->name});
  return {.request = request, .refused = {}};
}

// Fills send_groups_ with the records of `groups` where the multicast may go on.
std::optional<RejectReason> ClientCore::why_refused(const std::vector<std::string>& groups,
                                                    const Payload& payload) {
  if (!connected()) return RejectReason::kGone;
  if (payload.size() > kPayloadBytesMax) return RejectReason::kTooBig;
  if (groups.empty()) return RejectReason::kBadName;
  if (groups.size() > protocol::kGroupsPerSendMax) return RejectReason::kBadName;
  send_groups_.clear();
  for (const std::string& name : groups) {
    GroupState* group = find_group(group_key(name));
    if (group == nullptr) {
      if (!why_bad_name(name).empty()) return RejectReason::kBadName;
      group = remember_group(name);
    }
    if (group->name != name) return RejectReason::kBadName;
    if (std::find(send_groups_.begin(), send_groups_.end(), group) != send_groups_.end()) {
      return RejectReason::kBadName;
    }
    if (group->block_ok) return RejectReason::kBlocked;
    if (group->is_ahead_of_application()) return RejectReason::kBlocked;
    if (group->suspended) return RejectReason::kNoPrimary;
    send_groups_.push_back(group);
  }
  if (!has_credit()) return RejectReason::kWouldBlock;
  return std::nullopt;
}

// Rule H4: a send to a flush group belongs to the view that its sender knows, or is refused.
std::vector<std::uint64_t> ClientCore::views_seen() const {
  std::vector<std::uint64_t> seen;
  const bool matters = std::any_of(send_groups_.begin(), send_groups_.end(),
                                   [](const GroupState* group) { return group->holds_back(); });
  if (!matters) return seen;
  for (const GroupState* group : send_groups_) {
    seen.push_back(group->holds_back() ? group->views_seen : 0);
  }
  return seen;
}

// It differs from the last one by its payload only, and both are small.
bool ClientCore::joins_run(const Payload& payload, const SendOptions& options) const {
  if (outgoing_.empty() || send_groups_.size() > 1 || options.to) return false;
  const auto* last = std::get_if<protocol::Multicast>(&outgoing_.back());
  return last != nullptr && last->group == send_groups_.front()->key && last->more_groups.empty() &&
         !last->to && last->views_seen.empty() && last->order == options.order &&
         last->self_discard == options.self_discard && last->notify_safe == options.notify_safe &&
         last->request.plus(last->run.size()) == last_request_ &&
         protocol::may_run(last->payload, payload) &&
         last->run.size() + 1 < protocol::kRunMessagesMax &&
         run_bytes_ + payload.size() <= protocol::kRunBytesMax &&
         !send_groups_.front()->holds_back();
}

Queued ClientCore::multicast(const std::vector<std::string>& groups, Payload payload,
                             const SendOptions& options) {
  if (const auto reason = why_refused(groups, payload)) return refuse(*reason);
  const std::size_t size = payload.size();
  if (joins_run(payload, options)) {
    std::get<protocol::Multicast>(outgoing_.back()).run.push_back(std::move(payload));
    run_bytes_ += size;
    return await_answer(size);
  }
  std::size_t sent = 0;
  for (; size - sent > protocol::kChunkBytesMax; sent += protocol::kChunkBytesMax) {
    outgoing_.emplace_back(
        protocol::MulticastChunk{.payload = payload.slice(sent, protocol::kChunkBytesMax)});
  }
  protocol::Multicast multicast{
      .request = last_request_.next(),
      .group = send_groups_.front()->key,
      .more_groups = {},
      .order = options.order,
      .self_discard = options.self_discard,
      .notify_safe = options.notify_safe,
      .to = options.to ? std::optional(options.to->key) : std::nullopt,
      .payload = sent == 0 ? std::move(payload) : payload.slice(sent, size - sent),
  };
  for (std::size_t i = 1; i < send_groups_.size(); ++i) {
    multicast.more_groups.push_back(send_groups_[i]->key);
  }
  multicast.views_seen = views_seen();
  run_bytes_ = multicast.payload.size();
  outgoing_.emplace_back(std::move(multicast));
  return await_answer(size);
}

// The next request is a send of so many bytes to send_groups_.
Queued ClientCore::await_answer(std::size_t bytes) {
  const RequestId request = next_request();
  pending_sends_.push_back({.request = request,
                            .bytes = bytes,
                            .group = send_groups_.front(),
                            .more_groups = {send_groups_.begin() + 1, send_groups_.end()},
                            .rejected = false});
  outgoing_bytes_ += bytes + kMulticastOverheadBytes;
  ++unaccepted_messages_;
  unaccepted_bytes_ += bytes;
  return {.request = request, .refused = {}};
}

Queued ClientCore::block_ok(std::string_view group_name) {
  if (!why_bad_name(group_name).empty()) return refuse(RejectReason::kBadName);
  if (!connected()) return refuse(RejectReason::kGone);
  GroupState* group = find_group(group_key(group_name));
  if (group == nullptr || group->name != group_name || !group->view) {
    return refuse(RejectReason::kNotMember);
  }
  if (!group->block_open) return refuse(RejectReason::kBadOption);
  if (group->block_ok) return refuse(RejectReason::kBlocked);
  group->block_ok = next_request();
  outgoing_.emplace_back(protocol::BlockOk{
      .request = group->block_ok, .group = group->name, .views_seen = group->views_seen});
  return {.request = group->block_ok, .refused = {}};
}

RequestId ClientCore::query_status() {
  if (!connected()) return {};
  const RequestId request = next_request();
  outgoing_.emplace_back(protocol::StatusQuery{.request = request});
  return request;
}

RequestId ClientCore::query_groups() {
  if (!connected()) return {};
  const RequestId request = next_request();
  outgoing_.emplace_back(protocol::GroupsQuery{.request = request});
  return request;
}

RequestId ClientCore::bootstrap(std::vector<std::string> without) {
  if (!connected()) return {};
  const RequestId request = next_request();
  outgoing_.emplace_back(protocol::Bootstrap{.request = request, .without = std::move(without)});
  return request;
}

RequestId ClientCore::watch(std::vector<std::string> groups) {
  for (const std::string& group : groups) CHECK_EQ(why_bad_name(group), std::string());
  if (!connected()) return {};
  const RequestId request = next_request();
  outgoing_.emplace_back(protocol::Watch{.request = request, .groups = std::move(groups)});
  return request;
}

std::vector<ClientCore::GroupState*> ClientCore::groups_by_name() {
  std::vector<GroupState*> groups;
  for (auto& [key, group] : groups_) groups.push_back(&group);
  std::sort(groups.begin(), groups.end(),
            [](const GroupState* a, const GroupState* b) { return a->name < b->name; });
  return groups;
}

void ClientCore::leave_all() {
  for (const GroupState* group : groups_by_name()) {
    if (group->is_wanted()) leave(group->name);
  }
}

bool ClientCore::awaits_memberships() const {
  return std::any_of(groups_.begin(), groups_.end(), [](const auto& entry) {
    const GroupState& group = entry.second;
    return !group.suspended && (group.view.has_value() || !group.wishes.empty());
  });
}

void ClientCore::bye() {
  if (phase_ != Phase::kConnected) return;
  phase_ = Phase::kClosing;
  outgoing_.emplace_back(protocol::Bye{});
}

void ClientCore::reset() {
  process_.reset();
  blocks_to_tell_.clear();
  groups_.clear();
  send_groups_.clear();
  joins_under_way_ = 0;
  pending_sends_.clear();
  window_messages_ = window_bytes_ = 0;
  unaccepted_messages_ = unaccepted_bytes_ = 0;
  chunks_.clear();
  chunk_bytes_ = 0;
  outgoing_.clear();
  outgoing_bytes_ = 0;
  received_bytes_ = taken_bytes_ = handed_bytes_ = reported_bytes_ = 0;
  awaited_bytes_ = awaited_taken_ = awaited_handed_ = 0;
}

void ClientCore::on_connecting() {
  CHECK(phase_ == Phase::kClosed);
  reset();
  phase_ = Phase::kConnecting;
  outgoing_.emplace_back(protocol::Hello{.version = protocol::kProtocolVersion, .name = name_});
}

void ClientCore::reject_pending_requests() {
  for (const PendingSend& send : pending_sends_) {
    if (send.rejected) continue;
    upcalls_.emplace_back(upcall::Rejected{
        .request = send.request, .group = send.group->name, .reason = RejectReason::kGone});
  }
  pending_sends_.clear();
}

void ClientCore::on_disconnected(std::string_view reason) {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  reject_pending_requests();
  const std::vector<GroupState*> groups = groups_by_name();
  for (GroupState* group : groups) {
    // The first wish of a member is to leave, and its Gone answers that.
    const std::size_t answered = group->view && !group->wishes.empty() ? 1 : 0;
    for (std::size_t i = answered; i < group->wishes.size(); ++i) {
      upcalls_.emplace_back(upcall::Rejected{.request = group->wishes[i].request,
                                             .group = group->name,
                                             .reason = RejectReason::kGone});
    }
  }
  for (GroupState* group : groups) {
    if (group->view) end_membership(*group, GoneReason::kDaemonLost);
  }
  reset();
  upcalls_.emplace_back(upcall::Disconnected{.reason = std::string(reason)});
}

std::vector<protocol::ClientMessage> ClientCore::take_outgoing() {
  const std::uint64_t unreported = handed_bytes_ - reported_bytes_;
  const bool is_awaited = reported_bytes_ < awaited_handed_;
  const bool is_much = unreported > 0 && unreported >= queue_bytes_ / kReportsPerQueue;
  if (connected() && (is_much || is_awaited)) {
    reported_bytes_ = handed_bytes_;
    outgoing_.emplace_back(protocol::Consumed{.bytes_total = reported_bytes_});
  }
  outgoing_bytes_ = 0;
  return std::exchange(outgoing_, {});
}

void ClientCore::take_upcalls(std::vector<Upcall>& upcalls) {
  taken_bytes_ = received_bytes_;
  awaited_taken_ = awaited_bytes_;
  for (GroupState* group : std::exchange(blocks_to_tell_, {})) group->block_open = true;
  upcalls.clear();
  upcalls.swap(upcalls_);
}

std::vector<Upcall> ClientCore::take_upcalls() {
  std::vector<Upcall> upcalls;
  take_upcalls(upcalls);
  return upcalls;
}

void ClientCore::on_view_told(const std::string& group_name, const GroupViewId& view) {
  GroupState* group = find_group(group_key(group_name));
  if (group != nullptr && group->name == group_name) group->view_told = view;
}

void ClientCore::on_gone_told(const std::string& group_name) {
  GroupState* group = find_group(group_key(group_name));
  if (group != nullptr && group->name == group_name) group->view_told.reset();
}

const GroupView* ClientCore::view(std::string_view group_name) const {
  const GroupState* group = find_group(group_name);
  return group != nullptr && group->view ? &*group->view : nullptr;
}

bool ClientCore::has_credit() const {
  return connected() && unaccepted_messages_ < window_messages_ &&
         unaccepted_bytes_ < window_bytes_;
}

}  // namespace groupcomm
