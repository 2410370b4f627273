// groupcommctl chat
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/line_reader.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/patience.h"
#include "daemon/ctl/program_input.h"
#include "daemon/ctl/shown_text.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

using std::chrono::milliseconds;

// How long a line may wait for the daemon to have room, and the goodbye for the daemon's word.
constexpr milliseconds kPatience{5000};

using Clock = std::chrono::steady_clock;

// Turns what happens into lines for a person. Everything about the group begins with "* ".
class Room : public GroupListener, public ClientListener {
 public:
  void on_view(Group& /*group*/, const GroupView& view) override {
    const bool is_first = !was_in_;
    was_in_ = true;
    if (is_first) lateness.on_answered(Clock::now());
    for (const Departed& departed : view.left) {
      out += "* " + who(departed.process) + " left (" + to_string(departed.reason) + ")\n";
    }
    if (!is_first) {
      for (const ProcessId& process : view.joined) out += "* " + who(process) + " joined\n";
      return;
    }
    out += "* here:";
    for (const GroupMember& member : view.members) out += " " + who(member.process);
    out += "\n";
  }
  void on_message(Group& /*group*/, const Message& message) override {
    out += message.sender.name + ": " + shown(message.payload.text()) + "\n";
  }
  void on_accepted(Group& /*group*/, RequestId /*request*/, SendNumber /*number*/) override {
    lateness.on_answered(Clock::now());
  }
  void on_rejected(Group& /*group*/, RequestId request, RejectReason reason) override {
    if (!was_in_) throw CommandFailed{"cannot join: " + to_string(reason)};
    lateness.on_answered(Clock::now());
    out += "* not sent (request " + to_string(request) + "): " + to_string(reason) + "\n";
  }
  void on_send_failed(Group& /*group*/, SendNumber number) override {
    out += "* your message " + to_string(number) + " was lost\n";
  }
  void on_suspended(Group& /*group*/) override {
    out += "* no quorum: waiting for other daemons\n";
  }
  void on_gone(Group& group, GoneReason reason) override {
    is_in_ = was_in_ = false;
    lateness.on_over();
    if (reason != GoneReason::kLeft) {
      out += "* out of " + group.name() + " (" + to_string(reason) + ")\n";
    }
  }
  void on_connected(const ProcessId& /*process*/, const std::string& /*version*/) override {
    is_connected_ = true;
  }
  void on_disconnected(const std::string& reason) override {
    lateness.on_over();
    out += "* disconnected: " + reason + "; trying again\n";
  }
  void on_status(RequestId /*request*/, const protocol::DaemonStatus& status) override {
    lateness.on_status();
    const std::string why = why_idle(status);
    if (!why.empty()) out += "* waiting: " + why + "\n";
  }
  // A new connection is a new process: it has to join.
  bool must_join() { return std::exchange(is_connected_, false); }
  void on_joining() {
    is_in_ = true;
    lateness.on_asked(Clock::now());
  }
  bool is_in() const { return is_in_; }

  std::string out;
  Lateness lateness;

 private:
  static std::string who(const ProcessId& process) { return process.name + "@" + process.daemon; }

  bool is_connected_ = false;
  bool is_in_ = false;   // joining or a member
  bool was_in_ = false;  // a view came
};

class ChatRun {
 public:
  explicit ChatRun(const ChatCommand& command)
      : command_(command),
        client_(connect_patiently(
            {.name = command.name, .socket = command.socket, .listener = &room_}, input_)) {}

  void run() {
    if (!client_) return;
    poll();
    LineReader lines(STDIN_FILENO);
    while (!lines.at_end()) {
      const int until_late = room_.lateness.wait_ms(Clock::now());
      const auto ready = input_.wait(client_->descriptor(), true, until_late);
      if (ready.client) poll();
      look_at_lateness();
      if (ready.stop || !is_read_) break;
      if (!ready.input) continue;
      lines.read_some();
      while (const auto line = lines.next_line()) say(*line);
    }
    leave();
  }

 private:
  void poll() {
    client_->poll(milliseconds(0));
    if (room_.must_join()) {
      group_ = client_->join(command_.group, room_);
      room_.on_joining();
    }
    is_read_ = write_out(room_.out);
  }

  void look_at_lateness() {
    const auto step = room_.lateness.take_step(Clock::now());
    if (step == Lateness::Step::kAskStatus) client_->query_status();
    if (step == Lateness::Step::kTellUser) room_.out += "* waiting: the daemon does not answer\n";
    is_read_ = is_read_ && write_out(room_.out);
  }

  void say(std::string_view line) {
    const Queued queued = client_->multicast_within(
        kPatience, {command_.group}, Payload::copy_of(line), {.order = command_.order});
    if (queued.ok()) {
      room_.lateness.on_asked(Clock::now());
    } else {
      room_.out += "* not sent: " + to_string(*queued.refused) + "\n";
    }
    is_read_ = write_out(room_.out);
  }

  // What was said is still heard.
  void leave() {
    if (room_.is_in()) group_->leave();
    const auto due = Clock::now() + kPatience;
    while (room_.is_in() && is_read_) {
      if (Clock::now() >= due) {
        throw CommandFailed{no_answer_within(kPatience) + ": what was said last may be lost"};
      }
      const int patience_ms = static_cast<int>(kPatience.count());
      if (input_.wait(client_->descriptor(), false, patience_ms).stop) break;
      poll();
    }
  }

  const ChatCommand& command_;
  ProgramInput input_;
  Room room_;
  std::optional<Client> client_;  // nothing: interrupted before it was connected
  std::optional<Group> group_;
  bool is_read_ = true;
};

}  // namespace

int ChatCommand::run() const {
  ChatRun(*this).run();
  return 0;
}

}  // namespace groupcomm::ctl
