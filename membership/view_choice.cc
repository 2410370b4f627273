#include "membership/view_choice.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "groupcomm/check.h"
#include "groupcomm/probe.h"
#include "membership/partition_policy.h"
#include "membership/rank_set.h"
#include "membership/view_fits.h"
#include "ordering/quorum.h"

namespace groupcomm::membership {
namespace {

using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::ViewChangeValue;

// Up to so many members every subset is looked at; beyond, the worst connected are dropped.
constexpr std::size_t kExactMax = 14;

bool hears(const std::vector<Incarnation>& row, Incarnation incarnation) {
  return std::find(row.begin(), row.end(), incarnation) != row.end();
}

}  // namespace

// Two of one incarnation cannot be told apart (rule P5): they count as if they were cut off.
bool hear_one_another(const Answer& a, const Answer& b) {
  if (a.from.incarnation == b.from.incarnation) return false;
  return hears(a.state.hears, b.from.incarnation) && hears(b.state.hears, a.from.incarnation);
}

namespace {

using Subset = std::uint32_t;

// Ranks as positions in `ranks`; bit j of links[i]: i and j hear one another.
std::vector<Subset> link_matrix(const Answers& answers, const std::vector<Rank>& ranks) {
  std::vector<Subset> links(ranks.size(), 0);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    for (std::size_t j = 0; j < ranks.size(); ++j) {
      if (i == j || hear_one_another(answers.at(ranks[i]), answers.at(ranks[j]))) {
        links[i] |= Subset{1} << j;
      }
    }
  }
  return links;
}

std::vector<Rank> largest_clique_exact(const Answers& answers, const std::vector<Rank>& ranks) {
  const std::vector<Subset> links = link_matrix(answers, ranks);
  Subset best = 0;
  for (Subset subset = 1; subset < (Subset{1} << ranks.size()); ++subset) {
    const int size = std::popcount(subset);
    if (size < std::popcount(best)) continue;
    bool is_clique = true;
    for (std::size_t i = 0; i < ranks.size() && is_clique; ++i) {
      if ((subset >> i) & 1) is_clique = (subset & ~links[i]) == 0;
    }
    // Ties go to the lowest ranks: compare the sets as if bit 0 were the most significant.
    const auto lowest_difference = static_cast<Subset>(std::countr_zero(subset ^ best));
    const bool is_better = size > std::popcount(best) || ((subset >> lowest_difference) & 1);
    if (is_clique && is_better) best = subset;
  }
  std::vector<Rank> clique;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if ((best >> i) & 1) clique.push_back(ranks[i]);
  }
  return clique;
}

