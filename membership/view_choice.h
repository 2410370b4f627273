// What a view change decides: pure functions of what the members said.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "membership/rank_set.h"

namespace groupcomm::membership {

// The answers to one PREPARE, by the answering member's rank in the base view, and who gave them
// (a member that restarted answers with a new incarnation).
struct Answer {
  DaemonId from;
  protocol::State state;
};
using Answers = std::map<Rank, Answer>;

// The view from which joiners come that keep what they have, and its groups (rule Q5).
struct Origin {
  protocol::DaemonView view;
  std::vector<protocol::GroupEntry> groups;
};

// A daemon outside the base view that wants to come in.
struct Joiner {
  protocol::DaemonMember member;
  std::vector<Incarnation> hears;
  std::shared_ptr<const Origin> origin = nullptr;  // nullptr: it has nothing
};

// Both ways, by what they answered.
bool hear_one_another(const Answer& a, const Answer& b);

// Is this set of ranks a quorum of the view (rule V1)?
bool is_quorum_of(const protocol::DaemonView& view, const RankSet& ranks);

// The ranks of the base view that are members of `next`, by name where `by_name`, else by
// incarnation.
RankSet ranks_in(const protocol::DaemonView& base, const protocol::DaemonView& next, bool by_name);

// Rule F3: the accepted value of the highest ballot among the answers must be proposed again.
// `forced`: of the values by force (rule R6), and else of the others.
std::optional<protocol::ViewChangeValue> value_to_adopt(const Answers& answers, bool forced);

// The lineages that a forced view after this one names (rule R7).
std::vector<Incarnation> ancestors_after(const protocol::DaemonView& base);

// A forced view is counted so much further than the one before: those who were given up may have
// gone on, and what is decided by force has to stand behind it (rule R7).
inline constexpr std::uint64_t kForcedStep = std::uint64_t{1} << 32;
std::uint64_t step_after(const ViewId& base, bool forced);

struct Choice {
  const protocol::DaemonView& base;
  const Answers& answers;
  const std::vector<Joiner>& joiners;
  const RankSet& silent;  // members that are not even heard
  // No quorum is needed, but all others than these (rule R6).
  const RankSet* given_up = nullptr;
  protocol::Ballot ballot;
  bool partitionable = false;  // nor here, but then the view is not primary (rule Q1)
  bool quiet = false;          // it waits to be taken in by another (rule Q5)
  // The ballot before this one found no quorum of members that hear one another (rule V2).
  bool parts_with_living = false;
  // By the proposer so far. Ballots of two bases may have one round, and their views one counter.
  std::uint64_t ballots_begun = 0;
};

// Rules F4 and V2-V4: the largest set of answering members that all hear one another, minus
// leavers, plus joiners that all of them hear; the cut and the known order. Nothing where no such
// set is a quorum of the base view, or by force, all that were not given up, unless the policy asks
// for none.
std::optional<protocol::ViewChangeValue> choose_value(const Choice& choice);

}  // namespace groupcomm::membership
