#include "daemon/verify/history.h"

#include <algorithm>
#include <charconv>

namespace groupcomm::verify {

Index Names::add(std::string_view text) {
  const auto [entry, is_new] =
      indices_.emplace(std::string(text), static_cast<Index>(texts_.size()));
  if (is_new) texts_.push_back(&entry->first);
  return entry->second;
}

Index Names::find(std::string_view text) const {
  const auto found = indices_.find(std::string(text));
  return found == indices_.end() ? kNone : found->second;
}

std::uint64_t counter_before_force(const ViewOrder& forced) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 32;
  const std::uint64_t counter = std::get<0>(forced);
  return counter > kStep ? counter - kStep : counter - 1;
}

std::optional<ViewOrder> parse_view_order(std::string_view id) {
  std::uint64_t parts[4] = {0, 0, 0, 0};
  const char separators[4] = {'.', '.', '/', '\0'};
  const char* next = id.data();
  const char* const end = id.data() + id.size();
  for (int i = 0; i < 4; ++i) {
    const auto [stop, error] = std::from_chars(next, end, parts[i], i == 1 ? 16 : 10);
    if (error != std::errc()) return std::nullopt;
    if (stop == end) {
      // The id of a daemon view has no place.
      if (i < 2) return std::nullopt;
      return ViewOrder(parts[0], parts[1], parts[2], parts[3]);
    }
    if (*stop != separators[i]) return std::nullopt;
    next = stop + 1;
  }
  return std::nullopt;
}

std::string_view daemon_view_of(std::string_view group_view_id) {
  return group_view_id.substr(0, group_view_id.find('/'));
}

std::string_view daemon_of(std::string_view member) {
  const std::string_view process = split_member(member).first;
  const std::size_t at = process.rfind('@');
  const std::size_t dot = process.rfind('.');
  if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) return {};
  return process.substr(at + 1, dot - at - 1);
}

