#include "membership/view_change.h"

#include <algorithm>
#include <utility>

#include "groupcomm/probe.h"
#include "membership/partition_policy.h"
#include "membership/rank_set.h"
#include "membership/view_fits.h"

namespace groupcomm::membership {

using protocol::Ballot;
using protocol::PrimaryClaim;
using protocol::ViewChangeValue;

namespace {

constexpr std::uint64_t kRoundsAheadMax = std::uint64_t{1} << 32;
// So often a member may fail a change to which all must agree.
constexpr int kFailuresMax = 2;
// Rule F12: of how many pauses one is drawn at most, as a power of two.
constexpr std::uint64_t kPausesMaxLog = 3;

}  // namespace

ViewChange::ViewChange(Options options, protocol::DurableRecord record, TimePoint now)
    : options_(std::move(options)),
      agreement_(std::move(record)),
      quiet_until_(now),
      pause_until_(now) {
  highest_round_ = agreement_.promised().round;
  const auto& members = base().members;
  for (Rank rank = 0; rank < members.size(); ++rank) {
    if (members[rank].id.name == options_.self.id.name) rank_ = rank;
  }
}

void ViewChange::begin(const protocol::ViewChangeValue& value, TimePoint now) {
  if (value.claim && !value.next.primary) agreement_.learn(*value.claim);
  begin(value.next, /*living=*/true, now);
  // Rule Q3: what each of them knows was looked at where nobody arrived.
  if (value.next.primary || value.arrivals.empty()) return;
  std::vector<Voter> voters;
  const PrimaryClaim& claim = *record().claim;
  for (const auto& member : value.next.members) {
    voters.push_back({member.id.name, Incarnation{}, claim.last.id});
  }
  may_become_primary_ = may_be_primary(claim, voters);
}

void ViewChange::begin(const protocol::DaemonView& view, bool living, TimePoint now) {
  agreement_.decide(view);
  record_changed_ = true;
  may_become_primary_ = false;
  parts_with_living_ = false;
  failures_.clear();
  rank_.reset();
  living_ = living;
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    if (view.members[rank].id.name == options_.self.id.name) rank_ = rank;
  }
  round_.reset();
  pending_.reset();
  highest_round_ = 0;
  reason_since_.reset();
  quorum_since_.reset();
  quiet_until_ = now;
  vain_ballots_ = 0;
  pause_until_ = now;
  decided_.reset();
}

// --- when to begin a ballot ----------------------------------------------------------------------

bool ViewChange::has_reason(const Situation& situation) const {
  if (!rank_ || highest_round_ >= kCountMax) return false;  // rule P6
  if (situation.given_up) return true;
  if (!living_) return situation.may_recover;
  // Each has its own clock for what is quiet: one of them decides.
  if (situation.quiet_is_due && turn(situation) == Duration{}) return true;
  if (may_become_primary_) return true;
  return is_flushing() || !situation.lost.empty() || !situation.leaving.empty() ||
         situation.leaving_self || situation.joiner_is_due;
}

// Rule F1: the lowest rank that is present begins, the others step in one after another.
Duration ViewChange::turn(const Situation& situation) const {
  const auto before =
      std::count_if(situation.present.begin(), situation.present.end(),
                    [&](Rank rank) { return rank < *rank_ && !situation.lost.contains(rank); });
  return before * options_.step;
}

void ViewChange::watch_quorum(TimePoint now, const Situation& situation) {
  if (!is_quorum_of(base(), situation.present)) {
    quorum_since_.reset();
  } else if (!quorum_since_) {
    quorum_since_ = now;
  }
}

TimePoint ViewChange::ballot_due_at(const Situation& situation) const {
  if (!reason_since_ || round_) return TimePoint::never();
  TimePoint due = *reason_since_ + turn(situation);
  if (situation.given_up) return due;  // the ballots of others are good for nothing
  if (is_at_work(last_proposer_, situation)) due = std::max(due, quiet_until_);
  due = std::max(due, pause_until_);
  const bool some_are_missing = situation.present.size() < base().members.size();
  // Those that were cut off from a quorum come back one after another: wait for all.
  if (living_ && situation.suspended) {
    if (!quorum_since_) return TimePoint::never();
    due = std::max(due, *quorum_since_ + (some_are_missing ? options_.gather : options_.step));
  }
  if (living_ || !some_are_missing) return due;
  if (!is_quorum_of(base(), situation.present)) return TimePoint::never();
  return std::max(due, *reason_since_ + options_.gather);
}

