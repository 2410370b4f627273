#include <algorithm>
#include <limits>
#include <string_view>

#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {
namespace {

// Daemons that can be heard at once: members, configured ones, and incarnations just ended.
constexpr std::size_t kHearsMax = 4 * protocol::kDaemonsMax;

// By name: the configured seeds, from which a cluster forms, have no incarnations yet.
bool has_repetition(const std::vector<protocol::DaemonMember>& members) {
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const auto& member : members) names.push_back(member.id.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace

// --- views of daemons ----------------------------------------------------------------------------

void write(const protocol::DaemonMember& member, schema::DaemonMember::Builder out) {
  write(member.id, out.initId());
  out.setAddress(to_wire(member.address));
}

protocol::DaemonMember read(schema::DaemonMember::Reader in) {
  return {read(in.getId()), read_address(in.getAddress())};
}

void write(const protocol::DaemonView& view, schema::DaemonView::Builder out) {
  write(view.id, out.initId());
  out.setLineage(view.lineage.value);
  write_list(view.members, out.initMembers(list_size(view.members)));
  out.setPrimary(view.primary);
  if (!view.ancestors.empty()) {
    write_numbers(view.ancestors, out.initAncestors(list_size(view.ancestors)));
  }
}

protocol::DaemonView read(schema::DaemonView::Reader in) {
  protocol::DaemonView view;
  view.id = read(in.getId());
  view.lineage = Incarnation{in.getLineage()};
  view.members =
      read_list<protocol::DaemonMember>(in.getMembers(), {protocol::kDaemonsMax, "daemons"});
  view.primary = in.getPrimary();
  view.ancestors =
      read_numbers<Incarnation>(in.getAncestors(), {protocol::kAncestorsMax, "ancestors"});
  if (has_repetition(view.members)) bad_frame("a view with one daemon twice");
  return view;
}

Rank read_rank(std::uint32_t rank) {
  if (rank >= protocol::kDaemonsMax) [[unlikely]] {
    bad_frame("no daemon has rank " + std::to_string(rank));
  }
  return rank;
}

std::vector<Incarnation> read_hears(capnp::List<std::uint64_t>::Reader list) {
  return read_numbers<Incarnation>(list, {kHearsMax, "daemons heard"});
}

// --- places --------------------------------------------------------------------------------------

void write(const protocol::MessageReference& reference, schema::MessageReference::Builder out) {
  out.setSender(reference.sender);
  out.setNumber(reference.number.value);
}

protocol::MessageReference read(schema::MessageReference::Reader in) {
  const protocol::MessageReference reference{read_rank(in.getSender()),
                                             MessageNumber{in.getNumber()}};
  if (!reference.number) bad_frame("a reference to no message");
  return reference;
}

std::vector<protocol::MessageReference> read_places(
    OrderNumber first, capnp::List<schema::MessageReference>::Reader list) {
  auto places = read_list<protocol::MessageReference>(list);
  if (places.empty()) return places;
  const bool fits =
      first && places.size() - 1 <= std::numeric_limits<std::uint64_t>::max() - first.value;
  if (!fits) bad_frame("places outside the order");
  return places;
}

// --- ballots and values --------------------------------------------------------------------------

void write(const protocol::Ballot& ballot, schema::Ballot::Builder out) {
  out.setRound(ballot.round);
  out.setProposer(ballot.proposer);
  out.setIncarnation(ballot.incarnation.value);
}

protocol::Ballot read(schema::Ballot::Reader in) {
  return {in.getRound(), read_rank(in.getProposer()), Incarnation{in.getIncarnation()}};
}

void write(const protocol::DepartedDaemon& departed, schema::DepartedDaemon::Builder out) {
  write(departed.id, out.initId());
  out.setReason(to_wire(departed.reason));
}

protocol::DepartedDaemon read(schema::DepartedDaemon::Reader in) {
  return {read(in.getId()), read(in.getReason())};
}

void write(const protocol::PrimaryClaim& claim, schema::PrimaryClaim::Builder out) {
  write(claim.last, out.initLast());
  write_list(claim.attempts, out.initAttempts(list_size(claim.attempts)));
}

protocol::PrimaryClaim read(schema::PrimaryClaim::Reader in) {
  return {read(in.getLast()),
          read_list<protocol::DaemonView>(in.getAttempts(), {protocol::kAttemptsMax, "attempts"})};
}

void write(const protocol::Arrival& arrival, schema::Arrival::Builder out) {
  write(arrival.from, out.initFrom());
  write_numbers(arrival.daemons, out.initDaemons(list_size(arrival.daemons)));
  write_list(arrival.groups, out.initGroups(list_size(arrival.groups)));
}

protocol::Arrival read(schema::Arrival::Reader in) {
  return {.from = read(in.getFrom()),
          .daemons = read_by_rank<Incarnation>(in.getDaemons()),
          .groups = read_list<protocol::GroupEntry>(in.getGroups())};
}

void write(const protocol::ViewChangeValue& value, schema::ViewChangeValue::Builder out) {
  write(value.base, out.initBase());
  write(value.next, out.initNext());
  write_numbers(value.cut, out.initCut(list_size(value.cut)));
  out.setFirstPlace(value.first_place.value);
  write_list(value.places, out.initPlaces(list_size(value.places)));
  write_list(value.left, out.initLeft(list_size(value.left)));
  out.setForced(value.forced);
  out.setRecovered(value.recovered);
  out.setDelivered(value.delivered.value);
  out.setQuiet(value.quiet);
  if (!value.arrivals.empty()) {
    write_list(value.arrivals, out.initArrivals(list_size(value.arrivals)));
  }
  if (value.claim) write(*value.claim, out.initClaim());
}

protocol::ViewChangeValue read(schema::ViewChangeValue::Reader in) {
  protocol::ViewChangeValue value;
  value.base = read(in.getBase());
  value.next = read(in.getNext());
  if (value.next.members.empty()) bad_frame("a next view without members");
  value.cut = read_by_rank<MessageNumber>(in.getCut());
  value.first_place = OrderNumber{in.getFirstPlace()};
  value.places = read_places(value.first_place, in.getPlaces());
  value.left = read_list<protocol::DepartedDaemon>(in.getLeft(),
                                                   {protocol::kDaemonsMax, "daemons that left"});
  value.forced = in.getForced();
  value.recovered = in.getRecovered();
  value.delivered = OrderNumber{in.getDelivered()};
  value.quiet = in.getQuiet();
  value.arrivals =
      read_list<protocol::Arrival>(in.getArrivals(), {protocol::kDaemonsMax, "arrivals"});
  if (in.hasClaim()) value.claim = read(in.getClaim());
  return value;
}

void write(const protocol::AcceptedValue& accepted, schema::AcceptedValue::Builder out) {
  write(accepted.ballot, out.initBallot());
  write(accepted.value, out.initValue());
}

protocol::AcceptedValue read(schema::AcceptedValue::Reader in) {
  return {read(in.getBallot()), read(in.getValue())};
}

void write(const protocol::GroupEntry& group, schema::GroupEntry::Builder out) {
  out.setName(to_wire(group.name));
  write(group.options, out.initOptions());
  write(group.view, out.initView());
  write_list(group.members, out.initMembers(list_size(group.members)));
}

protocol::GroupEntry read(schema::GroupEntry::Reader in) {
  return {.name = read_name(in.getName()),
          .options = read(in.getOptions()),
          .view = read(in.getView()),
          .members = read_list<GroupMember>(in.getMembers())};
}

}  // namespace groupcomm::wire
