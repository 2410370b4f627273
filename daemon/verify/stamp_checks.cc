// D1, D3 and D7 among daemons, and D19: what was stamped against what the daemons delivered.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

// What one daemon incarnation stamped in its views: by the view's id and its number there.
using Stamps = std::map<std::pair<std::string_view, std::uint64_t>, const Record*>;
using StampsByDaemon = std::map<std::string_view, Stamps, std::less<>>;

StampsByDaemon stamps_of(const Run& run) {
  StampsByDaemon all;
  for (const Trace& trace : run.traces) {
    if (trace.header.role != Role::kDaemon) continue;
    std::string_view daemon = trace.header.name;
    for (const Record& record : trace.records) {
      if (const auto* start = std::get_if<record::Start>(&record)) daemon = start->p;
      const auto* send = std::get_if<record::Send>(&record);
      Stamps& stamps = all[daemon];
      if (send == nullptr || !send->daemon_number) continue;
      stamps.emplace(std::pair(daemon_view_of(send->view), *send->daemon_number), &record);
    }
  }
  return all;
}

void check_delivery(const History& daemons, const StampsByDaemon& all, const Stay& stay,
                    const DeliveryInfo& delivery, Findings& findings) {
  const MessageInfo& message = daemons.message(delivery.message);
  const auto sender = all.find(daemons.process_name(message.sender));
  if (sender == all.end()) return;  // it wrote no trace
  const auto stamp =
      sender->second.find({std::string_view(daemons.view_name(stay.view)), message.number});
  if (stamp == sender->second.end()) {
    if (daemons.is_cut(sender->first)) return findings.leave_open("D1");
    findings.add("D1", "a daemon delivered what its sender did not stamp in this view",
                 {stay.record, delivery.record});
    return;
  }
  const auto& sent = std::get<record::Send>(*stamp->second);
  const auto& delivered = std::get<record::Deliver>(*delivery.record);
  if (sent.hash == delivered.hash && sent.size == delivered.size && sent.order == delivered.order) {
    return;
  }
  findings.add("D3", "a daemon delivered other content than was stamped",
               {stamp->second, delivery.record});
}

// A daemon that goes on has delivered everything that it stamped itself, also what finds its group
// empty.
void check_own(const History& daemons, const Stamps& stamps, const Membership& membership,
               std::size_t i, Findings& findings) {
  const Stay& stay = membership.stays[i];
  const std::string_view view = daemons.view_name(stay.view);
  std::set<std::uint64_t> delivered;
  for (const DeliveryInfo& delivery : stay.deliveries) {
    const MessageInfo& message = daemons.message(delivery.message);
    if (message.sender == membership.process) delivered.insert(message.number);
  }
  const Record* end = i + 1 < membership.stays.size() ? membership.stays[i + 1].record : nullptr;
  for (auto stamp = stamps.lower_bound({view, 0}); stamp != stamps.end(); ++stamp) {
    if (stamp->first.first != view) break;
    if (delivered.contains(stamp->first.second)) continue;
    findings.add("D7", "a daemon went on without a message that it had stamped itself",
                 {stamp->second, end});
  }
}

}  // namespace

void check_stamps(const History& daemons, Findings& findings) {
  const StampsByDaemon all = stamps_of(daemons.run());
  for (const Membership& membership : daemons.memberships()) {
    const auto own = all.find(daemons.process_name(membership.process));
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      for (const DeliveryInfo& delivery : membership.stays[i].deliveries) {
        check_delivery(daemons, all, membership.stays[i], delivery, findings);
      }
      if (own == all.end() || !daemons.is_complete(membership, i)) continue;
      check_own(daemons, own->second, membership, i, findings);
    }
  }
}

void check_open_groups(const History& clients, Findings& findings) {
  for (const MessageInfo& message : clients.messages()) {
    const record::Send* stamp = message.daemon_send;
    if (stamp == nullptr || message.stamped_view == kNone) continue;
    const ViewInfo& view = clients.view(message.stamped_view);
    if (view.first_record == nullptr) continue;  // nobody who lived to tell saw it
    if (stamp->member == clients.has_process(message.stamped_view, message.sender)) continue;
    const Record send = *stamp;
    findings.add("D19",
                 stamp->member ? "a process sent as a member of a view that it is not in"
                               : "a member's message was taken for one from outside",
                 {view.first_record, &send});
  }
}

}  // namespace groupcomm::verify
