// Which messages of one sender have been received, and which to ask for again.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "groupcomm/number.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::ordering {

// Keeps PROTOCOL.md rule L1: a message is taken once, whatever the link repeats or reorders.
//
// Invariants: every number up to held() was accepted; held() + 1 was not; nothing beyond
// held() + kAheadMax is accepted, so that a mad sender cannot fill the memory.
class ReceiveWindow {
 public:
  static constexpr std::uint64_t kAheadMax = 1u << 16;

  // A message came. False: it was here before, or is too far ahead to be kept.
  bool accept(MessageNumber number);

  // The sender says that it has sent everything up to here.
  void on_sent(MessageNumber number);

  // What was accepted with this number is none of the sender's. It and what is beyond it are held
  // no more, but what is beyond counts as accepted beyond a hole. REQUIRES: number <= held().
  void retract(MessageNumber number);
  // The same of a number that was accepted beyond a hole; nothing where it was not.
  void forget(MessageNumber number) { ahead_.erase(number); }

  // The sender's messages end here; what is beyond is forgotten (a flush, rule F6).
  void end_at(MessageNumber number);

  MessageNumber held() const { return held_; }
  // Accepted beyond a hole.
  const std::set<MessageNumber>& ahead() const { return ahead_; }
  bool has_gap() const { return held_ < highest_known_; }

  // The first holes, at most `ranges_max` of them.
  std::vector<protocol::NumberRange> missing(std::size_t ranges_max) const;

 private:
  MessageNumber held_;
  MessageNumber highest_known_;
  std::set<MessageNumber> ahead_;  // accepted beyond a hole
};

}  // namespace groupcomm::ordering
