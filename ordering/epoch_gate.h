// Where joins and leaves stand among messages that are not in the total order.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"

namespace groupcomm::ordering {

using protocol::MessageReference;

// Keeps rules E1-E4 (light-weight view change). A join or leave is a control message with a place
// in the total order. Every message carries, for each of its groups, the epoch: how many control
// messages of the group its daemon had learnt when it stamped it. A daemon that learns a control
// message says so in its own stream (kClosing), so that everybody knows where its old epoch ends.
// The control message is applied when all that counts as the old epoch has been delivered, and
// what counts as the new one waits for it. No client is blocked and no daemon flushes.
//
// Groups share a bounded number of channels, by their keys: those of one channel count as one group
// here. A view may see any number of groups come and go, and a message waits at most for a join or
// leave that has nothing to do with it.
//
// Life of a control message: learn() -> all closings held -> blockers delivered -> apply().
class EpochGate {
 public:
  explicit EpochGate(std::size_t view_size) : closings_(view_size) {}

  // A part of the protocol: the same at all daemons.
  static constexpr std::uint64_t kChannels = 4096;

  // The epoch that a message to this group is stamped with now.
  Epoch stamp_epoch(GroupKey group) const;
  // May a message with these epochs be delivered, as far as control messages are concerned?
  bool is_open(const protocol::StampedMessage& message) const;

  // A control message is clear here.
  void on_clear(const protocol::StampedMessage& control);
  // So many control messages of each of its groups as its epochs count are clear here. Of an honest
  // daemon's message this is so when the closing before it is clear (rule E3). Others never become
  // clear, and so are void, since there is nothing for which they could wait.
  bool is_backed(const protocol::StampedMessage& message) const;

  // The place of a control message is known here, in the order of places.
  void learn(OrderNumber place, const protocol::StampedMessage& control);
  // A member's closing: what it stamped before `number` was stamped without knowing of control
  // messages after the places before `closes`... up to and including `closes` it now knows.
  void on_closing(Rank rank, OrderNumber closes, MessageNumber number);

  // The next control message to be applied.
  struct Pending {
    OrderNumber place;
    // Channels, each once; `epoch`: the number of this control message there.
    std::vector<protocol::Destination> channels;
    // Once the blockers are known: held messages of the old epoch that must be delivered before.
    bool blockers_known = false;
    std::set<MessageReference> blockers;
  };
  Pending* front() { return pending_.empty() ? nullptr : &pending_.front(); }

  // The number before which the rank's messages can be of the old epoch; 0: not known yet.
  MessageNumber closing(Rank rank, OrderNumber place);
  // Is the message of the old epoch by its stamp (rule E2)?
  static bool is_old(const protocol::StampedMessage& message, const Pending& pending);

  // front() is being delivered. Returns the messages that had waited for its groups.
  std::vector<MessageReference> apply();

  // Parks a message for which is_open() is false.
  void park(MessageReference reference, const protocol::StampedMessage& message);

 private:
  struct Channel {
    Epoch clear;
    Epoch learnt;
    Epoch applied;
    std::vector<MessageReference> parked;
  };
  struct Closing {
    OrderNumber closes;
    MessageNumber number;
  };

  static GroupKey channel_of(GroupKey group) { return GroupKey{group.value % kChannels}; }
  const Channel* find(GroupKey channel) const;
  // The first channel of the message whose control messages it must wait for.
  std::optional<GroupKey> closed_channel(const protocol::StampedMessage& message) const;

  std::unordered_map<GroupKey, Channel> channels_;  // looked up, never iterated
  std::deque<Pending> pending_;
  std::vector<std::deque<Closing>> closings_;  // by rank, rising
};

// Calls f(destination) for each group of the message. A closing is of none.
template <typename F>
void for_each_destination(const protocol::StampedMessage& message, F f) {
  if (message.kind == protocol::MessageKind::kClosing) return;
  f(message.destination);
  for (const protocol::Destination& destination : message.more_destinations) f(destination);
}

}  // namespace groupcomm::ordering
