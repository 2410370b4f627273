#include "daemon/host/daemon_trace.h"

#include <algorithm>

#include "groupcomm/check.h"

namespace groupcomm::daemon {
namespace {

using verify::kDaemons;

bool holds(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

void DaemonTrace::on_begin(const DaemonId& self) {
  self_ = to_string(self);
  view_id_.clear();
  members_.clear();
  writer_->write(verify::record::Start{self_});
}

void DaemonTrace::on_install(const InstallView& effect) {
  verify::record::View record;
  record.p = self_;
  record.g = kDaemons;
  record.id = to_string(effect.view.id);
  record.primary = effect.view.primary;
  record.recovered = effect.recovered;
  record.forced = effect.forced;
  record.lineage = to_string(effect.view.lineage);
  if (!effect.view.ancestors.empty()) record.ancestor = to_string(effect.view.ancestors.back());
  for (const protocol::DaemonMember& member : effect.view.members) {
    const std::string name = to_string(member.id);
    record.members.push_back(name);
    const bool stayed = holds(members_, name);
    if (!stayed) record.joined.push_back(name);
    if (stayed || name == self_) record.transitional.push_back(name);
  }
  for (const protocol::DepartedDaemon& departed : effect.left) {
    record.left.push_back(verify::record::Left{to_string(departed.id), to_string(departed.reason)});
  }
  view_id_ = record.id;
  members_ = record.members;
  writer_->write(record);
}

void DaemonTrace::on_deliver(const DeliverMessage& effect) {
  for_each_message(effect, [this](const DeliverMessage& one) { write_delivery(one); });
}

void DaemonTrace::write_delivery(const DeliverMessage& effect) {
  // Of a message to several groups the first delivery stands for all.
  if (!effect.reference.number) return;
  CHECK_LT(effect.reference.sender, members_.size());
  verify::record::Deliver record;
  record.p = self_;
  record.g = kDaemons;
  record.view = view_id_;
  record.sender = members_[effect.reference.sender];
  record.number = effect.reference.number.value;
  record.order = effect.delivery.order;
  verify::PayloadHash hash;
  for (const Payload& chunk : effect.chunks) {
    hash.add(chunk.bytes());
    record.size += chunk.size();
  }
  hash.add(effect.delivery.payload.bytes());
  record.size += effect.delivery.payload.size();
  record.hash = hash.value();
  record.destination = to_string(effect.delivery.group);
  writer_->write(record);
}

void DaemonTrace::on_stamp(const StampMessage& effect) {
  verify::record::Send record;
  record.p = to_string(effect.sender);
  record.g = effect.group;
  record.number = effect.number.value;
  record.order = effect.order;
  record.view = to_string(effect.view);
  record.member = effect.member;
  record.self_discard = effect.self_discard;
  if (effect.to) {
    record.to = to_string(effect.to->daemon) + "." + to_string(effect.to->session);
  }
  verify::PayloadHash hash;
  for (const Payload& part : effect.parts) {
    hash.add(part.bytes());
    record.size += part.size();
  }
  record.hash = hash.value();
  record.daemon_number = effect.daemon_number.value;
  writer_->write(record);
}

void DaemonTrace::on_give_up() {
  if (!members_.empty()) {
    writer_->write(
        verify::record::Gone{self_, std::string(kDaemons), to_string(GoneReason::kExcluded)});
  }
  writer_->write(verify::record::Exit{self_});
}

void DaemonTrace::on_finished() {
  if (!members_.empty()) {
    writer_->write(
        verify::record::Gone{self_, std::string(kDaemons), to_string(GoneReason::kLeft)});
  }
  writer_->write(verify::record::Exit{self_});
}

}  // namespace groupcomm::daemon
