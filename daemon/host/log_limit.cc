#include "daemon/host/log_limit.h"

#include <chrono>
#include <utility>

namespace groupcomm::daemon {
namespace {

constexpr Duration kPause = std::chrono::seconds(1);

}  // namespace

std::optional<std::string> LogLimit::take(std::string line, TimePoint now) {
  last_ = std::move(line);
  ++count_;
  return poll(now);
}

std::optional<std::string> LogLimit::poll(TimePoint now) {
  if (count_ == 0 || now < quiet_until_) return std::nullopt;
  quiet_until_ = now + kPause;
  const std::uint64_t others = std::exchange(count_, 0) - 1;
  if (others > 0) last_ += " (and " + std::to_string(others) + " like it before)";
  return std::move(last_);
}

TimePoint LogLimit::next_deadline() const {
  return count_ == 0 ? TimePoint::never() : quiet_until_;
}

}  // namespace groupcomm::daemon
