#include "ordering/epoch_gate.h"

#include <algorithm>
#include <utility>

#include "groupcomm/check.h"

namespace groupcomm::ordering {

const EpochGate::Channel* EpochGate::find(GroupKey channel) const {
  const auto it = channels_.find(channel);
  return it == channels_.end() ? nullptr : &it->second;
}

Epoch EpochGate::stamp_epoch(GroupKey group) const {
  const Channel* channel = find(channel_of(group));
  return channel == nullptr ? Epoch{} : channel->learnt;
}

std::optional<GroupKey> EpochGate::closed_channel(const protocol::StampedMessage& message) const {
  std::optional<GroupKey> closed;
  for_each_destination(message, [&](const protocol::Destination& destination) {
    const Channel* channel = find(channel_of(destination.group));
    const Epoch applied = channel == nullptr ? Epoch{} : channel->applied;
    if (!closed && destination.epoch > applied) closed = channel_of(destination.group);
  });
  return closed;
}

bool EpochGate::is_open(const protocol::StampedMessage& message) const {
  return !closed_channel(message);
}

void EpochGate::on_clear(const protocol::StampedMessage& control) {
  std::vector<GroupKey> counted;
  for_each_destination(control, [&](const protocol::Destination& destination) {
    const GroupKey key = channel_of(destination.group);
    if (std::find(counted.begin(), counted.end(), key) != counted.end()) return;
    counted.push_back(key);
    ++channels_[key].clear;
  });
}

bool EpochGate::is_backed(const protocol::StampedMessage& message) const {
  bool backed = true;
  for_each_destination(message, [&](const protocol::Destination& destination) {
    if (!destination.epoch) return;
    const Channel* channel = find(channel_of(destination.group));
    if (channel == nullptr || channel->clear < destination.epoch) backed = false;
  });
  return backed;
}

void EpochGate::learn(OrderNumber place, const protocol::StampedMessage& control) {
  Pending pending{.place = place, .channels = {}, .blockers_known = false, .blockers = {}};
  for_each_destination(control, [&](const protocol::Destination& destination) {
    const GroupKey key = channel_of(destination.group);
    const bool is_counted = std::any_of(pending.channels.begin(), pending.channels.end(),
                                        [&](const auto& changed) { return changed.group == key; });
    if (is_counted) return;
    Channel& channel = channels_[key];
    ++channel.learnt;
    pending.channels.push_back({key, channel.learnt, {}});
  });
  pending_.push_back(std::move(pending));
}

void EpochGate::on_closing(Rank rank, OrderNumber closes, MessageNumber number) {
  closings_[rank].push_back({closes, number});
}

MessageNumber EpochGate::closing(Rank rank, OrderNumber place) {
  std::deque<Closing>& closings = closings_[rank];
  while (!closings.empty() && closings.front().closes < place) closings.pop_front();
  return closings.empty() ? MessageNumber{} : closings.front().number;
}

bool EpochGate::is_old(const protocol::StampedMessage& message, const Pending& pending) {
  bool old = false;
  for_each_destination(message, [&](const protocol::Destination& destination) {
    const GroupKey channel = channel_of(destination.group);
    for (const protocol::Destination& changed : pending.channels) {
      if (changed.group == channel && destination.epoch < changed.epoch) old = true;
    }
  });
  return old;
}

std::vector<MessageReference> EpochGate::apply() {
  CHECK(!pending_.empty());
  CHECK(pending_.front().blockers.empty());
  std::vector<MessageReference> woken;
  for (const protocol::Destination& changed : pending_.front().channels) {
    Channel& channel = channels_[changed.group];
    CHECK_EQ(channel.applied.next(), changed.epoch);
    channel.applied = changed.epoch;
    woken.insert(woken.end(), channel.parked.begin(), channel.parked.end());
    channel.parked.clear();
  }
  pending_.pop_front();
  return woken;
}

void EpochGate::park(MessageReference reference, const protocol::StampedMessage& message) {
  const std::optional<GroupKey> channel = closed_channel(message);
  CHECK(channel.has_value());
  channels_[*channel].parked.push_back(reference);
}

}  // namespace groupcomm::ordering
