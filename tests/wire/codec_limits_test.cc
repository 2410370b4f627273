// Each limit of the protocol, broken once. The encoder does not judge, so it makes the bad frames.
#include <gtest/gtest.h>

#include <string>

#include "groupcomm/wire/codec.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

using namespace protocol;  // the tests name nearly all of it

constexpr auto kUint64Max = ~std::uint64_t{0};

std::string refusal(const ClientMessage& message) {
  const auto decoded = decode_client_messages(encode(std::vector<ClientMessage>{message}));
  return decoded.ok() ? "accepted" : decoded.error();
}
std::string refusal(const DaemonMessage& message) {
  const auto decoded = decode_daemon_messages(encode(std::vector<DaemonMessage>{message}));
  return decoded.ok() ? "accepted" : decoded.error();
}
std::string refusal(const PeerBody& body) {
  const auto decoded = decode_peer_frame(encode(samples::peer_frame(body)));
  return decoded.ok() ? "accepted" : decoded.error();
}
std::string refusal(const StampedMessage& message) {
  return refusal(PeerBody{Repair{0, {samples::share(message)}}});
}
std::string refusal(const ViewChangeValue& value) { return refusal(PeerBody{Install{value, {}}}); }

const std::string kLongName(kNameBytesMax + 1, 'n');

// --- names and texts -----------------------------------------------------------------------------

TEST(Codec, RejectsBadNamesOfClients) {
  EXPECT_EQ(refusal(ClientMessage{Hello{1, ""}}), "a name must not be empty");
  EXPECT_EQ(refusal(ClientMessage{Hello{1, kLongName}}),
            "a name must not be longer than 255 bytes");
  EXPECT_EQ(refusal(ClientMessage{Hello{1, "a\nb"}}), "a name must not hold control characters");
  EXPECT_EQ(refusal(ClientMessage{Hello{1, std::string("a\0b", 3)}}),
            "a name must not hold control characters");
  EXPECT_EQ(refusal(ClientMessage{Join{RequestId{1}, "", {}}}), "a name must not be empty");
  EXPECT_EQ(refusal(ClientMessage{Leave{RequestId{1}, "\xff"}}), "a name must be UTF-8");
  EXPECT_EQ(refusal(ClientMessage{BlockOk{RequestId{1}, ""}}), "a name must not be empty");
  EXPECT_EQ(refusal(ClientMessage{Watch{RequestId{1}, {"room", ""}}}), "a name must not be empty");
}

TEST(Codec, RejectsBadNamesOfDaemonsAndProcesses) {
  Welcome welcome;
  welcome.process = samples::process(1);
  welcome.process.daemon = "a/b";
  EXPECT_EQ(refusal(DaemonMessage{welcome}),
            "daemon: a name may hold only letters, digits, '.', '-' and '_'");
  welcome.process = samples::process(1);
  welcome.process.name.clear();
  EXPECT_EQ(refusal(DaemonMessage{welcome}), "a name must not be empty");
  EXPECT_EQ(refusal(DaemonMessage{WatchedView{"", {}}}), "a name must not be empty");
  EXPECT_EQ(refusal(DaemonMessage{GroupsReply{{}, {GroupStatus{}}}}), "a name must not be empty");
  PeerFrame frame = samples::batch_frame();
  frame.header.sender.name = ".hidden";
  EXPECT_EQ(decode_peer_frame(encode(frame)).error(), "daemon: a name must not start with '.'");
  EXPECT_EQ(refusal(PeerBody{Install{samples::least_value(), std::vector<GroupEntry>{{}}}}),
            "a name must not be empty");
}

TEST(Codec, RejectsTextsThatAreTooLong) {
  EXPECT_EQ(refusal(DaemonMessage{Refused{std::string(4096, 't')}}), "accepted");
  EXPECT_EQ(refusal(DaemonMessage{Refused{std::string(4097, 't')}}),
            "a text of 4097 bytes is too long");
  EXPECT_EQ(refusal(DaemonMessage{Disconnect{std::string(4097, 't')}}),
            "a text of 4097 bytes is too long");
  Beacon beacon;
  beacon.address = std::string(300, 'a');
  EXPECT_EQ(refusal(PeerBody{beacon}), "accepted");
  beacon.address += 'a';
  EXPECT_EQ(refusal(PeerBody{beacon}), "an address of 301 bytes is too long");
  State state;
  state.address = beacon.address;
  EXPECT_EQ(refusal(PeerBody{state}), "an address of 301 bytes is too long");
}

