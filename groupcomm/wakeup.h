// One descriptor that becomes readable when any of several things happens.
#pragma once

#include <chrono>
#include <optional>

namespace groupcomm {

// A descriptor number that is closed at the end.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int number);
  ~OwnedDescriptor();
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

// An epoll descriptor over the watched descriptors, a timer and a signal of our own. Level
// triggered: it stays readable until the cause is gone or clear() was called.
// All functions may be called from any thread; signal() also from a signal handler.
class Wakeup {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Wakeup();

  int descriptor() const { return epoll_.number(); }

  void watch(int descriptor);
  // Also for the time when it is writable, or no more. REQUIRES: it is watched.
  void watch_output(int descriptor, bool on);
  void unwatch(int descriptor);

  // Replaces the time set before; nothing: no timer.
  void set_timer(std::optional<Time> time);

  void signal();
  // Forgets signals so far and a timer that has expired.
  void clear();

  // Until the descriptor is readable or `timeout` has passed (negative: for ever). False where a
  // signal handler ran meanwhile.
  bool wait(std::chrono::milliseconds timeout) const;

 private:
  OwnedDescriptor epoll_;
  OwnedDescriptor event_;
  OwnedDescriptor timer_;
};

}  // namespace groupcomm
