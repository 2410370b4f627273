// DaemonCore::Machine: from one view to the next.
#include <algorithm>
#include <utility>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/rank_set.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using membership::contains;
using membership::has_name;
using membership::is_in;
using membership::Joiner;
using membership::ViewChange;
using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::ViewChangeValue;

constexpr int kRefillTimeOuts = 4;
// An answer to a beacon that was sent so many times the time-out ago says nothing any more.
constexpr int kAnswerAges = 2;
constexpr int kStrangerPatience = 10;
constexpr Duration kLeavePause = std::chrono::milliseconds(20);
constexpr Duration kLeaveTimeOut = std::chrono::seconds(1);

bool is_arrival(const ViewChangeValue& value, const DaemonId& id) {
  return std::any_of(value.arrivals.begin(), value.arrivals.end(), [&](const auto& arrival) {
    return contains(arrival.daemons, id.incarnation);
  });
}

}  // namespace

// --- what is known of the world ------------------------------------------------------------------

// Rule D4: a member of a living view is present while frames pass both ways; a member that
// restarted is present by its name where it votes on the same base.
bool DaemonCore::Machine::is_living_present(const DaemonMember& member) const {
  if (!is_living() || !detector_.is_heard(now_, member.id.incarnation)) return false;
  if (mute_.contains(member.id.incarnation) || !is_here(member)) return false;
  const bool is_settled = now_ - installed_at_ > options_.suspect;
  return !is_settled || detector_.is_linked(now_, member.id.incarnation);
}

bool DaemonCore::Machine::is_present(Rank rank, const DaemonMember& member) const {
  if (change_.rank() == rank || is_living_present(member)) return true;
  if (options_.partitionable) return false;
  const Incarnation incarnation = member.id.incarnation;
  return std::any_of(strangers_.begin(), strangers_.end(), [&](const auto& entry) {
    const Stranger& stranger = entry.second;
    return stranger.member.id.name == member.id.name && stranger.beacon.decided &&
           stranger.beacon.decided->id == change_.base().id && !stranger.beacon.active &&
           is_fresh(stranger) && (!is_living() || stranger.member.id.incarnation != incarnation);
  });
}

bool DaemonCore::Machine::is_fresh(const Stranger& stranger) const {
  return now_ - stranger.heard < options_.suspect &&
         detector_.is_heard(now_, stranger.member.id.incarnation);
}

// Rule D6: frames of a daemon may be as old as they like, and it may be dead by now. It lives where
// it answers what was said to it lately.
bool DaemonCore::Machine::lives(const Stranger& stranger) const {
  return is_fresh(stranger) && stranger.alive &&
         now_ - *stranger.alive < kAnswerAges * options_.suspect;
}

std::vector<Joiner> DaemonCore::Machine::joiners() const {
  if (options_.partitionable) return arrivals();
  std::vector<Joiner> joiners;
  for (const auto& [incarnation, stranger] : strangers_) {
    const bool is_outside = !is_living() || !is_in(view_, stranger.member.id);
    if (!is_outside || stranger.beacon.active || !is_fresh(stranger)) continue;
    if (is_living() && barred_.contains(stranger.member.id.name)) continue;
    if (has_left(stranger.member.id, stranger.beacon)) {
      PROBE("E21: one that would join has left a view that was not known when it was heard");
      continue;
    }
    if (!lives(stranger)) {
      PROBE("E21: one that would join has not answered lately");
      continue;
    }
    joiners.push_back({stranger.member, stranger.beacon.hears});
  }
  return joiners;
}

bool DaemonCore::Machine::is_heard_by_all_present(const Joiner& joiner,
                                                  const membership::RankSet& present) const {
  const DaemonId& id = joiner.member.id;
  return std::all_of(present.begin(), present.end(), [&](Rank rank) {
    const DaemonId& member = view_.members[rank].id;
    if (member.name == id.name) return false;  // the name is taken, or it votes itself
    const bool hears_member = contains(joiner.hears, member.incarnation);
    if (rank == rank_) return hears_member;
    const auto row = hearing_.find(member.incarnation);
    return hears_member && row != hearing_.end() && contains(row->second, id.incarnation);
  });
}

