// Values of every kind of frame, with everything set and with nothing set, for the codec's tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::wire::samples {

inline constexpr std::uint64_t kBig = 0xFEDCBA9876543210;

inline Payload bytes(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + 1);
  return Payload::copy_of(text);
}

// --- vocabulary ----------------------------------------------------------------------------------

inline ViewId view_id() { return {12, Incarnation{kBig}, 3}; }
inline GroupViewId group_view_id() { return {view_id(), OrderNumber{77}}; }
inline DaemonId daemon_id(std::uint64_t i) {
  return {"daemon-" + std::to_string(i), Incarnation{kBig + i}};
}
inline ProcessId process(std::uint64_t i) {
  return {.name = "prócess " + std::to_string(i),
          .daemon = "daemon-1",
          .key = {Incarnation{kBig + 1}, SessionId{i}}};
}

inline GroupView group_view() {
  return {.id = group_view_id(),
          .members = {{process(1), 1}, {process(2), 2}, {process(3), 0xFFFFFFFF}},
          .joined = {process(3)},
          .left = {{process(4), LeaveReason::kEvicted}, {process(5), LeaveReason::kLeave}},
          .transitional = {process(1), process(2)},
          .primary = false,
          .recovered = true,
          .my_rank = 2};
}

// --- client frames -------------------------------------------------------------------------------

inline std::vector<protocol::ClientMessage> client_messages() {
  using namespace protocol;
  return {
      Hello{.version = 7, .name = "alice"},
      Join{RequestId{1}, "room", {.flush = true, .uniform = true}},
      Join{RequestId{kBig}, std::string(kNameBytesMax, 'g'), {}},
      Leave{RequestId{2}, "räum"},
      MulticastChunk{bytes(kChunkBytesMax)},
      Multicast{.request = RequestId{3},
                .group = GroupKey{kBig},
                .more_groups = {GroupKey{1}, GroupKey{2}},
                .order = Order::kSafe,
                .self_discard = true,
                .notify_safe = true,
                .to = ProcessKey{Incarnation{kBig}, SessionId{9}},
                .views_seen = {0, kBig, 7},
                .payload = bytes(13)},
      Multicast{.request = RequestId{},
                .group = GroupKey{5},
                .more_groups = {},
                .order = Order::kReliable,
                .self_discard = false,
                .notify_safe = false,
                .to = {},
                .payload = {}},
      BlockOk{RequestId{4}, "room", 12},
      Consumed{kBig},
      Bye{},
      StatusQuery{RequestId{5}},
      GroupsQuery{RequestId{6}},
      Watch{RequestId{7}, {"room", "räum"}},
      Watch{},
      Bootstrap{RequestId{8}, {"n1", "n2"}},
      Bootstrap{},
  };
}

inline protocol::DaemonStatus daemon_status() {
  return {.daemon = daemon_id(1),
          .cluster = "cluster",
          .version = "0.1.0",
          .phase = "regular",
          .view = view_id(),
          .primary = true,
          .members = {{daemon_id(1), "tcp://127.0.0.1:4870", "self", 0},
                      {daemon_id(2), "tcp://host:1", "alive", kBig}},
          .uptime_ms = kBig,
          .counters = {{"bytes", 1}, {"frames", kBig}},
          .clients = {{process(1), 1, kBig, 2}, {process(2), 0, 0, 0}}};
}

inline std::vector<protocol::DaemonMessage> daemon_messages() {
  using namespace protocol;
  DaemonStatus least;
  least.daemon = daemon_id(1);
  return {
      Welcome{process(1), "0.1.0", 1, kBig, 1024, 64u << 20},
      Refused{"no"},
      Refused{},
      Accepted{RequestId{kBig}},
      Rejected{RequestId{1}, GroupKey{kBig}, RejectReason::kBadOption},
      Rejected{RequestId{1}, GroupKey{}, RejectReason::kWouldBlock},
      SendFail{GroupKey{1}, SendNumber{kBig}},
      ViewChanged{"room", group_view()},
      Transition{GroupKey{1}, {process(1), process(2)}},
      Transition{},
      DeliverChunk{bytes(kChunkBytesMax)},
      Deliver{GroupKey{1}, kNoRank, process(8), SendNumber{kBig}, Order::kFifo, bytes(64), true},
      Deliver{GroupKey{kBig}, 0, {}, SendNumber{1}, Order::kSafe, {}},
      Deliver{GroupKey{1}, 0xFFFFFFFE, {}, SendNumber{2}, Order::kCausal, bytes(kChunkBytesMax)},
      SafeNotice{GroupKey{1}, SendNumber{kBig}},
      Block{GroupKey{kBig}},
      Suspended{GroupKey{kBig}},
      Gone{GroupKey{1}, GoneReason::kDaemonLost},
      Disconnect{"excluded: because"},
      StatusReply{RequestId{1}, daemon_status()},
      StatusReply{RequestId{1}, least},
      GroupsReply{RequestId{kBig},
                  {{"room", group_view_id(), {.flush = true, .uniform = false}, {process(1)}},
                   {"other", {}, {}, {}}}},
      GroupsReply{},
      WatchedView{"room", group_view()},
      WatchedView{"room", {}},
      BootstrapReply{RequestId{9}, true, {"n1", "n2"}, "of the last view, n3 would go on"},
  };
}

