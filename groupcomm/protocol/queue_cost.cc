#include "groupcomm/protocol/queue_cost.h"

namespace groupcomm::protocol {
namespace {

constexpr std::uint64_t kMessage = 64;
constexpr std::uint64_t kReported = 5 * kMessage;  // with what the daemon remembers to report it
constexpr std::uint64_t kGroup = 4 * kMessage;
// With all the counters that the host adds.
constexpr std::uint64_t kStatus = 64 * kMessage;
constexpr std::uint64_t kStatusOfMember = 8 * kMessage;

std::uint64_t cost(const ProcessId& process) {
  return kMessage + process.name.size() + process.daemon.size();
}

std::uint64_t cost(const std::vector<ProcessId>& processes) {
  std::uint64_t bytes = 0;
  for (const ProcessId& process : processes) bytes += cost(process);
  return bytes;
}

std::uint64_t cost(const std::string& group, const GroupView& view) {
  std::uint64_t bytes = kGroup + group.size() + cost(view.joined) + cost(view.transitional);
  for (const GroupMember& member : view.members) bytes += cost(member.process);
  for (const Departed& departed : view.left) bytes += cost(departed.process);
  return bytes;
}

std::uint64_t cost(const std::vector<GroupStatus>& groups) {
  std::uint64_t bytes = 0;
  for (const GroupStatus& group : groups) {
    bytes += kGroup + group.name.size() + cost(group.members);
  }
  return bytes;
}

std::uint64_t cost(const DaemonStatus& status) {
  std::uint64_t bytes = kStatus + kStatusOfMember * status.members.size();
  for (const ClientStatus& client : status.clients) bytes += kMessage + cost(client.process);
  return bytes;
}

struct Cost {
  std::uint64_t operator()(const Welcome&) const { return 0; }
  std::uint64_t operator()(const Refused&) const { return 0; }
  std::uint64_t operator()(const Disconnect&) const { return 0; }
  std::uint64_t operator()(const Deliver& m) const {
    std::uint64_t bytes = queue_cost_in_run(m, m.payload);
    for (const Payload& payload : m.run) bytes += queue_cost_in_run(m, payload);
    return bytes;
  }
  std::uint64_t operator()(const DeliverChunk& m) const { return kMessage + m.payload.size(); }
  std::uint64_t operator()(const ViewChanged& m) const { return cost(m.group, m.view); }
  std::uint64_t operator()(const WatchedView& m) const { return cost(m.group, m.view); }
  std::uint64_t operator()(const Transition& m) const { return kMessage + cost(m.transitional); }
  std::uint64_t operator()(const StatusReply& m) const { return cost(*m.status); }
  std::uint64_t operator()(const GroupsReply& m) const { return kMessage + cost(m.groups); }
  template <typename Small>
  std::uint64_t operator()(const Small&) const {
    return kMessage;
  }
};

}  // namespace

std::uint64_t queue_cost_in_run(const Deliver& first, const Payload& payload) {
  return (first.report_soon ? kReported : kMessage) + payload.size();
}
std::uint64_t queue_cost(const DaemonMessage& message) { return std::visit(Cost{}, message); }
std::uint64_t queue_cost(const Deliver& deliver) { return Cost{}(deliver); }
std::uint64_t queue_cost(const DeliverChunk& chunk) { return Cost{}(chunk); }

}  // namespace groupcomm::protocol
