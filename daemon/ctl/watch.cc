// groupcommctl watch
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/patience.h"
#include "daemon/ctl/program_input.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

// One line for each view, as
//   room 3.67b0c1d2e3f4a5b6.1/7: alice@n1#67b0c1d2e3f4a5b6.1 bob@...; joined bob@...; left ...
class Watcher : public ClientListener {
 public:
  void on_connected(const ProcessId& /*process*/, const std::string& /*version*/) override {
    is_new_connection_ = true;
  }
  void on_disconnected(const std::string& reason) override {
    std::fprintf(stderr, "groupcommctl: %s; trying again\n", reason.c_str());
  }
  void on_status(RequestId /*request*/, const protocol::DaemonStatus& status) override {
    const std::string why = why_idle(status);
    if (!why.empty()) std::fprintf(stderr, "groupcommctl: %s; waiting\n", why.c_str());
  }
  void on_watched_view(const std::string& group, const GroupView& view) override {
    out += group + " " + to_string(view.id) + ":";
    if (view.members.empty()) out += " no members";
    for (const GroupMember& member : view.members) out += " " + to_string(member.process);
    if (!view.joined.empty()) out += "; joined";
    for (const ProcessId& process : view.joined) out += " " + to_string(process);
    if (!view.left.empty()) out += "; left";
    for (const Departed& departed : view.left) {
      out += " " + to_string(departed.process) + " (" + to_string(departed.reason) + ")";
    }
    if (!view.primary) out += "; not primary";
    if (view.recovered) out += "; recovered, messages may be lost";
    out += "\n";
  }

  bool take_new_connection() { return std::exchange(is_new_connection_, false); }

  std::string out;

 private:
  bool is_new_connection_ = false;
};

}  // namespace

int WatchCommand::run() const {
  ProgramInput input;
  Watcher watcher;
  std::optional<Client> client = connect_patiently(
      {.name = std::string(kToolName), .socket = socket, .listener = &watcher}, input);
  while (client && !input.wait(client->descriptor(), false).stop) {
    client->poll(std::chrono::milliseconds(0));
    if (watcher.take_new_connection()) {
      client->watch(groups);
      client->query_status();
    }
    if (!write_out(watcher.out)) break;
  }
  return 0;
}

}  // namespace groupcomm::ctl
