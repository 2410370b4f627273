#include "daemon/host/readiness.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "groupcomm/check.h"

namespace groupcomm::daemon {
namespace {

constexpr std::uint64_t kTimerTag = ~std::uint64_t{0};

epoll_event event_of(std::uint64_t tag, Readiness::Interest interest) {
  epoll_event event{};
  if (interest != Readiness::Interest::kWrite) event.events |= EPOLLIN;
  if (interest != Readiness::Interest::kRead) event.events |= EPOLLOUT;
  event.data.u64 = tag;
  return event;
}

std::vector<std::uint64_t> wait_for(int epoll, int timeout_ms) {
  std::array<epoll_event, 64> ready{};
  const int count = epoll_wait(epoll, ready.data(), static_cast<int>(ready.size()), timeout_ms);
  if (count < 0) CHECK_EQ(errno, EINTR);
  std::vector<std::uint64_t> tags;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = ready[static_cast<std::size_t>(i)].data.u64;
    if (tag != kTimerTag) tags.push_back(tag);
  }
  return tags;
}

}  // namespace

Readiness::Readiness() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { CHECK(epoll_.valid()); }

void Readiness::add(int descriptor, std::uint64_t tag, Interest interest) {
  epoll_event event = event_of(tag, interest);
  CHECK_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event), 0);
}

void Readiness::change(int descriptor, std::uint64_t tag, Interest interest) {
  epoll_event event = event_of(tag, interest);
  CHECK_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event), 0);
}

void Readiness::remove(int descriptor) {
  CHECK_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr), 0);
}

std::vector<std::uint64_t> Readiness::poll() { return wait_for(epoll_.get(), 0); }

std::vector<std::uint64_t> Readiness::wait(TimePoint now, TimePoint deadline) {
  if (deadline <= now) return poll();
  set_timer(deadline);
  return wait_for(epoll_.get(), -1);
}

void Readiness::set_timer(TimePoint deadline) {
  if (!timer_.valid()) {
    timer_ = Descriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    CHECK(timer_.valid());
    add(timer_.get(), kTimerTag);
  }
  if (deadline == armed_) return;
  // Setting the timer anew also takes back an expiry that nobody has read.
  itimerspec time{};
  if (deadline != TimePoint::never()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline.since_origin);
    time.it_value.tv_sec = seconds.count();
    time.it_value.tv_nsec = (deadline.since_origin - seconds).count();
  }
  CHECK_EQ(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr), 0);
  armed_ = deadline;
}

}  // namespace groupcomm::daemon
