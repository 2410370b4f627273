// Messages of one daemon that wait for an earlier one of the same process.
#pragma once

#include <map>
#include <vector>

#include "groupcomm/number.h"

namespace groupcomm::ordering {

// Keeps rule O2: a fifo or stronger message follows its predecessor. The predecessor is the
// session's last fifo-or-stronger message before, so that one number stands for the whole chain.
class FifoOrder {
 public:
  void wait_for(MessageNumber predecessor, MessageNumber waiting) {
    waiting_.emplace(predecessor, waiting);
  }

  // Those that waited for this one, in the order of their numbers.
  std::vector<MessageNumber> take_waiting_for(MessageNumber predecessor) {
    std::vector<MessageNumber> released;
    if (waiting_.empty()) return released;
    const auto [begin, end] = waiting_.equal_range(predecessor);
    for (auto it = begin; it != end; ++it) released.push_back(it->second);
    waiting_.erase(begin, end);
    return released;
  }

  bool empty() const { return waiting_.empty(); }

 private:
  std::multimap<MessageNumber, MessageNumber> waiting_;
};

}  // namespace groupcomm::ordering
