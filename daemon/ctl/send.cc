// groupcommctl send
#include <unistd.h>

#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/line_reader.h"
#include "daemon/ctl/patience.h"
#include "daemon/ctl/program_input.h"
#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

using Clock = std::chrono::steady_clock;

// Counts the daemon's answers.
class Sender : public ClientListener {
 public:
  void on_open_send_accepted(const std::string& /*group*/, RequestId /*request*/,
                             SendNumber /*number*/) override {
    ++answered;
  }
  void on_open_send_rejected(const std::string& group, RequestId /*request*/,
                             RejectReason reason) override {
    throw CommandFailed{"\"" + group + "\" does not get it: " + to_string(reason)};
  }
  void on_disconnected(const std::string& reason) override { throw CommandFailed{reason}; }

  std::uint64_t answered = 0;
};

// Sends and waits for the answers of one run of the command.
class SendRun {
 public:
  explicit SendRun(const SendCommand& command)
      : command_(command),
        client_(Client::connect({.name = std::string(kToolName),
                                 .socket = command.socket,
                                 .reconnect = false,
                                 .connect_timeout = command.timeout,
                                 .listener = &sender_})) {}

  void send(std::string_view text) {
    const Payload payload = Payload::copy_of(text);
    if (sender_.answered == sent_) due_ = Clock::now() + command_.timeout;
    for (;;) {
      const Queued queued = client_.multicast({command_.group}, payload, {.order = command_.order});
      if (queued.ok()) break;
      if (queued.refused != RejectReason::kWouldBlock) {
        throw CommandFailed{"\"" + command_.group +
                            "\" does not get it: " + to_string(*queued.refused)};
      }
      wait();
    }
    ++sent_;
  }

  // Each line as it comes, until the input ends.
  void send_lines() {
    LineReader lines(STDIN_FILENO);
    while (!lines.at_end()) {
      const auto ready = input_.wait(client_.descriptor(), true);
      if (ready.stop) return;
      if (ready.client) client_.poll(std::chrono::milliseconds(0));
      if (!ready.input) continue;
      lines.read_some();
      const Client::Batch batch(client_);
      while (const auto line = lines.next_line()) send(*line);
    }
  }

  void finish() {
    while (sender_.answered < sent_) wait();
  }

 private:
  // Each answer is a sign of life, and gives the daemon the whole time again.
  void wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now());
    if (left.count() <= 0) {
      throw CommandFailed{no_answer_within(command_.timeout) + ": of " + std::to_string(sent_) +
                          " messages " + std::to_string(sender_.answered) +
                          " are known to be sent"};
    }
    const std::uint64_t answered = sender_.answered;
    const auto ready = input_.wait(client_.descriptor(), false, static_cast<int>(left.count()));
    if (ready.stop) throw CommandFailed{"interrupted"};
    client_.poll(std::chrono::milliseconds(0));
    if (sender_.answered > answered) due_ = Clock::now() + command_.timeout;
  }

  const SendCommand& command_;
  ProgramInput input_;
  Sender sender_;
  Client client_;
  std::uint64_t sent_ = 0;
  Clock::time_point due_;  // of the next answer; counts while any is owed
};

}  // namespace

int SendCommand::run() const {
  SendRun run(*this);
  if (text) {
    run.send(*text);
  } else {
    run.send_lines();
  }
  run.finish();
  return 0;
}

}  // namespace groupcomm::ctl
