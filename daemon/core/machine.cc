// DaemonCore::Machine: events, timers and what is told about itself.
#include "daemon/core/machine.h"

#include <algorithm>
#include <utility>

#include "groupcomm/probe.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using protocol::DaemonMember;
using protocol::DaemonView;

// A leave goes on without the others after so many times the time in which one would be suspected.
constexpr int kLeaveSuspicions = 3;

constexpr Duration kInstallPause = std::chrono::milliseconds(50);

// The base of the very first view change: the configured seeds, sorted by name, with no
// incarnations. Its id names the set of seeds, so that daemons configured with different ones
// cannot form a cluster together (rule R4).
DaemonView genesis_view(const DaemonOptions& options) {
  DaemonView view;
  view.members.push_back({{options.self.name, {}}, options.address});
  for (const PeerAddress& peer : options.peers) {
    view.members.push_back({{peer.name, {}}, peer.address});
  }
  std::sort(view.members.begin(), view.members.end());
  std::string names;
  for (const DaemonMember& member : view.members) names += member.id.name + '\n';
  view.id.proposer = Incarnation{group_key(names).value};
  // Addresses may be written differently at each daemon; only names make the set.
  for (DaemonMember& member : view.members) member.address.clear();
  return view;
}

protocol::DurableRecord starting_record(const DaemonOptions& options,
                                        protocol::DurableRecord record) {
  if (record.since == Incarnation{}) record.since = options.self.incarnation;
  if (!options.partitionable && !record.decided.primary) {
    // The policy was changed. What was attempted since may have come about: then this record knows
    // too little to vote (rule R5).
    const protocol::PrimaryClaim claim = record.claim.value_or(protocol::PrimaryClaim{});
    record = {.decided = claim.last,
              .promised = {},
              .accepted = std::nullopt,
              .since = claim.attempts.empty() ? record.since : options.self.incarnation,
              .claim = std::nullopt};
  }
  if (record.decided.id.counter > 0 || record.promised.round > 0) return record;
  record.decided = genesis_view(options);
  return record;
}

// Daemons that order by different engines would not agree (rule T1): their clusters are different.
std::uint64_t fingerprint_of(const std::string& cluster, bool is_lamport) {
  return group_key(cluster + (is_lamport ? "\nlamport" : "")).value;
}

membership::ViewChange::Options change_options(const DaemonOptions& options) {
  membership::ViewChange::Options change;
  change.self = {options.self, options.address};
  change.ballot_time_out = options.suspect;
  change.patience = 3 * options.suspect;
  change.deference = std::min(options.deference, options.suspect / 2);
  change.partitionable = options.partitionable;
  return change;
}

}  // namespace

DaemonCore::Machine::Machine(DaemonOptions options, protocol::DurableRecord record, TimePoint now)
    : options_(std::move(options)),
      cluster_(fingerprint_of(options_.cluster, options_.engine == TotalOrderEngine::kLamport)),
      cluster_of_other_engine_(
          fingerprint_of(options_.cluster, options_.engine != TotalOrderEngine::kLamport)),
      now_(now),
      started_(now),
      detector_(options_.suspect),
      change_(change_options(options_), starting_record(options_, record), now),
      installed_at_(now),
      clients_(options_, effects_),
      installs_sent_(kInstallPause, kStrangersMax),
      installs_asked_(kInstallPause, kStrangersMax),
      forebears_told_(kInstallPause, kStrangersMax),
      heartbeat_due_(now),
      beacon_due_(now) {
  if (!options_.peers.empty() && change_.record().since == options_.self.incarnation) {
    effects_.push_back(PersistRecord{change_.record()});
  }
  for (const PeerAddress& peer : options_.peers) connect(peer.name, peer.address);
  // Members of the last view that nobody configured here may live on, and vote with us.
  connect_members(change_.base());
  if (options_.partitionable) begin_alone();
  run_timers();
}

