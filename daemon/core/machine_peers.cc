// DaemonCore::Machine: what other daemons say.
#include <algorithm>
#include <utility>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/view_fits.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using membership::contains;
using membership::has_name;
using membership::is_in;
using protocol::DaemonMember;
using protocol::DaemonView;

// Frames of a view that is not installed here yet. What does not fit is repeated by its sender.
constexpr std::size_t kEarlyFramesMax = 256;
constexpr Duration kBeaconPause = std::chrono::milliseconds(50);

std::size_t bytes_of(const protocol::Repair& repair) {
  std::size_t bytes = 0;
  for (const auto& message : repair.messages) bytes += message->payload.size();
  return bytes;
}

template <typename T>
constexpr bool kIsInsideView =
    std::is_same_v<T, protocol::Batch> || std::is_same_v<T, protocol::Nack> ||
    std::is_same_v<T, protocol::Repair> || std::is_same_v<T, protocol::Heartbeat>;

// Rule R8.
constexpr int kUntoldTimeOuts = 4;

bool is_vote(const protocol::PeerBody& body) {
  return std::visit(
      [](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        return std::is_same_v<T, protocol::Prepare> || std::is_same_v<T, protocol::State> ||
               std::is_same_v<T, protocol::Propose> || std::is_same_v<T, protocol::Accept>;
      },
      body);
}

std::optional<Rank> find_member(const DaemonView& view, const DaemonId& id) {
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    if (view.members[rank].id == id) return rank;
  }
  return std::nullopt;
}

}  // namespace

// Rule P1: frames of another cluster, of another lineage, of oneself and of an incarnation that
// has a later one are dropped.
bool DaemonCore::Machine::is_acceptable(const protocol::FrameHeader& header,
                                        const protocol::PeerBody& body) {
  if (header.cluster != cluster_) {
    PROBE("E41: a frame of another cluster");
    if (header.cluster == cluster_of_other_engine_ && foreign_.size() < kForeignMax &&
        foreign_.insert(header.sender.incarnation).second) {
      report(true, to_string(header.sender) + " has another engine of total order than this " +
                       "daemon: all of a cluster must have the same");
    }
    return false;
  }
  if (header.sender == options_.self) return false;
  return is_of_our_lineage(header, body) && !is_double(header, body) &&
         !is_name_taken(header, body) && has_room_for(header.sender.name) &&
         learn_incarnation(header.sender);
}

// Rule P5: of two with the same incarnation, who is in the better place keeps it.
int DaemonCore::Machine::standing_of(const protocol::FrameHeader& header,
                                     const protocol::Beacon& beacon) {
  if (header.view.counter == 0) return 0;
  const bool is_primary =
      beacon.decided && beacon.decided->id == header.view && beacon.decided->primary;
  return is_primary ? 2 : 1;
}

int DaemonCore::Machine::standing() const {
  if (!is_living()) return 0;
  return view_.primary ? 2 : 1;
}

bool DaemonCore::Machine::stands_before_us(const protocol::FrameHeader& header,
                                           const protocol::Beacon& beacon) const {
  const int theirs = standing_of(header, beacon);
  if (theirs != standing()) return theirs > standing();
  if (theirs < 2) return header.sender.name < options_.self.name;
  // It came back, and went on from records alone, while we were the rest of an earlier view.
  return beacon.decided->lineage == view_.lineage && header.view.counter > view_.id.counter;
}

