// Getting from one view to the next.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/time_point.h"
#include "membership/flush_round.h"
#include "membership/rank_set.h"
#include "membership/view_agreement.h"
#include "membership/view_choice.h"

namespace groupcomm::membership {

// A member's part in leaving one view, the base, as acceptor and as proposer. The steps, in their
// order: begin_ballot, answer_prepare, choose, propose, accept, decide; then the owner installs.
//
// The base is either the view that this daemon lives in, or, where it has none (it starts, or
// restarted), the newest view in its durable record, in which it votes by name and without
// messages (rule R2); for a cluster that never was, the configured seeds.
//
// In primary mode nothing is decided without a quorum of the base: a member that asked or answered
// stays frozen in the base until a view or its exclusion is known (rule V5).
// Under the partitionable policy what has no quorum goes on in views that are not primary; then
// all who stay must accept (rule Q1).
class ViewChange {
 public:
  struct Options {
    protocol::DaemonMember self;
    Duration step = std::chrono::milliseconds(100);  // between ranks that may propose
    Duration resend = std::chrono::milliseconds(100);
    // A ballot goes on without members that are present and do not answer after this, and a
    // later phase that does not end is begun afresh.
    Duration ballot_time_out = std::chrono::milliseconds(1500);
    // Others leave a proposer that is present so long.
    Duration patience = std::chrono::milliseconds(4500);
    Duration gather = std::chrono::milliseconds(400);  // recovery waits so long for all
    Duration grace = std::chrono::milliseconds(100);   // a decided ballot waits for the slow
    // A proposer leaves it so long to lower ranks that live behind others to propose themselves.
    Duration deference = std::chrono::milliseconds(300);
    bool partitionable = false;  // what has no quorum goes on, too (rule Q1)
  };

  // What the owner knows of the world at this moment.
  struct Situation {
    std::vector<Incarnation> hears;  // including oneself
    RankSet present;                 // members of the base that can vote, oneself included
    RankSet lost;                 // members of a living base whose own incarnation is not present
    RankSet heard_elsewhere;      // of those lost: whom another present member hears
    RankSet leaving;              // of those present, who wants to leave
    std::vector<Joiner> joiners;  // daemons that want in and are heard here
    bool joiner_is_due = false;   // some joiner is heard by all present members
    bool leaving_self = false;
    bool suspended = false;
    // The operator's word (rule R6): all members but these need no quorum.
    std::optional<RankSet> given_up;
    bool may_recover = true;  // no living view is known: a restarted daemon may form one
    // Partitionable policy (rule Q4).
    bool follows = false;       // it is to wait, quietly, until another component takes it in
    bool quiet_is_due = false;  // it is not quiet and should be, or the other way round
  };

  // What a living member knows when it is frozen; empty for one that votes from its record.
  struct Messages {
    bool living = false;
    std::vector<MessageNumber> held;
    OrderNumber first_place;
    std::vector<protocol::MessageReference> places;
    OrderNumber delivered;
  };

  struct Outbound {
    std::vector<std::string> to;  // names
    protocol::PeerBody body;
  };

  ViewChange(Options options, protocol::DurableRecord record, TimePoint now);

  // --- the base
  const protocol::DaemonView& base() const { return agreement_.base(); }
  // Oneself in the base, by name.
  std::optional<Rank> rank() const { return rank_; }
  bool is_living() const { return living_; }
  // A view is decided: it is the base of the next change. Drops everything of the last one.
  // `living`: it was installed here. A member that never learnt how it began votes by its record.
  void begin(const protocol::DaemonView& view, bool living, TimePoint now);
  // The same for a living view that came about by this value, and may not be primary.
  void begin(const protocol::ViewChangeValue& value, TimePoint now);
  // The base, which was known to be decided, is installed here after all. What was promised and
  // accepted in its change stands.
  void come_to_life() { living_ = true; }
  const protocol::DurableRecord& record() const { return agreement_.record(); }

  // --- phases
  // A promise is out: a living member takes no more messages of the base (rule F2).
  bool is_flushing() const { return agreement_.has_promised(); }
  // Someone should begin a ballot, and it is this member's turn.
  bool is_ballot_due(TimePoint now, const Situation& situation);
  // What a ballot of one's own has asked so far is not to count: it is begun afresh.
  void ask_afresh(TimePoint now);
  void begin_ballot(TimePoint now, const Situation& situation, const Messages& messages);

  // Rounds rise by one with each ballot: one that is far above all that were heard was made up, and
  // would soon leave no rounds for those to come.
  bool is_near(const protocol::Ballot& ballot) const;
  bool may_promise(const protocol::Ballot& ballot) const;
  void on_prepare(TimePoint now, const DaemonId& from, Rank proposer,
                  const protocol::Prepare& prepare, const Situation& situation,
                  const Messages& messages);
  void on_state(TimePoint now, const DaemonId& from, Rank rank, const protocol::State& state,
                const Situation& situation);
  void on_refused(TimePoint now, const protocol::BallotRefused& refused,
                  const Situation& situation);
  void on_propose(TimePoint now, Rank proposer, const protocol::Propose& propose);
  void on_accept(TimePoint now, Rank rank, const protocol::Accept& accept,
                 const Situation& situation);
  // Time passed or the situation changed.
  void on_tick(TimePoint now, const Situation& situation);

