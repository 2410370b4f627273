// Which descriptors have something to read: a thin cover of epoll.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/host/descriptor.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

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