// --- peer frames ---------------------------------------------------------------------------------

inline protocol::DaemonView daemon_view() {
  return {.id = view_id(),
          .lineage = Incarnation{kBig},
          .members = {{daemon_id(1), "tcp://127.0.0.1:4870"}, {daemon_id(2), ""}},
          .primary = false};
}

inline protocol::Ballot ballot() { return {kBig, 63, Incarnation{kBig}}; }

inline protocol::PrimaryClaim primary_claim() {
  return {.last = daemon_view(), .attempts = {daemon_view(), daemon_view()}};
}

inline protocol::ViewChangeValue view_change_value() {
  return {.base = {11, Incarnation{1}, 2},
          .next = daemon_view(),
          .cut = {MessageNumber{1}, MessageNumber{kBig}},
          .first_place = OrderNumber{5},
          .places = {{0, MessageNumber{1}}, {63, MessageNumber{kBig}}},
          .delivered = OrderNumber{kBig},
          .left = {{daemon_id(3), LeaveReason::kPartition}},
          .recovered = true,
          .quiet = true,
          .arrivals = {{.from = {10, Incarnation{kBig}, 3},
                        .daemons = {Incarnation{1}, Incarnation{kBig}},
                        .groups = {{"room", {}, group_view_id(), {{process(1), 2}}}}}},
          .claim = primary_claim()};
}

// A value with nothing set that may be left out.
inline protocol::ViewChangeValue least_value() {
  protocol::ViewChangeValue value;
  value.next.members = {{daemon_id(1), ""}};
  return value;
}

inline protocol::Progress progress() {
  return {.sent = MessageNumber{1},
          .received = {MessageNumber{2}, MessageNumber{kBig}, MessageNumber{4}},
          .ordered = OrderNumber{5},
          .announced = OrderNumber{kBig},
          .clock = LamportStamp{7},
          .handed = {MessageNumber{1}, MessageNumber{kBig}, MessageNumber{}},
          .caught_up = true,
          .applied = OrderNumber{kBig}};
}

// Everything that a message can have; not what one message would have.
inline protocol::StampedMessage full_message() {
  protocol::StampedMessage message;
  message.number = MessageNumber{3};
  message.kind = protocol::MessageKind::kData;
  message.order = Order::kSafe;
  message.uniform = true;
  message.self_discard = true;
  message.notify_safe = true;
  message.causal_number = CausalNumber{2};
  message.context = std::make_shared<const protocol::VectorTime>(
      protocol::VectorTime{CausalNumber{1}, CausalNumber{kBig}, CausalNumber{0}});
  message.stamp = LamportStamp{kBig};
  message.predecessor = MessageNumber{1};
  message.after = MessageNumber{2};
  message.session = SessionId{kBig};
  message.destination = {GroupKey{kBig}, Epoch{4}, SendNumber{5}};
  message.more_destinations = {{GroupKey{6}, Epoch{7}, SendNumber{8}},
                               {GroupKey{9}, Epoch{kBig}, SendNumber{kBig}}};
  message.to = ProcessKey{Incarnation{kBig}, SessionId{1}};
  message.chunks = 1023;
  message.sender_name = "alice";
  message.payload = bytes(100);
  return message;
}

inline protocol::StampedMessage plain_message(std::uint64_t number) {
  protocol::StampedMessage message;
  message.number = MessageNumber{number};
  message.order = Order::kReliable;
  message.destination.group = GroupKey{1};
  return message;
}

inline protocol::StampedMessage chunk_message() {
  protocol::StampedMessage message = plain_message(4);
  message.kind = protocol::MessageKind::kChunk;
  message.payload = bytes(protocol::kChunkBytesMax);
  return message;
}

inline protocol::StampedMessage join_message() {
  protocol::StampedMessage message = full_message();
  message.kind = protocol::MessageKind::kJoin;
  message.number = MessageNumber{5};
  message.more_destinations.clear();
  message.to.reset();
  message.chunks = 0;
  message.payload = {};
  message.control = protocol::ControlBody{.group_name = "räum",
                                          .options = {.flush = true, .uniform = true},
                                          .joins = 0xFFFFFFFF,
                                          .reason = LeaveReason::kLeave};
  return message;
}