std::vector<Rank> large_clique_greedy(const Answers& answers, std::vector<Rank> ranks) {
  while (!ranks.empty()) {
    std::size_t worst = 0;
    std::ptrdiff_t most_missing = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const auto missing = std::count_if(ranks.begin(), ranks.end(), [&](Rank other) {
        return other != ranks[i] && !hear_one_another(answers.at(ranks[i]), answers.at(other));
      });
      if (missing > 0 && missing >= most_missing) {
        worst = i;
        most_missing = missing;
      }
    }
    if (most_missing == 0) break;
    PROBE("E15: the worst connected of many is left out");
    ranks.erase(ranks.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  return ranks;
}

std::vector<Rank> largest_clique(const Answers& answers, const std::vector<Rank>& ranks) {
  return ranks.size() <= kExactMax ? largest_clique_exact(answers, ranks)
                                   : large_clique_greedy(answers, ranks);
}

std::vector<Rank> ranks_of(const Answers& answers, bool living) {
  std::vector<Rank> ranks;
  for (const auto& [rank, answer] : answers) {
    if (answer.state.living == living) ranks.push_back(rank);
  }
  return ranks;
}

std::vector<Rank> heard_by_all(const Answers& answers, const std::vector<Rank>& ranks,
                               const std::vector<Rank>& hearers) {
  std::vector<Rank> heard;
  for (const Rank rank : ranks) {
    const bool is_heard = std::all_of(hearers.begin(), hearers.end(), [&](Rank other) {
      return rank == other || hear_one_another(answers.at(rank), answers.at(other));
    });
    if (is_heard) heard.push_back(rank);
  }
  return heard;
}

// A member that restarted is not preferred to one that has its messages.
std::vector<Rank> living_first(const Answers& answers) {
  std::vector<Rank> staying = largest_clique(answers, ranks_of(answers, /*living=*/true));
  const std::vector<Rank> restarted = ranks_of(answers, /*living=*/false);
  const std::vector<Rank> added =
      largest_clique(answers, heard_by_all(answers, restarted, staying));
  if (!staying.empty() && !added.empty()) PROBE("a restarted member stays beside living ones");
  if (added.size() < restarted.size()) PROBE("a restarted member is not heard by all");
  staying.insert(staying.end(), added.begin(), added.end());
  std::sort(staying.begin(), staying.end());
  return staying;
}

bool is_quorum_of(const DaemonView& view, const std::vector<Rank>& ranks) {
  return is_quorum_of(view, RankSet(ranks.begin(), ranks.end()));
}

// For each of the living the largest set with it; of these, where they are quorums, the largest one
// with the most of the living.
std::vector<Rank> quorum_with_one_living(const DaemonView& base, const Answers& answers) {
  std::vector<Rank> all;
  for (const auto& [rank, answer] : answers) all.push_back(rank);
  std::vector<Rank> best;
  std::ptrdiff_t most_living = 0;
  for (const Rank one : ranks_of(answers, /*living=*/true)) {
    const std::vector<Rank> heard = heard_by_all(answers, all, {one});
    if (!is_quorum_of(base, heard)) continue;
    std::vector<Rank> set = largest_clique(answers, heard);
    if (!is_quorum_of(base, set)) continue;
    const auto lives = std::count_if(set.begin(), set.end(),
                                     [&](Rank rank) { return answers.at(rank).state.living; });
    if (set.size() < best.size() || (set.size() == best.size() && lives <= most_living)) continue;
    best = std::move(set);
    most_living = lives;
  }
  return best;
}

// Rule V2.
std::vector<Rank> choose_staying(const Choice& choice) {
  const Answers& answers = choice.answers;
  std::vector<Rank> staying = living_first(answers);
  if (!choice.parts_with_living || is_quorum_of(choice.base, staying)) return staying;
  std::vector<Rank> others = quorum_with_one_living(choice.base, answers);
  if (!others.empty()) {
    PROBE("V2: a living member is left out for a quorum with restarted ones");
    return others;
  }
  others = largest_clique(answers, ranks_of(answers, /*living=*/false));
  if (is_quorum_of(choice.base, others)) {
    PROBE("V2: all living members are left out for a quorum of restarted ones");
    return others;
  }
  return staying;
}

bool may_join(const Joiner& joiner, const Choice& choice, const std::vector<Rank>& staying) {
  const auto& old = choice.base.members;
  const bool was_member = std::any_of(old.begin(), old.end(), [&](const DaemonMember& member) {
    return member.id == joiner.member.id;
  });
  if (was_member) return false;
  return std::all_of(staying.begin(), staying.end(), [&](Rank rank) {
    const Answer& answer = choice.answers.at(rank);
    return hears(answer.state.hears, joiner.member.id.incarnation) &&
           hears(joiner.hears, answer.from.incarnation);
  });
}

// Living members keep their seniority; members that restarted are as new as joiners.
// `may_grow`: joiners may enter.
std::vector<DaemonMember> next_members(const Choice& choice, const std::vector<Rank>& staying,
                                       bool may_grow) {
  std::vector<DaemonMember> members;
  for (const bool living : {true, false}) {
    for (const Rank rank : staying) {
      const Answer& answer = choice.answers.at(rank);
      if (answer.state.living == living) members.push_back({answer.from, answer.state.address});
    }
  }
  // Rule V3: only as many joiners as leave the survivors a quorum of the next view.
  std::size_t places = protocol::kDaemonsMax - members.size();
  if (choice.base.primary) places = std::min(members.size(), places);
  if (!may_grow) places = 0;
  // Of two that come under one name the later incarnation is the living one.
  for (auto joiner = choice.joiners.rbegin(); joiner != choice.joiners.rend(); ++joiner) {
    const DaemonId& id = joiner->member.id;
    const auto is_same = [&](const DaemonMember& member) {
      return member.id.name == id.name || member.id.incarnation == id.incarnation;
    };
    const bool is_there = std::any_of(members.begin(), members.end(), is_same);
    if (places == 0) PROBE("more joiners than may enter at once");
    if (is_there) PROBE("E19: two come under one name, or one incarnation");
    if (places == 0 || is_there || !may_join(*joiner, choice, staying)) continue;
    members.push_back(joiner->member);
    --places;
  }
  return members;
}

LeaveReason leave_reason(const Choice& choice, Rank rank) {
  const auto answer = choice.answers.find(rank);
  if (answer != choice.answers.end()) {
    if (answer->second.state.leaving) return LeaveReason::kLeave;
    return answer->second.state.living ? LeaveReason::kPartition : LeaveReason::kDaemonLost;
  }
  return choice.silent.contains(rank) ? LeaveReason::kDaemonLost : LeaveReason::kPartition;
}

// Rule F4: what some answering member holds without a hole. Only the living can deliver it.
void choose_cut(const Choice& choice, ViewChangeValue& value) {
  value.cut.resize(choice.base.members.size());
  value.first_place = OrderNumber{~std::uint64_t{0}};
  for (const auto& [rank, answer] : choice.answers) {
    if (!answer.state.living) continue;
    for (std::size_t sender = 0; sender < value.cut.size(); ++sender) {
      value.cut[sender] = std::max(value.cut[sender], answer.state.held[sender]);
    }
    value.first_place = std::min(value.first_place, answer.state.first_place);
    value.delivered = std::max(value.delivered, answer.state.delivered);
  }
  bool grew = true;
  while (grew) {
    grew = false;
    for (const auto& [rank, answer] : choice.answers) {
      if (!answer.state.living) continue;
      const OrderNumber next = value.first_place.plus(value.places.size());
      const OrderNumber first = answer.state.first_place;
      const OrderNumber end = first.plus(answer.state.places.size());
      if (first > next || end <= next) continue;
      const auto begin =
          answer.state.places.begin() + static_cast<std::ptrdiff_t>(next.value - first.value);
      value.places.insert(value.places.end(), begin, answer.state.places.end());
      grew = true;
    }
  }
}

// A fingerprint of the view that begins it: one incarnation may begin several.
Incarnation lineage_by_force(const ViewId& id) {
  return Incarnation{group_key(to_string(id)).value | 1};
}

// Rule R6: an operator gave up all that do not stay.
bool are_others_given_up(const Choice& choice, const std::vector<Rank>& staying) {
  if (choice.given_up == nullptr) return false;
  RankSet known = *choice.given_up;
  known.insert(staying.begin(), staying.end());
  return known.size() == choice.base.members.size();
}

bool contains(const std::vector<DaemonMember>& members, const DaemonId& id) {
  return std::any_of(members.begin(), members.end(),
                     [&](const DaemonMember& member) { return member.id == id; });
}

void choose_lineage(const Choice& choice, ViewChangeValue& value) {
  const DaemonView& base = choice.base;
  value.next.lineage = base.id.counter == 0 ? choice.ballot.incarnation : base.lineage;
  if (value.forced) value.next.lineage = lineage_by_force(value.next.id);
  value.next.ancestors = value.forced ? ancestors_after(base) : base.ancestors;
}

void note_departed(const Choice& choice, const std::vector<Rank>& staying, ViewChangeValue& value) {
  const DaemonView& base = choice.base;
  if (base.id.counter == 0) return;
  for (Rank rank = 0; rank < base.members.size(); ++rank) {
    const auto answer = choice.answers.find(rank);
    const bool stays = std::find(staying.begin(), staying.end(), rank) != staying.end();
    if (stays && answer->second.from == base.members[rank].id) continue;
    value.left.push_back({base.members[rank].id, leave_reason(choice, rank)});
  }
}

// The groups there, with their members at the daemons that arrive.
std::vector<protocol::GroupEntry> groups_at(const std::vector<Incarnation>& daemons,
                                            const std::vector<protocol::GroupEntry>& groups) {
  std::vector<protocol::GroupEntry> arriving;
  for (protocol::GroupEntry group : groups) {
    std::erase_if(group.members, [&](const GroupMember& member) {
      return !hears(daemons, member.process.key.daemon);
    });
    if (!group.members.empty()) arriving.push_back(std::move(group));
  }
  return arriving;
}

}  // namespace

