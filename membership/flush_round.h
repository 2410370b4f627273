// One ballot of a view change, as its proposer sees it.
#pragma once

#include <variant>

#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/time_point.h"
#include "membership/rank_set.h"
#include "membership/view_choice.h"

namespace groupcomm::membership {

// The phases of a ballot, each with its own data (rules F2-F8):
//   Collecting  PREPARE is out, STATEs come in;
//   Filling     the value is chosen, the proposer pulls the whole cut to itself;
//   Proposing   PROPOSE is out, ACCEPTs come in;
//   Decided     a quorum accepted: INSTALL may go out.
class FlushRound {
 public:
  struct Collecting {
    Answers answers;
  };
  struct Filling {
    protocol::ViewChangeValue value;
  };
  struct Proposing {
    protocol::ViewChangeValue value;
    RankSet accepted;
    TimePoint quorum_at = TimePoint::never();
  };
  struct Decided {
    protocol::ViewChangeValue value;
  };
  using Phase = std::variant<Collecting, Filling, Proposing, Decided>;

  FlushRound(protocol::Ballot ballot, TimePoint now)
      : ballot_(ballot), begun_(now), phase_since_(now), last_sent_(now) {}

  const protocol::Ballot& ballot() const { return ballot_; }
  template <typename P>
  const P* in() const {
    return std::get_if<P>(&phase_);
  }
  template <typename P>
  P* in() {
    return std::get_if<P>(&phase_);
  }

  template <typename P>
  void enter(TimePoint now, P phase) {
    phase_ = std::move(phase);
    phase_since_ = now;
    last_sent_ = now;
  }

  TimePoint begun() const { return begun_; }
  TimePoint phase_since() const { return phase_since_; }
  // When the question of this phase was last asked.
  TimePoint last_sent() const { return last_sent_; }
  void on_sent(TimePoint now) { last_sent_ = now; }

 private:
  protocol::Ballot ballot_;
  TimePoint begun_;
  TimePoint phase_since_;
  TimePoint last_sent_;
  Phase phase_;
};

}  // namespace groupcomm::membership
