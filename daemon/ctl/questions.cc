#include "daemon/ctl/questions.h"

#include <chrono>
#include <optional>

#include "daemon/ctl/commands.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

struct Answers : ClientListener {
  void on_status(RequestId /*request*/, const protocol::DaemonStatus& answer) override {
    status = answer;
  }
  void on_groups(RequestId /*request*/, const std::vector<protocol::GroupStatus>& answer) override {
    groups = answer;
  }
  void on_disconnected(const std::string& reason) override { throw CommandFailed{reason}; }

  std::optional<protocol::DaemonStatus> status;
  std::optional<std::vector<protocol::GroupStatus>> groups;
};

Client connect(const std::string& socket, Answers& answers) {
  return Client::connect({.name = std::string(kToolName),
                          .socket = socket,
                          .reconnect = false,
                          .connect_timeout = kAnswerMax,
                          .listener = &answers});
}

template <typename T>
T wait_for(Client& client, const std::optional<T>& answer) {
  const auto due = std::chrono::steady_clock::now() + kAnswerMax;
  while (!answer && std::chrono::steady_clock::now() < due) {
    client.poll(kAnswerMax);
  }
  if (!answer) throw CommandFailed{"the daemon does not answer"};
  return *answer;
}

}  // namespace

protocol::DaemonStatus ask_status(const std::string& socket) {
  Answers answers;
  Client client = connect(socket, answers);
  client.query_status();
  return wait_for(client, answers.status);
}

std::vector<protocol::GroupStatus> ask_groups(const std::string& socket) {
  Answers answers;
  Client client = connect(socket, answers);
  client.query_groups();
  return wait_for(client, answers.groups);
}

}  // namespace groupcomm::ctl