std::size_t History::MessageKeyHash::operator()(const MessageKey& key) const {
  std::uint64_t hash = key.number * 0x9e3779b97f4a7c15;
  for (const Index part : {key.sender, key.scope, key.destination}) {
    hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9 + static_cast<std::uint64_t>(part + 1);
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

History::History(const Run& run, Role level) : run_(run), level_(level) {
  find_cut_traces();
  for (const Trace& trace : run.traces) add_trace(trace);
  find_traced_daemons();
  find_homes();
  finish();
}

void History::add_trace(const Trace& trace) {
  const bool is_daemon = trace.header.role == Role::kDaemon;
  for (const Record& raw : trace.records) {
    std::visit(
        [&](const auto& r) {
          using T = std::decay_t<decltype(r)>;
          if constexpr (std::is_same_v<T, record::Send>) {
            if (is_daemon) return add_daemon_send(r);
          }
          if constexpr (std::is_same_v<T, record::View>) {
            note_daemon_view(r);
          }
          if (is_daemon != (level_ == Role::kDaemon)) return;
          if constexpr (requires { add(raw, r); }) {
            add(raw, r);
          } else if constexpr (std::is_same_v<T, record::BlockOk> ||
                               std::is_same_v<T, record::Suspended> ||
                               std::is_same_v<T, record::Lead> || std::is_same_v<T, record::Act>) {
            add_inside_view(raw, r.p, r.g);
          }
        },
        raw);
  }
}

// What a trace does not say may have been cut off with its end. That of a process which has begun
// another one in it is there.
void History::find_cut_traces() {
  has_cut_daemons_ = !run_.missing_daemons.empty();
  for (const Trace& trace : run_.traces) {
    const bool is_daemon = trace.header.role == Role::kDaemon;
    const record::Start* last = nullptr;
    for (const Record& record : trace.records) {
      const auto* start = std::get_if<record::Start>(&record);
      if (start == nullptr) continue;
      last = start;
      if (is_daemon) traced_.insert(start->p);
    }
    if (!trace.is_cut || last == nullptr) continue;
    cut_.insert(last->p);
    if (is_daemon) has_cut_daemons_ = true;
  }
}

// A whole trace also tells of whom nothing was stamped.
void History::find_traced_daemons() {
  for (Index i = 0; at(i) < process_infos_.size(); ++i) {
    const std::string_view daemon = daemon_of(process_name(i));
    bool& is_traced = process_infos_[at(i)].daemon_traced;
    is_traced = (is_traced || traced_.contains(daemon)) && !is_cut(daemon);
  }
}

Index History::process_index(std::string_view name) {
  const Index index = processes_.add(name);
  if (at(index) == process_infos_.size()) process_infos_.emplace_back();
  return index;
}

Index History::member_index(std::string_view name) {
  const Index index = members_.add(name);
  if (at(index) == member_processes_.size()) {
    member_processes_.push_back(process_index(split_member(name).first));
  }
  return index;
}

Index History::view_index(Index group, const std::string& id) {
  const Index name = view_ids_.add(id);
  const auto [entry, is_new] =
      view_indices_.emplace(std::pair(group, name), static_cast<Index>(views_.size()));
  if (is_new) {
    ViewInfo& view = views_.emplace_back();
    view.id = name;
    view.group = group;
  }
  return entry->second;
}

Index History::message_index(const MessageKey& key) {
  const auto [entry, is_new] = message_indices_.emplace(key, static_cast<Index>(messages_.size()));
  if (is_new) {
    MessageInfo& message = messages_.emplace_back();
    message.sender = key.sender;
    message.number = key.number;
  }
  return entry->second;
}

Membership* History::open_membership(const std::string& p, const std::string& g) {
  const Index member = members_.find(p);
  const Index group = groups_.find(g);
  if (member == kNone || group == kNone) return nullptr;
  const auto found = membership_indices_.find({member, group});
  if (found == membership_indices_.end()) return nullptr;
  Membership& membership = memberships_[found->second];
  return membership.gone == nullptr ? &membership : nullptr;
}

void History::add(const Record& raw, const record::View& view) {
  const Index group = groups_.add(view.g);
  const Index member = member_index(view.p);
  const Index index = view_index(group, view.id);
  ViewInfo& info = views_[at(index)];
  if (info.first_record == nullptr) {
    info.first_record = &raw;
    info.primary = view.primary;
    for (const std::string& name : view.members) info.members.push_back(member_index(name));
  }
  if (view.flush) blocked_.insert(view.g);
  const Index process = member_processes_[at(member)];
  process_infos_[at(process)].has_trace = true;
  const auto [entry, is_new] =
      membership_indices_.emplace(std::pair(member, group), memberships_.size());
  if (is_new) {
    Membership& membership = memberships_.emplace_back();
    membership.member = member;
    membership.process = process;
    membership.group = group;
    const auto [name, joins] = split_member(view.p);
    if (joins > 1 && open_membership(verify::member_name(name, joins - 1), view.g) != nullptr) {
      stray(raw, "a membership that begins before the one before it is over");
    }
  } else if (memberships_[entry->second].gone != nullptr) {
    stray(raw, "a view after the membership was over");
  }
  std::vector<Stay>& stays = memberships_[entry->second].stays;
  // A transition holds until the view of daemons ends: groups may change once more before that.
  const Stay* before = stays.empty() ? nullptr : &stays.back();
  const bool is_after = before != nullptr && before->transition != nullptr &&
                        daemon_view_of(view_name(before->view)) == daemon_view_of(view.id);
  Stay stay{.view = index, .record = &raw, .deliveries = {}};
  if (is_after) stay.before_transition = 0;
  if (is_after) stay.transition = before->transition;
  stays.push_back(std::move(stay));
}

void History::add(const Record& raw, const record::Deliver& deliver) {
  Membership* membership = open_membership(deliver.p, deliver.g);
  if (membership == nullptr) return stray(raw, "a delivery outside of any membership");
  Stay& stay = membership->stays.back();
  if (view_name(stay.view) != deliver.view) {
    stray(raw, "a delivery that names a view other than the current one");
  }
  const Index sender = process_index(deliver.sender);
  const bool is_daemons = level_ == Role::kDaemon;
  const Index message =
      message_index({.sender = sender,
                     .scope = is_daemons ? stay.view : membership->group,
                     .destination = is_daemons ? destinations_.add(deliver.destination) : kNone,
                     .number = deliver.number});
  MessageInfo& info = messages_[at(message)];
  info.group = membership->group;
  if (info.first_delivery == nullptr) info.first_delivery = &raw;
  stay.deliveries.push_back({.message = message, .record = &raw});
  ProcessInfo& process = process_infos_[at(membership->process)];
  process.steps.push_back({.is_send = false,
                           .message = message,
                           .membership = static_cast<Index>(membership - memberships_.data())});
  ++process.deliveries;
}

void History::add(const Record& raw, const record::Gone& gone) {
  Membership* membership = open_membership(gone.p, gone.g);
  // A join that was never granted may end this way, too.
  if (membership == nullptr) return;
  membership->gone = &raw;
  membership->deliveries_before_gone = process_infos_[at(membership->process)].deliveries;
}

void History::add(const Record&, const record::Start& start) {
  process_infos_[at(process_index(start.p))].has_trace = true;
}

void History::add(const Record&, const record::Exit& exit) {
  process_infos_[at(process_index(exit.p))].ended = true;
}

void History::add(const Record&, const record::Crash& crash) {
  ProcessInfo& info = process_infos_[at(process_index(crash.p))];
  info.ended = true;
  info.crashed = true;
}

void History::add(const Record& raw, const record::Send& send) {
  const Index sender = process_index(send.p);
  const Index group = groups_.add(send.g);
  const Index index = message_index(
      {.sender = sender, .scope = group, .destination = kNone, .number = send.number});
  MessageInfo& message = messages_[at(index)];
  message.group = group;
  if (message.client_send != nullptr) stray(raw, "a second record of one send");
  message.client_send = &send;
  ProcessInfo& process = process_infos_[at(sender)];
  process.has_trace = true;
  process.steps.push_back({.is_send = true, .message = index, .membership = kNone});
}

void History::add_daemon_send(const record::Send& send) {
  if (level_ == Role::kDaemon) return;
  const Index sender = process_index(send.p);
  const Index group = groups_.add(send.g);
  const Index index = message_index(
      {.sender = sender, .scope = group, .destination = kNone, .number = send.number});
  MessageInfo& message = messages_[at(index)];
  message.group = group;
  message.daemon_send = &send;
  message.stamped_view = view_index(group, send.view);
  process_infos_[at(sender)].daemon_traced = true;
  process_infos_[at(sender)].daemon_sends.push_back(index);
}

// What its sender is told of a message, whose send may be in no trace.
Index History::own_message(const std::string& p, const std::string& g, std::uint64_t number) {
  const Index group = groups_.add(g);
  const Index message = message_index({.sender = process_index(split_member(p).first),
                                       .scope = group,
                                       .destination = kNone,
                                       .number = number});
  messages_[at(message)].group = group;
  return message;
}

void History::add(const Record& raw, const record::Safe& safe) {
  const Index message = own_message(safe.p, safe.g, safe.number);
  const Membership* membership = open_membership(safe.p, safe.g);
  const Index process = messages_[at(message)].sender;
  safe_notices_.push_back({.message = message,
                           .view = membership == nullptr ? kNone : membership->stays.back().view,
                           .record = &raw,
                           .seen = process_infos_[at(process)].deliveries});
}

void History::add(const Record& raw, const record::Transition& transition) {
  Membership* membership = open_membership(transition.p, transition.g);
  if (membership == nullptr) return stray(raw, "outside of any membership");
  Stay& stay = membership->stays.back();
  if (stay.transition != nullptr) return;  // the first one counts
  stay.before_transition = stay.deliveries.size();
  stay.transition = &transition;
}

void History::add(const Record&, const record::SendFail& fail) {
  send_fails_.insert(own_message(fail.p, fail.g, fail.number));
}

void History::add_inside_view(const Record& raw, const std::string& p, const std::string& g) {
  if (open_membership(p, g) == nullptr) stray(raw, "outside of any membership");
}

void History::add(const Record& raw, const record::Block& block) {
  blocked_.insert(block.g);
  add_inside_view(raw, block.p, block.g);
}

// Those who died or were excluded may have been alone with an order, and with it alone with the
// view of a total message: what the others did counts first.
void History::find_homes() {
  for (const auto& [is_lost, is_complete_stay] : {std::pair(false, true), std::pair(false, false),
                                                  std::pair(true, true), std::pair(true, false)}) {
    for (const Membership& membership : memberships_) {
      for (std::size_t i = 0; i < membership.stays.size(); ++i) {
        if (is_complete(membership, i) != is_complete_stay) continue;
        const Stay& stay = membership.stays[i];
        const bool is_lost_all = is_lost_before_recovery(membership, i);
        const bool is_lost_end = is_lost_all || (is_partitionable_ && ends_apart(membership, i));
        for (std::size_t d = 0; d < stay.deliveries.size(); ++d) {
          if ((d < stay.before_transition ? is_lost_all : is_lost_end) != is_lost) continue;
          MessageInfo& message = messages_[at(stay.deliveries[d].message)];
          if (message.home != kNone) continue;
          message.home = stay.view;
          message.home_record = stay.deliveries[d].record;
          message.home_is_transitional = d >= stay.before_transition;
          const bool is_last = i + 1 == membership.stays.size();
          message.home_next = is_last ? kNone : membership.stays[i + 1].view;
        }
      }
    }
  }
}

void History::finish() {
  for (Index i = 0; at(i) < messages_.size(); ++i) {
    streams_[{messages_[at(i)].sender, messages_[at(i)].group}].push_back(i);
  }
  for (auto& [key, stream] : streams_) {
    std::sort(stream.begin(), stream.end(), [&](Index a, Index b) {
      return std::pair(messages_[at(a)].number, a) < std::pair(messages_[at(b)].number, b);
    });
  }
}

bool History::is_uniform(const Membership& membership) const {
  return run_.uniform_groups.contains(group_name(membership.group)) ||
         std::get<record::View>(*membership.stays.front().record).uniform;
}

bool History::is_flush(const Membership& membership) const {
  return run_.flush_groups.contains(group_name(membership.group)) ||
         std::get<record::View>(*membership.stays.front().record).flush;
}

std::string History::message_name(Index index) const {
  const MessageInfo& m = message(index);
  return "message " + std::to_string(m.number) + " of " + process_name(m.sender) + " to " +
         (m.group == kNone ? "?" : group_name(m.group));
}

void History::note_daemon_view(const record::View& view) {
  is_partitionable_ = is_partitionable_ || !view.primary;
  if (view.recovered) recovered_.emplace(daemon_view_of(view.id));
  const auto order = parse_view_order(daemon_view_of(view.id));
  if (!order) return;
  DaemonViewInfo& info = daemon_views_[*order];
  info.recovered = info.recovered || view.recovered;
  if (view.g != kDaemons) {
    if (!has_cut_daemons_) return;
    for (const std::string& member : view.members) info.seated.emplace(daemon_of(member));
    return;
  }
  info.members.insert(view.members.begin(), view.members.end());
  info.lineage = view.lineage;
  Lineage& lineage =
      lineages_.try_emplace(view.lineage, Lineage{view.ancestor, *order, false}).first->second;
  lineage.first = std::min(lineage.first, *order);
  lineage.is_forced = lineage.is_forced || view.forced;
}

const std::string& History::lineage_of(Index view) const {
  static const std::string kUnknown;
  const auto order = parse_view_order(daemon_view_of(view_name(view)));
  const auto found = order ? daemon_views_.find(*order) : daemon_views_.end();
  return found == daemon_views_.end() ? kUnknown : found->second.lineage;
}

bool History::knows_beginning(const std::string& lineage) const {
  if (!has_cut_daemons_) return true;
  const auto found = lineages_.find(lineage);
  if (found == lineages_.end()) return false;
  return found->second.is_forced || found->second.ancestor.empty();
}

bool History::leads_to(Index view, const std::string& lineage) const {
  const std::string& own = lineage_of(view);
  const auto order = parse_view_order(daemon_view_of(view_name(view)));
  const std::string* reached = &lineage;
  // Each is the ancestor of the next; what is traced may be anything.
  for (std::size_t steps = 0; steps <= lineages_.size(); ++steps) {
    if (*reached == own) return true;
    const auto found = lineages_.find(*reached);
    if (!order || found == lineages_.end() || found->second.ancestor.empty()) return false;
    if (counter_before_force(found->second.first) < std::get<0>(*order)) return false;
    if (!knows_beginning(*reached)) return false;
    reached = &found->second.ancestor;
  }
  return false;
}

bool History::has_untold_view(const ViewOrder& before, DaemonViews::const_iterator after) const {
  return has_cut_daemons_ && std::get<0>(before) + 1 < std::get<0>(after->first);
}

// Clients that join then are not told.
bool History::may_be_recovered(const DaemonViewInfo& view) const {
  return view.recovered || (has_cut_daemons_ && view.members.empty());
}

// Without a trace of the daemons, whoever neither died nor was thrown out is taken to have, if its
// own trace has an end.
bool History::has_come_along(const Membership& membership, const DaemonViewInfo& next) const {
  if (next.members.empty()) {
    if (next.seated.contains(daemon_of(process_name(membership.process)))) return true;
    if (membership.gone == nullptr && is_cut(process_name(membership.process))) return false;
    const bool is_over =
        membership.gone != nullptr && std::get<record::Gone>(*membership.gone).reason != "left";
    return !is_over && !process_infos_[at(membership.process)].ended;
  }
  const std::string_view name = process_name(membership.process);
  return next.members.contains(level_ == Role::kDaemon ? name : daemon_of(name));
}

bool History::is_lost_before_recovery(const Membership& membership, std::size_t stay) const {
  const std::string_view view = daemon_view_of(view_name(membership.stays[stay].view));
  if (daemon_view_of(view_name(membership.stays.back().view)) != view) return false;
  const auto order = parse_view_order(view);
  if (!order) return false;
  const auto next = daemon_views_.upper_bound(*order);
  if (next == daemon_views_.end()) return false;
  if (has_untold_view(*order, next)) return true;
  return may_be_recovered(next->second) && !has_come_along(membership, next->second);
}

bool History::ends_apart(const Membership& membership, std::size_t stay) const {
  const bool is_last = stay + 1 == membership.stays.size();
  if (is_last) return is_partitionable_;
  const Index next = membership.stays[stay + 1].view;
  return is_recovered(next) || !view(next).primary || !view(membership.stays[stay].view).primary;
}

bool History::ends_in_recovery(const Membership& membership, std::size_t stay) const {
  if (membership.stays[stay].transition == nullptr) return false;
  if (stay + 1 < membership.stays.size() || is_partitionable_) return ends_apart(membership, stay);
  const auto order = parse_view_order(daemon_view_of(view_name(membership.stays[stay].view)));
  if (!order) return false;
  const auto next = daemon_views_.upper_bound(*order);
  return next == daemon_views_.end() || may_be_recovered(next->second) ||
         has_untold_view(*order, next);
}

bool History::has_parted(const MessageInfo& message, const Membership& membership) const {
  if (!is_partitionable_) return false;
  for (std::size_t i = 0; i < membership.stays.size(); ++i) {
    if (message.home == kNone || membership.stays[i].view != message.home) continue;
    const bool is_last = i + 1 == membership.stays.size();
    const Index next = is_last ? kNone : membership.stays[i + 1].view;
    return next == kNone ? membership.gone != nullptr : next != message.home_next;
  }
  return true;
}

bool History::is_recovered(Index view) const {
  return recovered_.contains(daemon_view_of(view_name(view)));
}

Index History::find_view(Index group, std::string_view id) const {
  const auto found = view_indices_.find({group, view_ids_.find(id)});
  return found == view_indices_.end() ? kNone : found->second;
}

bool History::has_member(Index view, Index member) const {
  const auto& members = views_[at(view)].members;
  return std::find(members.begin(), members.end(), member) != members.end();
}

bool History::has_process(Index view, Index process) const {
  const auto& members = views_[at(view)].members;
  return std::any_of(members.begin(), members.end(),
                     [&](Index member) { return member_processes_[at(member)] == process; });
}

const Membership* History::membership_in(Index view, Index process) const {
  for (const Index member : views_[at(view)].members) {
    if (member_processes_[at(member)] != process) continue;
    const auto found = membership_indices_.find({member, views_[at(view)].group});
    if (found != membership_indices_.end()) return &memberships_[found->second];
  }
  return nullptr;
}

bool History::is_addressed(const MessageInfo& message, Index process) const {
  if (level_ == Role::kDaemon) return true;
  const record::Send* send = message.send();
  if (send == nullptr) return false;
  if (send->self_discard && message.sender == process) return false;
  if (send->to.empty()) return true;
  const std::string& name = process_name(process);
  return name == send->to || name.substr(name.rfind('#') + 1) == send->to;
}

bool History::is_owed(const MessageInfo& message, const Membership& membership) const {
  const Index view = message.home != kNone ? message.home : message.stamped_view;
  if (view == kNone || !has_member(view, membership.member)) return false;
  // Its join, of which only the dead knew that it had its place, became part of a later view.
  const std::vector<Stay>& stays = membership.stays;
  const bool was_there =
      std::any_of(stays.begin(), stays.end(), [&](const Stay& stay) { return stay.view == view; });
  if (!was_there && !stays.empty() && is_recovered(stays.front().view)) return false;
  return is_addressed(message, membership.process);
}

std::optional<Order> History::order_of(const MessageInfo& message) const {
  if (message.send() != nullptr) return message.send()->order;
  if (message.first_delivery == nullptr) return std::nullopt;
  return std::get<record::Deliver>(*message.first_delivery).order;
}

bool History::is_complete(const Membership& membership, std::size_t stay) const {
  if (stay + 1 < membership.stays.size()) return true;
  return membership.gone == nullptr && has_settled(membership.process);
}

bool History::has_settled(Index process) const {
  if (!run_.converged || process_infos_[at(process)].ended) return false;
  const std::string& name = process_name(process);
  const bool is_daemon = level_ == Role::kDaemon;
  return !run_.unsettled_daemons.contains(is_daemon ? std::string_view(name) : daemon_of(name));
}

std::map<std::pair<Index, Index>, std::vector<History::StayIndex>> History::companions() const {
  std::map<std::pair<Index, Index>, std::vector<StayIndex>> buckets;
  for (std::size_t m = 0; m < memberships_.size(); ++m) {
    const auto& stays = memberships_[m].stays;
    for (std::size_t s = 0; s < stays.size(); ++s) {
      if (!is_complete(memberships_[m], s)) continue;
      const Index next = s + 1 < stays.size() ? stays[s + 1].view : kNone;
      buckets[{stays[s].view, next}].push_back({m, s});
    }
  }
  return buckets;
}

}  // namespace groupcomm::verify
