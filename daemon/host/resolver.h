// Names of hosts to numeric addresses, without making the event loop wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/host/descriptor.h"

namespace groupcomm::daemon {

// A numeric address of `host`: IPv4 where there is one, else IPv6. Blocks for as long as the
// system's resolver does. Nothing where the name does not resolve.
std::optional<std::string> resolve_host(const std::string& host);

// Asks the system's resolver in a thread of its own, which is started by the first question.
// Owned by one thread; the helper thread only sees the shared queue.
class Resolver {
 public:
  struct Answer {
    std::string host;
    std::optional<std::string> address;  // nothing where the name does not resolve
  };

  Resolver();
  // Does not wait for the question that is being asked.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // One Answer will come. A question that is waiting already is not asked twice.
  void ask(const std::string& host);

  // Readable when answers are there.
  int descriptor() const;

  std::vector<Answer> take_answers();

 private:
  struct Shared;
  static void answer_questions(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  bool started_ = false;
};

}  // namespace groupcomm::daemon
