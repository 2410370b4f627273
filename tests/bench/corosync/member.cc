// corosync_member: a member of a group of Corosync that tells its views, for membership.py. Lines
// in: "join", "leave". Lines out: {"event":"connected"}, {"event":"view","nodes":[1,2,3]}.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "daemon/ctl/commands.h"
#include "tests/bench/corosync/connection.h"

namespace groupcomm::bench {
namespace {

constexpr char kGroup[] = "room";
constexpr std::chrono::seconds kPatience{20};

void tell(const nlohmann::ordered_json& event) {
  std::puts(event.dump().c_str());
  std::fflush(stdout);
}

class Views : public Connection::Receiver {
 public:
  void on_message(std::string_view /*bytes*/) override {}
  void on_configuration(const std::vector<std::pair<unsigned, unsigned>>& members) override {
    auto nodes = nlohmann::ordered_json::array();
    for (const auto& [node, process] : members) nodes.push_back(node);
    tell({{"event", "view"}, {"nodes", nodes}});
  }
};

// False: there are no more.
bool take_commands(Connection& connection, std::string& read) {
  char buffer[256];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n <= 0) return false;
  read.append(buffer, static_cast<std::size_t>(n));
  for (auto end = read.find('\n'); end != std::string::npos; end = read.find('\n')) {
    const std::string command = read.substr(0, end);
    read.erase(0, end + 1);
    if (command == "join") connection.join(kGroup);
    if (command == "leave") connection.leave(kGroup);
  }
  return true;
}

void serve(const std::string& place) {
  enter_namespace(place);
  Connection connection(kPatience);
  Views views;
  connection.receiver = &views;
  tell({{"event", "connected"}});
  std::string read;
  while (connection.is_connected()) {
    pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {connection.descriptor(), POLLIN, 0}};
    ::poll(ready, 2, 100);
    if (ready[0].revents != 0 && !take_commands(connection, read)) return;
    connection.poll(std::chrono::milliseconds(0));
  }
}

}  // namespace
}  // namespace groupcomm::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: corosync_member NAMESPACE\n", stderr);
    return 2;
  }
  try {
    groupcomm::bench::serve(argv[1]);
    return 0;
  } catch (const groupcomm::ctl::CommandFailed& failed) {
    std::fprintf(stderr, "corosync_member: %s\n", failed.message.c_str());
    return 1;
  }
}
