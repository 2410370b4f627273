// Client to daemon. Most messages are multicasts, so those are made to be cheap.
#include <algorithm>

#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/conversions.h"
#include "groupcomm/wire/runs.h"

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

constexpr std::size_t kFrameWords = 8;
// A message without what it points to.
constexpr std::size_t kMessageWordsMin = 5;
// Room for a message with one name.
constexpr std::size_t kMessageWords = 16;

// --- sizes ---------------------------------------------------------------------------------------

bool has_extra(const Multicast& multicast) {
  return multicast.to || !multicast.more_groups.empty() || !multicast.views_seen.empty();
}

std::size_t words_for(const MulticastChunk& chunk) { return words_of(chunk.payload.size()); }
std::size_t words_for(const Multicast& multicast) {
  std::size_t words = words_of(multicast.payload.size());
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

std::size_t words_estimate(std::span<const ClientMessage> messages, const std::vector<Run>& runs) {
  std::size_t words = kFrameWords + runs.size() * capnp::sizeInWords<schema::ClientMessage>();
  for (const Run& run : runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      words +=
          std::visit([](const auto& value) { return words_for(value); }, messages[run.first + i]);
    }
    if (run.count > 1) words += words_of(run.count * sizeof(std::uint32_t));
  }
  return words;
}

// The next send to the same group.
bool follows(const ClientMessage& before, const ClientMessage& message) {
  const auto* a = std::get_if<Multicast>(&before);
  const auto* b = std::get_if<Multicast>(&message);
  return a != nullptr && b != nullptr && may_run(a->payload, b->payload) && !has_extra(*a) &&
         !has_extra(*b) && b->request == a->request.next() && b->group == a->group &&
         b->order == a->order && b->self_discard == a->self_discard &&
         b->notify_safe == a->notify_safe;
}

// --- writing -------------------------------------------------------------------------------------

void write(const MulticastChunk& chunk, Builder message) {
  message.setMulticastChunk(to_wire(chunk.payload));
}

// All but the payload and the rare parts.
void write_head(const Multicast& multicast, schema::ClientMessage::Multicast::Builder out) {
  out.setRequest(multicast.request.value);
  out.setGroupKey(multicast.group.value);
  out.setOrder(to_wire(multicast.order));
  out.setSelfDiscard(multicast.self_discard);
  out.setNotifySafe(multicast.notify_safe);
}

void write_multicasts(std::span<const ClientMessage> run, Builder message) {
  auto out = message.initMulticast();
  write_head(std::get<Multicast>(run.front()), out);
  const auto payload_of = [&](std::size_t i) -> const Payload& {
    return std::get<Multicast>(run[i]).payload;
  };
  write_run(run.size(), payload_of, out);
}

void write(const Multicast& multicast, Builder message) {
  auto out = message.initMulticast();
  write_head(multicast, out);
  if (!multicast.payload.empty()) out.setPayload(to_wire(multicast.payload));
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

// --- reading -------------------------------------------------------------------------------------

MulticastChunk read_chunk(capnp::Data::Reader in, const FrameReader& frame) {
  if (in.size() != protocol::kChunkBytesMax) bad_frame("a chunk that is not 64 KiB");
  return {frame.payload(in)};
}

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

// All but the payload.
void read_head(schema::ClientMessage::Multicast::Reader in, Multicast& multicast) {
  multicast.request = RequestId{in.getRequest()};
  multicast.group = GroupKey{in.getGroupKey()};
  if (!multicast.group) bad_frame("a message for no group");
  multicast.order = read(in.getOrder());
  multicast.self_discard = in.getSelfDiscard();
  multicast.notify_safe = in.getNotifySafe();
  if (in.hasExtra()) read_extra(in.getExtra(), multicast);
}

// Appends one, or those of a run, up to so many in all.
void read_multicasts(schema::ClientMessage::Multicast::Reader in, const FrameReader& frame,
                     std::vector<ClientMessage>& messages, std::size_t limit) {
  Multicast& first = std::get<Multicast>(messages.emplace_back(std::in_place_type<Multicast>));
  read_head(in, first);
  const Sizes sizes = read_sizes(in);
  if (sizes.size() == 0) {
    first.payload = read_payload(in, frame);
    return;
  }
  if (messages.size() - 1 + sizes.size() > limit) {
    bad_frame("more messages than are counted");
  }
  if (has_extra(first)) bad_frame("a run of messages with rare parts");
  check_has_next(first.request.value);
  Multicast next = std::move(first);
  messages.pop_back();
  read_run(in, sizes, frame, [&](Payload payload) {
    Multicast& multicast = std::get<Multicast>(messages.emplace_back(next));
    multicast.payload = std::move(payload);
    ++next.request;
  });
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

// Appends the message, or nothing and false where its kind is unknown.
bool read_into(std::vector<ClientMessage>& messages, std::size_t limit,
               schema::ClientMessage::Reader in, const FrameReader& frame) {
  switch (in.which()) {
    case Kind::MULTICAST: read_multicasts(in.getMulticast(), frame, messages, limit); return true;
    case Kind::MULTICAST_CHUNK:
      messages.emplace_back(read_chunk(in.getMulticastChunk(), frame));
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
  const std::vector<Run> runs = runs_of(messages, follows);
  FrameBuilder builder(kToDaemonFormat, words_estimate(messages, runs));
  auto out = builder.initRoot<schema::ClientFrame>();
  out.setVersion(protocol::kProtocolVersion);
  out.setCount(list_size(messages));
  auto list = out.initMessages(list_size(runs));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    const auto run = messages.subspan(runs[i].first, runs[i].count);
    if (run.size() > 1) {
      write_multicasts(run, list[i]);
    } else {
      std::visit([&](const auto& value) { write(value, list[i]); }, run.front());
    }
  }
  return builder.finish();
}

Result<std::vector<ClientMessage>> decode_client_messages(const Payload& bytes) {
  std::uint64_t unknown = 0;
  return decode_client_messages(bytes, unknown);
}

Result<std::vector<ClientMessage>> decode_client_messages(const Payload& bytes,
                                                          std::uint64_t& unknown_kinds) {
  return decode_guarded<std::vector<ClientMessage>>([&] {
    FrameReader frame(bytes, kToDaemonFormat);
    const auto in = frame.root<schema::ClientFrame>();
    if (in.getVersion() == 0) bad_frame("not a frame: no protocol version");
    const auto list = in.getMessages();
    check_share_of_frame(list, frame, kMessageWordsMin);
    std::vector<ClientMessage> messages;
    const std::size_t count = in.getCount();
    check_messages(count, frame);
    const std::size_t limit = std::max<std::size_t>(count, list.size());
    messages.reserve(limit);
    for (const auto message : list) {
      if (!read_into(messages, limit, message, frame)) ++unknown_kinds;
    }
    return messages;
  });
}

}  // namespace groupcomm::wire
