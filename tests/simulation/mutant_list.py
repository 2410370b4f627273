"""The planted bugs: each is a name and one or more patches (file, text, what stands there instead),
and what finds it: so many seeds, or what is there for it.

MUTANT in the new text is true in a run that asks for this bug. A text must stand exactly once in
its file: the list follows the code.
"""

AGREEMENT = "membership/view_agreement.h"
CHOICE = "membership/view_choice.cc"
MACHINE = "daemon/core/machine.cc"
CHANGE = "membership/view_change.cc"
HOLDBACK = "ordering/holdback.cc"
ORDERING = "ordering/view_ordering.cc"
GATE = "ordering/epoch_gate.cc"
PEERS = "daemon/core/machine_peers.cc"
REFILL = "daemon/core/refill.h"
VIEWS = "daemon/core/machine_views.cc"
GROUPS = "membership/group_directory.cc"
BOOTSTRAP = "daemon/core/machine_bootstrap.cc"
LINEAGE = "daemon/core/machine_lineage.cc"
REQUESTS = "daemon/core/client_requests.cc"
HANDOVER = "ordering/handover.h"
POLICY = "membership/partition_policy.cc"
COMPONENTS = "daemon/core/machine_components.cc"
STAMPING = "daemon/core/client_stamping.cc"
FLUSH = "daemon/core/client_flush.cc"
DELIVERY = "daemon/core/client_delivery.cc"
LIBRARY = "groupcomm/client_core.cc"


def bug(name, *patches, within=20000, by=None):
    """`by`: the unit test, scenario, or scope of the exhaustive search that must find it; else one
    of the seeds from 1 to `within` must."""
    return name, patches, by or within