// --- enumerators ---------------------------------------------------------------------------------

TEST(Codec, RejectsUnknownEnumerators) {
  Multicast multicast;
  multicast.group = GroupKey{1};
  multicast.order = static_cast<Order>(5);
  EXPECT_EQ(refusal(ClientMessage{multicast}), "unknown order 5");
  EXPECT_EQ(refusal(DaemonMessage{Gone{GroupKey{1}, static_cast<GoneReason>(4)}}),
            "unknown gone reason 4");
  EXPECT_EQ(refusal(DaemonMessage{Rejected{{}, {}, static_cast<RejectReason>(9)}}),
            "unknown reject reason 9");
  StampedMessage message = samples::plain_message(1);
  message.kind = static_cast<MessageKind>(6);
  EXPECT_EQ(refusal(message), "unknown message kind 6");
  message = samples::leave_message();
  message.control->reason = static_cast<LeaveReason>(5);
  EXPECT_EQ(refusal(message), "unknown leave reason 5");
}

// --- client messages -----------------------------------------------------------------------------

TEST(Codec, RejectsPayloadsOfClientsThatAreTooLarge) {
  Multicast multicast;
  multicast.group = GroupKey{1};
  multicast.payload = samples::bytes(kChunkBytesMax);
  EXPECT_EQ(refusal(ClientMessage{multicast}), "accepted");
  multicast.payload = samples::bytes(kChunkBytesMax + 1);
  EXPECT_EQ(refusal(ClientMessage{multicast}), "a payload of more than 64 KiB");
  Deliver deliver;
  deliver.sender_rank = 0;
  deliver.payload = multicast.payload;
  EXPECT_EQ(refusal(DaemonMessage{deliver}), "a payload of more than 64 KiB");
}

TEST(Codec, RejectsChunksOfAnotherSize) {
  for (const std::size_t size : {std::size_t{0}, kChunkBytesMax - 1, kChunkBytesMax + 1}) {
    const Payload payload = samples::bytes(size);
    EXPECT_EQ(refusal(ClientMessage{MulticastChunk{payload}}), "a chunk that is not 64 KiB");
    EXPECT_EQ(refusal(DaemonMessage{DeliverChunk{payload}}), "a chunk that is not 64 KiB");
  }
}

TEST(Codec, RejectsBadListsOfGroups) {
  Multicast multicast;
  EXPECT_EQ(refusal(ClientMessage{multicast}), "a message for no group");
  multicast.group = GroupKey{1};
  multicast.more_groups = {GroupKey{2}, GroupKey{}};
  EXPECT_EQ(refusal(ClientMessage{multicast}), "a message for no group");
  multicast.more_groups = {GroupKey{2}, GroupKey{1}};
  EXPECT_EQ(refusal(ClientMessage{multicast}), "a message to one group twice");
  multicast.more_groups.clear();
  for (std::uint64_t i = 2; i <= kGroupsPerSendMax; ++i) {
    multicast.more_groups.push_back(GroupKey{i});
  }
  EXPECT_EQ(refusal(ClientMessage{multicast}), "accepted");
  multicast.more_groups.push_back(GroupKey{100});
  EXPECT_EQ(refusal(ClientMessage{multicast}), "too many groups: 64");
}

TEST(Codec, RejectsADeliveryFromNobody) {
  EXPECT_EQ(refusal(DaemonMessage{Deliver{}}), "a delivery from nobody");
}

TEST(Codec, RejectsAViewWithoutItsReceiver) {
  GroupView view = samples::group_view();
  view.my_rank = 3;
  EXPECT_EQ(refusal(DaemonMessage{ViewChanged{"room", view}}), "a view without its receiver");
  EXPECT_EQ(refusal(DaemonMessage{ViewChanged{"room", {}}}), "a view without its receiver");
}