void DaemonCore::Machine::step(TimePoint now, Event event) {
  CHECK(now >= now_);
  if (over_) return;
  // A loop that stood still (a pause, an overloaded host) has read nothing in that time.
  const TimePoint before = now_;
  now_ = now;
  if (now_ - before > 3 * options_.heartbeat) {
    detector_.excuse(now_ - before);
    if (is_living()) ordering_->excuse(now_);
  }
  if (now_ - before > options_.suspect) begin_doubt();
  clients_.set_now(now_);
  std::visit([this](auto& value) { on(std::move(value)); }, event);
}

void DaemonCore::Machine::on(ClientFrame event) {
  if (ClientService::asks_for_status(event.messages)) clients_.set_status(status(now_));
  clients_.on_frame(event.session, std::move(event.messages));
  for (const auto& wish : clients_.take_bootstrap_wishes()) {
    consider_bootstrap(wish, event.from_operator);
  }
}

void DaemonCore::Machine::on(ClientLost event) { clients_.on_lost(event.session); }

void DaemonCore::Machine::on(PeerFrameReceived event) {
  if (!is_acceptable(event.frame.header, event.frame.body)) {
    ++frames_refused_;
    return;
  }
  on_frame(event.frame.header, event.frame.body);
}

void DaemonCore::Machine::on(PeerRefused event) {
  for (const Incarnation incarnation : detector_.heard_by_name(now_, event.name)) {
    if (detector_.is_newcomer(now_, incarnation)) {
      PROBE("E20: a refusal that may be about a predecessor");
      continue;
    }
    detector_.on_refused(now_, incarnation);
  }
  run_view_change();
}

void DaemonCore::Machine::on(PeerConnected event) {
  if (is_member_name(event.name)) {
    send({event.name}, protocol::Lane::kControl, view_.id, heartbeat());
  } else {
    send({event.name}, protocol::Lane::kControl, view_.id, beacon());
  }
}

void DaemonCore::Machine::on(TimerExpired) { run_timers(); }

void DaemonCore::Machine::on(InputDrained) {
  if (!is_living()) return;
  if (!doubt_) clients_.pump(*ordering_);
  deliver_all();
  if (ordering_->has_urgent_news()) send_batch();
  ordering_->observe(now_);
}

void DaemonCore::Machine::on(LeaveRequested) {
  leaving_ = true;
  leave_by_ = now_ + kLeaveSuspicions * options_.suspect;
  report(false, "leaving the view");
  finish_leave_if_done();
  if (over_) return;
  send_heartbeats();
  run_view_change();
}

// --- time ----------------------------------------------------------------------------------------

void DaemonCore::Machine::run_timers() {
  if (now_ >= heartbeat_due_) {
    heartbeat_due_ = now_ + options_.heartbeat;
    detector_.expire(now_);
    watch_streams();
    send_heartbeats();
  }
  if (now_ >= beacon_due_) {
    // Outside a view beacons are all that others hear of us.
    const bool is_settled = is_living() && !clients_.is_suspended() && !quiet_since_;
    beacon_due_ = now_ + (is_settled ? 5 : 1) * options_.heartbeat;
    disconnect_strangers();
    send_beacons();
  }
  clients_.run_timers();
  watch_components();
  run_view_change();
  if (over_ || !is_living()) return;
  if (ordering_->progress_deadline() <= now_) send_batch();
  ask_for_missing();
  ordering_->observe(now_);
}

TimePoint DaemonCore::Machine::next_deadline() const {
  if (over_) return TimePoint::never();
  TimePoint deadline = std::min(heartbeat_due_, beacon_due_);
  // (None is begun while a decision waits for its cut.)
  if (change_.is_pending() && !deciding_) {
    deadline = std::min(deadline, change_.next_deadline(situation()));
  }
  deadline = std::min({deadline, refill_.due(), clients_.next_deadline()});
  if (is_living()) {
    deadline = std::min(deadline, detector_.next_deadline(now_));
    if (!ordering_->is_frozen()) {
      deadline = std::min({deadline, ordering_->progress_deadline(), ordering_->nack_deadline()});
    }
  }
  // A deadline in the past means "now": never let the host spin on a moment that has been served.
  return std::max(deadline, now_ + std::chrono::milliseconds(1));
}