bool is_quorum_of(const DaemonView& view, const RankSet& ranks) {
  return ordering::is_quorum(view.members.size(), ranks.size(), ranks.contains(0));
}

// Nobody went on from a cluster that never was.
std::uint64_t step_after(const ViewId& base, bool forced) {
  return forced && base.counter > 0 ? kForcedStep : 1;
}

RankSet ranks_in(const DaemonView& base, const DaemonView& next, bool by_name) {
  RankSet ranks;
  for (Rank rank = 0; rank < base.members.size(); ++rank) {
    const DaemonId& id = base.members[rank].id;
    const bool present =
        std::any_of(next.members.begin(), next.members.end(), [&](const DaemonMember& member) {
          return by_name ? member.id.name == id.name : member.id == id;
        });
    if (present) ranks.insert(rank);
  }
  return ranks;
}

std::optional<ViewChangeValue> value_to_adopt(const Answers& answers, bool forced) {
  const protocol::AcceptedValue* newest = nullptr;
  for (const auto& [rank, answer] : answers) {
    const auto& accepted = answer.state.accepted;
    if (!accepted || accepted->value.forced != forced) continue;
    if (newest == nullptr || newest->ballot < accepted->ballot) newest = &*accepted;
  }
  if (newest == nullptr) return std::nullopt;
  PROBE("E10: an accepted value is proposed again");
  return newest->value;
}