bool DaemonCore::Machine::is_heard_by_another(Incarnation incarnation,
                                              const ViewChange::Situation& situation) const {
  return std::any_of(situation.present.begin(), situation.present.end(), [&](Rank rank) {
    if (rank == rank_ || situation.lost.contains(rank)) return false;
    const auto row = hearing_.find(view_.members[rank].id.incarnation);
    return row != hearing_.end() && contains(row->second, incarnation);
  });
}

ViewChange::Situation DaemonCore::Machine::situation() const {
  ViewChange::Situation situation;
  situation.hears = hears();
  situation.hears.push_back(options_.self.incarnation);
  const auto& members = change_.base().members;
  for (Rank rank = 0; rank < members.size(); ++rank) {
    if (is_living() && rank != rank_ && !is_living_present(members[rank])) {
      situation.lost.insert(rank);
    }
    if (!is_present(rank, members[rank])) continue;
    situation.present.insert(rank);
    if (leavers_.contains(members[rank].id.incarnation)) situation.leaving.insert(rank);
  }
  for (const Rank rank : situation.lost) {
    if (is_heard_by_another(members[rank].id.incarnation, situation)) {
      situation.heard_elsewhere.insert(rank);
    }
  }
  situation.joiners = joiners();
  if (is_living() && !leaving_) {
    situation.joiner_is_due = std::any_of(
        situation.joiners.begin(), situation.joiners.end(),
        [&](const Joiner& joiner) { return is_heard_by_all_present(joiner, situation.present); });
  }
  situation.leaving_self = leaving_;
  situation.follows = is_following();
  situation.quiet_is_due = is_quiet_due(situation.follows);
  situation.given_up = given_up();
  situation.suspended = clients_.is_suspended();
  situation.may_recover =
      !hears_kin() && std::none_of(strangers_.begin(), strangers_.end(), [&](const auto& entry) {
        return entry.second.beacon.active && is_fresh(entry.second);
      });
  return situation;
}

// --- the change ----------------------------------------------------------------------------------

// Rule F2: from the first answer on nothing more of the view is stamped, taken or acknowledged.
ViewChange::Messages DaemonCore::Machine::frozen_messages() {
  ViewChange::Messages messages;
  if (!is_living()) return messages;
  if (!ordering_->is_frozen()) {
    deliver_all();
    clients_.stop_stamping();
    ordering_->freeze();
    flushing_since_ = now_;
  }
  ordering::FlushState state = ordering_->flush_state();
  messages.living = true;
  messages.held = std::move(state.held);
  messages.first_place = state.first_place;
  messages.places = std::move(state.places);
  messages.delivered = state.delivered;
  return messages;
}

void DaemonCore::Machine::report_suspicions(const ViewChange::Situation& situation) {
  std::set<Incarnation> suspected;
  bool is_news = false;
  for (const Rank rank : situation.lost) {
    const DaemonId& id = view_.members[rank].id;
    suspected.insert(id.incarnation);
    if (suspected_.contains(id.incarnation)) continue;
    is_news = true;
    if (mute_.contains(id.incarnation)) continue;  // it was reported with the reason
    report(false, "suspects " + id.name + ": " + detector_.why_not_linked(now_, id.incarnation));
  }
  suspected_ = std::move(suspected);
  if (is_news) send_heartbeats();  // rule F11: whoever proposes wants to know
}

void DaemonCore::Machine::run_view_change() {
  if (over_) return;
  finish_leave_if_done();
  if (over_) return;
  end_word_in_time();
  const ViewChange::Situation now = situation();
  report_suspicions(now);
  change_.on_tick(now_, now);
  if (!deciding_ && change_.is_ballot_due(now_, now)) {
    change_.begin_ballot(now_, now, frozen_messages());
  }
  fill_cut();
  flush_view_change_outputs();
  suspend_if_stuck();
}

