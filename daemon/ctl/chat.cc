// groupcommctl chat
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/line_reader.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/program_input.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

using std::chrono::milliseconds;

// How long a line may wait for the daemon to have room, and the goodbye for the daemon's word.
constexpr milliseconds kPatience{5000};

// Turns what happens into lines for a person. Everything about the group begins with "* ".
class Room : public GroupListener, public ClientListener {
 public:
  void on_view(Group& /*group*/, const GroupView& view) override {
    const bool is_first = !was_in_;
    was_in_ = true;
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
    out += message.sender.name + ": " + std::string(message.payload.text()) + "\n";
  }
  void on_rejected(Group& /*group*/, RequestId request, RejectReason reason) override {
    if (!was_in_) throw CommandFailed{"cannot join: " + to_string(reason)};
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
    if (reason != GoneReason::kLeft) {
      out += "* out of " + group.name() + " (" + to_string(reason) + ")\n";
    }
  }
  void on_connected(const ProcessId& /*process*/, const std::string& /*version*/) override {
    is_connected_ = true;
  }
  void on_disconnected(const std::string& reason) override {
    out += "* disconnected: " + reason + "; trying again\n";
  }
  // A new connection is a new process: it has to join.
  bool must_join() { return std::exchange(is_connected_, false); }
  void on_joining() { is_in_ = true; }
  bool is_in() const { return is_in_; }

  std::string out;

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
        client_(Client::connect({.name = command.name,
                                 .socket = command.socket,
                                 .reconnect = true,
                                 .connect_timeout = kAnswerMax,
                                 .listener = &room_})) {}

  void run() {
    poll();
    LineReader lines(STDIN_FILENO);
    while (!lines.at_end()) {
      const auto ready = input_.wait(client_.descriptor(), true);
      if (ready.client) poll();
      if (ready.stop || !is_read_) break;
      if (!ready.input) continue;
      lines.read_some();
      while (const auto line = lines.next_line()) say(*line);
    }
    leave();
  }

 private:
  void poll() {
    client_.poll(milliseconds(0));
    if (room_.must_join()) {
      group_ = client_.join(command_.group, room_);
      room_.on_joining();
    }
    is_read_ = write_out(room_.out);
  }

  void say(std::string_view line) {
    const Queued queued = client_.multicast_within(
        kPatience, {command_.group}, Payload::copy_of(line), {.order = command_.order});
    if (!queued.ok()) room_.out += "* not sent: " + to_string(*queued.refused) + "\n";
    is_read_ = write_out(room_.out);
  }

  // What was said is still heard.
  void leave() {
    if (room_.is_in()) group_->leave();
    const auto due = std::chrono::steady_clock::now() + kPatience;
    while (room_.is_in() && is_read_ && std::chrono::steady_clock::now() < due) {
      if (input_.wait(client_.descriptor(), false, static_cast<int>(kPatience.count())).stop) break;
      poll();
    }
  }

  const ChatCommand& command_;
  ProgramInput input_;
  Room room_;
  Client client_;
  std::optional<Group> group_;
  bool is_read_ = true;
};

}  // namespace

int ChatCommand::run() const {
  ChatRun(*this).run();
  return 0;
}

}  // namespace groupcomm::ctl