std::vector<Incarnation> ancestors_after(const DaemonView& base) {
  std::vector<Incarnation> ancestors = base.ancestors;
  if (base.id.counter == 0) return ancestors;
  ancestors.push_back(base.lineage);
  if (ancestors.size() > protocol::kAncestorsMax) ancestors.erase(ancestors.begin());
  return ancestors;
}

namespace {

// Rules Q1-Q3: who votes, and what they know of primary views.
struct Electorate {
  std::vector<Voter> voters;
  std::vector<protocol::PrimaryClaim> claims;
};

Electorate electorate_of(const Choice& choice, const std::vector<Rank>& staying) {
  Electorate electorate;
  for (const Rank rank : staying) {
    const Answer& answer = choice.answers.at(rank);
    protocol::PrimaryClaim claim = answer.state.claim.value_or(protocol::PrimaryClaim{});
    if (choice.base.primary) {
      claim = {.last = choice.base, .attempts = {}};
      if (answer.state.accepted) note_attempt(claim, answer.state.accepted->value.next);
    }
    electorate.voters.push_back({answer.from.name, answer.state.since, claim.last.id});
    electorate.claims.push_back(std::move(claim));
  }
  return electorate;
}

// Who enters from another view brings its groups along.
void note_arrivals(const Choice& choice, ViewChangeValue& value) {
  for (const Joiner& joiner : choice.joiners) {
    const DaemonId& id = joiner.member.id;
    if (joiner.origin == nullptr || !contains(value.next.members, id)) continue;
    auto arrival = std::find_if(
        value.arrivals.begin(), value.arrivals.end(),
        [&](const protocol::Arrival& other) { return other.from == joiner.origin->view.id; });
    if (arrival == value.arrivals.end()) {
      value.arrivals.push_back({.from = joiner.origin->view.id, .daemons = {}, .groups = {}});
      arrival = std::prev(value.arrivals.end());
      value.next.id.counter = std::max(value.next.id.counter, arrival->from.counter + 1);
    }
    arrival->daemons.push_back(id.incarnation);
    arrival->groups = groups_at(arrival->daemons, joiner.origin->groups);
  }
}

// Rules Q1-Q3: whether the next view is primary where no quorum is asked for.
void claim_freely(const Choice& choice, const std::vector<Rank>& staying, ViewChangeValue& value) {
  const Electorate electorate = electorate_of(choice, staying);
  value.claim = join_claims(electorate.claims, electorate.voters);
  const DaemonView& last = value.claim->last;
  value.next.primary = !choice.base.primary && value.arrivals.empty() &&
                       may_be_primary(*value.claim, electorate.voters);
  value.quiet = choice.quiet && !value.next.primary;
  if (last.id.counter > 0) {
    value.next.lineage = last.lineage;
    value.next.ancestors = last.ancestors;
  }
  if (!value.next.primary) return;
  PROBE("Q3: a view becomes primary again");
  // Some may have formed a first view before, unknown to the others: all of them are one lineage.
  if (last.id.counter == 0) value.next.lineage = Incarnation{last.id.proposer.value | 1};
  value.next.id.counter = std::max(value.next.id.counter, last.id.counter + 1);
  for (const DaemonView& attempt : value.claim->attempts) {
    value.next.id.counter = std::max(value.next.id.counter, attempt.id.counter + 1);
  }
  const auto live_on = [&](const DaemonView& view) {
    return is_quorum_of(view, ranks_in(view, value.next, /*by_name=*/false));
  };
  const auto& attempts = value.claim->attempts;
  value.recovered = (last.id.counter > 0 && !live_on(last)) ||
                    !std::all_of(attempts.begin(), attempts.end(), live_on);
}

}  // namespace