void DaemonCore::Machine::flush_view_change_outputs() {
  if (over_) return;
  std::vector<ViewChange::Outbound> outbound = change_.take_outbound();
  std::erase_if(outbound, [](const auto& frame) { return frame.to.empty(); });
  // A question says nothing of what this daemon itself promised or accepted: the others write
  // their records while this one writes its own (rule R1).
  const auto answers = std::stable_partition(
      outbound.begin(), outbound.end(), [](const ViewChange::Outbound& frame) {
        return std::holds_alternative<protocol::Prepare>(frame.body) ||
               std::holds_alternative<protocol::Propose>(frame.body);
      });
  const auto send_all = [&](auto begin, auto end) {
    for (auto it = begin; it != end; ++it) {
      send(std::move(it->to), protocol::Lane::kControl, change_.base().id, std::move(it->body));
    }
  };
  send_all(outbound.begin(), answers);
  if (change_.take_record_changed()) effects_.push_back(PersistRecord{change_.record()});
  send_all(answers, outbound.end());
  if (const auto decided = change_.take_decided()) {
    std::vector<std::string> others;
    for (const DaemonMember& member : change_.base().members) {
      if (member.id.name != options_.self.name) others.push_back(member.id.name);
    }
    const protocol::Install install{.value = *decided, .groups = std::nullopt, .departed = {}};
    if (!others.empty()) send(others, protocol::Lane::kControl, change_.base().id, install);
    if (options_.partitionable) return on_decided_here(*decided);
    on_decided(*decided, std::nullopt);
  }
}

// Rules F5 and F9: pulls what is missing of the cut, and goes on when nothing is.
void DaemonCore::Machine::fill_cut() {
  while (!over_ && is_living()) {
    const ViewChangeValue* value = deciding_ ? &*deciding_ : change_.wanted();
    if (value == nullptr) return refill_.stop();
    if (!value->cut.empty()) {  // empty: from records alone, and not for a living member
      ordering_->want(value->cut);
      const auto missing = ordering_->missing_for(value->cut);
      frames_refused_ += ordering_->take_refused();
      if (!missing.empty()) return ask_for_cut(value->next.id, missing);
    }
    if (deciding_) return install_as_member();
    change_.on_cut_held(now_);
    change_.on_tick(now_, situation());
    flush_view_change_outputs();
  }
}

void DaemonCore::Machine::ask_for_cut(const ViewId& next,
                                      const std::vector<protocol::MissingMessages>& missing) {
  std::uint64_t gaps = 0;
  for (const auto& [sender, range] : missing) gaps += range.last.value - range.first.value + 1;
  refill_.observe(now_, next, gaps);
  const Duration without_progress = now_ - refill_.progress();
  if (options_.partitionable && deciding_ && without_progress > options_.suspect) {
    return forgo_decision();
  }
  // Rule R2: whoever held them has died. The value stands all the same, and goes on without us.
  if (without_progress > kRefillTimeOuts * options_.suspect) {
    PROBE("messages of a decided cut cannot be had");
    return give_up("messages that were decided to be delivered could not be had any more");
  }
  if (!refill_.is_due(now_)) return;
  const std::size_t members = view_.members.size();
  for (std::size_t i = 0; i < members; ++i) {
    const Rank rank = static_cast<Rank>((refill_.next_holder() + i) % members);
    const DaemonId& holder = view_.members[rank].id;
    if (rank == rank_ || !detector_.is_heard(now_, holder.incarnation)) continue;
    ++nacks_sent_;
    send({holder.name}, protocol::Lane::kControl, view_.id,
         protocol::Nack{.missing = missing, .first_place = {}, .last_place = {}});
    return refill_.on_asked(now_, rank);
  }
  refill_.on_asked(now_, rank_);  // nobody: again after a while
}

