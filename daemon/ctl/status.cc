// groupcommctl status
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

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
        .add("state", member.state)
        .add_number("unacknowledged", member.unacknowledged);
  }
  members += ']';
  std::string clients = "[";
  for (const protocol::ClientStatus& client : status.clients) {
    if (clients.size() > 1) clients += ',';
    JsonObject(clients)
        .add("process", to_string(client.process))
        .add_number("groups", client.groups)
        .add_number("waiting_bytes", client.waiting_bytes)
        .add_number("queued_requests", client.queued_requests);
  }
  clients += ']';
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
      .add_json("clients", clients)
      .add_json("counters", counters);
  return text + "\n";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

using Rows = std::vector<std::vector<std::string>>;

// An empty line, the titles, and a line for each row; nothing where there are no rows.
std::string table(const std::vector<std::string>& titles, const Rows& rows) {
  if (rows.empty()) return "";
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < titles.size(); ++column) {
    std::size_t width = titles[column].size();
    for (const auto& row : rows) width = std::max(width, row[column].size());
    widths.push_back(width + 2);
  }
  std::string text = "\n";
  const auto add_line = [&](const std::vector<std::string>& fields) {
    for (std::size_t column = 0; column + 1 < fields.size(); ++column) {
      text += padded(fields[column], widths[column]);
    }
    text += fields.back() + "\n";
  };
  add_line(titles);
  for (const auto& row : rows) add_line(row);
  return text;
}

Rows member_rows(const protocol::DaemonStatus& status) {
  Rows rows;
  for (const protocol::MemberStatus& member : status.members) {
    rows.push_back({std::to_string(rows.size()), member.id.name, member.address, member.state,
                    std::to_string(member.unacknowledged)});
  }
  return rows;
}

Rows client_rows(const protocol::DaemonStatus& status) {
  Rows rows;
  for (const protocol::ClientStatus& client : status.clients) {
    rows.push_back({to_string(client.process), std::to_string(client.groups),
                    std::to_string(client.waiting_bytes), std::to_string(client.queued_requests)});
  }
  return rows;
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
  text += table({"rank", "name", "address", "state", "unacknowledged"}, member_rows(status));
  text += table({"client", "groups", "waiting bytes", "queued requests"}, client_rows(status));
  Rows counters;
  for (const auto& [name, value] : status.counters) {
    counters.push_back({name, std::to_string(value)});
  }
  text += table({"counter", "value"}, counters);
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
