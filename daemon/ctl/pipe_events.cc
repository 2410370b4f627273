#include "daemon/ctl/pipe_events.h"

#include <utility>

#include "daemon/ctl/json_text.h"

namespace groupcomm::ctl {
namespace {

// Senders come and go; their names are made again after that many.
constexpr std::size_t kNamesMax = 1024;

}  // namespace

template <typename Fill>
void PipeEvents::event(const char* name, Fill&& fill) {
  {
    JsonObject object(out);
    object.add("event", name);
    fill(object);
  }
  out += '\n';
}

void PipeEvents::group_event(const char* name, const std::string& group) {
  event(name, [&](JsonObject& object) { object.add("group", group); });
}

void PipeEvents::numbered_event(const char* name, const std::string& group, SendNumber number) {
  event(name,
        [&](JsonObject& object) { object.add("group", group).add_number("number", number.value); });
}

const std::string& PipeEvents::name_of(const ProcessId& process) {
  std::string& name = names_[process.key];
  if (name.empty()) name = to_string(process);
  return name;
}

// --- commands ------------------------------------------------------------------------------------

void PipeEvents::expect_send(RequestId request, std::string id,
                             const std::vector<std::string>& groups, PipeTrace::Asked asked) {
  expected_.emplace(request, Expected{.kind = Kind::kSend,
                                      .id = std::move(id),
                                      .groups = groups,
                                      .answers_left = groups.size(),
                                      .asked = std::move(asked)});
}

void PipeEvents::expect(RequestId request, std::string id, Kind kind, const std::string& group) {
  expected_.emplace(
      request,
      Expected{
          .kind = kind, .id = std::move(id), .groups = {group}, .answers_left = 1, .asked = {}});
}

// What happened in the group shows that these commands were granted.
void PipeEvents::settle(Kind kind, const std::string& group) {
  std::erase_if(expected_, [&](const auto& entry) {
    return entry.second.kind == kind && entry.second.groups.front() == group;
  });
}

void PipeEvents::refused(const std::string& id, const std::string& group, RejectReason reason) {
  trace_.rejected(group, reason);
  event("rejected", [&](JsonObject& object) {
    object.add_json("id", id).add("group", group).add("reason", to_string(reason));
  });
}

void PipeEvents::error(const std::string& message) {
  event("error", [&](JsonObject& object) {
    object.add("message", is_utf8(message) ? message : "the line is not UTF-8");
  });
}

void PipeEvents::joining(const Group& group, GroupOptions options) {
  trace_.joining(group.join_request(), options);
  groups_.insert_or_assign(group.name(), group);
}

const Group* PipeEvents::find_group(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

std::vector<Group> PipeEvents::groups() const {
  std::vector<Group> all;
  for (const auto& [name, group] : groups_) all.push_back(group);
  return all;
}

// --- a group -------------------------------------------------------------------------------------

void PipeEvents::on_view(Group& group, const GroupView& view) {
  trace_.view(group.name(), group.join_request(), view);
  expected_.erase(group.join_request());
  settle(Kind::kBlockOk, group.name());
  if (names_.size() > kNamesMax) names_.clear();
  std::string& view_id = view_ids_[group.name()];
  view_id = to_string(view.id);
  std::vector<ProcessId> members;
  for (const GroupMember& member : view.members) members.push_back(member.process);
  std::string left = "[";
  for (const Departed& departed : view.left) {
    if (left.size() > 1) left += ',';
    JsonObject(left)
        .add("process", to_string(departed.process))
        .add("reason", to_string(departed.reason));
  }
  left += ']';
  event("view", [&](JsonObject& object) {
    object.add("group", group.name())
        .add("view", view_id)
        .add_processes("members", members)
        .add_processes("joined", view.joined)
        .add_json("left", left)
        .add_processes("transitional", view.transitional)
        .add_bool("primary", view.primary)
        .add_bool("recovered", view.recovered);
  });
}

void PipeEvents::on_transition(Group& group, const std::vector<ProcessId>& transitional) {
  trace_.transition(group.name(), transitional);
  event("transition", [&](JsonObject& object) {
    object.add("group", group.name()).add_processes("transitional", transitional);
  });
}

void PipeEvents::on_message(Group& group, const Message& message) {
  trace_.delivered(group.name(), message);
  event("message", [&](JsonObject& object) {
    object.add("group", group.name())
        .add("view", view_ids_[group.name()])
        .add("sender", name_of(message.sender))
        .add_number("number", message.number.value)
        .add("order", to_string(message.order))
        .add_data(message.payload.text());
  });
}

void PipeEvents::on_accepted(Group& group, RequestId request, SendNumber number) {
  on_open_send_accepted(group.name(), request, number);
}

void PipeEvents::on_rejected(Group& group, RequestId request, RejectReason reason) {
  const auto found = groups_.find(group.name());
  const bool is_join = request == group.join_request();
  if (is_join) trace_.not_joined(request);
  if (is_join && found != groups_.end() && found->second.join_request() == request) {
    groups_.erase(found);
  }
  on_open_send_rejected(group.name(), request, reason);
}

void PipeEvents::on_send_failed(Group& group, SendNumber number) {
  on_open_send_failed(group.name(), number);
}

void PipeEvents::on_safe(Group& group, SendNumber number) {
  on_open_send_safe(group.name(), number);
}

void PipeEvents::on_suspended(Group& group) {
  trace_.suspended(group.name());
  group_event("suspended", group.name());
}

void PipeEvents::on_block(Group& group) {
  trace_.block(group.name());
  group_event("block", group.name());
  if (answers_blocks_) answer_block(group);
}

void PipeEvents::answer_block(const Group& group) {
  const Queued answer = group.block_ok();
  if (answer.ok()) trace_.block_ok(group.name(), answer.request);
}

void PipeEvents::on_gone(Group& group, GoneReason reason) {
  trace_.gone(group.name(), group.join_request(), reason);
  expected_.erase(group.join_request());
  settle(Kind::kBlockOk, group.name());
  if (reason == GoneReason::kLeft) settle(Kind::kLeave, group.name());
  const auto found = groups_.find(group.name());
  if (found != groups_.end() && found->second.join_request() == group.join_request()) {
    groups_.erase(found);
  }
  event("gone", [&](JsonObject& object) {
    object.add("group", group.name()).add("reason", to_string(reason));
  });
}

// --- the connection, and sends -------------------------------------------------------------------

void PipeEvents::on_connected(const ProcessId& process, const std::string& daemon_version) {
  trace_.connected(process);
  event("connected", [&](JsonObject& object) {
    object.add("process", to_string(process))
        .add("daemon", process.daemon)
        .add("version", daemon_version);
  });
}

void PipeEvents::on_disconnected(const std::string& reason) {
  expected_.clear();
  event("disconnected", [&](JsonObject& object) { object.add("reason", reason); });
}

void PipeEvents::on_open_send_accepted(const std::string& group, RequestId request,
                                       SendNumber number) {
  const auto found = expected_.find(request);
  if (found == expected_.end()) return;
  Expected& expected = found->second;
  trace_.accepted(group, request, number, expected.asked);
  event("accepted", [&](JsonObject& object) {
    object.add_json("id", expected.id).add("group", group).add_number("number", number.value);
  });
  if (--expected.answers_left == 0) expected_.erase(found);
}

void PipeEvents::on_open_send_rejected(const std::string& group, RequestId request,
                                       RejectReason reason) {
  const auto found = expected_.find(request);
  const std::string id = found == expected_.end() ? "null" : found->second.id;
  const bool is_named = !group.empty() || found == expected_.end();
  refused(id, is_named ? group : found->second.groups.front(), reason);
  if (found != expected_.end()) expected_.erase(found);
}

void PipeEvents::on_open_send_failed(const std::string& group, SendNumber number) {
  trace_.send_failed(group, number);
  numbered_event("sendfail", group, number);
}

void PipeEvents::on_open_send_safe(const std::string& group, SendNumber number) {
  trace_.safe(group, number);
  numbered_event("safe", group, number);
}

}  // namespace groupcomm::ctl