bool ViewChange::is_ballot_due(TimePoint now, const Situation& situation) {
  watch_quorum(now, situation);
  if (!has_reason(situation)) {
    reason_since_.reset();
    return false;
  }
  if (!reason_since_) reason_since_ = now;
  return ballot_due_at(situation) <= now;
}

void ViewChange::ask_afresh(TimePoint now) {
  round_.reset();
  reason_since_ = now;
}

void ViewChange::begin_ballot(TimePoint now, const Situation& situation, const Messages& messages) {
  CHECK(rank_.has_value());
  const Ballot ballot{std::max(highest_round_, agreement_.promised().round) + 1, *rank_,
                      options_.self.id.incarnation};
  highest_round_ = ballot.round;
  ++ballots_begun_;
  pending_.reset();
  found_no_quorum_ = false;
  round_.emplace(ballot, now);
  record_changed_ = agreement_.promise(ballot) || record_changed_;
  outbound_.push_back({names_of(others()), protocol::Prepare{ballot}});
  round_->in<FlushRound::Collecting>()->answers[*rank_] = {options_.self.id,
                                                           state_for(ballot, situation, messages)};
  try_choose(now, situation);
}

// --- acceptor ------------------------------------------------------------------------------------

bool ViewChange::is_near(const Ballot& ballot) const {
  if (ballot.round > kCountMax) return false;
  return ballot.round <= highest_round_ || ballot.round - highest_round_ <= kRoundsAheadMax;
}

bool ViewChange::may_promise(const Ballot& ballot) const {
  return rank_.has_value() && agreement_.may_promise(ballot);
}

protocol::State ViewChange::state_for(const Ballot& ballot, const Situation& situation,
                                      const Messages& messages) const {
  protocol::State state;
  state.ballot = ballot;
  state.living = messages.living;
  state.accepted = agreement_.accepted();
  state.held = messages.held;
  state.first_place = messages.first_place;
  state.places = messages.places;
  state.hears = situation.hears;
  state.leaving = situation.leaving_self;
  state.delivered = messages.delivered;
  state.address = options_.self.address;
  if (!base().primary) {
    state.claim = record().claim;
    state.since = record().since;
  }
  return state;
}

void ViewChange::on_prepare(TimePoint now, const DaemonId& from, Rank proposer,
                            const protocol::Prepare& prepare, const Situation& situation,
                            const Messages& messages) {
  highest_round_ = std::max(highest_round_, prepare.ballot.round);
  if (!may_promise(prepare.ballot)) {
    PROBE("E8: a ballot is refused");
    outbound_.push_back({{from.name}, protocol::BallotRefused{agreement_.promised()}});
    return;
  }
  if (round_ && round_->ballot() < prepare.ballot) {
    PROBE("E8: a proposer gives way to a higher ballot");
    round_.reset();
  }
  if (pending_ && pending_->ballot < prepare.ballot) {
    PROBE("a proposal that was not accepted yet is overtaken");
    pending_.reset();
  }
  // A proposer that is deaf repeats itself for ever: only a new ballot is a reason to wait.
  const bool is_new = agreement_.promised() != prepare.ballot;
  record_changed_ = agreement_.promise(prepare.ballot) || record_changed_;
  if (is_new) wait_for(now, proposer);
  outbound_.push_back({{from.name}, state_for(prepare.ballot, situation, messages)});
}

void ViewChange::wait_for(TimePoint now, Rank proposer) {
  last_proposer_ = proposer;
  quiet_until_ = now + options_.patience;
  reason_since_ = now;
}

void ViewChange::on_propose(TimePoint now, Rank proposer, const protocol::Propose& propose) {
  highest_round_ = std::max(highest_round_, propose.ballot.round);
  if (!rank_ || propose.value.base != base().id) return;
  // Rule R6: nobody votes himself out without a quorum.
  if (propose.value.forced &&
      !ranks_in(base(), propose.value.next, /*by_name=*/true).contains(*rank_)) {
    PROBE("R6: a proposal by force to one that is given up");
    return;
  }
  if (!agreement_.may_accept(propose.ballot)) {
    PROBE("E23: a proposal below the promise");
    outbound_.push_back(
        {{base().members[proposer].id.name}, protocol::BallotRefused{agreement_.promised()}});
    return;
  }
  // A living member that never froze for this ballot must not accept: what it delivered since
  // could be missing in the cut.
  if (living_ && agreement_.promised() != propose.ballot) {
    PROBE("a proposal before its prepare");
    return;
  }
  if (round_ && round_->ballot() < propose.ballot) round_.reset();
  const std::optional<protocol::AcceptedValue>& accepted = agreement_.accepted();
  const bool is_new = !accepted || accepted->ballot != propose.ballot;
  if (is_new) wait_for(now, proposer);
  pending_ = Pending{proposer, propose.ballot, propose.value};
  if (!living_) on_cut_held(now);
}

