// groupcommctl groups
#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/json_text.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/questions.h"

namespace groupcomm::ctl {
namespace {

std::string to_json(const std::vector<protocol::GroupStatus>& groups) {
  std::string text = "[";
  for (const protocol::GroupStatus& group : groups) {
    if (text.size() > 1) text += ",\n ";
    JsonObject(text)
        .add("group", group.name)
        .add("view", to_string(group.view))
        .add_json("sync", group.options.flush ? "\"flush\"" : "null")
        .add_bool("uniform", group.options.uniform)
        .add_processes("members", group.members);
  }
  return text + "]\n";
}

std::string to_table(const std::vector<protocol::GroupStatus>& groups) {
  std::string text;
  for (const protocol::GroupStatus& group : groups) {
    if (!text.empty()) text += "\n";
    text += group.name + "  (view " + to_string(group.view);
    if (group.options.flush) text += ", sync flush";
    if (group.options.uniform) text += ", uniform";
    text += ")\n";
    for (std::size_t rank = 0; rank < group.members.size(); ++rank) {
      text += "  " + std::to_string(rank) + "  " + to_string(group.members[rank]) + "\n";
    }
  }
  return text.empty() ? "no groups\n" : text;
}

}  // namespace

int GroupsCommand::run() const {
  const std::vector<protocol::GroupStatus> groups = ask_groups(socket, timeout);
  std::string text = json ? to_json(groups) : to_table(groups);
  write_out(text);
  return 0;
}

}  // namespace groupcomm::ctl