// Rule P5: incarnations are drawn at random, and nearly everything goes by them.
bool DaemonCore::Machine::is_double(const protocol::FrameHeader& header,
                                    const protocol::PeerBody& body) {
  const DaemonId& id = header.sender;
  const auto* beacon = std::get_if<protocol::Beacon>(&body);
  const bool is_same = id.incarnation == options_.self.incarnation;
  if (!is_same && !is_double_of_member(id)) return false;
  if (beacon == nullptr) return true;
  const int theirs = standing_of(header, *beacon);
  const bool has_room = connected_.contains(id.name) || connected_.size() < kConnectedMax;
  if (is_same) {
    if (stands_before_us(header, *beacon)) {
      PROBE("another daemon has drawn the same incarnation");
      give_up(to_string(id) + " has drawn the same incarnation");
    } else if (has_room) {
      connect(id.name, beacon->address);  // nobody else may tell it
    }
    return true;
  }
  PROBE("somebody has the incarnation of a member");
  if (has_room && theirs <= standing()) {
    connect(id.name, beacon->address);
    answer_with_install(id, false);
  }
  return true;
}

// Rule P5, for two that are both strangers here.
bool DaemonCore::Machine::stays_before(const DaemonId& a, const protocol::Beacon& of_a,
                                       const DaemonId& b, const protocol::Beacon& of_b) {
  return of_a.active != of_b.active ? of_a.active : a.name < b.name;
}

bool DaemonCore::Machine::is_double_of_member(const DaemonId& id) const {
  return is_living() &&
         std::any_of(view_.members.begin(), view_.members.end(), [&](const DaemonMember& member) {
           return member.id.incarnation == id.incarnation && member.id.name != id.name;
         });
}

// Rule Q1: daemons of two policies do not understand one another's views.
bool DaemonCore::Machine::has_same_policy(const protocol::FrameHeader& header,
                                          const protocol::Beacon& beacon) {
  if (beacon.partitionable == options_.partitionable) return true;
  ++frames_refused_;
  const Incarnation from = header.sender.incarnation;
  if (foreign_.size() < kForeignMax && foreign_.insert(from).second) {
    report(true, to_string(header.sender) + " has another partition_policy than this daemon: all " +
                     "of a cluster must have the same");
  }
  return false;
}

// Rule D3: a later incarnation at another address than that of a member which is heard proves
// nothing: somebody copied a configuration. But who votes on this view has the member's record.
bool DaemonCore::Machine::is_name_taken(const protocol::FrameHeader& header,
                                        const protocol::PeerBody& body) {
  const DaemonId& id = header.sender;
  if (!is_living() || (header.view == view_.id && is_vote(body))) return false;
  const auto member =
      std::find_if(view_.members.begin(), view_.members.end(),
                   [&](const DaemonMember& candidate) { return candidate.id.name == id.name; });
  if (member == view_.members.end() || member->id.incarnation >= id.incarnation) return false;
  if (!detector_.is_heard(now_, member->id.incarnation)) return false;
  if (newest_[id.name] == id.incarnation) return false;  // it was believed before
  const auto* beacon = std::get_if<protocol::Beacon>(&body);
  if (beacon != nullptr && beacon->address == member->address) return false;
  PROBE("M13: the name of a living member is claimed from another address");
  if (beacon != nullptr && foreign_.size() < kForeignMax &&
      foreign_.insert(id.incarnation).second) {
    report(true, to_string(id) + " at " + beacon->address + " claims the name of a member at " +
                     member->address + ", which is heard: it is not taken in");
  }
  return true;
}

// The other side of it.
void DaemonCore::Machine::notice_namesake(const DaemonView& decided) {
  if (is_living()) return;
  for (const DaemonMember& member : decided.members) {
    const bool is_namesake = member.id.name == options_.self.name && member.id != options_.self &&
                             member.address != options_.address;
    if (!is_namesake || foreign_.size() >= kForeignMax) continue;
    if (!foreign_.insert(member.id.incarnation).second) continue;
    report(true, "view " + to_string(decided.id) + " has a member of the name " + member.id.name +
                     " at " + member.address + ", not at " + options_.address +
                     ": while it is heard this daemon is not taken in");
  }
}

