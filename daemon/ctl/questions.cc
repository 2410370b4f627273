#include "daemon/ctl/questions.h"

#include <chrono>
#include <optional>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/patience.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

using std::chrono::milliseconds;

struct Answers : ClientListener {
  void on_status(RequestId /*request*/, const protocol::DaemonStatus& answer) override {
    status = answer;
  }
  void on_groups(RequestId /*request*/, const std::vector<protocol::GroupStatus>& answer) override {
    groups = answer;
  }
  void on_bootstrap(RequestId /*request*/, bool possible, const std::vector<std::string>& without,
                    const std::string& text) override {
    bootstrap = BootstrapAnswer{possible, without, text};
  }
  void on_disconnected(const std::string& reason) override { throw CommandFailed{reason}; }

  std::optional<protocol::DaemonStatus> status;
  std::optional<std::vector<protocol::GroupStatus>> groups;
  std::optional<BootstrapAnswer> bootstrap;
};

// A client of its own, and the deadline for everything until the answer.
class Question {
 public:
  Question(const std::string& socket, milliseconds timeout)
      : timeout_(timeout),
        due_(std::chrono::steady_clock::now() + timeout),
        client_(Client::connect({.name = std::string(kToolName),
                                 .socket = socket,
                                 .reconnect = false,
                                 .connect_timeout = timeout,
                                 .listener = &answers_})) {}

  Client& client() { return client_; }
  const Answers& answers() const { return answers_; }

  template <typename T>
  T wait_for(const std::optional<T>& answer) {
    while (!answer) {
      const auto left = std::chrono::ceil<milliseconds>(due_ - std::chrono::steady_clock::now());
      if (left <= milliseconds(0)) throw CommandFailed{no_answer_within(timeout_)};
      client_.poll(left);
    }
    return *answer;
  }

 private:
  const milliseconds timeout_;
  const std::chrono::steady_clock::time_point due_;
  Answers answers_;
  Client client_;
};

}  // namespace

protocol::DaemonStatus ask_status(const std::string& socket, milliseconds timeout) {
  Question question(socket, timeout);
  question.client().query_status();
  return question.wait_for(question.answers().status);
}

std::vector<protocol::GroupStatus> ask_groups(const std::string& socket, milliseconds timeout) {
  Question question(socket, timeout);
  question.client().query_groups();
  return question.wait_for(question.answers().groups);
}

BootstrapAnswer ask_bootstrap(const std::string& socket, milliseconds timeout,
                              const std::vector<std::string>& without) {
  Question question(socket, timeout);
  question.client().bootstrap(without);
  return question.wait_for(question.answers().bootstrap);
}

}  // namespace groupcomm::ctl