void DaemonCore::Machine::suspend_if_stuck() {
  if (over_ || !is_living() || !ordering_->is_frozen() || clients_.is_suspended()) return;
  if (options_.partitionable) return;  // rule Q1: it will go on
  const bool has_quorum = membership::is_quorum_of(view_, situation().present);
  if (has_quorum && now_ - flushing_since_ < 2 * options_.suspect) return;
  PROBE("E8: suspended for want of a quorum");
  report(true, "no quorum of view " + to_string(view_.id) + ": suspended");
  clients_.suspend();
  send_beacons();
}

// --- the decision --------------------------------------------------------------------------------

void DaemonCore::Machine::on_decided(
    const ViewChangeValue& value, const std::optional<std::vector<protocol::GroupEntry>>& groups) {
  const bool included = is_in(value.next, options_.self);
  if (is_living()) {
    if (value.next.id <= view_.id) return;
    if (!included || value.base != view_.id) {
      PROBE("E9: a living member was excluded");
      return on_excluded(value);
    }
    frozen_messages();
    if (value.cut.empty()) {  // rule R2
      return give_up("view " + to_string(value.next.id) + " was decided from records alone");
    }
    deciding_ = value;
    return fill_cut();
  }
  const bool is_base = value.next.id == change_.base().id;
  if (value.next.id.counter <= change_.base().id.counter && !(included && is_base)) return;
  last_install_ = protocol::Install{.value = value, .groups = groups, .departed = {}};
  if (!included) {
    const bool departed = std::any_of(value.left.begin(), value.left.end(),
                                      [&](const auto& gone) { return gone.id == options_.self; });
    if (departed) return on_excluded(value);
    return follow(value.next);
  }
  if (value.cut.empty()) {
    install_as_joiner(value, {});
  } else if (groups) {
    install_as_joiner(value, *groups);
  } else if (!is_base) {
    PROBE("E7: a joiner of a decided view waits for the groups");
    // A member that came along will tell us with the groups; if none did, our record votes on.
    follow(value.next);
  }
}

void DaemonCore::Machine::on_excluded(const ViewChangeValue& value) {
  if (!leaving_) {
    return give_up("view " + to_string(value.next.id) + " was decided without this daemon");
  }
  left_by_ = value;
  if (leave_deadline_ == TimePoint::never()) {
    leave_deadline_ = std::max(now_ + kLeaveTimeOut, leave_by_);
  }
  heartbeat_due_ = now_ + kLeavePause;  // members that went on answer our heartbeats
  finish_leave_if_done();
}

// Of those who stay and live, who has not said yet that it has installed the view without us. They
// may have missed the decision, and where we counted for it, nobody else can make it again.
std::vector<std::string> DaemonCore::Machine::still_behind() const {
  std::vector<std::string> names;
  if (!left_by_) return names;
  for (const DaemonMember& member : left_by_->next.members) {
    if (!is_in(view_, member.id) || went_on_.contains(member.id.incarnation)) continue;
    if (detector_.is_dead(member.id.incarnation)) continue;
    names.push_back(member.id.name);
  }
  return names;
}

// The others need our messages until they have installed the view without us.
void DaemonCore::Machine::finish_leave_if_done() {
  if (!leaving_ || over_) return;
  bool done = !is_living() || leave_deadline_ <= now_ || (left_by_ && still_behind().empty());
  if (!done && leave_deadline_ == TimePoint::never()) {
    // Alone, or all leave together: nobody needs a view without us.
    PROBE("a leaver looks whether anybody needs a view");
    done = std::all_of(view_.members.begin(), view_.members.end(), [&](const auto& member) {
      const Incarnation incarnation = member.id.incarnation;
      return member.id == options_.self || leavers_.contains(incarnation) ||
             !detector_.is_heard(now_, incarnation);
    });
    if (done && !leavers_.empty()) PROBE("E40: all that are there leave, and none needs a view");
    done = done || leave_by_ <= now_;  // nobody can take over: no quorum, or only the deaf
  }
  if (!done) return;
  clients_.end_all(GoneReason::kDaemonLost, "the daemon has left");
  effects_.push_back(Finished{});
  over_ = true;
}