protocol::Heartbeat DaemonCore::Machine::heartbeat() {
  protocol::Heartbeat heartbeat;
  heartbeat.progress = ordering_->progress();
  heartbeat.hears = hears();
  heartbeat.leaving = leaving_;
  heartbeat.number = ++heartbeats_made_;
  for (const DaemonMember& member : view_.members) {
    const auto heard = heartbeats_heard_.find(member.id.incarnation);
    heartbeat.answers.push_back(heard == heartbeats_heard_.end() ? 0 : heard->second);
  }
  return heartbeat;
}

protocol::Beacon DaemonCore::Machine::beacon() {
  protocol::Beacon beacon;
  beacon.address = options_.address;
  beacon.active = is_living() && !clients_.is_suspended() && !quiet_since_;
  beacon.partitionable = options_.partitionable;
  beacon.decided = change_.base();
  beacon.hears = hears();
  for (const Incarnation incarnation : beacon.hears) {
    const auto stranger = strangers_.find(incarnation);
    beacon.answers.push_back(stranger == strangers_.end() ? BeaconNumber{}
                                                          : stranger->second.beacon.number);
  }
  beacon.number = draw_beacon_number();
  return beacon;
}

// Rule D6: the number is the time, in microseconds from the start, so that whoever gets it back in
// an answer knows how old that is.
BeaconNumber DaemonCore::Machine::draw_beacon_number() {
  const auto age = static_cast<std::uint64_t>((now_ - started_) / std::chrono::microseconds(1));
  last_beacon_ = std::max(last_beacon_.next(), BeaconNumber{age});
  return last_beacon_;
}

std::optional<TimePoint> DaemonCore::Machine::answered_beacon_sent(
    const protocol::Beacon& beacon) const {
  for (std::size_t i = 0; i < beacon.answers.size() && i < beacon.hears.size(); ++i) {
    const BeaconNumber answered = beacon.answers[i];
    if (beacon.hears[i] != options_.self.incarnation || !answered) continue;
    if (answered > last_beacon_) break;
    return started_ + std::chrono::microseconds(answered.value);
  }
  return std::nullopt;
}

void DaemonCore::Machine::send_heartbeats() {
  if (!is_living()) return;
  const auto others = other_members();
  if (!others.empty()) send(others, protocol::Lane::kControl, view_.id, heartbeat());
  const auto behind = still_behind();
  if (behind.empty() || left_by_->base != view_.id) return;
  const protocol::Install install{.value = *left_by_, .groups = std::nullopt, .departed = {}};
  send(behind, protocol::Lane::kControl, view_.id, install);
}

void DaemonCore::Machine::send_beacons() {
  std::vector<std::string> to;
  for (const auto& [name, connected] : connected_) {
    // A suspended member may have to deal with a restarted one of its own view.
    if (name == options_.self.name) continue;
    if (is_living() && !clients_.is_suspended() && is_member_name(name)) continue;
    to.push_back(name);
  }
  if (!to.empty()) send(to, protocol::Lane::kControl, view_.id, beacon());
}

void DaemonCore::Machine::send_batch() {
  if (ordering_->is_frozen()) return;
  const auto others = other_members();
  do {
    std::optional<protocol::Batch> batch = ordering_->take_batch();
    if (!batch) return;
    if (!others.empty()) send(others, protocol::Lane::kData, view_.id, std::move(*batch));
  } while (ordering_->has_unsent());
}

