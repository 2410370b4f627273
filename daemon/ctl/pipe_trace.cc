#include "daemon/ctl/pipe_trace.h"

#include <cstdio>
#include <utility>

namespace groupcomm::ctl {

namespace record = verify::record;

std::optional<std::string> PipeTrace::open(const std::string& path, const std::string& name) {
  const auto on_end = [path](const std::string& why) {
    std::fprintf(stderr, "groupcommctl: cannot write the trace %s: %s; it ends here\n",
                 path.c_str(), why.c_str());
  };
  auto writer =
      verify::FileTraceWriter::open(path, {.role = verify::Role::kClient, .name = name}, on_end);
  if (!writer.ok()) return writer.error();
  writer_ = std::move(writer).value();
  return std::nullopt;
}

PipeTrace::Asked PipeTrace::asked(const std::vector<std::string>& groups, const Payload& payload,
                                  const SendOptions& options) const {
  if (!is_open()) return {};
  std::map<std::string, std::string> views;
  for (const std::string& group : groups) {
    const auto room = rooms_.find(group);
    if (room != rooms_.end()) views[group] = room->second.view_id;
  }
  return {.order = options.order,
          .self_discard = options.self_discard,
          .to = options.to ? to_string(*options.to) : "",
          .hash = verify::payload_hash(payload.bytes()),
          .size = payload.size(),
          .seen = delivered_,
          .views = std::move(views)};
}

const std::string& PipeTrace::me(const std::string& group) const {
  const auto room = rooms_.find(group);
  return room == rooms_.end() ? process_ : room->second.me;
}

void PipeTrace::connected(const ProcessId& process) {
  if (!is_open()) return;
  self_ = process;
  process_ = to_string(process);
  rooms_.clear();
  delivered_ = 0;
  writer_->write(record::Start{.p = process_});
}

void PipeTrace::joining(RequestId request, GroupOptions options) {
  if (is_open() && options != GroupOptions{}) options_[request] = options;
}

void PipeTrace::view(const std::string& group, RequestId join, const GroupView& view) {
  if (!is_open()) return;
  const auto previous = rooms_.find(group);
  const auto options = options_.find(join);
  const auto written = verify::view_record(
      self_, group, view, previous == rooms_.end() ? nullptr : &previous->second.view,
      options == options_.end() ? GroupOptions{} : options->second);
  rooms_[group] = {.view = view, .view_id = to_string(view.id), .me = written.p};
  writer_->write(written);
  if (view.my_rank == 0) {
    writer_->write(record::Lead{.p = written.p, .g = group, .view = written.id});
  }
}

void PipeTrace::transition(const std::string& group, const std::vector<ProcessId>& transitional) {
  if (!is_open()) return;
  record::Transition written{.p = me(group), .g = group, .transitional = {}};
  const auto room = rooms_.find(group);
  for (const ProcessId& process : transitional) {
    std::string name = to_string(process);
    if (room != rooms_.end()) {
      for (const GroupMember& member : room->second.view.members) {
        if (member.process == process) name = verify::member_name(member);
      }
    }
    written.transitional.push_back(std::move(name));
  }
  writer_->write(written);
}

void PipeTrace::delivered(const std::string& group, const Message& message) {
  if (!is_open()) return;
  ++delivered_;
  const auto room = rooms_.find(group);
  writer_->write(record::Deliver{.p = me(group),
                                 .g = group,
                                 .view = room == rooms_.end() ? "" : room->second.view_id,
                                 .sender = to_string(message.sender),
                                 .number = message.number.value,
                                 .order = message.order,
                                 .hash = verify::payload_hash(message.payload.bytes()),
                                 .size = message.payload.size(),
                                 .destination = {}});
}

void PipeTrace::accepted(const std::string& group, RequestId request, SendNumber number,
                         const Asked& asked) {
  if (!is_open()) return;
  const auto room = rooms_.find(group);
  const bool is_member = room != rooms_.end();
  const auto asked_in = asked.views.find(group);
  writer_->write(record::Send{.p = process_,
                              .g = group,
                              .number = number.value,
                              .order = asked.order,
                              .view = is_member ? room->second.view_id : "",
                              .member = is_member,
                              .self_discard = asked.self_discard,
                              .to = asked.to,
                              .hash = asked.hash,
                              .size = asked.size,
                              .seen = asked.seen,
                              .request = request.value,
                              .asked_in = asked_in == asked.views.end() ? "" : asked_in->second,
                              .daemon_number = {}});
}

void PipeTrace::rejected(const std::string& group, RejectReason reason) {
  if (is_open()) {
    writer_->write(record::Reject{.p = process_, .g = group, .reason = to_string(reason)});
  }
}

void PipeTrace::send_failed(const std::string& group, SendNumber number) {
  if (is_open()) {
    writer_->write(record::SendFail{.p = me(group), .g = group, .number = number.value});
  }
}

void PipeTrace::safe(const std::string& group, SendNumber number) {
  if (is_open()) writer_->write(record::Safe{.p = me(group), .g = group, .number = number.value});
}

void PipeTrace::suspended(const std::string& group) {
  if (is_open()) writer_->write(record::Suspended{.p = me(group), .g = group});
}

void PipeTrace::block(const std::string& group) {
  if (is_open()) writer_->write(record::Block{.p = me(group), .g = group});
}

void PipeTrace::block_ok(const std::string& group, RequestId request) {
  if (!is_open()) return;
  writer_->write(record::BlockOk{.p = me(group), .g = group, .request = request.value});
}

void PipeTrace::gone(const std::string& group, RequestId join, GoneReason reason) {
  if (!is_open()) return;
  options_.erase(join);
  writer_->write(record::Gone{.p = me(group), .g = group, .reason = to_string(reason)});
  rooms_.erase(group);
}

// Whoever did not wait for the end of its memberships has not told everything.
void PipeTrace::exited() {
  if (!is_open() || process_.empty() || !rooms_.empty()) return;
  writer_->write(record::Exit{.p = process_});
}

}  // namespace groupcomm::ctl