const ViewChangeValue* ViewChange::wanted() const {
  if (!living_) return nullptr;
  if (round_) {
    if (const auto* filling = round_->in<FlushRound::Filling>()) return &filling->value;
  }
  return pending_ ? &pending_->value : nullptr;
}

void ViewChange::on_cut_held(TimePoint now) {
  if (round_ && round_->in<FlushRound::Filling>() != nullptr) {
    propose(now);
  } else if (pending_) {
    record_changed_ = accept(pending_->ballot, pending_->value) || record_changed_;
    outbound_.push_back(
        {{base().members[pending_->proposer].id.name}, protocol::Accept{pending_->ballot}});
    pending_.reset();
  }
}

// --- proposer ------------------------------------------------------------------------------------

void ViewChange::on_state(TimePoint now, const DaemonId& from, Rank rank,
                          const protocol::State& state, const Situation& situation) {
  if (!round_ || state.ballot != round_->ballot()) {
    PROBE("E23: the state of another ballot");
    return;
  }
  auto* collecting = round_->in<FlushRound::Collecting>();
  if (collecting == nullptr) return;
  if (state.living && state.held.size() != base().members.size()) return;
  collecting->answers[rank] = {from, state};
  try_choose(now, situation);
}

bool ViewChange::is_complete(const FlushRound::Collecting& collecting,
                             const Situation& situation) const {
  return std::all_of(situation.present.begin(), situation.present.end(),
                     [&](Rank rank) { return collecting.answers.contains(rank); });
}

void ViewChange::try_choose(TimePoint now, const Situation& situation) {
  auto* collecting = round_->in<FlushRound::Collecting>();
  if (collecting == nullptr) return;
  const bool is_late = now - round_->begun() >= options_.ballot_time_out;
  if (!is_complete(*collecting, situation) && !is_late) return;
  if (!is_complete(*collecting, situation)) PROBE("a choice without all that are present");
  // Who accepted a value by force may have forgotten for it what a quorum accepted (rule R6).
  RankSet voters;
  for (const auto& [rank, answer] : collecting->answers) {
    if (!answer.state.accepted || !answer.state.accepted->value.forced) {
      voters.insert(rank);
    }
  }
  const bool has_quorum = base().primary && is_quorum_of(base(), voters);
  if (!has_quorum && !situation.given_up && !options_.partitionable) return;
  // What is known of oneself is never old.
  protocol::State& own = collecting->answers[*rank_].state;
  own.hears = situation.hears;
  own.leaving = situation.leaving_self;

  std::optional<ViewChangeValue> value;
  if (has_quorum) value = value_to_adopt(collecting->answers, /*forced=*/false);
  if (!value && defers(now, situation)) {
    PROBE("E15: a proposer waits for a lower rank that others hear");
    return;
  }
  if (!value && has_quorum) value = choose(collecting->answers, situation, nullptr);
  if (!value && options_.partitionable) {  // rule Q1: all must accept, so none of the dead
    value = choose(answers_of_present(collecting->answers, situation), situation, nullptr);
  }
  if (!value && situation.given_up) value = choose_by_force(collecting->answers, situation);
  found_no_quorum_ = !value && has_quorum;
  if (!value) return;
  round_->enter(now, FlushRound::Filling{std::move(*value)});
  if (living_) return;
  propose(now);
  try_decide(now, situation);
}

std::optional<ViewChangeValue> ViewChange::choose(const Answers& answers,
                                                  const Situation& situation,
                                                  const RankSet* given_up) const {
  RankSet silent;
  for (Rank rank = 0; rank < base().members.size(); ++rank) {
    if (!is_at_work(rank, situation)) silent.insert(rank);
  }
  return choose_value({.base = base(),
                       .answers = answers,
                       .joiners = situation.joiners,
                       .silent = silent,
                       .given_up = given_up,
                       .ballot = round_->ballot(),
                       .partitionable = options_.partitionable,
                       .quiet = situation.follows,
                       .parts_with_living = parts_with_living_,
                       .ballots_begun = ballots_begun_});
}

// Of those who are there now, and hear this member as it hears them.
Answers ViewChange::answers_of_present(Answers answers, const Situation& situation) const {
  const Answer own = answers.at(*rank_);
  std::erase_if(answers, [&](const auto& entry) {
    const auto failures = failures_.find(entry.first);
    if (entry.first == *rank_) return false;
    return !situation.present.contains(entry.first) || !hear_one_another(own, entry.second) ||
           (failures != failures_.end() && failures->second >= kFailuresMax);
  });
  return answers;
}

