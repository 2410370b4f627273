// Structs, enumerators, texts and lists of the schema to values and back, with their limits.
//
// Everything is a pair of overloads, write(value, builder) and read(reader); where the type does
// not tell which limits hold, the name does. What reads throws BadFrame or kj::Exception.
#pragma once

#include <capnp/any.h>

#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/view.h"
#include "groupcomm/wire/frame_envelope.h"
#include "groupcomm/wire/groupcomm.capnp.h"
#include "groupcomm/wire/peer.capnp.h"

namespace groupcomm::wire {

inline constexpr std::size_t kAddressBytesMax = 300;
inline constexpr std::size_t kTextBytesMax = 4096;

// --- texts and payloads
// ---------------------------------------------------------------------------------------

inline capnp::Text::Reader to_wire(const std::string& text) { return {text.data(), text.size()}; }

inline capnp::Data::Reader to_wire(const Payload& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

// How many words so many bytes fill.
constexpr std::size_t words_of(std::size_t bytes) { return (bytes + 7) / 8; }

std::string read_name(capnp::Text::Reader text);
std::string read_daemon_name(capnp::Text::Reader text);
std::string read_address(capnp::Text::Reader text);
std::string read_text(capnp::Text::Reader text);
std::vector<std::string> read_names(capnp::List<capnp::Text>::Reader names);

// --- enumerators ---------------------------------------------------------------------------------

// The enumerators of both sides have the same numbers (asserted in vocabulary.cc).
inline schema::Order to_wire(Order order) { return static_cast<schema::Order>(order); }
inline schema::LeaveReason to_wire(LeaveReason reason) {
  return static_cast<schema::LeaveReason>(reason);
}
inline schema::GoneReason to_wire(GoneReason reason) {
  return static_cast<schema::GoneReason>(reason);
}
inline schema::RejectReason to_wire(RejectReason reason) {
  return static_cast<schema::RejectReason>(reason);
}

template <typename Value, typename Raw>
Value read_enumerator(Raw raw, Value last, std::string_view what) {
  const auto number = static_cast<unsigned>(raw);
  if (number > static_cast<unsigned>(last)) [[unlikely]] {
    bad_frame("unknown " + std::string(what) + " " + std::to_string(number));
  }
  return static_cast<Value>(number);
}
inline Order read(schema::Order raw) { return read_enumerator(raw, Order::kSafe, "order"); }
inline LeaveReason read(schema::LeaveReason raw) {
  return read_enumerator(raw, LeaveReason::kEvicted, "leave reason");
}
inline GoneReason read(schema::GoneReason raw) {
  return read_enumerator(raw, GoneReason::kDaemonLost, "gone reason");
}
inline RejectReason read(schema::RejectReason raw) {
  return read_enumerator(raw, RejectReason::kBadOption, "reject reason");
}

// --- identities and views of groups (vocabulary.cc) ----------------------------------------------

void write(const ViewId& id, schema::ViewId::Builder out);
void write(const GroupViewId& id, schema::GroupViewId::Builder out);
void write(const DaemonId& id, schema::DaemonId::Builder out);
void write(const ProcessKey& key, schema::ProcessKey::Builder out);
void write(const ProcessId& id, schema::ProcessId::Builder out);
void write(const GroupOptions& options, schema::GroupOptions::Builder out);
void write(const GroupMember& member, schema::GroupMember::Builder out);
void write(const Departed& departed, schema::Departed::Builder out);
void write(const GroupView& view, schema::GroupView::Builder out);

ViewId read(schema::ViewId::Reader in);
GroupViewId read(schema::GroupViewId::Reader in);
DaemonId read(schema::DaemonId::Reader in);
ProcessKey read(schema::ProcessKey::Reader in);
ProcessId read(schema::ProcessId::Reader in);
GroupOptions read(schema::GroupOptions::Reader in);
GroupMember read(schema::GroupMember::Reader in);
Departed read(schema::Departed::Reader in);
GroupView read(schema::GroupView::Reader in);

// --- what a daemon tells about itself and its groups (status.cc) ---------------------------------

void write(const protocol::MemberStatus& member, schema::MemberStatus::Builder out);
void write(const protocol::ClientStatus& client, schema::ClientStatus::Builder out);
void write(const std::pair<std::string, std::uint64_t>& counter, schema::Counter::Builder out);
void write(const protocol::DaemonStatus& status, schema::DaemonStatus::Builder out);
void write(const protocol::GroupStatus& group, schema::GroupStatus::Builder out);

protocol::MemberStatus read(schema::MemberStatus::Reader in);
protocol::ClientStatus read(schema::ClientStatus::Reader in);
std::pair<std::string, std::uint64_t> read(schema::Counter::Reader in);
protocol::DaemonStatus read(schema::DaemonStatus::Reader in);
protocol::GroupStatus read(schema::GroupStatus::Reader in);

// --- destinations of messages (stamped_messages.cc) ----------------------------------------------

void write(const protocol::Destination& destination, schema::Destination::Builder out);

protocol::Destination read(schema::Destination::Reader in);

// --- view changes of daemons (view_changes.cc) ---------------------------------------------------

void write(const protocol::MessageReference& reference, schema::MessageReference::Builder out);
void write(const protocol::DaemonMember& member, schema::DaemonMember::Builder out);
void write(const protocol::DaemonView& view, schema::DaemonView::Builder out);
void write(const protocol::Ballot& ballot, schema::Ballot::Builder out);
void write(const protocol::DepartedDaemon& departed, schema::DepartedDaemon::Builder out);
void write(const protocol::ViewChangeValue& value, schema::ViewChangeValue::Builder out);
void write(const protocol::PrimaryClaim& claim, schema::PrimaryClaim::Builder out);
void write(const protocol::Arrival& arrival, schema::Arrival::Builder out);
void write(const protocol::AcceptedValue& accepted, schema::AcceptedValue::Builder out);
void write(const protocol::GroupEntry& group, schema::GroupEntry::Builder out);

protocol::MessageReference read(schema::MessageReference::Reader in);
protocol::DaemonMember read(schema::DaemonMember::Reader in);
protocol::DaemonView read(schema::DaemonView::Reader in);
protocol::Ballot read(schema::Ballot::Reader in);
protocol::DepartedDaemon read(schema::DepartedDaemon::Reader in);
protocol::ViewChangeValue read(schema::ViewChangeValue::Reader in);
protocol::PrimaryClaim read(schema::PrimaryClaim::Reader in);
protocol::Arrival read(schema::Arrival::Reader in);
protocol::AcceptedValue read(schema::AcceptedValue::Reader in);
protocol::GroupEntry read(schema::GroupEntry::Reader in);

// A rank of a daemon, below kDaemonsMax.
Rank read_rank(std::uint32_t rank);
// One number for each rank.
template <typename Value>
std::vector<Value> read_by_rank(capnp::List<std::uint64_t>::Reader list);
// Incarnations of daemons that were heard.
std::vector<Incarnation> read_hears(capnp::List<std::uint64_t>::Reader list);
// Consecutive places of the total order, the first of them `first`.
std::vector<protocol::MessageReference> read_places(
    OrderNumber first, capnp::List<schema::MessageReference>::Reader list);

// --- lists ---------------------------------------------------------------------------------------

struct ListLimit {
  std::size_t elements_max;
  std::string_view what;  // of what there are too many
};

template <typename List>
void check_length(const List& list, const ListLimit& limit) {
  if (list.size() > limit.elements_max) [[unlikely]] {
    bad_frame("too many " + std::string(limit.what) + ": " + std::to_string(list.size()));
  }
}

// Cap'n Proto would take a list of bytes, or of bits, for a list of structs that have only defaults
// besides. Nobody sends such a list but to make much out of little.
template <typename StructList>
void check_is_composite(const StructList& list) {
  if (list.size() == 0) return;
  if (capnp::AnyList::Reader(list).getElementSize() != capnp::ElementSize::INLINE_COMPOSITE) {
    bad_frame("a list of structs without structs");
  }
}

// A list of structs, each by write(value, builder).
template <typename Values, typename ListBuilder>
void write_list(const Values& values, ListBuilder list) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    write(values[i], list[static_cast<capnp::uint>(i)]);
  }
}