// Where there are too many, those that are silent are forgotten, and else newcomers are refused.
bool DaemonCore::Machine::has_room_for(const std::string& name) {
  if (newest_.contains(name) || is_needed(name)) return true;
  if (newest_.size() < kStrangersMax) return true;
  std::size_t strangers = 0;
  for (auto it = newest_.begin(); it != newest_.end();) {
    const bool is_stranger = !is_needed(it->first);
    if (is_stranger && !detector_.is_heard(now_, it->second)) {
      detector_.forget(it->second);
      it = newest_.erase(it);
      continue;
    }
    if (is_stranger) ++strangers;
    ++it;
  }
  if (strangers >= kStrangersMax) PROBE("more strangers than note is taken of");
  return strangers < kStrangersMax;
}

// Rule D3: a later incarnation proves the earlier ones dead; they count as unheard from here on.
bool DaemonCore::Machine::learn_incarnation(const DaemonId& id) {
  Incarnation& newest = newest_[id.name];
  if (id.incarnation < newest) {
    PROBE("E21: a frame of a past incarnation");
    return false;
  }
  if (newest < id.incarnation) {
    newest = id.incarnation;
    detector_.forget_earlier(id);
    std::erase_if(strangers_, [&](const auto& entry) {
      return entry.second.member.id.name == id.name && entry.first < id.incarnation;
    });
  }
  return true;
}

std::optional<Rank> DaemonCore::Machine::member_rank(const protocol::FrameHeader& header) const {
  if (!is_living() || header.view != view_.id) return std::nullopt;
  return find_member(view_, header.sender);
}

void DaemonCore::Machine::on_frame(const protocol::FrameHeader& header, protocol::PeerBody& body) {
  const Incarnation from = header.sender.incarnation;
  if (!is_departed(header.sender)) {
    if (!is_living() && !detector_.is_heard(now_, from)) beacon_due_ = now_;  // rule D7
    detector_.on_heard(now_, header.sender);
    if (member_rank(header)) heard_here_[from] = now_;
  }
  std::visit(
      [&](auto& value) {
        if constexpr (kIsInsideView<std::decay_t<decltype(value)>>) {
          if (!member_rank(header)) return on_other_view(header, body);
        }
        on_body(header, value);
      },
      body);
}

void DaemonCore::Machine::note_whom_it_hears(Incarnation from,
                                             const std::vector<Incarnation>& hears) {
  if (contains(hears, options_.self.incarnation)) detector_.on_hears_us(now_, from);
}

// --- inside a view -------------------------------------------------------------------------------

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Batch& batch) {
  const Rank rank = *member_rank(header);
  if (ordering_->is_frozen()) {  // rule F2
    PROBE("data after the promise to leave");
    return;
  }
  if (!ordering_->fits(rank, batch)) {
    ++frames_refused_;
    return;
  }
  ordering_->on_batch(rank, batch);
  frames_refused_ += ordering_->take_refused();
  deliver_all();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header, const protocol::Nack& nack) {
  answer_nack(header.sender, view_, *ordering_, nack);
}

void DaemonCore::Machine::answer_nack(const DaemonId& to, const DaemonView& view,
                                      const ordering::ViewOrdering& ordering,
                                      const protocol::Nack& nack) {
  auto answer = ordering.on_nack(nack);
  for (protocol::Repair& repair : answer.repairs) {
    ++repairs_sent_;
    send({to.name}, protocol::Lane::kData, view.id, std::move(repair));
  }
  if (answer.places.empty() || ordering.is_frozen()) return;
  protocol::Batch batch;
  batch.first_place = answer.first_place;
  batch.places = std::move(answer.places);
  batch.progress = ordering.progress();
  send({to.name}, protocol::Lane::kData, view.id, std::move(batch));
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader&, const protocol::Repair& repair) {
  if (!ordering_->fits(repair.original, repair.messages)) {
    ++frames_refused_;
    return;
  }
  if (!ordering_->is_frozen()) {
    ordering_->on_repair(repair.original, repair.messages);
    frames_refused_ += ordering_->take_refused();
    deliver_all();
    return;
  }
  ordering_->on_refill(repair.original, repair.messages);
  refill_.on_frame(bytes_of(repair));
  fill_cut();
  flush_view_change_outputs();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Heartbeat& heartbeat) {
  const Rank rank = *member_rank(header);
  const Incarnation from = header.sender.incarnation;
  note_whom_it_hears(from, heartbeat.hears);
  hearing_[from] = heartbeat.hears;
  if (retired_ && retired_->ordering) {
    retired_->unheard.erase(from);
    if (retired_->unheard.empty()) retired_->ordering.reset();
  }
  settle_doubt(rank, heartbeat);
  if (heartbeat.leaving) leavers_.insert(from);
  if (!ordering_->fits(rank, heartbeat.progress)) {
    ++frames_refused_;
  } else if (!ordering_->is_frozen()) {
    ordering_->on_progress(rank, heartbeat.progress);
    deliver_all();
  }
  run_view_change();
  finish_leave_if_done();
}

