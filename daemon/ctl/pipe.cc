// groupcommctl pipe: JSON lines both ways.
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/line_reader.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/pipe_events.h"
#include "daemon/ctl/pipe_ops.h"
#include "daemon/ctl/pipe_trace.h"
#include "daemon/ctl/program_input.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

using std::chrono::milliseconds;

// What a clean leave may wait for the answers that are still due.
constexpr milliseconds kLeaveMax{5000};

// One event loop over standard input and the client. A send for which there is no credit is held,
// and nothing more is read, until there is: so a script may write as fast as it can.
class Pipe {
 public:
  explicit Pipe(const PipeCommand& command)
      : events_(trace_), client_(connect(command, trace_, events_)), lines_(STDIN_FILENO) {}

  void run() {
    while (!is_quitting_) {
      client_.poll(milliseconds(0));
      do_lines();
      if (!write_out(events_.out)) is_quitting_ = true;
      if (!is_quitting_) wait();
    }
    leave();
    client_.close();
    trace_.exited();
    write_out(events_.out);
  }

 private:
  static Client connect(const PipeCommand& command, PipeTrace& trace, PipeEvents& events) {
    if (!command.trace.empty()) {
      if (auto failure = trace.open(command.trace, command.name)) throw CommandFailed{*failure};
    }
    return Client::connect({.name = command.name,
                            .socket = command.socket,
                            .reconnect = true,
                            .connect_timeout = kAnswerMax,
                            .listener = &events});
  }

  void wait() {
    const auto ready = input_.wait(client_.descriptor(), !held_);
    if (ready.stop) is_quitting_ = true;
    if (ready.input) lines_.read_some();
  }

  // Does the commands that were read, as far as there is credit.
  void do_lines() {
    const Client::Batch batch(client_);
    if (held_ && !send(*held_)) return;
    held_.reset();
    while (!is_quitting_ && !held_) {
      const auto line = lines_.next_line();
      if (!line) {
        is_quitting_ = lines_.at_end();
        return;
      }
      if (!line->empty()) do_line(*line);
    }
  }

  void do_line(std::string_view line) {
    auto op = parse_pipe_op(line);
    if (!op.ok()) {
      events_.error(op.error());
      return;
    }
    std::visit([this](auto&& content) { perform(std::move(content)); }, std::move(op).value());
  }

  void perform(JoinOp&& op) {
    try {
      const Group group = client_.join(op.group, events_, op.options);
      events_.joining(group, op.options);
      events_.expect(group.join_request(), std::move(op.id), PipeEvents::Kind::kJoin, op.group);
    } catch (const Error& error) {
      events_.refused(op.id, op.group, error.reason().value_or(RejectReason::kGone));
    }
  }

  void perform(LeaveOp&& op) {
    const Group* group = events_.find_group(op.group);
    if (group == nullptr) {
      events_.refused(op.id, op.group, why_no_group(op.group));
    } else if (const Queued queued = group->leave(); !queued.ok()) {
      events_.refused(op.id, op.group, *queued.refused);
    } else {
      events_.expect(queued.request, std::move(op.id), PipeEvents::Kind::kLeave, op.group);
    }
  }

  void perform(BlockOkOp&& op) {
    const Group* group = events_.find_group(op.group);
    if (group == nullptr) {
      events_.refused(op.id, op.group, why_no_group(op.group));
    } else if (const Queued queued = group->block_ok(); !queued.ok()) {
      events_.refused(op.id, op.group, *queued.refused);
    } else {
      trace_.block_ok(op.group, queued.request);
      events_.expect(queued.request, std::move(op.id), PipeEvents::Kind::kBlockOk, op.group);
    }
  }

  void perform(SendOp&& op) {
    if (!send(op)) held_ = std::move(op);
  }

  void perform(QuitOp&& /*op*/) { is_quitting_ = true; }

  // False where there is no credit now.
  bool send(SendOp& op) {
    SendOptions options{.order = op.order,
                        .to = {},
                        .self_discard = op.self_discard,
                        .notify_safe = op.notify_safe};
    if (op.to) {
      auto to = parse_process_id(*op.to);
      if (!to.ok()) {
        events_.refused(op.id, op.groups.front(), RejectReason::kNotMember);
        return true;
      }
      options.to = std::move(to).value();
    }
    const Queued queued = client_.multicast(op.groups, op.payload, options);
    if (queued.refused == RejectReason::kWouldBlock) return false;
    if (queued.ok()) {
      events_.expect_send(queued.request, std::move(op.id), op.groups,
                          trace_.asked(op.groups, op.payload, options));
    } else {
      events_.refused(op.id, op.groups.front(), *queued.refused);
    }
    return true;
  }

  RejectReason why_no_group(const std::string& group) const {
    if (!why_bad_name(group).empty()) return RejectReason::kBadName;
    return client_.connected() ? RejectReason::kNotMember : RejectReason::kGone;
  }

  // Leaves the groups and waits until every command has its answer.
  void leave() {
    if (held_) events_.refused(held_->id, held_->groups.front(), RejectReason::kGone);
    events_.answer_blocks();
    for (const Group& group : events_.groups()) {
      events_.answer_block(group);
      group.leave();
    }
    const auto due = std::chrono::steady_clock::now() + kLeaveMax;
    while (!events_.is_idle()) {
      const auto left = std::chrono::ceil<milliseconds>(due - std::chrono::steady_clock::now());
      if (left <= milliseconds(0)) break;
      client_.poll(left);
      if (!write_out(events_.out)) break;
    }
  }

  ProgramInput input_;
  PipeTrace trace_;
  PipeEvents events_;
  Client client_;
  LineReader lines_;
  std::optional<SendOp> held_;
  bool is_quitting_ = false;
};

}  // namespace

int PipeCommand::run() const {
  Pipe(*this).run();
  return 0;
}

}  // namespace groupcomm::ctl