void DaemonCore::Machine::give_up(const std::string& why, bool contradiction) {
  if (is_living()) clients_.fail_undelivered(ordering_->undelivered_own());
  clients_.end_all(GoneReason::kExcluded, "excluded: " + why);
  effects_.push_back(GiveUp{.reason = why, .contradiction = contradiction});
  over_ = true;
}

void DaemonCore::Machine::install_as_member() {
  const ViewChangeValue value = *deciding_;
  clients_.begin_transition(value);
  const bool is_finished = ordering_->finish(value.cut, value.first_place, value.places);
  clients_.deliver_all(*ordering_);
  if (!is_finished) {
    return give_up("messages of view " + to_string(view_.id) + " contradict one another",
                   /*contradiction=*/true);
  }
  std::set<Incarnation> others;
  for (const DaemonMember& member : value.next.members) {
    if (member.id != options_.self && is_in(view_, member.id)) {
      others.insert(member.id.incarnation);
    }
  }
  retired_ = Retired{view_, std::move(ordering_), std::move(others)};
  if (retired_->unheard.empty()) retired_->ordering.reset();
  effects_.push_back(InstallView{value.next, value.left, value.recovered, value.forced});
  clients_.on_daemons_changed(value);
  enter_view(value);
  // The first survivor tells the joiners how the groups stand.
  const bool is_first_survivor = rank_ == 0;
  if (is_first_survivor) {
    for (const DaemonMember& member : view_.members) {
      if (!is_in(retired_->view, member.id)) send_install(member.id, true);
    }
  }
}

void DaemonCore::Machine::install_as_joiner(const ViewChangeValue& value,
                                            const std::vector<protocol::GroupEntry>& groups) {
  retired_.reset();
  effects_.push_back(InstallView{value.next, value.left, value.recovered, value.forced});
  clients_.on_taken_in(value, groups);
  enter_view(value);
}

void DaemonCore::Machine::enter_view(const ViewChangeValue& value) {
  view_ = value.next;
  installed_at_ = now_;
  begin_quiet(value);
  ++views_installed_;
  for (Rank rank = 0; rank < view_.members.size(); ++rank) {
    const DaemonId& id = view_.members[rank].id;
    if (id == options_.self) rank_ = rank;
    learn_incarnation(id);
  }
  ordering_.emplace(ordering::OrderingOptions{
      .self = rank_,
      .view_size = view_.members.size(),
      .engine = options_.engine == TotalOrderEngine::kLamport ? ordering::Engine::kLamport
                                                              : ordering::Engine::kSequencer,
      .window_messages =
          std::min(options_.window_messages, ordering::kWindowsMax / view_.members.size()),
      .window_bytes = options_.window_bytes,
      .batch_bytes = options_.batch_bytes,
      .caught_up = clients_.have_seen_all()});
  deciding_.reset();
  hearing_.clear();
  leavers_.clear();
  heartbeats_heard_.clear();
  doubt_.reset();
  mute_.clear();
  refill_.stop();
  flushing_since_ = TimePoint::never();
  installs_sent_.clear();
  installs_asked_.clear();
  untold_.reset();
  for (const protocol::DepartedDaemon& departed : value.left) {
    // Under the partitionable policy whoever did not want to leave may come back.
    const bool is_over = !options_.partitionable || departed.reason == LeaveReason::kLeave;
    if (is_over) departed_.insert({departed.id.incarnation, departed.id.name});
    if (is_over) detector_.forget(departed.id.incarnation);
  }
  // Incarnations rise with time: the oldest are the least likely to turn up again.
  while (departed_.size() > kDepartedMax) departed_.erase(departed_.begin());
  // What a quorum decided stands above what was inferred here.
  for (const DaemonMember& member : view_.members) {
    departed_.erase({member.id.incarnation, member.id.name});
  }
  std::erase_if(strangers_, [&](const auto& entry) {
    const DaemonId& id = entry.second.member.id;
    return is_in(view_, id) || is_departed(id);
  });
  if (change_.base().id == view_.id) {
    change_.come_to_life();
  } else {
    change_.begin(value, now_);
  }
  connect_members(view_);
  last_install_ =
      protocol::Install{.value = value, .groups = clients_.directory().snapshot(), .departed = {}};
  clients_.begin_view(view_, value.quiet);
  answer_forcers();
  if (change_.is_flushing()) {  // it voted before it knew how the view began
    PROBE("a view is entered frozen");
    frozen_messages();
  }
  flush_view_change_outputs();
  send_heartbeats();
  heartbeat_due_ = now_ + options_.heartbeat;
  clients_.pump(*ordering_);
  if (ordering_->has_urgent_news()) send_batch();
  for (protocol::PeerFrame& frame : std::exchange(early_, {})) {
    if (frame.header.view == view_.id) on_frame(frame.header, frame.body);
  }
}