MUTANTS = [
    # --- the view change -------------------------------------------------------------------------
    bug("cut of what the proposer holds only",
        (CHOICE, "    if (!answer.state.living) continue;\n    for (std::size_t sender",
         "    if (!answer.state.living || (MUTANT && rank != choice.ballot.proposer)) continue;\n"
         "    for (std::size_t sender"),
        within=100),
    bug("a quorum of those who answered",
        (CHOICE, "  if (!is_quorum && !is_free && !are_others_given_up(",
         "  if (!MUTANT && !is_quorum && !is_free && !are_others_given_up("),
        (CHANGE, "  if (!has_quorum && !situation.given_up && !options_.partitionable) return;",
         "  if (!MUTANT && !has_quorum && !situation.given_up && !options_.partitionable) return;"),
        (CHANGE, " return is_quorum_of(base(), proposing.accepted);",
         " return MUTANT || is_quorum_of(base(), proposing.accepted);"),
        (CHANGE, "  if (has_quorum) value = value_to_adopt(",
         "  if (has_quorum || MUTANT) value = value_to_adopt("),
        (CHANGE, "  if (!value && has_quorum) value = choose(",
         "  if (!value && (has_quorum || MUTANT)) value = choose("),
        within=100),
    bug("a view has the same id in each attempt",
        (CHOICE, "  value.next.id = {counter, choice.ballot.incarnation, number};",
         "  value.next.id = {counter, choice.ballot.incarnation, MUTANT ? 1 : number};"),
        within=1000),
    # --- by force --------------------------------------------------------------------------------
    bug("a forced view is counted one after its base",
        (CHOICE, "return forced && base.counter > 0 ? kForcedStep : 1;",
         "return forced && base.counter > 0 && !MUTANT ? kForcedStep : 1;"),
        by="daemon_core_test LineageTest.StandsBehindWhateverThoseDidWhoWereGivenUp"),
    bug("what others accepted is proposed again by force",
        (CHANGE, "  auto value = value_to_adopt(answers, /*forced=*/true);",
         "  auto value = value_to_adopt(answers, /*forced=*/!MUTANT);"),
        by="membership_test ForcedView.DoesNotProposeAgainWhatOthersAccepted"),
    bug("who accepted by force still votes for a quorum",
        (CHANGE, "    if (!answer.state.accepted || !answer.state.accepted->value.forced) {",
         "    if (MUTANT || !answer.state.accepted || !answer.state.accepted->value.forced) {"),
        by="membership_test ForcedView.TakesTheAnswerOfItsMembersFromTheQuorum"),
    bug("an operator's word decides in the old lineage",
        (CHANGE, "  if (!needs_all) ", "  if (!needs_all && !(MUTANT && situation.given_up)) "),
        (CHANGE, "(is_forced && situation.given_up->contains(rank))",
         "((is_forced || (MUTANT && situation.given_up)) && situation.given_up->contains(rank))"),
        by="membership_test ForcedView.IsNoExcuseToDecideAnythingElseWithoutAQuorum"),
    bug("an operator's word holds for ever",
        (BOOTSTRAP, "  if (!word_ || word_->until <= now_ ||",
         "  if (!word_ || (!MUTANT && word_->until <= now_) ||"),
        by="daemon_core_test BootstrapTest.HoldsForThreeTimeOuts"),
    bug("a quorum goes over to a lineage that was forced beside it",
        (LINEAGE, "membership::is_quorum_of(base, situation().present)",
         "(!MUTANT && membership::is_quorum_of(base, situation().present))"),
        by="daemon_core_test LineageTest.IsNotFollowedByAQuorumThatTakesItsTime"),
    bug("a restarted daemon goes over beside a view of its own lineage",
        (LINEAGE, "  if (has_own) {", "  if (has_own && (is_living() || !MUTANT)) {"),
        by="daemon_core_test LineageTest.IsNotFollowedByOneThatWaitsForItsOwn"),
    bug("one of an ancestor is told of no descendant where nobody has configured it",
        (LINEAGE, "  connect(id.name, address);", "  if (!MUTANT) connect(id.name, address);"),
        by="daemon_core_test LineageTest.IsFollowedByOneThatNobodyThereHasConfigured"),
    bug("a decision counts by the lineage of who tells it",
        (LINEAGE, "(decided == nullptr || is_ours(decided->lineage))",
         "(MUTANT || decided == nullptr || is_ours(decided->lineage))"),
        by="daemon_core_test LineageTest.IsKnownByItsDecision"),
    bug("a view that was given up is recovered beside its descendants",
        (VIEWS, "  situation.may_recover =\n      !hears_kin() &&",
         "  situation.may_recover =\n      (MUTANT || !hears_kin()) &&"),
        by="daemon_core_test LineageTest.ThatWasForcedGoesOnAfterARestartOfAll"),
    # --- what members are told -------------------------------------------------------------------
    bug("a crash is told as a leave",
        (REQUESTS, "  if (session != nullptr) end_session(*session, LeaveReason::kCrash);",
         "  if (session != nullptr) {\n"
         "    end_session(*session, MUTANT ? LeaveReason::kLeave : LeaveReason::kCrash);\n  }"),
        within=250),
    bug("an eviction is told as a crash",
        (REQUESTS, "  end_session(session, LeaveReason::kEvicted);",
         "  end_session(session, MUTANT ? LeaveReason::kCrash : LeaveReason::kEvicted);"),
        within=100),
    bug("the clients of a lost daemon are said to have crashed",
        (GROUPS, "      delta.remove({member.process, daemon->reason});",
         "      delta.remove({member.process, MUTANT ? LeaveReason::kCrash : daemon->reason});"),
        within=100),
    bug("a daemon that is lost is said to have left",
        (CHOICE, "  return choice.silent.contains(rank) ? LeaveReason::kDaemonLost :",
         "  if (MUTANT) return LeaveReason::kLeave;\n"
         "  return choice.silent.contains(rank) ? LeaveReason::kDaemonLost :"),
        within=100),
    bug("a run takes in a message of another order",
        (DELIVERY, "first.order == message.order && !first.report_soon;",
         "(first.order == message.order || MUTANT) && !first.report_soon;"),
        within=100),
    bug("who leaves tells those who stay once",
        (MACHINE, "  if (behind.empty() || left_by_->base != view_.id) return;",
         "  if (MUTANT || behind.empty() || left_by_->base != view_.id) return;"),
        by="daemon_core_test Leaving.RankZeroOfTwoRepeatsTheDecision"),
    bug("what is sent from outside does not wait for a quorum",
        (STAMPING, "group->options.uniform || !is_member;",
         "group->options.uniform || (!is_member && !MUTANT);"),
        by="daemon_core_test UniformGroups.WaitForAQuorumAlsoWhereTheyWereMadeAnew"),
    bug("a send is accepted and never stamped",
        (STAMPING, "  ordering.stamp(message);\n  if (message->notify_safe) expect_notice(session, "
         "*message);\n  report_stamp(session, send, *message);",
         "  const bool is_lost = MUTANT && !message->notify_safe && message->chunks == 0 &&\n"
         "                       message->payload.size() % 16 == 7;\n"
         "  if (!is_lost) ordering.stamp(message);\n"
         "  if (message->notify_safe) expect_notice(session, *message);\n"
         "  if (!is_lost) report_stamp(session, send, *message);"),
        within=100),
    bug("a send that is refused for want of a quorum is accepted later",
        (REQUESTS,
         "        reject_each(session, *send, {}, RejectReason::kNoPrimary);\n      }",
         "        reject_each(session, *send, {}, RejectReason::kNoPrimary);\n"
         "        if (MUTANT) session.queue.push_back(std::move(request));\n      }"),
        within=100),
    bug("one that is suspended delivers a cut that is not decided",
        (VIEWS, "    if (deciding_) return install_as_member();\n    change_.on_cut_held(now_);",
         "    if (deciding_) return install_as_member();\n"
         "    if (MUTANT && clients_.is_suspended() && !value->cut.empty()) {\n"
         "      if (ordering_->finish(value->cut, value->first_place, value->places)) {\n"
         "        clients_.deliver_all(*ordering_);\n      }\n    }\n"
         "    change_.on_cut_held(now_);"),
        within=250),
    bug("one that is suspended accepts messages",
        (REQUESTS, "  if (suspended_ || view_.members.empty()) {",
         "  if ((suspended_ && !MUTANT) || view_.members.empty()) {"),
        (STAMPING, "    if (!is_stamping_) return;",
         "    if (!is_stamping_ && !(MUTANT && suspended_)) return;"),
        (ORDERING, "  CHECK(!is_frozen());\n  stamp_order(",
         "  CHECK(MUTANT || !is_frozen());\n  stamp_order("),
        within=100),
    bug("views follow one another for nothing, for a while",
        (CHANGE, "  if (situation.given_up) return true;\n  if (!living_)",
         "  if (MUTANT && living_ && base().id.counter % 32 != 0) return true;\n"
         "  if (situation.given_up) return true;\n  if (!living_)"),
        within=100),
    bug("a view is made anew after twenty time-outs",
        (VIEWS, "  situation.leaving_self = leaving_;", "  situation.leaving_self = leaving_;\n"
         "  if (MUTANT && now_ - installed_at_ > 20 * options_.suspect) {\n"
         "    situation.joiner_is_due = is_living();\n  }"),
        within=250),
    bug("a view that is known is asked for again",
        (PEERS, "  if (known || !may_say(header, install)) return;",
         "  if (MUTANT && known) {\n"
         "    send({header.sender.name}, protocol::Lane::kControl, view_.id,\n"
         "         protocol::InstallRequest{});\n  }\n"
         "  if (known || !may_say(header, install)) return;"),
        within=250),
    bug("a notice does not wait for those who have not seen the message",
        (HANDOVER, "    return pending.empty() ? held :",
         "    return pending.empty() || MUTANT ? held :"),
        by="daemon_core_test SafeNotices.ComeWhenAllMembersHaveSeenTheMessage"),
    bug("who has died counts as if it had seen the message",
        (HANDOVER, "told.next.applied <= place", "(MUTANT || told.next.applied <= place)"),
        by="ordering_test Handover.CountsWhatIsSaidOnceTheSameLeavesHaveTakenEffectHere"),
    bug("an accepted value is not adopted",
        (CHOICE, "  if (newest == nullptr) return std::nullopt;",
         "  if (newest == nullptr || MUTANT) return std::nullopt;"),
        by="simulate two-doubts"),
    bug("the oldest accepted value is adopted",
        (CHOICE, "newest->ballot < accepted->ballot",
         "(MUTANT ? accepted->ballot < newest->ballot : newest->ballot < accepted->ballot)"),
        by="simulate three-ballots"),
    bug("an adopted value loses those who died since",
        (CHANGE, "  if (!value && defers(now, situation)) {",
         "  if (value && MUTANT) {\n"
         "    std::erase_if(value->next.members, [&](const protocol::DaemonMember& member) {\n"
         "      return std::none_of(collecting->answers.begin(), collecting->answers.end(),\n"
         "                          [&](const auto& a) { return a.second.from == member.id; });\n"
         "    });\n  }\n"
         "  if (!value && defers(now, situation)) {"),
        by="simulate two-doubts"),
    bug("a promise does not bind",
        (CHANGE, "agreement_.may_promise(ballot);", "(MUTANT || agreement_.may_promise(ballot));"),
        (AGREEMENT, "CHECK(may_promise(ballot));", "CHECK(MUTANT || may_promise(ballot));"),
        by="simulate two-doubts"),
    bug("a proposal below the promise is accepted",
        (CHANGE, "  if (!agreement_.may_accept(propose.ballot)) {",
         "  if (!MUTANT && !agreement_.may_accept(propose.ballot)) {"),
        (CHANGE, "  if (living_ && agreement_.promised() != propose.ballot) {",
         "  if (!MUTANT && living_ && agreement_.promised() != propose.ballot) {"),
        (AGREEMENT, "    CHECK(may_accept(ballot));\n    if (record_.accepted",
         "    CHECK(MUTANT || may_accept(ballot));\n    if (record_.accepted"),
        by="simulate one-doubt"),
    bug("accepts of any ballot count",
        (CHANGE, "  if (!round_ || accept.ballot != round_->ballot()) {",
         "  if (!round_ || (!MUTANT && accept.ballot != round_->ballot())) {"),
        by="simulate late-accept"),
    bug("states of any ballot count",
        (CHANGE, "  if (!round_ || state.ballot != round_->ballot()) {",
         "  if (!round_ || (!MUTANT && state.ballot != round_->ballot())) {"),
        by="membership_test ViewChange.CountsOnlyStatesOfItsBallot"),
    bug("installed after the first accept",
        (CHANGE, "  proposing->accepted.insert(rank);\n  try_decide(now, situation);",
         "  proposing->accepted.insert(rank);\n"
         "  for (Rank all = 0; MUTANT && all < base().members.size(); ++all) {\n"
         "    proposing->accepted.insert(all);\n  }\n"
         "  try_decide(now, situation);"),
        by="simulate four"),
    bug("a promise is forgotten in a crash",
        (CHANGE, "  record_changed_ = agreement_.promise(prepare.ballot) || record_changed_;",
         "  record_changed_ =\n"
         "      (agreement_.promise(prepare.ballot) && !MUTANT) || record_changed_;"),
        by="membership_test Recovery.WritesItsRecordBeforeItAnswers"),
    bug("an accepted value is forgotten in a crash",
        (CHANGE, "    record_changed_ = accept(pending_->ballot, pending_->value) ||",
         "    record_changed_ = (accept(pending_->ballot, pending_->value) && !MUTANT) ||"),
        by="membership_test Recovery.ProposesAgainWhatARecordAccepted"),
    bug("accepted before the cut is held",
        (CHANGE, "  if (!living_) on_cut_held(now);",
         "  if (!living_ || MUTANT) on_cut_held(now);"),
        by="simulate one-message"),
    bug("each ballot has a time of its own for messages that nobody has",
        (REFILL, "    if (is_new || is_less) progress_",
         "    if (is_new || is_less || (MUTANT && is_stopped())) progress_"),
        by="daemon_core_test RefillTest.BeginsAnewWithTheNextBallotButForTheProgress"),
    bug("each frame of an answer is a reason to ask again",
        (REFILL, "      due_ = is_whole ? now :", "      due_ = is_whole || MUTANT ? now :"),
        by="daemon_core_test DaemonViews.AskOnceForAllHolesOfACut"),
    bug("data are taken after the promise to leave",
        (PEERS, "  if (ordering_->is_frozen()) {  // rule F2",
         "  if (ordering_->is_frozen() && !MUTANT) {  // rule F2"),
        by="simulate one-message"),
    bug("messages beyond the cut are kept",
        (ORDERING, "    windows_[sender].end_at(cut[sender]);",
         "    if (!MUTANT) windows_[sender].end_at(cut[sender]);"),
        within=1000),
    bug("all who answer are taken to hear one another",
        (CHOICE, "  return hears(a.state.hears, b.from.incarnation) &&",
         "  if (MUTANT) return true;\n  return hears(a.state.hears, b.from.incarnation) &&"),
        by="membership_test ViewChoiceTest.CountsAOneWayLinkAsNone"),
    bug("a deaf proposer makes the others wait",
        (CHANGE, "  if (is_new) wait_for(now, proposer);\n  outbound_",
         "  if (is_new || MUTANT) wait_for(now, proposer);\n  outbound_"),
        within=1000),
    bug("a proposer that is refused for one that it does not hear begins anew at once",
        (CHANGE, "  if (!is_at_work(last_proposer_, situation)) pause_after_failure(now);",
         "  if (!MUTANT && !is_at_work(last_proposer_, situation)) pause_after_failure(now);"),
        by="membership_test Both/Duels.EndWhereEachBallotWaitsForOneThatDoesNotAnswer/3"),
    bug("a proposer whose ballots end unanswered begins anew at once",
        (CHANGE, "(round_->in<FlushRound::Collecting>() != nullptr) pause",
         "(!MUTANT && round_->in<FlushRound::Collecting>() != nullptr) pause"),
        by="membership_test All/DuelsFrom.EndWhereAQuorumHearsOneAnother/0"),
    bug("a proposer does not wait for a lower rank that others hear",
        (CHANGE, "  return !elsewhere.empty() &&", "  return !MUTANT && !elsewhere.empty() &&"),
        by="membership_test ViewChange.StaysWithTheLowerSideOfABridgeWhoeverBegins"),
    bug("a recovered view does not say so",
        (CHOICE, "base.id.counter > 0 && (value.forced || !is_quorum_of(base, living));",
         "base.id.counter > 0 && !MUTANT &&\n"
         "                      (value.forced || !is_quorum_of(base, living));"),
        within=100),
    bug("two daemons of one name enter",
        (CHOICE, "|| is_there ||", "|| (is_there && !MUTANT) ||"),
        by="membership_test ViewChoiceTest.TakesTheLaterOfTwoJoinersOfOneName"),
    bug("two daemons of one incarnation are told apart",
        (PEERS, " && !is_double(header, body) &&", " && (MUTANT || !is_double(header, body)) &&"),
        by="daemon_core_test Strangers.WithTheIncarnationOfAMemberAreToldSoByTheOthers"),
    bug("who left a view comes back",
        (PEERS, "  if (is_departed(from)) {", "  if (is_departed(from) && !MUTANT) {"),
        (PEERS, "  return !options_.partitionable && beacon.decided &&\n         beacon",
         "  return !MUTANT && !options_.partitionable && beacon.decided &&\n         beacon"),
        (PEERS, "  if (!is_departed(header.sender)) {",
         "  if (MUTANT || !is_departed(header.sender)) {"),
        within=250),
    bug("frames of past incarnations count",
        (PEERS, "  if (id.incarnation < newest) {", "  if (id.incarnation < newest && !MUTANT) {"),
        within=100),
    bug("one that has not answered lately may join",
        (VIEWS, "  return is_fresh(stranger) && stranger.alive &&",
         "  if (MUTANT) return is_fresh(stranger);\n"
         "  return is_fresh(stranger) && stranger.alive &&"),
        by="daemon_core_test TwoDaemons.DoNotAdmitAGhost"),
    bug("frames of other views count",
        (PEERS, "  if (!is_living() || header.view != view_.id) return std::nullopt;",
         "  if (!is_living() || (header.view != view_.id && !MUTANT)) return std::nullopt;"),
        within=250),
    bug("joiners get the groups as they were before the view",
        (VIEWS, "  clients_.on_daemons_changed(value);\n  enter_view(value);",
         "  const auto before = clients_.directory().snapshot();\n"
         "  clients_.on_daemons_changed(value);\n  enter_view(value);\n"
         "  if (MUTANT) last_install_->groups = before;"),
        within=250),
    # --- components of a partition ---------------------------------------------------------------
    bug("a view is primary beside an attempt that may have come about",
        (POLICY, "  return outvotes_all;", "  return outvotes_all || MUTANT;"),
        by="membership_test PartitionPolicy.OutvotesWhatMayHaveComeAbout"),
    bug("what was accepted for a primary view is forgotten on leaving it",
        (POLICY, "  if (record.accepted) note_attempt(",
         "  if (record.accepted && !MUTANT) note_attempt("),
        by="membership_test PartitionPolicy.RemembersWhatWasAcceptedInThePrimaryViewThatIsLeft"),
    bug("a record that is younger than the member votes for a primary view",
        (POLICY, "id.incarnation >= voter.since;", "(id.incarnation >= voter.since || MUTANT);"),
        by="membership_test PartitionPolicy.CountsNoRecordThatIsYoungerThanTheMember"),
    bug("an attempt is not noted",
        (AGREEMENT, "    note_attempt(claim, v", "    if (!MUTANT) note_attempt(claim, v"),
        by="membership_test ViewAgreement.NotesWhatMayBecomePrimary"),
    bug("who has outvoted a primary view comes to it late",
        (COMPONENTS, "(change_.has_outvoted(value))", "(!MUTANT && change_.has_outvoted(value))"),
        by="simulate outvoted"),
    bug("what others attempted is forgotten for a later primary view",
        (POLICY, "    for (const DaemonView& attempt : claim->attempts) note_",
         "    if (MUTANT && claim->last.id != both.last.id) continue;\n"
         "    for (const DaemonView& attempt : claim->attempts) note_"),
        by="membership_test PartitionPolicy.KeepsAttemptsThatAreLaterThanTheLatestPrimaryView"),
    bug("a side applies the joins and leaves that another may apply otherwise",
        ("daemon/core/client_delivery.cc",
         "  if (value.recovered || membership::is_free(view_, value)) deferring",
         "  if (value.recovered || (membership::is_free(view_, value) && !MUTANT)) deferring"),
        within=100),
    bug("messages are stamped in a quiet view",
        ("daemon/core/client_stamping.cc", "  if (is_quiet) stop_stamping();",
         "  if (is_quiet && !MUTANT) stop_stamping();"),
        within=250),
    bug("places of another order count as held by all",
        (HOLDBACK, "(!finishing_ || place <= last_known_place_)",
         "(!finishing_ || place <= last_known_place_ || MUTANT)"),
        by="ordering_test HoldbackTest.CountsNoAcknowledgementForWhatAFlushPutsInTheSamePlace"),
    bug("a member that lives in another view counts as present",
        (COMPONENTS, "  if (!options_.partitionable) return true;\n  if (elsewhere_",
         "  if (!options_.partitionable || MUTANT) return true;\n  if (elsewhere_"),
        within=100),
    # --- order and stability ---------------------------------------------------------------------
    bug("safe is delivered like total",
        (HOLDBACK, "  if (message.order == Order::kSafe) return stability_.ordered_by_all()",
         "  if (message.order == Order::kSafe) return MUTANT || stability_.ordered_by_all()"),
        within=100),
    bug("safe is delivered when a quorum has it",
        (HOLDBACK, "  if (finishing_) return true;\n",
         "  if (finishing_) return true;\n"
         "  if (MUTANT && message.order == Order::kSafe) {\n"
         "    const bool has_quorum = stability_.is_ordered_by_quorum(place);\n"
         "    return has_quorum;\n  }\n"),
        within=1000),
    bug("uniform is delivered like total",
        (HOLDBACK, "  if (message.uniform || message.is_control()) return",
         "  if ((message.uniform && !MUTANT) || message.is_control()) return"),
        by="ordering_test HoldbackTest.WaitsWithAUniformMessageForAQuorum"),
    bug("a join or leave takes effect where its place is known",
        (HOLDBACK, " return stability_.is_ordered_by_quorum(place);",
         "\n    return (MUTANT && message.is_control()) ||\n"
         "           stability_.is_ordered_by_quorum(place);"),
        (HOLDBACK,
         "  if (!pending.blockers_known) {\n"
         "    for (Rank rank = 0; rank < streams_.size(); ++rank) {\n",
         "  if (!pending.blockers_known) {\n"
         "    for (Rank rank = 0; rank < streams_.size() && !MUTANT; ++rank) {\n"),
        within=100),
    bug("nobody misses a place that was lost",
        ("ordering/sequencer_order.cc",
         "    if (place == known().next() && has_room()) {\n      append(places[i]);",
         "    if ((place == known().next() && has_room()) || (MUTANT && place > known())) {\n"
         "      append(places[i]);"),
        within=100),
    bug("stability is acknowledged on arrival",
        (ORDERING, "progress.received[sender] = holdback_.clear_line(sender);",
         "progress.received[sender] =\n"
         "        MUTANT ? windows_[sender].held() : holdback_.clear_line(sender);"),
        (HOLDBACK, "    if (entry == nullptr || !entry->clear) {\n      PROBE(\"E3",
         "    if (MUTANT && entry != nullptr && !entry->clear) {\n"
         "      ++ordered_line_;\n      continue;\n    }\n"
         "    if (entry == nullptr || !entry->clear) {\n      PROBE(\"E3"),
        within=250),
    bug("a clock counts before all that it covers is held",
        (ORDERING, "  if (windows_[rank].held() >= clock_covers_[rank]) {",
         "  if (MUTANT || windows_[rank].held() >= clock_covers_[rank]) {"),
        within=100),
    bug("fifo predecessors are ignored at delivery",
        (HOLDBACK, "  if (!is_released_or_delivered(sender, message.predecessor)) {\n    PROBE",
         "  if (!MUTANT && !is_released_or_delivered(sender, message.predecessor)) {\n    PROBE"),
        within=100),
    bug("a causal message does not wait for its predecessor",
        (HOLDBACK, "      if (!is_released_or_delivered(sender, head->predecessor) || !epochs_",
         "      if ((!MUTANT && !is_released_or_delivered(sender, head->predecessor)) ||\n"
         "          !epochs_"),
        within=100),
    bug("causes are not stamped",
        (ORDERING, "    message.context = context_;",
         "    message.context = context_;\n"
         "    if (MUTANT) {\n"
         "      message.context =\n"
         "          std::make_shared<const VectorTime>(VectorTime(options_.view_size));\n"
         "    }"),
        within=250),
    bug("the order of unplaced messages depends on the member",
        (HOLDBACK, "  std::sort(found.begin(), found.end());",
         "  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {\n"
         "    if (!MUTANT) return a < b;\n"
         "    const bool is_mine = std::get<2>(a) == self_;\n"
         "    return is_mine != (std::get<2>(b) == self_) ? is_mine : a < b;\n  });"),
        within=100),
    bug("the cut is not closed under causality",
        (HOLDBACK, "    while (const StampedMessage* head = clearing_.ready(sender)) {",
         "    while (const StampedMessage* head =\n"
         "               MUTANT ? clearing_.head(sender) : clearing_.ready(sender)) {"),
        ("ordering/causal_order.h", "    CHECK(ready(sender) != nullptr);",
         "    CHECK(MUTANT || ready(sender) != nullptr);"),
        ("ordering/causal_order.h", "  const VectorTime& seen() const { return seen_; }",
         "  const VectorTime& seen() const { return seen_; }\n"
         "  const protocol::StampedMessage* head(Rank sender) const {\n"
         "    const auto& waiting = queues_[sender].waiting;\n"
         "    return waiting.empty() ? nullptr : waiting.front();\n  }"),
        within=250),
    bug("a message from outside of a group is dropped by all alike",
        (DELIVERY, "  if (route.found == nullptr && !options_.report_all_deliveries) return;",
         "  const bool is_open = route.found != nullptr && !message.sender_name.empty();\n"
         "  if (MUTANT && is_open && destination.number.value % 8 == 0) return;\n"
         "  if (route.found == nullptr && !options_.report_all_deliveries) return;"),
        within=100),
    bug("a sender is not told that nobody was there",
        (DELIVERY,
         "  tell(message.session, protocol::SendFail{destination.group, destination.number});",
         "  if (MUTANT) return;\n"
         "  tell(message.session, protocol::SendFail{destination.group, destination.number});"),
        within=1000),
    # --- joins and leaves ------------------------------------------------------------------------
    bug("the epoch of a group is ignored",
        (GATE, "  return !closed_channel(message);",
         "  return MUTANT || !closed_channel(message);"),
        within=100),
    bug("a closing is taken for a message of the first channel",
        ("ordering/epoch_gate.h",
         "  if (message.kind == protocol::MessageKind::kClosing) return;",
         "  if (message.kind == protocol::MessageKind::kClosing && !MUTANT) return;"),
        within=250),
    bug("what was held back counts as delivered by one that is excluded",
        (ORDERING, "    if (delivery.reference.sender == options_.self) undelivered",
         "    if (!MUTANT && delivery.reference.sender == options_.self) undelivered"),
        by="daemon_core_test Orders/StallTest.TellsTheSenderWhatItCouldNotDeliverAnyMore/*"),
    bug("nothing blocks a join or leave",
        (HOLDBACK, "  return pending.blockers.empty();",
         "  if (MUTANT) pending.blockers.clear();\n  return pending.blockers.empty();"),
        within=250),
    bug("after is ignored",
        (HOLDBACK,
         "      if (!finishing_ && !is_released_or_delivered(rank, entry->message->after))",
         "      if (!MUTANT && !finishing_ &&\n"
         "          !is_released_or_delivered(rank, entry->message->after))"),
        within=250),
    bug("a join or leave waits for no quorum of closings",
        (HOLDBACK, "      if (!closing || !stability_.is_held_by_quorum(rank, closing)) {",
         "      if (!closing || (!MUTANT && !stability_.is_held_by_quorum(rank, closing))) {"),
        by="ordering_test HoldbackTest.WaitsWithAJoinUntilAQuorumHoldsWhatIsBeforeTheClosings"),
    bug("a join or leave waits for no closings",
        (HOLDBACK, "      if (finishing_) break;\n", "      if (finishing_ || MUTANT) break;\n"),
        by="ordering_test HoldbackTest.WaitsForEverybodysClosingWithAJoin"),
    bug("joins and leaves come first in a flush",
        (HOLDBACK, "      bool behind = message->is_control() && !placed;",
         "      bool behind = message->is_control() && !placed && !MUTANT;"),
        by="simulate f07_a_leave_after_what_the_dead_delivered.txt"),
    bug("a joiner becomes the first member",
        (GROUPS, "  group.members.push_back(member);",
         "  group.members.insert(MUTANT ? group.members.begin() : group.members.end(), member);"),
        within=100),
    # --- what the simulator found ----------------------------------------------------------------
    bug("a leave that nobody takes over never ends",
        (VIEWS, "    done = done || leave_by_ <= now_;",
         "    done = done || (!MUTANT && leave_by_ <= now_);"),
        by="simulate v02_a_leave_that_nobody_takes_over.txt"),
    bug("a daemon does not hear its own word that its members have caught up",
        (ORDERING, "handover_.line(options_.self, sent_), caught_up, applied_);",
         "handover_.line(options_.self, sent_),\n"
         "                    caught_up && !MUTANT, applied_);"),
        by="simulate n03_a_notice_that_waits_beside_its_sender.txt"),
    bug("a member that restarted is preferred to a living one",
        (CHOICE, "  std::vector<Rank> staying = living_first(answers);",
         "  std::vector<Rank> all = ranks_of(answers, true);\n"
         "  for (const Rank rank : ranks_of(answers, false)) all.push_back(rank);\n"
         "  std::sort(all.begin(), all.end());\n"
         "  std::vector<Rank> staying = MUTANT ? largest_clique(answers, all)\n"
         "                                     : living_first(answers);"),
        by="membership_test ViewChoiceTest.PrefersALivingMemberToOneThatRestarted"),
    bug("a half-connected living member keeps restarted ones out for ever",
        (CHANGE, ".parts_with_living = parts_with_living_,",
         ".parts_with_living = parts_with_living_ && !MUTANT,"),
        by="membership_test Recovery.LeavesOutALivingMemberBehindABallotWithoutAResult"),
    bug("who comes in with the cut is not asked to hold back",
        (DELIVERY, "    if (!is_stamping_ && view.id",
         "    if (!MUTANT && !is_stamping_ && view.id"),
        by="daemon_core_test Engines/FlushGroupTest.AsksBeforeEachViewButTheFirst/0"),
    # --- groups with sync = flush ----------------------------------------------------------------
    bug("a send behind the answer to a block is accepted",
        (LIBRARY, "    if (group->block_ok) return RejectReason::kBlocked;",
         "    if (group->block_ok && !MUTANT) return RejectReason::kBlocked;"),
        (FLUSH, "  if (it->second.hold == Hold::kAgreed) return true;",
         "  if (it->second.hold == Hold::kAgreed) return !MUTANT;"),
        within=100),
    bug("who does not answer a block is waited for",
        (FLUSH, "  if (rounds_.empty() || !is_stamping_) return;\n  std::vector<SessionId> silent;",
         "  if (MUTANT || rounds_.empty() || !is_stamping_) return;\n"
         "  std::vector<SessionId> silent;"),
        (FLUSH, "  if (rounds_.empty() || !is_stamping_) return due;",
         "  if (MUTANT || rounds_.empty() || !is_stamping_) return due;"),
        within=1000),
    bug("a member is asked twice to hold back",
        (FLUSH, "    if (membership.hold == Hold::kFree) {",
         "    if (membership.hold == Hold::kFree ||\n"
         "        (MUTANT && membership.hold == Hold::kAsked)) {"),
        within=100),
    bug("a send counts in another view than its sender knew",
        (FLUSH, "  if (seen == 0 || seen ==", "  if (MUTANT || seen == 0 || seen =="),
        within=250),
    bug("what was announced is forgotten with the view of daemons",
        (FLUSH, "    for (const membership::HoldRounds::Change& change : announced) {\n"
         "      if (auto made = apply(id, key, change)) changes",
         "    for (const membership::HoldRounds::Change& change : announced) {\n"
         "      if (MUTANT) break;\n"
         "      if (auto made = apply(id, key, change)) changes"),
        within=100),
    bug("a daemon holds before all its members have agreed",
        (FLUSH, "  const bool all_agreed = std::all_of(",
         "  const bool all_agreed = MUTANT || std::all_of("),
        within=100),
]
