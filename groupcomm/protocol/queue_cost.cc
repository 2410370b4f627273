#include "groupcomm/protocol/queue_cost.h"

namespace groupcomm::protocol {
namespace {

constexpr std::uint64_t kMessage = 64;
constexpr std::uint64_t kStatus = 4096;

std::uint64_t cost(const ProcessId& process) {
  return kMessage + process.name.size() + process.daemon.size();
}

std::uint64_t cost(const std::vector<ProcessId>& processes) {
  std::uint64_t bytes = 0;
  for (const ProcessId& process : processes) bytes += cost(process);
  return bytes;
}

std::uint64_t cost(const GroupView& view) {
  std::uint64_t bytes = cost(view.joined) + cost(view.transitional);
  for (const GroupMember& member : view.members) bytes += cost(member.process);
  for (const Departed& departed : view.left) bytes += cost(departed.process);
  return bytes;
}

std::uint64_t cost(const std::vector<GroupStatus>& groups) {
  std::uint64_t bytes = 0;
  for (const GroupStatus& group : groups) {
    bytes += kMessage + group.name.size() + cost(group.members);
  }
  return bytes;
}

struct Cost {
  std::uint64_t operator()(const Welcome&) const { return 0; }
  std::uint64_t operator()(const Refused&) const { return 0; }
  std::uint64_t operator()(const Disconnect&) const { return 0; }
  std::uint64_t operator()(const Deliver& m) const { return kMessage + m.payload.size(); }
  std::uint64_t operator()(const DeliverChunk& m) const { return kMessage + m.payload.size(); }
  std::uint64_t operator()(const ViewChanged& m) const {
    return kMessage + m.group.size() + cost(m.view);
  }
  std::uint64_t operator()(const WatchedView& m) const {
    return kMessage + m.group.size() + cost(m.view);
  }
  std::uint64_t operator()(const Transition& m) const { return kMessage + cost(m.transitional); }
  std::uint64_t operator()(const StatusReply&) const { return kStatus; }
  std::uint64_t operator()(const GroupsReply& m) const { return kMessage + cost(m.groups); }
  template <typename Small>
  std::uint64_t operator()(const Small&) const {
    return kMessage;
  }
};

}  // namespace

std::uint64_t queue_cost(const DaemonMessage& message) { return std::visit(Cost{}, message); }
std::uint64_t queue_cost(const Deliver& deliver) { return Cost{}(deliver); }
std::uint64_t queue_cost(const DeliverChunk& chunk) { return Cost{}(chunk); }

}  // namespace groupcomm::protocol
