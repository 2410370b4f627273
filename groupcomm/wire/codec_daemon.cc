// Daemon to client. Most messages are deliveries, so those are made to be cheap.
#include <algorithm>

#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/conversions.h"
#include "groupcomm/wire/runs.h"

namespace groupcomm::wire {
namespace {

using protocol::Accepted;
using protocol::Block;
using protocol::BootstrapReply;
using protocol::DaemonMessage;
using protocol::Deliver;
using protocol::DeliverChunk;
using protocol::Disconnect;
using protocol::Gone;
using protocol::GroupsReply;
using protocol::Refused;
using protocol::Rejected;
using protocol::SafeNotice;
using protocol::SendFail;
using protocol::StatusReply;
using protocol::Suspended;
using protocol::Transition;
using protocol::ViewChanged;
using protocol::WatchedView;
using protocol::Welcome;
using wire::read;
using wire::write;

using Builder = schema::DaemonMessage::Builder;
using Kind = schema::DaemonMessage::Which;

constexpr std::size_t kFrameWords = 8;
// A message without what it points to.
constexpr std::size_t kMessageWordsMin = 5;
// Room for a small message that is not a delivery.
constexpr std::size_t kMessageWords = 32;
// A process with names of usual length.
constexpr std::size_t kProcessWords = 16;

// --- sizes ---------------------------------------------------------------------------------------

std::size_t words_for(const Deliver& deliver) {
  return words_of(deliver.payload.size()) + (deliver.sender ? kProcessWords : 0);
}
std::size_t words_for(const DeliverChunk& chunk) { return words_of(chunk.payload.size()); }
std::size_t words_for(const Accepted&) { return 0; }
std::size_t words_for(const SafeNotice&) { return 0; }
std::size_t words_for(const ViewChanged& changed) {
  const GroupView& view = changed.view;
  return kMessageWords + kProcessWords * (view.members.size() + view.joined.size() +
                                          view.left.size() + view.transitional.size());
}
template <typename Message>
std::size_t words_for(const Message&) {
  return kMessageWords;
}

std::size_t words_estimate(std::span<const DaemonMessage> messages, const std::vector<Run>& runs) {
  std::size_t words = kFrameWords + runs.size() * capnp::sizeInWords<schema::DaemonMessage>();
  for (const Run& run : runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      words +=
          std::visit([](const auto& value) { return words_for(value); }, messages[run.first + i]);
    }
    if (run.count > 1) words += words_of(run.count * sizeof(std::uint32_t));
  }
  return words;
}

// The next message of the same sender to the same group.
bool follows(const DaemonMessage& before, const DaemonMessage& message) {
  const auto* a = std::get_if<Deliver>(&before);
  const auto* b = std::get_if<Deliver>(&message);
  return a != nullptr && b != nullptr && may_run(a->payload, b->payload) && !a->sender &&
         !b->sender && b->number == a->number.next() && b->sender_rank == a->sender_rank &&
         b->group == a->group && b->order == a->order && b->report_soon == a->report_soon;
}

// --- writing -------------------------------------------------------------------------------------

// All but the payload.
void write_head(const Deliver& deliver, schema::DaemonMessage::Deliver::Builder out) {
  out.setOrder(to_wire(deliver.order));
  out.setSenderRank(deliver.sender_rank);
  out.setGroupKey(deliver.group.value);
  out.setNumber(deliver.number.value);
  if (deliver.sender) write(*deliver.sender, out.initSender());
  out.setReportSoon(deliver.report_soon);
}

void write(const Deliver& deliver, Builder message) {
  auto out = message.initDeliver();
  write_head(deliver, out);
  if (!deliver.payload.empty()) out.setPayload(to_wire(deliver.payload));
}

void write_deliveries(std::span<const DaemonMessage> run, Builder message) {
  auto out = message.initDeliver();
  write_head(std::get<Deliver>(run.front()), out);
  const auto payload_of = [&](std::size_t i) -> const Payload& {
    return std::get<Deliver>(run[i]).payload;
  };
  write_run(run.size(), payload_of, out);
}

void write(const DeliverChunk& chunk, Builder message) {
  message.setDeliverChunk(to_wire(chunk.payload));
}

void write(const Welcome& welcome, Builder message) {
  auto out = message.initWelcome();
  write(welcome.process, out.initProcess());
  out.setDaemonVersion(to_wire(welcome.daemon_version));
  out.setProtocolVersion(welcome.protocol_version);
  out.setSendWindowBytes(welcome.send_window_bytes);
  out.setSendWindowMessages(welcome.send_window_messages);
  out.setQueueBytes(welcome.queue_bytes);
}

void write(const Refused& refused, Builder message) { message.setRefused(to_wire(refused.reason)); }
void write(const Accepted& accepted, Builder message) { message.setAccepted(accepted.up_to.value); }

void write(const Rejected& rejected, Builder message) {
  auto out = message.initRejected();
  out.setRequest(rejected.request.value);
  out.setGroupKey(rejected.group.value);
  out.setReason(to_wire(rejected.reason));
}

void write(const SendFail& fail, Builder message) {
  auto out = message.initSendFail();
  out.setGroupKey(fail.group.value);
  out.setNumber(fail.number.value);
}

void write(const SafeNotice& notice, Builder message) {
  auto out = message.initSafeNotice();
  out.setGroupKey(notice.group.value);
  out.setNumber(notice.number.value);
}

void write(const ViewChanged& changed, Builder message) {
  auto out = message.initViewChanged();
  out.setGroupName(to_wire(changed.group));
  write(changed.view, out.initView());
}

void write(const Transition& transition, Builder message) {
  auto out = message.initTransition();
  out.setGroupKey(transition.group.value);
  write_list(transition.transitional, out.initTransitional(list_size(transition.transitional)));
}

void write(const Block& block, Builder message) { message.setBlock(block.group.value); }
void write(const Suspended& suspended, Builder message) {
  message.setSuspended(suspended.group.value);
}

void write(const Gone& gone, Builder message) {
  auto out = message.initGone();
  out.setGroupKey(gone.group.value);
  out.setReason(to_wire(gone.reason));
}

void write(const Disconnect& disconnect, Builder message) {
  message.setDisconnect(to_wire(disconnect.reason));
}

void write(const StatusReply& reply, Builder message) {
  auto out = message.initStatusReply();
  out.setRequest(reply.request.value);
  write(*reply.status, out.initStatus());
}

void write(const GroupsReply& reply, Builder message) {
  auto out = message.initGroupsReply();
  out.setRequest(reply.request.value);
  write_list(reply.groups, out.initGroups(list_size(reply.groups)));
}

void write(const WatchedView& watched, Builder message) {
  auto out = message.initWatchedView();
  out.setGroupName(to_wire(watched.group));
  write(watched.view, out.initView());
}

void write(const BootstrapReply& reply, Builder message) {
  auto out = message.initBootstrapReply();
  out.setRequest(reply.request.value);
  out.setPossible(reply.possible);
  out.setText(to_wire(reply.text));
  auto names = out.initWithout(list_size(reply.without));
  for (capnp::uint i = 0; i < names.size(); ++i) names.set(i, to_wire(reply.without[i]));
}

// --- reading -------------------------------------------------------------------------------------

// All but the payload.
void read_head(schema::DaemonMessage::Deliver::Reader in, Deliver& deliver) {
  deliver.order = read(in.getOrder());
  deliver.sender_rank = in.getSenderRank();
  deliver.group = GroupKey{in.getGroupKey()};
  deliver.number = SendNumber{in.getNumber()};
  if (in.hasSender()) deliver.sender = read(in.getSender());
  deliver.report_soon = in.getReportSoon();
  if (deliver.sender_rank == protocol::kNoRank && !deliver.sender) {
    bad_frame("a delivery from nobody");
  }
}

// Appends one, or those of a run, up to so many in all.
void read_deliveries(schema::DaemonMessage::Deliver::Reader in, const FrameReader& frame,
                     std::vector<DaemonMessage>& messages, std::size_t limit) {
  Deliver& first = std::get<Deliver>(messages.emplace_back(std::in_place_type<Deliver>));
  read_head(in, first);
  const Sizes sizes = read_sizes(in);
  if (sizes.size() == 0) {
    first.payload = read_payload(in, frame);
    return;
  }
  if (messages.size() - 1 + sizes.size() > limit) {
    bad_frame("more messages than are counted");
  }
  if (first.sender) bad_frame("a run of messages that name their sender");
  check_has_next(first.number.value);
  Deliver next = std::move(first);
  messages.pop_back();
  read_run(in, sizes, frame, [&](Payload payload) {
    Deliver& deliver = std::get<Deliver>(messages.emplace_back(next));
    deliver.payload = std::move(payload);
    ++next.number;
  });
}

DeliverChunk read_chunk(capnp::Data::Reader in, const FrameReader& frame) {
  if (in.size() != protocol::kChunkBytesMax) bad_frame("a chunk that is not 64 KiB");
  return {frame.payload(in)};
}

Welcome read(schema::Welcome::Reader in) {
  return {.process = read(in.getProcess()),
          .daemon_version = read_text(in.getDaemonVersion()),
          .protocol_version = in.getProtocolVersion(),
          .send_window_bytes = in.getSendWindowBytes(),
          .send_window_messages = in.getSendWindowMessages(),
          .queue_bytes = in.getQueueBytes()};
}
Rejected read(schema::DaemonMessage::Rejected::Reader in) {
  return {RequestId{in.getRequest()}, GroupKey{in.getGroupKey()}, read(in.getReason())};
}
SendFail read(schema::DaemonMessage::SendFail::Reader in) {
  return {GroupKey{in.getGroupKey()}, SendNumber{in.getNumber()}};
}
SafeNotice read(schema::DaemonMessage::SafeNotice::Reader in) {
  return {GroupKey{in.getGroupKey()}, SendNumber{in.getNumber()}};
}
ViewChanged read(schema::DaemonMessage::ViewChanged::Reader in) {
  ViewChanged changed{read_name(in.getGroupName()), read(in.getView())};
  if (changed.view.my_rank >= changed.view.members.size()) {
    bad_frame("a view without its receiver");
  }
  return changed;
}
Transition read(schema::DaemonMessage::Transition::Reader in) {
  return {GroupKey{in.getGroupKey()}, read_list<ProcessId>(in.getTransitional())};
}
Gone read(schema::DaemonMessage::Gone::Reader in) {
  return {GroupKey{in.getGroupKey()}, read(in.getReason())};
}
StatusReply read(schema::DaemonMessage::StatusReply::Reader in) {
  return {RequestId{in.getRequest()}, read(in.getStatus())};
}
GroupsReply read(schema::DaemonMessage::GroupsReply::Reader in) {
  return {RequestId{in.getRequest()}, read_list<protocol::GroupStatus>(in.getGroups())};
}
WatchedView read(schema::DaemonMessage::WatchedView::Reader in) {
  return {read_name(in.getGroupName()), read(in.getView())};
}

BootstrapReply read(schema::DaemonMessage::BootstrapReply::Reader in) {
  return {RequestId{in.getRequest()}, in.getPossible(), read_names(in.getWithout()),
          read_text(in.getText())};
}

// Appends the message, or nothing and false where its kind is unknown.
bool read_into(std::vector<DaemonMessage>& messages, std::size_t limit,
               schema::DaemonMessage::Reader in, const FrameReader& frame) {
  switch (in.which()) {
    case Kind::DELIVER: read_deliveries(in.getDeliver(), frame, messages, limit); return true;
    case Kind::DELIVER_CHUNK:
      messages.emplace_back(read_chunk(in.getDeliverChunk(), frame));
      return true;
    case Kind::ACCEPTED: messages.emplace_back(Accepted{RequestId{in.getAccepted()}}); return true;
    case Kind::REJECTED: messages.emplace_back(read(in.getRejected())); return true;
    case Kind::SEND_FAIL: messages.emplace_back(read(in.getSendFail())); return true;
    case Kind::SAFE_NOTICE: messages.emplace_back(read(in.getSafeNotice())); return true;
    case Kind::VIEW_CHANGED: messages.emplace_back(read(in.getViewChanged())); return true;
    case Kind::TRANSITION: messages.emplace_back(read(in.getTransition())); return true;
    case Kind::BLOCK: messages.emplace_back(Block{GroupKey{in.getBlock()}}); return true;
    case Kind::SUSPENDED:
      messages.emplace_back(Suspended{GroupKey{in.getSuspended()}});
      return true;
    case Kind::GONE: messages.emplace_back(read(in.getGone())); return true;
    case Kind::WELCOME: messages.emplace_back(read(in.getWelcome())); return true;
    case Kind::REFUSED: messages.emplace_back(Refused{read_text(in.getRefused())}); return true;
    case Kind::DISCONNECT:
      messages.emplace_back(Disconnect{read_text(in.getDisconnect())});
      return true;
    case Kind::STATUS_REPLY: messages.emplace_back(read(in.getStatusReply())); return true;
    case Kind::GROUPS_REPLY: messages.emplace_back(read(in.getGroupsReply())); return true;
    case Kind::WATCHED_VIEW: messages.emplace_back(read(in.getWatchedView())); return true;
    case Kind::BOOTSTRAP_REPLY: messages.emplace_back(read(in.getBootstrapReply())); return true;
  }
  return false;
}

}  // namespace