// A list of structs, each by read(reader). Where no other limit is given, the frame's size is one.
template <typename Value, typename ListReader>
std::vector<Value> read_list(ListReader list) {
  check_is_composite(list);
  std::vector<Value> values;
  values.reserve(list.size());
  for (const auto element : list) values.push_back(read(element));
  return values;
}

template <typename Value, typename ListReader>
std::vector<Value> read_list(ListReader list, const ListLimit& limit) {
  check_length(list, limit);
  return read_list<Value>(list);
}

// A list of numbers: anything with a `value` of 64 bits.
template <typename Values>
void write_numbers(const Values& values, capnp::List<std::uint64_t>::Builder list) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    list.set(static_cast<capnp::uint>(i), values[i].value);
  }
}

template <typename Value>
std::vector<Value> read_numbers(capnp::List<std::uint64_t>::Reader list, const ListLimit& limit) {
  check_length(list, limit);
  std::vector<Value> values;
  values.reserve(list.size());
  for (const std::uint64_t number : list) values.push_back(Value{number});
  return values;
}

// For lists whose elements are large in memory: such a list is refused, before memory is taken for
// it, where its elements are smaller than the `words_min` that every version has sent.
template <typename StructList>
void check_share_of_frame(const StructList& list, const FrameReader& frame, std::size_t words_min) {
  check_is_composite(list);
  check_length(list, {frame.words() / words_min, "messages"});
}

// Values whose number the schema's builders want.
template <typename Values>
capnp::uint list_size(const Values& values) {
  return static_cast<capnp::uint>(values.size());
}

template <typename Value>
std::vector<Value> read_by_rank(capnp::List<std::uint64_t>::Reader list) {
  return read_numbers<Value>(list, {protocol::kDaemonsMax, "ranks"});
}

}  // namespace groupcomm::wire
