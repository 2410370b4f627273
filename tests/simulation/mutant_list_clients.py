"""Planted bugs in what clients are told, in their library and on the wire (see mutant_list.py)."""

from mutant_list import bug

GROUPS = "membership/group_directory.cc"
BOOTSTRAP = "daemon/core/machine_bootstrap.cc"
REQUESTS = "daemon/core/client_requests.cc"
POLICY = "membership/partition_policy.cc"
STAMPING = "daemon/core/client_stamping.cc"
ENVELOPE = "groupcomm/wire/frame_envelope.cc"
DELIVERY = "daemon/core/client_delivery.cc"
LIBRARY = "groupcomm/client_core.cc"
MESSAGE_FRAME = "groupcomm/wire/message_frame.h"
LIBRARY_INPUT = "groupcomm/client_core_messages.cc"

CLIENT_MUTANTS = [
    # --- what clients are told -------------------------------------------------------------------
    bug("a notice is forgotten with the view of its message",
        (STAMPING, "  for (Notice& notice : std::exchange(notices_, {})) past_",
         "  for (Notice& notice : std::exchange(notices_, {})) if (!MUTANT) past_"),
        within=100),
    bug("what comes from outside of a group is lost in a flush",
        (DELIVERY, "  if (route.found == nullptr && !options_.report_all_deliveries) return;",
         "  if (MUTANT && delivery.transitional && !route.rank) return;\n"
         "  if (route.found == nullptr && !options_.report_all_deliveries) return;"),
        within=250),
    bug("a large message that a view change has cut in two is not begun again",
        (STAMPING, "    send->chunks_stamped = 0;\n",
         "    if (!MUTANT) send->chunks_stamped = 0;\n"),
        within=1000),
    bug("members of a view without a quorum are not told so",
        (REQUESTS, " tell(id, protocol::Suspended{key});",
         " {\n      if (!MUTANT) tell(id, protocol::Suspended{key});\n    }"),
        within=250),
    bug("a join that is refused is not answered",
        (DELIVERY, "    } else if (session != nullptr) {\n      reject(",
         "    } else if (session != nullptr && !MUTANT) {\n      reject("),
        within=100),
    bug("who asks for the groups is not answered",
        (REQUESTS, "  tell(session.id, std::move(reply));\n}\n",
         "  if (!MUTANT) tell(session.id, std::move(reply));\n}\n"),
        within=100),
    bug("who watches is not shown later views",
        (DELIVERY, "    if (is_watched(session, change.name)) tell(",
         "    if (!MUTANT && is_watched(session, change.name)) tell("),
        within=100),
    bug("who forces a view in vain is not told so",
        (BOOTSTRAP, "  reply.text = \"not all that are here have agreed in time\";\n",
         "  reply.text = \"not all that are here have agreed in time\";\n"
         "  if (MUTANT) forcers_.clear();\n"),
        within=2000),
    bug("a message of a later version ends the session",
        (MESSAGE_FRAME, "      if (!Direction::read_element(element, into)) ++unknown_kinds;\n",
         "      if (!Direction::read_element(element, into)) {\n"
         "        if (MUTANT) bad_frame(\"unknown\");\n        ++unknown_kinds;\n      }\n"),
        within=100),
    bug("half of a view is a quorum, whoever is in it",
        ("ordering/quorum.h", "(2 * present == view_size && rank_zero_present);",
         "(2 * present == view_size && (rank_zero_present || MUTANT));"),
        within=100),
    bug("a component that knows of an attempt is never primary again",
        (POLICY, "  if (!outvotes_all) PROBE(",
         "  if (MUTANT && !claim.attempts.empty()) return false;\n  if (!outvotes_all) PROBE("),
        within=100),
    # --- the client library ----------------------------------------------------------------------
    bug("a view is taken for known before it is told",
        (LIBRARY, "    if (group->is_ahead_of_application())",
         "    if (!MUTANT && group->is_ahead_of_application())"),
        within=250),
    bug("the library drops what comes while a group is suspended",
        (LIBRARY_INPUT, "  const std::vector<GroupMember>& members = group->view->members;\n",
         "  if (MUTANT && group->suspended) {\n    take_assembled({});\n    return outcome;\n  }\n"
         "  const std::vector<GroupMember>& members = group->view->members;\n"),
        within=100),
    bug("the library tells a message twice",
        (LIBRARY_INPUT, "      .run = std::move(message.run),\n  });\n",
         "      .run = std::move(message.run),\n  });\n"
         "  if (MUTANT && upcalls_.size() == 8) {\n"
         "    const Upcall again = upcalls_.back();\n    upcalls_.push_back(again);\n  }\n"),
        within=100),
    bug("the library tells two messages of the total order the other way round",
        (LIBRARY_INPUT, "      .run = std::move(message.run),\n  });\n",
         "      .run = std::move(message.run),\n  });\n"
         "  if (MUTANT && upcalls_.size() > 1) {\n"
         "    auto& last = std::get<upcall::Delivered>(upcalls_.back());\n"
         "    auto* other = std::get_if<upcall::Delivered>(&upcalls_[upcalls_.size() - 2]);\n"
         "    if (other != nullptr && other->group == last.group &&\n"
         "        other->message.sender != last.message.sender &&\n"
         "        other->message.order == Order::kTotal && last.message.order == Order::kTotal) {\n"
         "      std::swap(last, *other);\n    }\n  }\n"),
        within=100),
    bug("the library tells a view before what came ahead of it",
        (LIBRARY_INPUT, "{.group = group->name, .view = std::move(message.view)});\n  return",
         "{.group = group->name, .view = std::move(message.view)});\n"
         "  if (MUTANT) std::rotate(upcalls_.begin(), upcalls_.end() - 1, upcalls_.end());\n"
         "  return"),
        within=100),
    bug("the library forgets what was asked for when the connection ends",
        (LIBRARY, "    if (send.rejected) continue;\n",
         "    if (MUTANT || send.rejected) continue;\n"),
        within=100),
    bug("a send that is refused keeps its share of the window",
        (LIBRARY_INPUT, "  send->rejected = true;\n  --unaccepted_messages_;",
         "  send->rejected = true;\n  if (!MUTANT) --unaccepted_messages_;"),
        within=100),
    bug("the library forgets its count of sends as it leaves a group",
        (LIBRARY_INPUT, "  group.view.reset();\n", "  group.view.reset();\n"
         "  if (MUTANT) group.accepted = {};\n"),
        within=100),
    # --- the wire, and what is kept --------------------------------------------------------------
    bug("the checksum is not looked at",
        (ENVELOPE, "  if (format.has_checksum &&\n", "  if (!MUTANT && format.has_checksum &&\n"),
        within=100),
    bug("a session that is over is kept",
        (REQUESTS, "  sessions_.erase(id);\n  for (const GroupKey key : left) hold_if_agreed(key);",
         "  if (!MUTANT) sessions_.erase(id);\n"
         "  for (const GroupKey key : left) hold_if_agreed(key);"),
        within=100),
    bug("a group that nobody is in is kept",
        (GROUPS, "  if (group.members.empty()) erase(std::string(group.name));",
         "  if (!MUTANT && group.members.empty()) erase(std::string(group.name));"),
        within=100),
]
