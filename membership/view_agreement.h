// The acceptor of one view change: what a member has promised and accepted.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/protocol/peer_frames.h"
#include "membership/partition_policy.h"

namespace groupcomm::membership {

// One Paxos instance for each view that is left [Lamport 1998]: acceptors are the members of that
// view, the value is what comes next (rules F1, F3, F8). Its state is what must survive a crash:
// record() is to be made durable before an answer that rests on it is sent.
class ViewAgreement {
 public:
  explicit ViewAgreement(protocol::DurableRecord record) : record_(std::move(record)) {}

  // The base view of the instance: the newest view known to be decided.
  const protocol::DaemonView& base() const { return record_.decided; }
  const protocol::Ballot& promised() const { return record_.promised; }
  const std::optional<protocol::AcceptedValue>& accepted() const { return record_.accepted; }
  bool has_promised() const { return record_.promised.round > 0; }

  // Equal ballots are one question asked again.
  bool may_promise(const protocol::Ballot& ballot) const { return ballot >= record_.promised; }
  // True: the state changed. REQUIRES: may_promise(ballot).
  bool promise(const protocol::Ballot& ballot) {
    CHECK(may_promise(ballot));
    if (ballot == record_.promised) return false;
    record_.promised = ballot;
    return true;
  }

  bool may_accept(const protocol::Ballot& ballot) const { return ballot >= record_.promised; }
  // True: the state changed. REQUIRES: may_accept(ballot); a living member holds the whole cut.
  bool accept(const protocol::Ballot& ballot, const protocol::ViewChangeValue& value) {
    CHECK(may_accept(ballot));
    if (record_.accepted && record_.accepted->ballot == ballot) return false;
    record_.promised = ballot;
    record_.accepted = protocol::AcceptedValue{ballot, value};
    return true;
  }

  // The same for a value that needs no quorum (rule Q1). That nothing came of it may be found out
  // without this member, so it binds to nothing; but what would make a primary view has to be
  // outvoted from now on.
  bool accept_freely(const protocol::Ballot& ballot, const protocol::ViewChangeValue& value) {
    CHECK(may_accept(ballot));
    bool changed = promise(ballot);
    if (!value.next.primary) return changed;
    protocol::PrimaryClaim claim = join_claims(claim_at_leaving(record_), *value.claim);
    note_attempt(claim, value.next);
    changed = changed || record_.claim != claim;
    record_.claim = std::move(claim);
    return changed;
  }

  // A view was decided that this member cannot come to, since it lacks messages. Only a primary one
  // has to be outvoted; and what is accepted later must count, too, when this view is left.
  void forgo(const protocol::DaemonView& decided) {
    if (!decided.primary) return;
    protocol::PrimaryClaim claim = record_.claim.value_or(claim_at_leaving(record_));
    note_attempt(claim, decided);
    record_.claim = std::move(claim);
  }

  // Since the others agreed on that primary view, which needed no quorum, this member has agreed on
  // a later one that outvotes it (rule Q3).
  bool has_outvoted(const protocol::DaemonView& decided) const {
    if (!decided.primary || record_.decided.primary || !record_.claim) return false;
    const auto& attempts = record_.claim->attempts;
    return std::any_of(attempts.begin(), attempts.end(), [&](const protocol::DaemonView& attempt) {
      return attempt.id.counter > decided.id.counter;
    });
  }

  // What others know of primary views, as a view that is not primary is about to be decided.
  void learn(const protocol::PrimaryClaim& claim) {
    record_.claim = join_claims(record_.claim.value_or(claim_at_leaving(record_)), claim);
  }

  // A later view is decided: the instance that leaves it begins with nothing promised.
  void decide(const protocol::DaemonView& view) {
    CHECK_IMPLIES(record_.decided.id.counter > 0, record_.decided.id < view.id);
    std::optional<protocol::PrimaryClaim> claim;
    if (!view.primary) claim = record_.claim ? record_.claim : claim_at_leaving(record_);
    record_ = protocol::DurableRecord{.decided = view,
                                      .promised = {},
                                      .accepted = std::nullopt,
                                      .since = record_.since,
                                      .claim = std::move(claim)};
  }

  const protocol::DurableRecord& record() const { return record_; }

 private:
  protocol::DurableRecord record_;
};

}  // namespace groupcomm::membership
