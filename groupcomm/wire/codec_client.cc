// Client to daemon. Most messages are multicasts, so those are made to be cheap.
#include <algorithm>

#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/conversions.h"
#include "groupcomm/wire/message_frame.h"

namespace groupcomm::wire {
namespace {

using protocol::BlockOk;
using protocol::Bootstrap;
using protocol::Bye;
using protocol::ClientMessage;
using protocol::Consumed;
using protocol::GroupsQuery;
using protocol::Hello;
using protocol::Join;
using protocol::Leave;
using protocol::Multicast;
using protocol::MulticastChunk;
using protocol::StatusQuery;
using protocol::Watch;
using wire::read;
using wire::write;

using Builder = schema::ClientMessage::Builder;
using Kind = schema::ClientMessage::Which;

// Room for a message with one name.
constexpr std::size_t kMessageWords = 16;

// See message_frame.h.
struct ToDaemon {
  using Message = ClientMessage;
  using Streamed = Multicast;
  using Frame = schema::ClientFrame;
  using Element = schema::ClientMessage;
  static constexpr const FrameFormat& kFormat = kToDaemonFormat;
  static constexpr auto kNumber = &Multicast::request;

  template <typename Value>
  static std::size_t words(const Value& value);
  template <typename Value>
  static void write_one(const Value& value, Builder message);
  static void read_head(schema::ClientMessage::Multicast::Reader in, Multicast& multicast);
  static void check_in_run(const Multicast& multicast);
  static bool read_element(schema::ClientMessage::Reader in, MessagesRead<ToDaemon>& into);
};

// --- sizes ---------------------------------------------------------------------------------------

bool has_extra(const Multicast& multicast) {
  return multicast.to || !multicast.more_groups.empty() || !multicast.views_seen.empty();
}

std::size_t words_for(const MulticastChunk& chunk) { return words_of(chunk.payload.size()); }
std::size_t words_for(const Multicast& multicast) {
  std::size_t words = payload_words(multicast);
  if (has_extra(multicast)) {
    words += 8 + multicast.more_groups.size() + multicast.views_seen.size();
  }
  return words;
}
std::size_t words_for(const Consumed&) { return 0; }
template <typename Message>
std::size_t words_for(const Message&) {
  return kMessageWords;
}

template <typename Value>
std::size_t ToDaemon::words(const Value& value) {
  return words_for(value);
}

// --- writing -------------------------------------------------------------------------------------

void write(const MulticastChunk& chunk, Builder message) {
  message.setMulticastChunk(to_wire(chunk.payload));
}

void write(const Multicast& multicast, Builder message) {
  auto out = message.initMulticast();
  out.setRequest(multicast.request.value);
  out.setGroupKey(multicast.group.value);
  out.setOrder(to_wire(multicast.order));
  out.setSelfDiscard(multicast.self_discard);
  out.setNotifySafe(multicast.notify_safe);
  write_payloads(multicast, out);
  if (!has_extra(multicast)) return;
  auto extra = out.initExtra();
  write_numbers(multicast.more_groups, extra.initMoreGroups(list_size(multicast.more_groups)));
  if (multicast.to) write(*multicast.to, extra.initTo());
  auto views = extra.initViewsSeen(list_size(multicast.views_seen));
  for (capnp::uint i = 0; i < views.size(); ++i) views.set(i, multicast.views_seen[i]);
}

void write(const Consumed& consumed, Builder message) { message.setConsumed(consumed.bytes_total); }

void write(const Hello& hello, Builder message) {
  auto out = message.initHello();
  out.setProtocolVersion(hello.version);
  out.setName(to_wire(hello.name));
}

void write(const Join& join, Builder message) {
  auto out = message.initJoin();
  out.setRequest(join.request.value);
  out.setGroupName(to_wire(join.group));
  write(join.options, out.initOptions());
}

void write(const Leave& leave, Builder message) {
  auto out = message.initLeave();
  out.setRequest(leave.request.value);
  out.setGroupName(to_wire(leave.group));
}

void write(const BlockOk& block_ok, Builder message) {
  auto out = message.initBlockOk();
  out.setRequest(block_ok.request.value);
  out.setGroupName(to_wire(block_ok.group));
  out.setViewsSeen(block_ok.views_seen);
}

void write(const Bye&, Builder message) { message.setBye(); }
void write(const StatusQuery& query, Builder message) {
  message.setStatusQuery(query.request.value);
}
void write(const GroupsQuery& query, Builder message) {
  message.setGroupsQuery(query.request.value);
}

void write(const Watch& watch, Builder message) {
  auto out = message.initWatch();
  out.setRequest(watch.request.value);
  auto names = out.initGroupNames(list_size(watch.groups));
  for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, to_wire(watch.groups[i]));
}

void write(const Bootstrap& bootstrap, Builder message) {
  auto out = message.initBootstrap();
  out.setRequest(bootstrap.request.value);
  auto names = out.initWithout(list_size(bootstrap.without));
  for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, to_wire(bootstrap.without[i]));
}