  // The value whose cut this living member must hold before it can go on, or nullptr.
  const protocol::ViewChangeValue* wanted() const;
  // All of wanted() is held.
  void on_cut_held(TimePoint now);

  // A decision that comes too late: this member has helped to outvote it (rule Q3).
  bool has_outvoted(const protocol::ViewChangeValue& decided) const {
    return agreement_.has_outvoted(decided.next);
  }
  // A decision that this member cannot carry out: it lacks messages that nobody gives it.
  void forgo(const protocol::ViewChangeValue& decided);

  // --- outputs, in this order: persist the record, then send, then install.
  bool take_record_changed() { return std::exchange(record_changed_, false); }
  std::vector<Outbound> take_outbound() { return std::exchange(outbound_, {}); }
  // This proposer has seen its value decided, and is still in the view that this leaves.
  bool has_decided() const { return round_ && round_->in<FlushRound::Decided>() != nullptr; }
  // The value that this proposer saw decided, once.
  std::optional<protocol::ViewChangeValue> take_decided() {
    return std::exchange(decided_, std::nullopt);
  }
  // A ballot is under way, or has a reason: only then next_deadline is not never(). (What the
  // situation is costs more to find out than a step that has nothing to do with views.)
  bool is_pending() const { return round_.has_value() || reason_since_.has_value(); }
  TimePoint next_deadline(const Situation& situation) const;
  // A quorum of the base is present since then.
  std::optional<TimePoint> quorum_since() const { return quorum_since_; }
  std::uint64_t ballots_begun() const { return ballots_begun_; }

 private:
  // A PROPOSE that waits for its cut to be held.
  struct Pending {
    Rank proposer;
    protocol::Ballot ballot;
    protocol::ViewChangeValue value;
  };

  bool has_reason(const Situation& situation) const;
  // When this member should begin a ballot; never where it waits for something else than time.
  TimePoint ballot_due_at(const Situation& situation) const;
  bool is_complete(const FlushRound::Collecting& collecting, const Situation& situation) const;
  void watch_quorum(TimePoint now, const Situation& situation);
  Duration turn(const Situation& situation) const;
  bool is_at_work(Rank proposer, const Situation& situation) const;
  protocol::State state_for(const protocol::Ballot& ballot, const Situation& situation,
                            const Messages& messages) const;
  // Another one is at it: it gets its time before this one begins a ballot of its own.
  void wait_for(TimePoint now, Rank proposer);
  void try_choose(TimePoint now, const Situation& situation);
  // What a ballot proposes where nothing that was accepted binds it.
  std::optional<protocol::ViewChangeValue> choose(const Answers& answers,
                                                  const Situation& situation,
                                                  const RankSet* given_up) const;
  Answers answers_of_present(Answers answers, const Situation& situation) const;
  std::optional<protocol::ViewChangeValue> choose_by_force(Answers answers,
                                                           const Situation& situation) const;
  bool is_decided(const FlushRound::Proposing& proposing, const Situation& situation) const;
  bool defers(TimePoint now, const Situation& situation) const;
  void propose(TimePoint now);
  void try_decide(TimePoint now, const Situation& situation);
  bool accept(const protocol::Ballot& ballot, const protocol::ViewChangeValue& value);
  void abandon(TimePoint now, const Situation& situation);
  void pause_after_failure(TimePoint now);
  void resend(TimePoint now);
  void note_failures(TimePoint now);
  std::vector<std::string> names_of(const RankSet& ranks) const;
  RankSet others() const;

  Options options_;
  ViewAgreement agreement_;
  std::optional<Rank> rank_;
  bool living_ = false;
  std::optional<FlushRound> round_;  // own ballot
  std::optional<Pending> pending_;   // somebody's proposal
  std::uint64_t highest_round_ = 0;
  // Members that are present and did not accept, or could not be proposed for: how often (rule Q1).
  std::map<Rank, int> failures_;
  bool found_no_quorum_ = false;           // of those that answered, in this ballot (V2)
  bool parts_with_living_ = false;         // nor of those in the ballot before (V2)
  bool may_become_primary_ = false;        // components came together, and are a quorum again (Q3)
  std::optional<TimePoint> reason_since_;  // a reason for a ballot has stood since
  std::optional<TimePoint> quorum_since_;  // a quorum is present since
  TimePoint quiet_until_;                  // not before: somebody else's ballot is under way
  Rank last_proposer_ = 0;                 // whose that is
  std::uint64_t vain_ballots_ = 0;         // unanswered, or refused for a proposer not heard here
  TimePoint pause_until_;                  // no own ballot before (rule F12)
  bool record_changed_ = false;
  std::vector<Outbound> outbound_;
  std::optional<protocol::ViewChangeValue> decided_;
  std::uint64_t ballots_begun_ = 0;
};

}  // namespace groupcomm::membership
