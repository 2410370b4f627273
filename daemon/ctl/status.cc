// groupcommctl status
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/json_text.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/questions.h"

namespace groupcomm::ctl {
namespace {

std::string uptime_text(std::uint64_t uptime_ms) {
  const std::uint64_t seconds = uptime_ms / 1000;
  char text[64];
  std::snprintf(text, sizeof text, "%" PRIu64 "d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
                seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return text;
}

std::string to_json(const protocol::DaemonStatus& status) {
  std::string members = "[";
  for (std::size_t rank = 0; rank < status.members.size(); ++rank) {
    const protocol::MemberStatus& member = status.members[rank];
    if (rank > 0) members += ',';
    JsonObject(members)
        .add_number("rank", rank)
        .add("name", member.id.name)
        .add("incarnation", to_string(member.id.incarnation))
        .add("address", member.address)
        .add("state", member.state);
  }
  members += ']';
  std::string counters;
  {
    JsonObject object(counters);
    for (const auto& [name, value] : status.counters) object.add_number(name, value);
  }
  std::string text;
  JsonObject(text)
      .add("daemon", status.daemon.name)
      .add("incarnation", to_string(status.daemon.incarnation))
      .add("cluster", status.cluster)
      .add("version", status.version)
      .add("phase", status.phase)
      .add_json("view", status.view ? '"' + to_string(*status.view) + '"' : "null")
      .add_bool("primary", status.primary)
      .add_number("uptime_ms", status.uptime_ms)
      .add_json("members", members)
      .add_json("counters", counters);
  return text + "\n";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string to_table(const protocol::DaemonStatus& status) {
  std::string text;
  const auto line = [&text](const char* key, const std::string& value) {
    text += padded(key, 10) + value + "\n";
  };
  line("daemon", to_string(status.daemon));
  line("cluster", status.cluster);
  line("version", status.version);
  line("uptime", uptime_text(status.uptime_ms));
  line("phase", status.phase);
  line("view",
       status.view ? to_string(*status.view) + (status.primary ? " (primary)" : "") : "none yet");
  std::size_t name_width = 4;
  std::size_t address_width = 7;
  for (const protocol::MemberStatus& member : status.members) {
    name_width = std::max(name_width, member.id.name.size());
    address_width = std::max(address_width, member.address.size());
  }
  if (!status.members.empty()) {
    text += "\n" + padded("rank", 6) + padded("name", name_width + 2) +
            padded("address", address_width + 2) + "state\n";
  }
  for (std::size_t rank = 0; rank < status.members.size(); ++rank) {
    const protocol::MemberStatus& member = status.members[rank];
    text += padded(std::to_string(rank), 6) + padded(member.id.name, name_width + 2) +
            padded(member.address, address_width + 2) + member.state + "\n";
  }
  std::size_t counter_width = 0;
  for (const auto& [name, value] : status.counters) {
    counter_width = std::max(counter_width, name.size());
  }
  if (!status.counters.empty()) text += "\n";
  for (const auto& [name, value] : status.counters) {
    text += padded(name, counter_width + 2) + std::to_string(value) + "\n";
  }
  return text;
}

}  // namespace

int StatusCommand::run() const {
  const protocol::DaemonStatus status = ask_status(socket, timeout);
  std::string text = json ? to_json(status) : to_table(status);
  write_out(text);
  return 0;
}

}  // namespace groupcomm::ctl
