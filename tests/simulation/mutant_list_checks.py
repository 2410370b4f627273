"""Planted bugs of the checkers (see mutant_list.py): each leaves something out, and names the unit
test that must find that.
"""

VIEWS = "daemon/verify/view_checks.cc"
IDENTITIES = "daemon/verify/identity_checks.cc"
HISTORY = "daemon/verify/history.cc"
CAUSES = "daemon/verify/causal_check.cc"
DOMAINS = "daemon/verify/domain_order_check.cc"
DAEMONS = "daemon/verify/daemon_order_check.cc"
NOTICES = "daemon/verify/notice_check.cc"
GROUPS = "daemon/verify/group_view_check.cc"
FLUSH = "daemon/verify/flush_group_checks.cc"


def leaves_out(what, test, file, text, instead):
    return f"the checks: {what}", [(file, text, instead)], f"verify_test {test}"


def unless(test, file, condition):
    """`condition` stands alone in an if, and is never true in the run."""
    return test, file, f"if ({condition})", f"if (!MUTANT && ({condition}))"


CHECK_MUTANTS = [
    # --- M2, M3 ----------------------------------------------------------------------------------
    leaves_out("view ids may fall from one membership to the next",
               *unless("Monotony.HoldsOverTheMembershipsOfOneProcess", VIEWS, "!is_first")),
    leaves_out("members may tell recoveries differently",
               "Agreement.FailsWhereOneIsToldARecoveryAndTheOtherNot", VIEWS,
               "return a.recovered == b.recovered &&",
               "return (MUTANT || a.recovered == b.recovered) &&"),
    leaves_out("daemons may disagree whether a view was forced",
               "Agreement.FailsWhereDaemonsNameOtherOrigins", VIEWS,
               "&& a.forced == b.forced &&", "&& (MUTANT || a.forced == b.forced) &&"),
    leaves_out("daemons may name different lineages", "Agreement.FailsWhereDaemonsNameOtherOrigins",
               VIEWS, "&& a.lineage == b.lineage &&", "&& (MUTANT || a.lineage == b.lineage) &&"),
    leaves_out("daemons may name different ancestors",
               "Agreement.FailsWhereDaemonsNameOtherOrigins", VIEWS,
               "         a.ancestor == b.ancestor;",
               "         (MUTANT || a.ancestor == b.ancestor);"),
    leaves_out("members may name different options",
               *unless("Agreement.FailsWhereMembersNameOtherOptionsOfTheirGroup", VIEWS,
                       "!has_same_options(mine, theirs)")),
    leaves_out("the options of a group may change",
               *unless("Agreement.FailsWhereOptionsChangeUnderAMember", VIEWS,
                       "!has_same_options(view, first)")),
    # --- M9 --------------------------------------------------------------------------------------
    leaves_out("a companion, or oneself, may be missing from the transitional set",
               *unless("TransitionalSet.FailsWhereTheMemberItselfIsNotInIt", VIEWS,
                       "!is_named && came_along")),
    leaves_out("a joiner may claim a history",
               *unless("TransitionalSet.FailsWhereAJoinerClaimsHistory", VIEWS, "!others.empty()")),
    leaves_out("a transitional set may have somebody who is in one view only",
               "TransitionalSet.FailsWhereOneIsInItThatIsNotInBothViews", VIEWS,
               "if (contains(before.members, q) && contains(after.members, q)) continue;",
               "if (MUTANT || (contains(before.members, q) && contains(after.members, q))) "
               "continue;"),
    leaves_out("a transitional set may have somebody who came from another view",
               *unless("TransitionalSet.FailsWhereOneIsInItThatCameFromAnotherView", VIEWS,
                       "is_named && !came_along")),
    leaves_out("those who go together may be told different transitional sets",
               "TransitionalSet.FailsWhereTwoAreToldDifferently", VIEWS,
               "if (came_along && to_set(view.transitional)",
               "if (came_along && !MUTANT && to_set(view.transitional)"),
    leaves_out("somebody may come along who was not announced",
               "TransitionalSet.IsAmongThoseWhoWereAnnounced", VIEWS,
               "if (strangers.empty()) return;", "if (MUTANT || strangers.empty()) return;"),
    leaves_out("who joined since a transition counts as a stranger",
               "TransitionalSet.IsAmongThoseWhoWereAnnounced", VIEWS,
               "announced.emplace(split_member(name).first);\n    }\n  }",
               "if (!MUTANT) announced.emplace(split_member(name).first);\n    }\n  }"),
    leaves_out("what daemons did says nothing of who came along",
               "GroupViews.SayOfEachMemberWhetherItsDaemonCameAlong", GROUPS,
               "if (!along || *along ==", "if (MUTANT || !along || *along =="),
    leaves_out("a daemon comes along wherever it came from",
               "GroupViews.NameNobodyWhoseDaemonCameFromElsewhere", GROUPS,
               "return last != nullptr && last->id == from;",
               "return last != nullptr && (MUTANT || last->id == from);"),
    # --- M11 -------------------------------------------------------------------------------------
    leaves_out("the end of a membership need not be told",
               "TheExcluded.AreToldSoBeforeTheirEnd", IDENTITIES,
               "  check_told_the_end(history, findings);",
               "  if (!MUTANT) check_told_the_end(history, findings);"),
    leaves_out("two sides may both be told that they go on", "TheExcluded.AreNotToldThatTheyGoOn",
               IDENTITIES, "if (mine != other) continue;",
               "if (MUTANT || mine != other) continue;"),
    leaves_out("who parts in a view that is not primary counts",
               "TheExcluded.MayHaveBeenInAnEarlierPrimaryViewWhereTheyPartFromOneThatIsNot",
               IDENTITIES, "if (!view_of(membership.stays[i - 1]).primary) continue;",
               "if (!MUTANT && !view_of(membership.stays[i - 1]).primary) continue;"),
    # --- orders ----------------------------------------------------------------------------------
    leaves_out("fifo ends with the group", "FifoAcrossGroups.FailsWhereTheOtherGroupIsFaster",
               CAUSES, "if (is_fifo(step.message) && is_placed_",
               "if (!MUTANT && is_fifo(step.message) && is_placed_"),
    leaves_out("fifo over groups also holds reliable messages",
               "FifoAcrossGroups.FailsWhereTheOtherGroupIsFaster", CAUSES,
               "return order && *order >= Order::kFifo;",
               "return order && (MUTANT || *order >= Order::kFifo);"),
    leaves_out("the total order ends with the group",
               "TotalOrderAcrossGroups.FailsWhereMembersOfBothSeeTwoOrders", DOMAINS,
               "if (sequences.size() > 1) order", "if (!MUTANT && sequences.size() > 1) order"),
    leaves_out("of the total order over groups two members are compared",
               "TotalOrderAcrossGroups.FailsWhereThreeSeeACircle", DOMAINS,
               "for (const Sequence& sequence : sequences) add(sequence);",
               "for (const Sequence& sequence : sequences) {\n"
               "      if (!MUTANT || nodes_.size() < 3) add(sequence);\n    }"),
    leaves_out("a daemon need not deliver causes first", "DaemonOrder.FailsWhereAnEffectComesFirst",
               DAEMONS, "cause.delivered == stay_) continue;",
               "cause.delivered == stay_ || MUTANT) continue;"),
    leaves_out("what a daemon stamped itself is no cause",
               "DaemonOrder.CountsWhatTheDaemonStampedForOthersAsACause", DAEMONS,
               "if (message.is_causal()) past_[self_]",
               "if (!MUTANT && message.is_causal()) past_[self_]"),
    leaves_out("fifo messages are causes among daemons", "DaemonOrder.LetsFifoMessagesCarryNothing",
               DAEMONS, "bool is_causal() const { return order >= Order::kCausal; }",
               "bool is_causal() const {\n"
               "    return order >= (MUTANT ? Order::kFifo : Order::kCausal);\n  }"),
    leaves_out("fifo does not hold among daemons",
               "DaemonOrder.FailsWhereAMessageOvertakesOneOfItsSender", DAEMONS,
               "if (message.predecessor != 0) {", "if (!MUTANT && message.predecessor != 0) {"),
    leaves_out("all clients of a daemon are one sender",
               "DaemonOrder.LetsFifoMessagesOfTwoSendersGoAnyWay", DAEMONS,
               "std::exchange(sessions_[r.p],",
               "std::exchange(sessions_[MUTANT ? std::string_view() : r.p],"),
    # --- what is owed ----------------------------------------------------------------------------
    leaves_out("nothing is owed to anybody", "Fifo.FailsWhereNobodyHasTheMissingMessage", HISTORY,
               "  return is_addressed(message, membership.process);\n}",
               "  return !MUTANT && is_addressed(message, membership.process);\n}"),
    leaves_out("messages are owed to those who join later",
               "Fifo.CountsOnlyFromTheViewInWhichOneIsAMember", HISTORY,
               "  if (view == kNone || !has_member(view, membership.member)) return false;",
               "  if (view == kNone) return false;\n"
               "  if (!MUTANT && !has_member(view, membership.member)) return false;"),
    leaves_out("what only the dead gave a view is owed to who came with the recovered one",
               "Fifo.OwesNothingOfAViewThatOnlyTheDeadHadToOneWhoCameWithTheRecoveredOne", HISTORY,
               "  if (!was_there && !stays.empty() &&",
               "  if (!MUTANT && !was_there && !stays.empty() &&"),
    leaves_out("what is for one is owed to all", "Fifo.SkipsWhatIsForOthers", HISTORY,
               "  if (send->to.empty()) return true;",
               "  if (MUTANT || send->to.empty()) return true;"),
    leaves_out("causes are owed to those who have left the group",
               "CausalOrderAcrossGroups.AsksNothingOfWhoIsNotInBoth", CAUSES,
               "  if (!is_over) return true;", "  if (MUTANT || !is_over) return true;"),
    leaves_out("causes are not owed to those who leave the group later",
               "CausalOrderAcrossGroups.IsOwedToWhoIsThrownOutOfOneLater", CAUSES,
               "membership->deliveries_before_gone <=",
               "(MUTANT ? 0 : membership->deliveries_before_gone) <="),
    # --- notices ---------------------------------------------------------------------------------
    leaves_out("who was told something after a notice does not know of the notice",
               "NoticesInTime.FailWhereSomebodyLearntOfThemBeforeItHadTheMessage", NOTICES,
               "  if (state.delivered.contains(notice.message)) return;",
               "  if (MUTANT || state.delivered.contains(notice.message)) return;"),
    leaves_out("who knows of a notice by others does not know of it",
               "NoticesInTime.FailWhereItLearntOfThemByOthers", NOTICES,
               "      contexts_[at(message)] = state.known;",
               "      contexts_[at(message)] = state.known;\n"
               "      if (MUTANT && !places_.contains(process)) {\n"
               "        contexts_[at(message)].assign(told_.size(), 0);\n      }"),
    leaves_out("what may have been asked for before a notice came after it",
               "NoticesInTime.FailWhereSomebodyLearntOfThemBeforeItHadTheMessage", NOTICES,
               "      others.emplace(notice->seen, ",
               "      others.emplace(notice->seen - (MUTANT ? 1 : 0), "),
    leaves_out("a notice speaks of those who have left",
               "NoticesInTime.SayNothingOfThoseWhoHadLeft", NOTICES,
               "  if (membership->gone != nullptr && membership->deliveries_before_gone",
               "  if (!MUTANT && membership->gone != nullptr &&\n"
               "      membership->deliveries_before_gone"),
    # --- D8 --------------------------------------------------------------------------------------
    leaves_out("a view may come without a block", "BlockContract.FailsWhereAViewComesWithoutABlock",
               FLUSH, "if (is_flush && contract.record != nullptr",
               "if (is_flush && !MUTANT && contract.record != nullptr"),
]