inline protocol::StampedMessage leave_message() {
  protocol::StampedMessage message = full_message();
  message.kind = protocol::MessageKind::kLeave;
  message.number = MessageNumber{6};
  message.control = protocol::ControlBody{};
  message.control->reason = LeaveReason::kEvicted;
  return message;
}

inline protocol::StampedMessage closing_message() {
  protocol::StampedMessage message = plain_message(kBig);
  message.kind = protocol::MessageKind::kClosing;
  message.destination = {};
  message.closes = OrderNumber{kBig};
  return message;
}

inline protocol::MessagePointer share(protocol::StampedMessage message) {
  return std::make_shared<const protocol::StampedMessage>(std::move(message));
}

// Every kind of message; the first three share one vector time, the next has another one.
inline std::vector<protocol::MessagePointer> messages() {
  protocol::StampedMessage first = full_message();
  protocol::StampedMessage unordered = plain_message(4);
  protocol::StampedMessage second = full_message();
  second.context = first.context;
  second.number = MessageNumber{5};
  protocol::StampedMessage join = join_message();
  join.number = MessageNumber{6};
  protocol::StampedMessage leave = leave_message();
  leave.number = MessageNumber{7};
  return {share(first), share(unordered), share(second),
          share(join),  share(leave),     share(closing_message())};
}

inline std::vector<protocol::PeerBody> peer_bodies() {
  using namespace protocol;
  Batch batch{messages(),
              OrderNumber{0xFFFFFFFFFFFFFFFE},
              {{0, MessageNumber{1}}, {63, MessageNumber{kBig}}},
              progress()};
  Nack nack{
      {{1, {MessageNumber{2}, MessageNumber{2}}}, {63, {MessageNumber{}, MessageNumber{kBig}}}},
      OrderNumber{3},
      OrderNumber{kBig}};
  State state{.ballot = ballot(),
              .living = true,
              .accepted = AcceptedValue{ballot(), view_change_value()},
              .held = {MessageNumber{1}, MessageNumber{kBig}},
              .first_place = OrderNumber{1},
              .places = {{1, MessageNumber{2}}},
              .delivered = OrderNumber{kBig},
              .hears = {Incarnation{1}, Incarnation{kBig}},
              .leaving = true,
              .address = "tcp://127.0.0.1:4870",
              .claim = primary_claim(),
              .since = Incarnation{kBig}};
  std::vector<GroupEntry> groups{
      {"room", {.flush = true, .uniform = true}, group_view_id(), {{process(1), 2}}},
      {"other", {}, {}, {}}};
  return {
      batch,
      Batch{},
      nack,
      Nack{},
      Repair{63, {share(full_message()), share(plain_message(1)), share(leave_message())}},
      Repair{0, {share(chunk_message())}},
      Repair{},
      Heartbeat{progress(), {Incarnation{1}, Incarnation{kBig}}, true},
      Heartbeat{},
      Beacon{"tcp://127.0.0.1:4870",
             true,
             daemon_view(),
             {Incarnation{kBig}},
             BeaconNumber{kBig},
             {BeaconNumber{kBig}},
             /*partitionable=*/true},
      Beacon{},
      Prepare{ballot()},
      Prepare{},
      state,
      State{},
      BallotRefused{ballot()},
      Propose{ballot(), view_change_value()},
      Propose{{}, least_value()},
      Accept{ballot()},
      Install{view_change_value(), groups, Incarnation{kBig}},
      Install{least_value(), std::vector<GroupEntry>{}, {}},
      Install{least_value(), {}, {}},
      InstallRequest{},
  };
}

inline protocol::FrameHeader header() {
  return {.cluster = kBig, .lineage = Incarnation{kBig}, .sender = daemon_id(1), .view = view_id()};
}

inline protocol::PeerFrame peer_frame(protocol::PeerBody body) {
  return {header(), std::move(body)};
}

// A small frame with a bit of everything.
inline protocol::PeerFrame batch_frame() {
  using namespace protocol;
  return peer_frame(Batch{{share(full_message()), share(join_message())},
                          OrderNumber{7},
                          {{0, MessageNumber{1}}},
                          progress()});
}

inline protocol::DurableRecord record() {
  return {daemon_view(), ballot(), protocol::AcceptedValue{ballot(), view_change_value()},
          Incarnation{kBig}, primary_claim()};
}

}  // namespace groupcomm::wire::samples