// Rule R6: a word is about who is there now, and not about answers of the dead; and what others
// accepted may be decided by those who were given up, in their lineage.
std::optional<ViewChangeValue> ViewChange::choose_by_force(Answers answers,
                                                           const Situation& situation) const {
  answers = answers_of_present(std::move(answers), situation);
  auto value = value_to_adopt(answers, /*forced=*/true);
  if (value) {
    RankSet kept = ranks_in(base(), value->next, /*by_name=*/true);
    kept.insert(situation.given_up->begin(), situation.given_up->end());
    if (kept.size() == base().members.size()) return value;
  }
  return choose(answers, situation, &*situation.given_up);
}

// Rule F11.
bool ViewChange::defers(TimePoint now, const Situation& situation) const {
  const auto& elsewhere = situation.heard_elsewhere;
  return !elsewhere.empty() && *elsewhere.begin() < *rank_ &&
         now - round_->begun() < options_.deference;
}

void ViewChange::propose(TimePoint now) {
  const ViewChangeValue value = round_->in<FlushRound::Filling>()->value;
  record_changed_ = accept(round_->ballot(), value) || record_changed_;
  round_->enter(now, FlushRound::Proposing{.value = value, .accepted = {*rank_}});
  outbound_.push_back({names_of(others()), protocol::Propose{round_->ballot(), value}});
}

void ViewChange::on_accept(TimePoint now, Rank rank, const protocol::Accept& accept,
                           const Situation& situation) {
  if (!round_ || accept.ballot != round_->ballot()) {
    PROBE("E23: the accept of another ballot");
    return;
  }
  auto* proposing = round_->in<FlushRound::Proposing>();
  if (proposing == nullptr) return;
  proposing->accepted.insert(rank);
  try_decide(now, situation);
}

bool ViewChange::accept(const Ballot& ballot, const ViewChangeValue& value) {
  return is_free(base(), value) ? agreement_.accept_freely(ballot, value)
                                : agreement_.accept(ballot, value);
}

// A quorum is enough (rule F8). Without one all must agree who stay in a view that needs none (rule
// Q1), and by force all but those who were given up (rule R6): who was not asked cannot be
// outvoted.
bool ViewChange::is_decided(const FlushRound::Proposing& proposing,
                            const Situation& situation) const {
  const bool is_forced = proposing.value.forced;
  if (is_forced && !situation.given_up) return false;
  const bool needs_all = is_forced || is_free(base(), proposing.value);
  if (!needs_all) return is_quorum_of(base(), proposing.accepted);
  const RankSet staying = ranks_in(base(), proposing.value.next, /*by_name=*/true);
  return std::all_of(staying.begin(), staying.end(), [&](Rank rank) {
    return proposing.accepted.contains(rank) || (is_forced && situation.given_up->contains(rank));
  });
}

void ViewChange::try_decide(TimePoint now, const Situation& situation) {
  auto* proposing = round_->in<FlushRound::Proposing>();
  if (proposing == nullptr) return;
  if (!is_decided(*proposing, situation)) return;
  proposing->quorum_at = std::min(proposing->quorum_at, now);
  // Rule F8: those that stay get a short grace to come along.
  const RankSet staying = ranks_in(base(), proposing->value.next, /*by_name=*/true);
  const bool all_accepted = std::all_of(staying.begin(), staying.end(), [&](Rank rank) {
    return proposing->accepted.contains(rank) || !situation.present.contains(rank);
  });
  if (!all_accepted && now - proposing->quorum_at < options_.grace) return;
  if (!all_accepted) PROBE("a decision without one that stays");
  decided_ = proposing->value;
  ViewChangeValue value = std::move(proposing->value);
  round_->enter(now, FlushRound::Decided{std::move(value)});
}

void ViewChange::on_refused(TimePoint now, const protocol::BallotRefused& refused,
                            const Situation& situation) {
  highest_round_ = std::max(highest_round_, refused.promised.round);
  if (!round_ || refused.promised <= round_->ballot()) return;
  last_proposer_ = refused.promised.proposer;
  abandon(now, situation);
  if (!is_at_work(last_proposer_, situation)) pause_after_failure(now);
}

