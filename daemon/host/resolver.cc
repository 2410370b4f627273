#include "daemon/host/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

std::optional<std::string> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const addrinfo* best = nullptr;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    const bool is_v4 = entry->ai_family == AF_INET;
    if (best == nullptr || (is_v4 && best->ai_family != AF_INET)) best = entry;
  }
  std::array<char, NI_MAXHOST> text{};
  const bool good = best != nullptr && getnameinfo(best->ai_addr, best->ai_addrlen, text.data(),
                                                   text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  freeaddrinfo(found);
  return good ? std::optional<std::string>(text.data()) : std::nullopt;
}

// Outlives the Resolver while the helper thread sits in the system's resolver.
struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::string> questions;
  std::vector<Answer> answers;
  bool stopping = false;
  Descriptor answered{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

Resolver::Resolver() : shared_(std::make_shared<Shared>()) { CHECK(shared_->answered.valid()); }

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->wake.notify_one();
}

void Resolver::ask(const std::string& host) {
  if (!started_) {
    std::thread(answer_questions, shared_).detach();
    started_ = true;
  }
  const std::lock_guard lock(shared_->mutex);
  auto& questions = shared_->questions;
  if (std::find(questions.begin(), questions.end(), host) == questions.end()) {
    questions.push_back(host);
  }
  shared_->wake.notify_one();
}

int Resolver::descriptor() const { return shared_->answered.get(); }

std::vector<Resolver::Answer> Resolver::take_answers() {
  if (!started_) return {};
  eventfd_t count = 0;
  eventfd_read(shared_->answered.get(), &count);
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->answers, {});
}

void Resolver::answer_questions(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->stopping || !shared->questions.empty(); });
    if (shared->stopping) return;
    const std::string host = shared->questions.front();
    lock.unlock();
    auto address = resolve_host(host);
    lock.lock();
    shared->questions.pop_front();
    shared->answers.push_back(Answer{host, std::move(address)});
    eventfd_write(shared->answered.get(), 1);
  }
}

}  // namespace groupcomm::daemon
