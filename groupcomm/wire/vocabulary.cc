#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {
namespace {

template <typename Value>
constexpr bool is_same(Value ours, decltype(to_wire(Value())) on_the_wire) {
  return static_cast<unsigned>(ours) == static_cast<unsigned>(on_the_wire);
}

static_assert(is_same(Order::kReliable, schema::Order::RELIABLE));
static_assert(is_same(Order::kFifo, schema::Order::FIFO));
static_assert(is_same(Order::kCausal, schema::Order::CAUSAL));
static_assert(is_same(Order::kTotal, schema::Order::TOTAL));
static_assert(is_same(Order::kSafe, schema::Order::SAFE));

static_assert(is_same(LeaveReason::kLeave, schema::LeaveReason::LEAVE));
static_assert(is_same(LeaveReason::kCrash, schema::LeaveReason::CRASH));
static_assert(is_same(LeaveReason::kDaemonLost, schema::LeaveReason::DAEMON_LOST));
static_assert(is_same(LeaveReason::kPartition, schema::LeaveReason::PARTITION));
static_assert(is_same(LeaveReason::kEvicted, schema::LeaveReason::EVICTED));

static_assert(is_same(GoneReason::kLeft, schema::GoneReason::LEFT));
static_assert(is_same(GoneReason::kExcluded, schema::GoneReason::EXCLUDED));
static_assert(is_same(GoneReason::kEvicted, schema::GoneReason::EVICTED));
static_assert(is_same(GoneReason::kDaemonLost, schema::GoneReason::DAEMON_LOST));

static_assert(is_same(RejectReason::kWouldBlock, schema::RejectReason::WOULD_BLOCK));
static_assert(is_same(RejectReason::kBlocked, schema::RejectReason::BLOCKED));
static_assert(is_same(RejectReason::kNotMember, schema::RejectReason::NOT_MEMBER));
static_assert(is_same(RejectReason::kNoPrimary, schema::RejectReason::NO_PRIMARY));
static_assert(is_same(RejectReason::kTooBig, schema::RejectReason::TOO_BIG));
static_assert(is_same(RejectReason::kGone, schema::RejectReason::GONE));
static_assert(is_same(RejectReason::kNoSuchGroup, schema::RejectReason::NO_SUCH_GROUP));
static_assert(is_same(RejectReason::kBadName, schema::RejectReason::BAD_NAME));
static_assert(is_same(RejectReason::kBadOption, schema::RejectReason::BAD_OPTION));

std::string read_bounded(capnp::Text::Reader text, std::size_t bytes_max, std::string_view what) {
  if (text.size() > bytes_max) {
    bad_frame(std::string(what) + " of " + std::to_string(text.size()) + " bytes is too long");
  }
  return std::string(text.begin(), text.size());
}

}  // namespace

// --- texts ---------------------------------------------------------------------------------------

std::string read_name(capnp::Text::Reader text) {
  if (std::string why = why_bad_name({text.begin(), text.size()}); !why.empty()) {
    bad_frame(std::move(why));
  }
  return std::string(text.begin(), text.size());
}

std::string read_daemon_name(capnp::Text::Reader text) {
  if (std::string why = why_bad_daemon_name({text.begin(), text.size()}); !why.empty()) {
    bad_frame("daemon: " + why);
  }
  return std::string(text.begin(), text.size());
}

std::string read_address(capnp::Text::Reader text) {
  return read_bounded(text, kAddressBytesMax, "an address");
}

std::string read_text(capnp::Text::Reader text) {
  return read_bounded(text, kTextBytesMax, "a text");
}

std::vector<std::string> read_names(capnp::List<capnp::Text>::Reader names) {
  std::vector<std::string> read;
  read.reserve(names.size());
  for (const auto name : names) read.push_back(read_name(name));
  return read;
}

// --- identities ----------------------------------------------------------------------------------

void write(const ViewId& id, schema::ViewId::Builder out) {
  out.setCounter(id.counter);
  out.setProposer(id.proposer.value);
  out.setRound(id.round);
}

ViewId read(schema::ViewId::Reader in) {
  return {in.getCounter(), Incarnation{in.getProposer()}, in.getRound()};
}

void write(const GroupViewId& id, schema::GroupViewId::Builder out) {
  out.setCounter(id.daemon_view.counter);
  out.setProposer(id.daemon_view.proposer.value);
  out.setRound(id.daemon_view.round);
  out.setPlace(id.place.value);
}

GroupViewId read(schema::GroupViewId::Reader in) {
  return {{in.getCounter(), Incarnation{in.getProposer()}, in.getRound()},
          OrderNumber{in.getPlace()}};
}

void write(const DaemonId& id, schema::DaemonId::Builder out) {
  out.setName(to_wire(id.name));
  out.setIncarnation(id.incarnation.value);
}

DaemonId read(schema::DaemonId::Reader in) {
  return {read_daemon_name(in.getName()), Incarnation{in.getIncarnation()}};
}

void write(const ProcessKey& key, schema::ProcessKey::Builder out) {
  out.setDaemon(key.daemon.value);
  out.setSession(key.session.value);
}

ProcessKey read(schema::ProcessKey::Reader in) {
  return {Incarnation{in.getDaemon()}, SessionId{in.getSession()}};
}

void write(const ProcessId& id, schema::ProcessId::Builder out) {
  out.setName(to_wire(id.name));
  out.setDaemonName(to_wire(id.daemon));
  out.setDaemon(id.key.daemon.value);
  out.setSession(id.key.session.value);
}

ProcessId read(schema::ProcessId::Reader in) {
  return {.name = read_name(in.getName()),
          .daemon = read_daemon_name(in.getDaemonName()),
          .key = {Incarnation{in.getDaemon()}, SessionId{in.getSession()}}};
}

// --- views of groups -----------------------------------------------------------------------------

void write(const GroupOptions& options, schema::GroupOptions::Builder out) {
  out.setFlush(options.flush);
  out.setUniform(options.uniform);
}

GroupOptions read(schema::GroupOptions::Reader in) { return {in.getFlush(), in.getUniform()}; }

void write(const GroupMember& member, schema::GroupMember::Builder out) {
  write(member.process, out.initProcess());
  out.setJoins(member.joins);
}

GroupMember read(schema::GroupMember::Reader in) { return {read(in.getProcess()), in.getJoins()}; }

void write(const Departed& departed, schema::Departed::Builder out) {
  write(departed.process, out.initProcess());
  out.setReason(to_wire(departed.reason));
}

Departed read(schema::Departed::Reader in) { return {read(in.getProcess()), read(in.getReason())}; }

void write(const GroupView& view, schema::GroupView::Builder out) {
  write(view.id, out.initId());
  write_list(view.members, out.initMembers(list_size(view.members)));
  write_list(view.joined, out.initJoined(list_size(view.joined)));
  write_list(view.left, out.initLeft(list_size(view.left)));
  write_list(view.transitional, out.initTransitional(list_size(view.transitional)));
  out.setPrimary(view.primary);
  out.setRecovered(view.recovered);
  out.setMyRank(view.my_rank);
}

GroupView read(schema::GroupView::Reader in) {
  return {.id = read(in.getId()),
          .members = read_list<GroupMember>(in.getMembers()),
          .joined = read_list<ProcessId>(in.getJoined()),
          .left = read_list<Departed>(in.getLeft()),
          .transitional = read_list<ProcessId>(in.getTransitional()),
          .primary = in.getPrimary(),
          .recovered = in.getRecovered(),
          .my_rank = in.getMyRank()};
}

}  // namespace groupcomm::wire
