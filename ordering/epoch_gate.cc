#include "ordering/epoch_gate.h"

#include <utility>

#include "groupcomm/check.h"

namespace groupcomm::ordering {

Epoch EpochGate::stamp_epoch(GroupKey group) const {
  const auto it = channels_.find(group);
  return it == channels_.end() ? Epoch{} : it->second.learnt;
}

Epoch EpochGate::applied(GroupKey group) const {
  const auto it = channels_.find(group);
  return it == channels_.end() ? Epoch{} : it->second.applied;
}

GroupKey EpochGate::closed_group(const protocol::StampedMessage& message) const {
  GroupKey closed;
  for_each_destination(message, [&](const protocol::Destination& destination) {
    if (!closed && destination.epoch > applied(destination.group)) closed = destination.group;
  });
  return closed;
}

bool EpochGate::is_open(const protocol::StampedMessage& message) const {
  return !closed_group(message);
}

void EpochGate::learn(OrderNumber place, const protocol::StampedMessage& control) {
  Pending pending{.place = place, .groups = {}, .blockers_known = false, .blockers = {}};
  for_each_destination(control, [&](const protocol::Destination& destination) {
    Channel& channel = channels_[destination.group];
    ++channel.learnt;
    pending.groups.push_back({destination.group, channel.learnt, {}});
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
    for (const protocol::Destination& changed : pending.groups) {
      if (changed.group == destination.group && destination.epoch < changed.epoch) old = true;
    }
  });
  return old;
}

std::vector<MessageReference> EpochGate::apply() {
  CHECK(!pending_.empty());
  CHECK(pending_.front().blockers.empty());
  std::vector<MessageReference> woken;
  for (const protocol::Destination& changed : pending_.front().groups) {
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
  const GroupKey group = closed_group(message);
  CHECK(static_cast<bool>(group));
  channels_[group].parked.push_back(reference);
}

}  // namespace groupcomm::ordering