TEST(Codec, RejectsAStatusWithTooManyDaemons) {
  DaemonStatus status = samples::daemon_status();
  status.members.resize(kDaemonsMax + 1, status.members[0]);
  EXPECT_EQ(refusal(DaemonMessage{StatusReply{RequestId{1}, status}}), "too many daemons: 65");
}

// --- stamped messages ----------------------------------------------------------------------------

TEST(Codec, RejectsStampedMessagesThatAreNotWhole) {
  StampedMessage message = samples::plain_message(0);
  EXPECT_EQ(refusal(message), "a message without a number");
  message = samples::plain_message(1);
  message.destination.group = GroupKey{};
  EXPECT_EQ(refusal(message), "a message for no group");
  message = samples::full_message();
  message.context = nullptr;
  EXPECT_EQ(refusal(message), "an ordered message without a vector time");
  message = samples::full_message();
  message.causal_number = CausalNumber{};
  EXPECT_EQ(refusal(message), "an ordered message without a vector time");
  message = samples::full_message();
  message.context = std::make_shared<const VectorTime>(kDaemonsMax + 1);
  EXPECT_EQ(refusal(message), "too many ranks: 65");
}

TEST(Codec, RejectsStampedPayloadsOfAWrongSize) {
  StampedMessage message = samples::plain_message(1);
  message.payload = samples::bytes(kChunkBytesMax + 1);
  EXPECT_EQ(refusal(message), "a payload of more than 64 KiB");
  message = samples::chunk_message();
  message.payload = samples::bytes(kChunkBytesMax - 1);
  EXPECT_EQ(refusal(message), "a chunk that is not 64 KiB");
  message.payload = {};
  EXPECT_EQ(refusal(message), "accepted");
  message = samples::plain_message(1);
  message.chunks = 1024;
  EXPECT_EQ(refusal(message), "too many chunks");
}

TEST(Codec, RejectsBadDestinations) {
  StampedMessage message = samples::full_message();
  message.more_destinations[1].group = message.destination.group;
  EXPECT_EQ(refusal(message), "a message to one group twice");
  message.more_destinations[1].group = GroupKey{};
  EXPECT_EQ(refusal(message), "a message for no group");
  message.more_destinations.assign(kGroupsPerSendMax, {GroupKey{1}, {}, {}});
  EXPECT_EQ(refusal(message), "too many destinations: 64");
  message = samples::full_message();
  message.sender_name = "\x7f";
  EXPECT_EQ(refusal(message), "a name must not hold control characters");
}

TEST(Codec, RejectsControlMessagesThatAreInconsistent) {
  const std::string no_body = "a control message without a body, or the body without the message";
  StampedMessage message = samples::join_message();
  message.control.reset();
  EXPECT_EQ(refusal(message), no_body);
  message = samples::plain_message(1);
  message.control = ControlBody{};
  EXPECT_EQ(refusal(message), no_body);
  message = samples::join_message();
  message.control->group_name.clear();
  EXPECT_EQ(refusal(message), "a join of no group");
  message.control->group_name = kLongName;
  EXPECT_EQ(refusal(message), "a name must not be longer than 255 bytes");
  message = samples::plain_message(1);
  message.closes = OrderNumber{1};
  EXPECT_EQ(refusal(message), "only a closing message closes");
}

// --- frames inside a view ------------------------------------------------------------------------

TEST(Codec, RejectsABatchWhoseNumbersDoNotRise) {
  const auto batch_of = [](std::uint64_t first, std::uint64_t second) {
    return PeerBody{Batch{{samples::share(samples::plain_message(first)),
                           samples::share(samples::plain_message(second))},
                          {},
                          {},
                          {}}};
  };
  EXPECT_EQ(refusal(batch_of(1, 3)), "accepted");
  EXPECT_EQ(refusal(batch_of(3, 3)), "a batch whose numbers do not rise");
  EXPECT_EQ(refusal(batch_of(4, 3)), "a batch whose numbers do not rise");
}

