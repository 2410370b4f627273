#include "groupcomm/wakeup.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "groupcomm/check.h"

namespace groupcomm {

OwnedDescriptor::OwnedDescriptor(int number) : number_(number) { CHECK_LE(0, number_); }

OwnedDescriptor::~OwnedDescriptor() { close(number_); }

Wakeup::Wakeup()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  watch(event_.number());
  watch(timer_.number());
}

void Wakeup::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  CHECK_EQ(epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event), 0);
}

void Wakeup::watch_output(int descriptor, bool on) {
  epoll_event event{};
  event.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN;
  CHECK_EQ(epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, descriptor, &event), 0);
}

void Wakeup::unwatch(int descriptor) {
  CHECK_EQ(epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr), 0);
}

void Wakeup::set_timer(std::optional<Time> time) {
  itimerspec spec{};
  if (time) {
    // All zero would stop the timer.
    const auto since = std::max(time->time_since_epoch(), Time::duration(1));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = rest.count();
  }
  CHECK_EQ(timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &spec, nullptr), 0);
}

void Wakeup::signal() {
  const std::uint64_t one = 1;
  // It can only fail where the counter is full, and then the descriptor is readable anyway.
  [[maybe_unused]] const auto written = write(event_.number(), &one, sizeof one);
}

void Wakeup::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto got = read(event_.number(), &count, sizeof count);
  got = read(timer_.number(), &count, sizeof count);
}

bool Wakeup::wait(std::chrono::milliseconds timeout) const {
  const auto longest = std::chrono::milliseconds(std::numeric_limits<int>::max());
  const int time = timeout.count() < 0 ? -1 : static_cast<int>(std::min(timeout, longest).count());
  epoll_event event{};
  const int ready = epoll_wait(epoll_.number(), &event, 1, time);
  return ready >= 0 || errno != EINTR;
}

}  // namespace groupcomm
