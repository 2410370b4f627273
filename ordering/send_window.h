// How much a daemon may have on its way.
#pragma once

#include <cstdint>

#include "groupcomm/check.h"

namespace groupcomm::ordering {

// Keeps rule W1: a daemon's own messages that are not both stable and delivered at home are
// bounded by count and by payload bytes. One message may overshoot the bytes, so that a message
// larger than the window can be sent at all. The credit dies with the view.
class SendWindow {
 public:
  SendWindow(std::uint64_t messages_max, std::uint64_t bytes_max)
      : messages_max_(messages_max), bytes_max_(bytes_max) {}

  bool has_room() const { return messages_ < messages_max_ && bytes_ < bytes_max_; }

  void on_stamped(std::size_t bytes) {
    ++messages_;
    bytes_ += bytes;
  }
  void on_released(std::size_t bytes) {
    CHECK_LT(0u, messages_);
    CHECK_LE(bytes, bytes_);
    --messages_;
    bytes_ -= bytes;
  }

  std::uint64_t messages() const { return messages_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t messages_max_;
  std::uint64_t bytes_max_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace groupcomm::ordering