void DaemonCore::Machine::ask_for_missing() {
  if (ordering_->is_frozen()) return;
  ordering_->observe(now_);
  for (auto& [to, nack] : ordering_->take_nacks(now_)) {
    ++nacks_sent_;
    send({view_.members[to].id.name}, protocol::Lane::kControl, view_.id, std::move(nack));
  }
}

// --- about itself --------------------------------------------------------------------------------

protocol::DaemonStatus DaemonCore::Machine::status(TimePoint now) const {
  protocol::DaemonStatus status;
  status.daemon = options_.self;
  status.cluster = options_.cluster;
  status.version = options_.version;
  status.uptime_ms = static_cast<std::uint64_t>((now - started_) / std::chrono::milliseconds(1));
  status.phase = !is_living()              ? "joining"
                 : clients_.is_suspended() ? "suspended"
                 : ordering_->is_frozen()  ? "flushing"
                 : quiet_since_            ? "merging"
                                           : "regular";
  if (is_living()) {
    status.view = view_.id;
    status.primary = view_.primary && !clients_.is_suspended();
    for (Rank rank = 0; rank < view_.members.size(); ++rank) {
      const DaemonMember& member = view_.members[rank];
      const bool is_heard = rank == rank_ || detector_.is_heard(now, member.id.incarnation);
      status.members.push_back(
          {.id = member.id,
           .address = member.address,
           .state = rank == rank_ ? "self"
                    : is_heard    ? "alive"
                                  : "suspected",
           .unacknowledged = rank == rank_ ? 0 : ordering_->unacknowledged_by(rank)});
    }
  }
  status.clients = clients_.client_statuses();
  status.counters = {
      {"ballots_begun", change_.ballots_begun()},
      {"client_bytes_waiting", clients_.waiting_bytes()},
      {"client_requests_queued", clients_.queued_requests()},
      {"client_requests_rejected", clients_.rejected_requests()},
      {"clients", clients_.sessions()},
      {"clients_evicted", clients_.evicted_sessions()},
      {"frames_of_other_views", frames_of_other_views_},
      {"frames_refused", frames_refused_},
      {"groups", clients_.directory().groups().size()},
      {"messages_accepted", clients_.accepted_messages()},
      {"messages_delivered", clients_.delivered_messages()},
      {"messages_retained", is_living() ? ordering_->retained_messages() : 0},
      {"nacks_sent", nacks_sent_},
      {"repairs_sent", repairs_sent_},
      {"unstable_bytes", is_living() ? ordering_->unstable_bytes() : 0},
      {"views_installed", views_installed_},
  };
  return status;
}

void DaemonCore::Machine::check_invariants() const {
  if (over_ || !is_living()) return;
  CHECK_EQ(view_.id, change_.base().id);
  CHECK(change_.is_living());
  CHECK_LT(rank_, view_.members.size());
  CHECK_EQ(view_.members[rank_].id, options_.self);
  CHECK_IMPLIES(change_.is_flushing(), ordering_->is_frozen());
}

void DaemonCore::Machine::send(std::vector<std::string> to, protocol::Lane lane, const ViewId& view,
                               protocol::PeerBody body) {
  auto frame = std::make_shared<protocol::PeerFrame>();
  frame->header = {.cluster = cluster_,
                   .lineage = change_.base().lineage,
                   .sender = options_.self,
                   .view = view};
  frame->body = std::move(body);
  effects_.push_back(SendToPeers{std::move(to), lane, std::move(frame)});
}

std::vector<std::string> DaemonCore::Machine::other_members() const {
  std::vector<std::string> names;
  for (const DaemonMember& member : view_.members) {
    if (member.id != options_.self) names.push_back(member.id.name);
  }
  return names;
}

bool DaemonCore::Machine::is_member_name(const std::string& name) const {
  return is_living() && membership::has_name(view_, name);
}

void DaemonCore::Machine::report(bool warning, std::string text) {
  effects_.push_back(Report{warning, std::move(text)});
}

}  // namespace groupcomm::daemon