void DaemonCore::Machine::connect_members(const DaemonView& view) {
  for (const DaemonMember& member : view.members) {
    if (member.id.name != options_.self.name) connect(member.id.name, member.address);
  }
}

void DaemonCore::Machine::connect(const std::string& name, const std::string& address) {
  if (address.empty()) return;
  Connected& known = connected_[name];
  known.needed = now_;
  if (known.address == address) return;
  known.address = address;
  effects_.push_back(ConnectPeer{name, address});
}

bool DaemonCore::Machine::is_needed(const std::string& name) const {
  const bool is_configured =
      std::any_of(options_.peers.begin(), options_.peers.end(),
                  [&](const PeerAddress& peer) { return peer.name == name; });
  return is_configured || has_name(view_, name) || has_name(change_.base(), name) ||
         (retired_ && retired_->ordering && has_name(retired_->view, name));
}

void DaemonCore::Machine::disconnect_strangers() {
  for (auto it = connected_.begin(); it != connected_.end();) {
    auto& [name, connected] = *it;
    if (is_needed(name)) connected.needed = now_;
    if (now_ - connected.needed <= kStrangerPatience * options_.suspect) {
      ++it;
      continue;
    }
    PROBE("a daemon that nobody configured here is gone for long");
    effects_.push_back(DisconnectPeer{name});
    it = connected_.erase(it);
  }
}

// Whoever was in the view before needs what the arrivals brought, and all others the outcome: both
// would be too much for a frame.
void DaemonCore::Machine::trim_arrivals(const DaemonId& to, protocol::Install& install) const {
  if (install.value.arrivals.empty() || !install.groups) return;
  const bool was_here = retired_ && is_in(retired_->view, to) && !is_arrival(install.value, to);
  if (was_here) return install.groups.reset();
  for (protocol::Arrival& arrival : install.value.arrivals) arrival.groups.clear();
}

void DaemonCore::Machine::send_install(const DaemonId& to, bool with_groups) {
  protocol::Install install = *last_install_;
  if (!with_groups) install.groups.reset();
  // Who arrived was not told what it brought itself, and cannot tell those who must know.
  const bool must_know = is_in(view_, to) && !is_arrival(install.value, to);
  if (must_know && is_arrival(install.value, options_.self)) return;
  trim_arrivals(to, install);
  if (is_departed(to) || is_double_of_member(to)) {
    install.departed = to.incarnation;
  }
  send({to.name}, protocol::Lane::kControl, view_.id, std::move(install));
}

}  // namespace groupcomm::daemon
