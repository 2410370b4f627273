// Which descriptors have something to read: a thin cover of epoll.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/host/descriptor.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// A descriptor that a part of the daemon wants to be woken by, and where it wants to find noted
// that it was readable: so that a socket that has nothing is not asked in each turn. ZeroMQ takes
// two system calls to find that out.
struct Source {
  int descriptor;
  bool* is_ready;  // set by who waits, taken back by the part; nullptr: it does not care
};

// Level-triggered. Each descriptor has a tag of the caller's choice, by which it is reported. The
// object has a descriptor of its own, which is readable while one of its members is ready: so
// parts that watch many descriptors show one to the event loop.
class Readiness {
 public:
  enum class Interest : std::uint8_t { kRead, kWrite, kBoth };

  Readiness();

  void add(int descriptor, std::uint64_t tag, Interest interest = Interest::kRead);
  // REQUIRES, like remove(): `descriptor` was added and is still open.
  void change(int descriptor, std::uint64_t tag, Interest interest);
  void remove(int descriptor);

  // Tags of what is ready now.
  std::vector<std::uint64_t> poll();
  // The same, but sleeps until something is ready or the deadline has come.
  std::vector<std::uint64_t> wait(TimePoint now, TimePoint deadline);

  int descriptor() const { return epoll_.get(); }

 private:
  void set_timer(TimePoint deadline);

  Descriptor epoll_;
  Descriptor timer_;  // made at the first wait; its tag is kTimerTag
  TimePoint armed_ = TimePoint::never();
};

}  // namespace groupcomm::daemon
