#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {

void write(const protocol::MemberStatus& member, schema::MemberStatus::Builder out) {
  write(member.id, out.initId());
  out.setAddress(to_wire(member.address));
  out.setState(to_wire(member.state));
  out.setUnacknowledged(member.unacknowledged);
}

protocol::MemberStatus read(schema::MemberStatus::Reader in) {
  return {.id = read(in.getId()),
          .address = read_address(in.getAddress()),
          .state = read_text(in.getState()),
          .unacknowledged = in.getUnacknowledged()};
}

void write(const protocol::ClientStatus& client, schema::ClientStatus::Builder out) {
  write(client.process, out.initProcess());
  out.setGroups(client.groups);
  out.setWaitingBytes(client.waiting_bytes);
  out.setQueuedRequests(client.queued_requests);
}

protocol::ClientStatus read(schema::ClientStatus::Reader in) {
  return {.process = read(in.getProcess()),
          .groups = in.getGroups(),
          .waiting_bytes = in.getWaitingBytes(),
          .queued_requests = in.getQueuedRequests()};
}

void write(const std::pair<std::string, std::uint64_t>& counter, schema::Counter::Builder out) {
  out.setName(to_wire(counter.first));
  out.setValue(counter.second);
}

std::pair<std::string, std::uint64_t> read(schema::Counter::Reader in) {
  return {read_text(in.getName()), in.getValue()};
}

void write(const protocol::DaemonStatus& status, schema::DaemonStatus::Builder out) {
  write(status.daemon, out.initDaemon());
  out.setCluster(to_wire(status.cluster));
  out.setVersion(to_wire(status.version));
  out.setPhase(to_wire(status.phase));
  if (status.view) write(*status.view, out.initView());
  out.setPrimary(status.primary);
  write_list(status.members, out.initMembers(list_size(status.members)));
  out.setUptimeMs(status.uptime_ms);
  write_list(status.counters, out.initCounters(list_size(status.counters)));
  write_list(status.clients, out.initClients(list_size(status.clients)));
}

protocol::DaemonStatus read(schema::DaemonStatus::Reader in) {
  protocol::DaemonStatus status;
  status.daemon = read(in.getDaemon());
  status.cluster = read_text(in.getCluster());
  status.version = read_text(in.getVersion());
  status.phase = read_text(in.getPhase());
  if (in.hasView()) status.view = read(in.getView());
  status.primary = in.getPrimary();
  status.members =
      read_list<protocol::MemberStatus>(in.getMembers(), {protocol::kDaemonsMax, "daemons"});
  status.uptime_ms = in.getUptimeMs();
  status.counters = read_list<std::pair<std::string, std::uint64_t>>(in.getCounters());
  status.clients =
      read_list<protocol::ClientStatus>(in.getClients(), {protocol::kClientsShownMax, "clients"});
  return status;
}

void write(const protocol::GroupStatus& group, schema::GroupStatus::Builder out) {
  out.setName(to_wire(group.name));
  write(group.view, out.initView());
  write(group.options, out.initOptions());
  write_list(group.members, out.initMembers(list_size(group.members)));
}

protocol::GroupStatus read(schema::GroupStatus::Reader in) {
  return {.name = read_name(in.getName()),
          .view = read(in.getView()),
          .options = read(in.getOptions()),
          .members = read_list<ProcessId>(in.getMembers())};
}

}  // namespace groupcomm::wire