TEST(Codec, RejectsBadPlaces) {
  Batch batch;
  batch.places = {{0, MessageNumber{1}}, {0, MessageNumber{2}}};
  EXPECT_EQ(refusal(PeerBody{batch}), "places outside the order");
  batch.first_place = OrderNumber{kUint64Max};
  EXPECT_EQ(refusal(PeerBody{batch}), "places outside the order");
  batch.first_place = OrderNumber{kUint64Max - 1};
  EXPECT_EQ(refusal(PeerBody{batch}), "accepted");
  batch.places[0].number = MessageNumber{};
  EXPECT_EQ(refusal(PeerBody{batch}), "a reference to no message");
  batch.places[0] = {64, MessageNumber{1}};
  EXPECT_EQ(refusal(PeerBody{batch}), "no daemon has rank 64");
}

TEST(Codec, RejectsRangesThatEndBeforeTheyBegin) {
  Nack nack;
  nack.missing = {{0, {MessageNumber{2}, MessageNumber{1}}}};
  EXPECT_EQ(refusal(PeerBody{nack}), "a range that ends before it begins");
  nack.missing = {{64, {MessageNumber{1}, MessageNumber{1}}}};
  EXPECT_EQ(refusal(PeerBody{nack}), "no daemon has rank 64");
  nack.missing.clear();
  nack.first_place = OrderNumber{2};
  nack.last_place = OrderNumber{1};
  EXPECT_EQ(refusal(PeerBody{nack}), "places that end before they begin");
}

TEST(Codec, RejectsRanksThatNoDaemonHas) {
  EXPECT_EQ(refusal(PeerBody{Repair{64, {}}}), "no daemon has rank 64");
  EXPECT_EQ(refusal(PeerBody{Prepare{{1, 64, {}}}}), "no daemon has rank 64");
  Heartbeat heartbeat;
  heartbeat.progress.received.resize(kDaemonsMax);
  EXPECT_EQ(refusal(PeerBody{heartbeat}), "accepted");
  heartbeat.progress.received.resize(kDaemonsMax + 1);
  EXPECT_EQ(refusal(PeerBody{heartbeat}), "too many ranks: 65");
}

TEST(Codec, RejectsListsOfHeardDaemonsThatAreTooLong) {
  Heartbeat heartbeat;
  heartbeat.hears.resize(256);
  EXPECT_EQ(refusal(PeerBody{heartbeat}), "accepted");
  heartbeat.hears.resize(257);
  EXPECT_EQ(refusal(PeerBody{heartbeat}), "too many daemons heard: 257");
}

// --- frames between views ------------------------------------------------------------------------

TEST(Codec, RejectsBadViewsOfDaemons) {
  ViewChangeValue value;
  EXPECT_EQ(refusal(value), "a next view without members");
  value.next.members = {{samples::daemon_id(1), ""}, {samples::daemon_id(1), ""}};
  EXPECT_EQ(refusal(value), "a view with one daemon twice");
  value.next.members = {{{"seed-1", {}}, ""}, {{"seed-2", {}}, ""}};
  EXPECT_EQ(refusal(value), "accepted");
  value.next.members.clear();
  for (std::uint64_t i = 0; i < kDaemonsMax; ++i) {
    value.next.members.push_back({samples::daemon_id(i), ""});
  }
  EXPECT_EQ(refusal(value), "accepted");
  value.next.members.push_back({samples::daemon_id(kDaemonsMax), ""});
  EXPECT_EQ(refusal(value), "too many daemons: 65");
}

TEST(Codec, RejectsBadValuesOfAViewChange) {
  ViewChangeValue value = samples::least_value();
  value.cut.resize(kDaemonsMax + 1);
  EXPECT_EQ(refusal(value), "too many ranks: 65");
  value = samples::least_value();
  value.left.resize(kDaemonsMax + 1, {samples::daemon_id(1), LeaveReason::kCrash});
  EXPECT_EQ(refusal(value), "too many daemons that left: 65");
  value = samples::least_value();
  value.places = {{0, MessageNumber{1}}};
  EXPECT_EQ(refusal(value), "places outside the order");
  State state;
  state.held.resize(kDaemonsMax + 1);
  EXPECT_EQ(refusal(PeerBody{state}), "too many ranks: 65");
}

TEST(Codec, RejectsABadRecord) {
  DurableRecord record = samples::record();
  record.promised.proposer = 64;
  EXPECT_EQ(decode_durable_record(encode(record)).error(), "no daemon has rank 64");
}

}  // namespace
}  // namespace groupcomm::wire
