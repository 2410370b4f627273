#include "daemon/ctl/patience.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace groupcomm::ctl {

using std::chrono::milliseconds;

namespace {

// Signals are looked at between two attempts.
constexpr milliseconds kAttempt{2000};

}  // namespace

std::string no_answer_within(milliseconds time) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", static_cast<double>(time.count()) / 1000);
  return std::string("the daemon did not answer within ") + seconds + " s";
}

std::string why_idle(const protocol::DaemonStatus& status) {
  if (status.primary) return "";
  if (!status.view) return "the daemon has not found a quorum of the others yet";
  return "the daemon has lost the quorum of the others";
}

std::optional<Client> connect_patiently(ClientOptions options, ProgramInput& input) {
  options.connect_timeout = kAttempt;
  for (bool is_first = true;; is_first = false) {
    const auto begin = std::chrono::steady_clock::now();
    try {
      return Client::connect(options);
    } catch (const Error& error) {
      // Who refuses, or is not there, does so at once.
      if (std::chrono::steady_clock::now() - begin < kAttempt) throw;
      if (is_first) std::fprintf(stderr, "groupcommctl: %s; waiting\n", error.what());
    }
    if (input.wait(-1, false, 0).stop) return std::nullopt;
  }
}

void Lateness::on_asked(Time now) {
  if (owed_++ > 0) return;
  next_ = Step::kAskStatus;
  due_ = now + kLateAfter;
}

void Lateness::on_answered(Time now) {
  if (owed_ > 0) --owed_;
  next_ = Step::kAskStatus;
  due_ = now + kLateAfter;
}

Lateness::Step Lateness::take_step(Time now) {
  if (wait_ms(now) != 0) return Step::kNone;
  due_ = now + kLateAfter;
  return std::exchange(next_, next_ == Step::kAskStatus ? Step::kTellUser : Step::kNone);
}

int Lateness::wait_ms(Time now) const {
  if (owed_ == 0 || next_ == Step::kNone) return -1;
  const auto left = std::chrono::ceil<milliseconds>(due_ - now).count();
  return static_cast<int>(std::max<milliseconds::rep>(left, 0));
}

}  // namespace groupcomm::ctl