Payload encode(std::span<const DaemonMessage> messages) {
  const std::vector<Run> runs = runs_of(messages, follows);
  FrameBuilder builder(kToClientFormat, words_estimate(messages, runs));
  auto out = builder.initRoot<schema::DaemonFrame>();
  out.setVersion(protocol::kProtocolVersion);
  out.setCount(list_size(messages));
  auto list = out.initMessages(list_size(runs));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    const auto run = messages.subspan(runs[i].first, runs[i].count);
    if (run.size() > 1) {
      write_deliveries(run, list[i]);
    } else {
      std::visit([&](const auto& value) { write(value, list[i]); }, run.front());
    }
  }
  return builder.finish();
}

Result<std::vector<DaemonMessage>> decode_daemon_messages(const Payload& bytes) {
  std::uint64_t unknown = 0;
  return decode_daemon_messages(bytes, unknown);
}

Result<std::vector<DaemonMessage>> decode_daemon_messages(const Payload& bytes,
                                                          std::uint64_t& unknown_kinds) {
  return decode_guarded<std::vector<DaemonMessage>>([&] {
    FrameReader frame(bytes, kToClientFormat);
    const auto in = frame.root<schema::DaemonFrame>();
    if (in.getVersion() == 0) bad_frame("not a frame: no protocol version");
    const auto list = in.getMessages();
    check_share_of_frame(list, frame, kMessageWordsMin);
    std::vector<DaemonMessage> messages;
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