template <typename Value>
void ToDaemon::write_one(const Value& value, Builder message) {
  write(value, message);
}

// --- reading -------------------------------------------------------------------------------------

void read_extra(schema::MulticastExtra::Reader in, Multicast& multicast) {
  multicast.more_groups =
      read_numbers<GroupKey>(in.getMoreGroups(), {protocol::kGroupsPerSendMax - 1, "groups"});
  if (in.hasTo()) multicast.to = read(in.getTo());
  multicast.views_seen =
      read_numbers<std::uint64_t>(in.getViewsSeen(), {protocol::kGroupsPerSendMax, "groups"});
  const std::size_t seen = multicast.views_seen.size();
  if (seen != 0 && seen != multicast.more_groups.size() + 1) {
    bad_frame("views seen that do not match the groups");
  }
  std::vector<GroupKey> groups = multicast.more_groups;
  groups.push_back(multicast.group);
  std::sort(groups.begin(), groups.end());
  if (!groups.front()) bad_frame("a message for no group");
  if (std::adjacent_find(groups.begin(), groups.end()) != groups.end()) {
    bad_frame("a message to one group twice");
  }
}

// All but the payloads.
void ToDaemon::read_head(schema::ClientMessage::Multicast::Reader in, Multicast& multicast) {
  multicast.request = RequestId{in.getRequest()};
  multicast.group = GroupKey{in.getGroupKey()};
  if (!multicast.group) bad_frame("a message for no group");
  multicast.order = read(in.getOrder());
  multicast.self_discard = in.getSelfDiscard();
  multicast.notify_safe = in.getNotifySafe();
  if (in.hasExtra()) read_extra(in.getExtra(), multicast);
}

void ToDaemon::check_in_run(const Multicast& multicast) {
  if (has_extra(multicast)) bad_frame("a run of messages with rare parts");
}

Hello read(schema::ClientMessage::Hello::Reader in) {
  return {in.getProtocolVersion(), read_name(in.getName())};
}
Join read(schema::ClientMessage::Join::Reader in) {
  return {RequestId{in.getRequest()}, read_name(in.getGroupName()), read(in.getOptions())};
}
Leave read(schema::ClientMessage::Leave::Reader in) {
  return {RequestId{in.getRequest()}, read_name(in.getGroupName())};
}
BlockOk read(schema::ClientMessage::BlockOk::Reader in) {
  return {RequestId{in.getRequest()}, read_name(in.getGroupName()), in.getViewsSeen()};
}
Watch read(schema::ClientMessage::Watch::Reader in) {
  return {RequestId{in.getRequest()}, read_names(in.getGroupNames())};
}

Bootstrap read(schema::ClientMessage::Bootstrap::Reader in) {
  return {RequestId{in.getRequest()}, read_names(in.getWithout())};
}

bool ToDaemon::read_element(schema::ClientMessage::Reader in, MessagesRead<ToDaemon>& into) {
  auto& messages = into.messages;
  switch (in.which()) {
    case Kind::MULTICAST: read_streamed(in.getMulticast(), into); return true;
    case Kind::MULTICAST_CHUNK:
      messages.emplace_back(read_chunk<MulticastChunk>(in.getMulticastChunk(), into.frame));
      return true;
    case Kind::CONSUMED: messages.emplace_back(Consumed{in.getConsumed()}); return true;
    case Kind::HELLO: messages.emplace_back(read(in.getHello())); return true;
    case Kind::JOIN: messages.emplace_back(read(in.getJoin())); return true;
    case Kind::LEAVE: messages.emplace_back(read(in.getLeave())); return true;
    case Kind::BLOCK_OK: messages.emplace_back(read(in.getBlockOk())); return true;
    case Kind::BYE: messages.emplace_back(Bye{}); return true;
    case Kind::STATUS_QUERY:
      messages.emplace_back(StatusQuery{RequestId{in.getStatusQuery()}});
      return true;
    case Kind::GROUPS_QUERY:
      messages.emplace_back(GroupsQuery{RequestId{in.getGroupsQuery()}});
      return true;
    case Kind::WATCH: messages.emplace_back(read(in.getWatch())); return true;
    case Kind::BOOTSTRAP: messages.emplace_back(read(in.getBootstrap())); return true;
  }
  return false;
}

}  // namespace

Payload encode(std::span<const ClientMessage> messages) {
  return encode_messages<ToDaemon>(messages);
}

Result<std::vector<ClientMessage>> decode_client_messages(const Payload& bytes) {
  std::uint64_t unknown = 0;
  return decode_client_messages(bytes, unknown);
}

Result<std::vector<ClientMessage>> decode_client_messages(const Payload& bytes,
                                                          std::uint64_t& unknown_kinds) {
  return decode_messages<ToDaemon>(bytes, unknown_kinds);
}

}  // namespace groupcomm::wire