std::optional<ViewChangeValue> choose_value(const Choice& choice) {
  const DaemonView& base = choice.base;
  if (base.id.counter >= kCountMax) return std::nullopt;  // rule P6
  std::vector<Rank> staying = choose_staying(choice);
  // Leavers count for the quorum that lets the others go on (rule V2).
  const bool is_quorum = is_quorum_of(base, staying);
  const bool is_free = choice.partitionable && (!base.primary || !is_quorum);
  if (!is_quorum && !is_free && !are_others_given_up(choice, staying)) {
    PROBE("E13: those who hear one another are no quorum");
    return std::nullopt;
  }
  RankSet living;  // leavers among them
  for (const Rank rank : staying) {
    if (choice.answers.at(rank).state.living) living.insert(rank);
  }
  std::erase_if(staying, [&](Rank rank) { return choice.answers.at(rank).state.leaving; });
  if (staying.empty()) {
    PROBE("E40: all that are left leave");
    return std::nullopt;  // nobody needs a view
  }

  ViewChangeValue value;
  value.base = base.id;
  const std::uint64_t number = choice.partitionable ? choice.ballots_begun : choice.ballot.round;
  value.forced = choice.given_up != nullptr;
  const std::uint64_t counter = base.id.counter + step_after(base.id, value.forced);
  value.next.id = {counter, choice.ballot.incarnation, number};
  value.next.members = next_members(choice, staying, /*may_grow=*/is_quorum || !base.primary);
  choose_lineage(choice, value);
  note_departed(choice, staying, value);
  note_arrivals(choice, value);
  if (value.forced) PROBE("R6: a view is forced");
  if (is_free) {
    claim_freely(choice, staying, value);
  } else {
    value.recovered = base.id.counter > 0 && (value.forced || !is_quorum_of(base, living));
  }
  if (value.recovered) PROBE("a view is recovered");
  if (value.recovered && !living.empty()) PROBE("a view is recovered beside living members");
  if (staying.size() < choice.answers.size()) PROBE("E15: somebody who answered is left out");
  if (value.next.id.counter > kCountMax) return std::nullopt;  // rule P6
  if (!living.empty()) choose_cut(choice, value);
  return value;
}

}  // namespace groupcomm::membership