// A frame about a view that is not ours: somebody is behind, or we are (rule P2).
void DaemonCore::Machine::on_other_view(const protocol::FrameHeader& header,
                                        protocol::PeerBody& body) {
  ++frames_of_other_views_;
  if (retired_ && header.view == retired_->view.id) {
    const auto* nack = std::get_if<protocol::Nack>(&body);
    if (nack != nullptr && retired_->ordering) {
      PROBE("messages of the view before are asked for");
      answer_nack(header.sender, retired_->view, *retired_->ordering, *nack);
    } else {
      answer_with_install(header.sender, false);
    }
    return;
  }
  if (is_living() && header.view <= view_.id) {
    PROBE("E22: a frame of a past view");
    return answer_with_install(header.sender, false);
  }
  if (early_.size() == kEarlyFramesMax) PROBE("E24: too many frames of a view to come");
  if (early_.size() < kEarlyFramesMax) {
    PROBE("E24: a frame of a view to come");
    early_.push_back({header, std::move(body)});
  }
  if (!installs_asked_.take(now_, header.sender.incarnation)) return;
  send({header.sender.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
}

// --- outside the view ----------------------------------------------------------------------------

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Beacon& beacon) {
  const DaemonId& from = header.sender;
  if (!has_same_policy(header, beacon)) return;
  const bool is_of_policy = options_.partitionable || !beacon.decided || beacon.decided->primary;
  if (!refuse_unless(is_of_policy)) return;
  const bool is_known = connected_.contains(from.name) || is_needed(from.name);
  if (!refuse_unless(is_known || connected_.size() < kConnectedMax)) return;
  if (beacon.decided && beacon.decided->id.counter > 0 &&
      !refuse_unless(membership::fits(*beacon.decided))) {
    return;
  }
  connect(from.name, beacon.address);
  // Rule D5: who once left a view is told so, and never taken for somebody new.
  if (has_left(from, beacon) && departed_.size() < kDepartedMax) {
    departed_.insert({from.incarnation, from.name});
  }
  if (is_departed(from)) {
    PROBE("E21: one that left a view comes again");
    return answer_with_install(from, false);
  }
  const bool is_new = !strangers_.contains(from.incarnation);
  std::erase_if(strangers_, [&](const auto& entry) { return !is_fresh(entry.second); });
  Stranger& stranger = strangers_[from.incarnation];
  if (!stranger.member.id.name.empty() && stranger.member.id.name != from.name) {
    // Rule P5: the other is to give it up, but may not hear that.
    PROBE("two strangers have the same incarnation");
    if (stays_before(stranger.member.id, stranger.beacon, from, beacon)) return;
    stranger = {};
  }
  if (beacon.number <= stranger.beacon.number) return;  // late: whom it heard then says nothing
  stranger.member = {from, beacon.address};
  stranger.beacon = beacon;
  stranger.heard = now_;
  stranger.alive = std::max(stranger.alive, answered_beacon_sent(beacon));
  const bool is_due = stranger.answered + kBeaconPause <= now_ && !beacon.active;
  note_whom_it_hears(from.incarnation, beacon.hears);
  // Rule D3: who listens where a member listened has taken its place; the member is dead.
  for (const DaemonMember& member : view_.members) {
    const bool replaces = member.id.name == from.name && member.id.incarnation != from.incarnation;
    if (replaces && member.address == beacon.address) {
      PROBE("E20: a new incarnation proves the old one dead");
      detector_.on_refused(now_, member.id.incarnation);
    }
  }
  if (beacon.decided && beacon.active) notice_namesake(*beacon.decided);
  if (beacon.decided) learn_of_decided(from, beacon);
  if (over_) return;
  if (is_living() && is_in(view_, from)) {
    answer_with_install(from, true);  // it is a member and does not know yet
  } else if (is_due) {
    strangers_[from.incarnation].answered = now_;
    send({from.name}, protocol::Lane::kControl, view_.id, this->beacon());
  }
  if (is_new) send_heartbeats();  // the others learn at once whom we hear
  run_view_change();
}

// Rule D5: who knows of no later view than one that lists itself has left since, even where nobody
// remembers it.
bool DaemonCore::Machine::has_left(const DaemonId& id, const protocol::Beacon& beacon) const {
  const DaemonView& newest = change_.base();
  return !options_.partitionable && beacon.decided &&
         beacon.decided->id.counter < newest.id.counter && is_in(*beacon.decided, id) &&
         !is_in(newest, id);
}

void DaemonCore::Machine::learn_of_decided(const DaemonId& from, const protocol::Beacon& beacon) {
  if (options_.partitionable) {
    if (is_in(view_, from)) learn_where_it_is(from, *beacon.decided);
    return;
  }
  const DaemonView& base = change_.base();
  if (beacon.decided->id.counter == base.id.counter && beacon.decided->id != base.id) {
    if (base.id.counter == 0 && strangers_[from.incarnation].answered == TimePoint{}) {
      report(true, to_string(from) + " is configured with other peers than this daemon: they " +
                       "cannot form a cluster together");
    }
    return;
  }
  if (beacon.decided->id.counter <= base.id.counter) return;
  // What was accepted here has been decided: its value is known, and can be told to others.
  const auto& accepted = change_.record().accepted;
  if (accepted && accepted->value.next == *beacon.decided) {
    PROBE("E11: what was accepted is learnt to be decided");
    const protocol::ViewChangeValue value = accepted->value;
    return on_decided(value, std::nullopt);
  }
  if (is_living()) {
    // Either we are about to be told, or we were excluded: ask.
    PROBE("a member learns that a later view exists");
    send({from.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
    return end_if_untold(*beacon.decided);
  }
  // What was accepted here may have become the first view of another cluster; not so where those
  // who decided this one counted on us.
  const bool is_elsewhere = base.lineage == Incarnation{} && accepted &&
                            accepted->value.next.lineage != beacon.decided->lineage &&
                            !has_name(*beacon.decided, options_.self.name);
  if (!is_elsewhere) follow(*beacon.decided);
}

// Rule R8: who decided a later view has started again since, and the value is lost, unless somebody
// else still tells it.
void DaemonCore::Machine::end_if_untold(const DaemonView& decided) {
  if (deciding_) return;  // it was told, and what is missing comes or not (rule R2)
  if (!untold_ || now_ - untold_->last > options_.suspect) untold_ = Untold{now_, now_};
  untold_->last = now_;
  if (now_ - untold_->first <= kUntoldTimeOuts * options_.suspect) return;
  PROBE("R8: nobody is left who could tell a member of a later view");
  give_up("view " + to_string(decided.id) + " was decided, and nobody can tell it any more");
}

// A view is decided, and this daemon lives in none. Rule R3: what its record promised was about
// an older view. Rule R5: unless a member of that name was there before the record was.
void DaemonCore::Machine::follow(const DaemonView& decided) {
  for (const DaemonMember& member : decided.members) {
    if (member.id.name != options_.self.name) continue;
    if (member.id.incarnation >= change_.record().since) continue;
    if (!record_is_younger_) {
      report(true, "the state directory is younger than view " + to_string(decided.id) +
                       ", which has a member of this name: this daemon may join, but not vote");
    }
    record_is_younger_ = true;
    return;
  }
  // Rule D5: counted in once, and counted out before it knew.
  const DaemonId& self = options_.self;
  if (!options_.partitionable && is_in(change_.base(), self) && !is_in(decided, self)) {
    PROBE("one that was to join was excluded before it had");
    if (leaving_) return finish_leave_if_done();
    return give_up("view " + to_string(decided.id) + " was decided without this daemon");
  }
  PROBE("a record follows a later decided view");
  change_.begin(decided, /*living=*/false, now_);
  beacon_due_ = now_;  // rule D7
  flush_view_change_outputs();
}

// --- view change ---------------------------------------------------------------------------------

std::optional<Rank> DaemonCore::Machine::base_rank(const protocol::FrameHeader& header) {
  const DaemonView& base = change_.base();
  if (header.view == base.id) {
    for (Rank rank = 0; rank < base.members.size(); ++rank) {
      if (base.members[rank].id.name == header.sender.name) return rank;
    }
    return std::nullopt;
  }
  ++frames_of_other_views_;
  if (header.view < base.id) {
    answer_with_install(header.sender, false);
  } else {
    send({header.sender.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
  }
  return std::nullopt;
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Prepare& prepare) {
  const auto rank = base_rank(header);
  if (!rank || !change_.rank() || !may_say(header, *rank, prepare.ballot)) return;
  const bool freezes = change_.may_promise(prepare.ballot);
  const auto messages = freezes ? frozen_messages() : membership::ViewChange::Messages{};
  change_.on_prepare(now_, header.sender, *rank, prepare, situation(), messages);
  flush_view_change_outputs();
  suspend_if_stuck();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::State& state) {
  const auto rank = base_rank(header);
  if (!rank || !may_say(header, *rank, state)) return;
  note_whom_it_hears(header.sender.incarnation, state.hears);
  if (is_living()) hearing_[header.sender.incarnation] = state.hears;
  change_.on_state(now_, header.sender, *rank, state, situation());
  fill_cut();
  flush_view_change_outputs();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::BallotRefused& refused) {
  if (!base_rank(header) || !refuse_unless(change_.is_near(refused.promised))) return;
  change_.on_refused(now_, refused, situation());
  flush_view_change_outputs();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Propose& propose) {
  const auto rank = base_rank(header);
  if (!rank || !may_say(header, *rank, propose)) return;
  change_.on_propose(now_, *rank, propose);
  refill_.prefer(propose.value.next.id, *rank);
  fill_cut();
  flush_view_change_outputs();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Accept& accept) {
  const auto rank = base_rank(header);
  if (!rank) return;
  change_.on_accept(now_, *rank, accept, situation());
  flush_view_change_outputs();
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::Install& install) {
  if (options_.partitionable) {
    if (may_say(header, install)) on_install(header, install);
    return;
  }
  const bool known = is_living() && install.value.next.id <= view_.id;
  if (known || !may_say(header, install)) return;
  if (leaving_ && is_in(view_, header.sender)) went_on_.insert(header.sender.incarnation);
  // Rule D5: counted out before it ever came in, perhaps; no view will have this incarnation.
  if (install.departed == options_.self.incarnation) return on_excluded(install.value);
  on_decided(install.value, install.groups);
}

void DaemonCore::Machine::on_body(const protocol::FrameHeader& header,
                                  const protocol::InstallRequest&) {
  answer_with_install(header.sender, true);
}

void DaemonCore::Machine::answer_with_install(const DaemonId& to, bool with_groups) {
  if (!last_install_) return;
  const bool is_behind = !is_living() || view_.id == last_install_->value.next.id;
  if (!is_behind || !installs_sent_.take(now_, to.incarnation)) return;
  send_install(to, with_groups);
}

}  // namespace groupcomm::daemon
