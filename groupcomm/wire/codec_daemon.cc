// Daemon to client. Most messages are deliveries, so those are made to be cheap.
#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/conversions.h"
#include "groupcomm/wire/message_frame.h"

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

// Room for a small message that is not a delivery.
constexpr std::size_t kMessageWords = 32;
// A process with names of usual length.
constexpr std::size_t kProcessWords = 16;

// See message_frame.h.
struct ToClient {
  using Message = DaemonMessage;
  using Streamed = Deliver;
  using Frame = schema::DaemonFrame;
  using Element = schema::DaemonMessage;
  static constexpr const FrameFormat& kFormat = kToClientFormat;
  static constexpr auto kNumber = &Deliver::number;

  template <typename Value>
  static std::size_t words(const Value& value);
  template <typename Value>
  static void write_one(const Value& value, Builder message);
  static void read_head(schema::DaemonMessage::Deliver::Reader in, Deliver& deliver);
  static void check_in_run(const Deliver& deliver);
  static bool read_element(schema::DaemonMessage::Reader in, MessagesRead<ToClient>& into);
};

// --- sizes ---------------------------------------------------------------------------------------

std::size_t words_for(const Deliver& deliver) {
  return payload_words(deliver) + (deliver.sender ? kProcessWords : 0);
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

template <typename Value>
std::size_t ToClient::words(const Value& value) {
  return words_for(value);
}

// --- writing -------------------------------------------------------------------------------------

void write(const Deliver& deliver, Builder message) {
  auto out = message.initDeliver();
  out.setOrder(to_wire(deliver.order));
  out.setSenderRank(deliver.sender_rank);
  out.setGroupKey(deliver.group.value);
  out.setNumber(deliver.number.value);
  if (deliver.sender) write(*deliver.sender, out.initSender());
  out.setReportSoon(deliver.report_soon);
  write_payloads(deliver, out);
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

template <typename Value>
void ToClient::write_one(const Value& value, Builder message) {
  write(value, message);
}

// --- reading -------------------------------------------------------------------------------------

// All but the payloads.
void ToClient::read_head(schema::DaemonMessage::Deliver::Reader in, Deliver& deliver) {
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

void ToClient::check_in_run(const Deliver& deliver) {
  if (deliver.sender) bad_frame("a run of messages that name their sender");
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

bool ToClient::read_element(schema::DaemonMessage::Reader in, MessagesRead<ToClient>& into) {
  auto& messages = into.messages;
  switch (in.which()) {
    case Kind::DELIVER: read_streamed(in.getDeliver(), into); return true;
    case Kind::DELIVER_CHUNK:
      messages.emplace_back(read_chunk<DeliverChunk>(in.getDeliverChunk(), into.frame));
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
  return encode_messages<ToClient>(messages);
}

Result<std::vector<DaemonMessage>> decode_daemon_messages(const Payload& bytes) {
  std::uint64_t unknown = 0;
  return decode_daemon_messages(bytes, unknown);
}

Result<std::vector<DaemonMessage>> decode_daemon_messages(const Payload& bytes,
                                                          std::uint64_t& unknown_kinds) {
  return decode_messages<ToClient>(bytes, unknown_kinds);
}

}  // namespace groupcomm::wire
