// What a command waits for: the daemon, standard input, and the signals that end it.
#pragma once

namespace groupcomm::ctl {

class ProgramInput {
 public:
  struct Ready {
    bool client = false;  // Client::poll has something to do
    bool input = false;   // standard input is readable or at its end
    bool stop = false;    // SIGINT or SIGTERM came
  };

  // Takes SIGINT and SIGTERM over from the program: make it before any thread.
  ProgramInput();
  ~ProgramInput();
  ProgramInput(const ProgramInput&) = delete;
  ProgramInput& operator=(const ProgramInput&) = delete;

  // Waits at most `timeout_ms` (negative: for ever) until any of them is ready. Standard input is
  // looked at only where `with_input`.
  Ready wait(int client_descriptor, bool with_input, int timeout_ms = -1);

 private:
  int signals_;
};

}  // namespace groupcomm::ctl