// Rule F12. Drawn from the rank, so that rivals do not draw the same, and from how often it was; no
// chance is needed, and none is wanted here.
void ViewChange::pause_after_failure(TimePoint now) {
  const std::uint64_t log = std::min(vain_ballots_++, kPausesMaxLog);
  if (log == 0) return;
  PROBE("F12: a pause after ballots in vain");
  const std::uint64_t mixed =
      (std::uint64_t{*rank_} + 1) * 0x9E3779B97F4A7C15 ^ vain_ballots_ * 0xC2B2AE3D27D4EB4F;
  const std::uint64_t drawn = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 >> (64 - log);
  pause_until_ = now + static_cast<Duration::rep>(drawn) * options_.ballot_time_out;
}

void ViewChange::abandon(TimePoint now, const Situation& situation) {
  round_.reset();
  reason_since_ = now;
  quiet_until_ = now + turn(situation) + options_.step;
}

// --- time ----------------------------------------------------------------------------------------

void ViewChange::on_tick(TimePoint now, const Situation& situation) {
  watch_quorum(now, situation);
  if (!round_) return;
  try_choose(now, situation);
  try_decide(now, situation);
  if (round_->in<FlushRound::Decided>() != nullptr) return;
  // A phase that does not end means that somebody died in it, or came back since: ask everybody
  // afresh. Answers of before and after must not be mixed: they say who heard whom.
  const bool is_stuck =
      now - round_->phase_since() >= options_.ballot_time_out &&
      (is_quorum_of(base(), situation.present) || situation.given_up || options_.partitionable);
  if (is_stuck) {
    PROBE("E13: a ballot is begun afresh");
    parts_with_living_ = found_no_quorum_;
    quiet_until_ = now;
    if (options_.partitionable) note_failures(now);
    if (round_->in<FlushRound::Collecting>() != nullptr) pause_after_failure(now);
    round_.reset();
    return;
  }
  if (now - round_->last_sent() >= options_.resend) resend(now);
}

// Rule Q1: where all must agree, one that answers and can do no more must not stop the others. If
// that is the proposer itself, it leaves it to the next.
void ViewChange::note_failures(TimePoint now) {
  if (const auto* proposing = round_->in<FlushRound::Proposing>()) {
    for (const Rank rank : ranks_in(base(), proposing->value.next, /*by_name=*/true)) {
      if (!proposing->accepted.contains(rank)) ++failures_[rank];
    }
  } else if (round_->in<FlushRound::Filling>() != nullptr && ++failures_[*rank_] >= kFailuresMax) {
    PROBE("Q1: a proposer that cannot get the cut gives way");
    last_proposer_ = *rank_;
    quiet_until_ = now + 2 * options_.patience;
  }
}

void ViewChange::forgo(const protocol::ViewChangeValue& decided) {
  agreement_.forgo(decided.next);
  record_changed_ = true;
}

void ViewChange::resend(TimePoint now) {
  round_->on_sent(now);
  RankSet waiting = others();
  if (const auto* collecting = round_->in<FlushRound::Collecting>()) {
    for (const auto& [rank, answer] : collecting->answers) waiting.erase(rank);
    outbound_.push_back({names_of(waiting), protocol::Prepare{round_->ballot()}});
  } else if (const auto* proposing = round_->in<FlushRound::Proposing>()) {
    for (const Rank rank : proposing->accepted) waiting.erase(rank);
    outbound_.push_back({names_of(waiting), protocol::Propose{round_->ballot(), proposing->value}});
  }
}

bool ViewChange::is_at_work(Rank proposer, const Situation& situation) const {
  return situation.present.contains(proposer) && !situation.lost.contains(proposer);
}

TimePoint ViewChange::next_deadline(const Situation& situation) const {
  if (has_decided()) return TimePoint::never();
  if (round_) {
    TimePoint deadline = round_->last_sent() + options_.resend;
    if (const auto* proposing = round_->in<FlushRound::Proposing>()) {
      deadline = std::min(deadline, proposing->quorum_at + options_.grace);
    } else if (!situation.heard_elsewhere.empty()) {
      const TimePoint end = round_->begun() + options_.deference;
      if (end > round_->last_sent()) deadline = std::min(deadline, end);
    }
    return deadline;
  }
  return has_reason(situation) ? ballot_due_at(situation) : TimePoint::never();
}

std::vector<std::string> ViewChange::names_of(const RankSet& ranks) const {
  std::vector<std::string> names;
  for (const Rank rank : ranks) names.push_back(base().members[rank].id.name);
  return names;
}

RankSet ViewChange::others() const {
  RankSet ranks;
  for (Rank rank = 0; rank < base().members.size(); ++rank) {
    if (rank != rank_) ranks.insert(rank);
  }
  return ranks;
}

}  // namespace groupcomm::membership
