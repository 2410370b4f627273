// What is decoded is what was encoded.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <type_traits>

#include "groupcomm/wire/codec.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

using protocol::Batch;
using protocol::MessagePointer;
using protocol::PeerBody;
using protocol::PeerFrame;
using protocol::Repair;
using protocol::StampedMessage;

// Where frames lie in memory must not matter: the same bytes at an address of any remainder.
Payload at_remainder(const Payload& frame, std::size_t remainder) {
  std::string room(remainder, 'x');
  room += frame.text();
  return Payload::copy_of(room).slice(remainder, frame.size());
}

void expect_same(const StampedMessage& a, const StampedMessage& b) {
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.uniform, b.uniform);
  EXPECT_EQ(a.self_discard, b.self_discard);
  EXPECT_EQ(a.notify_safe, b.notify_safe);
  EXPECT_EQ(a.causal_number, b.causal_number);
  ASSERT_EQ(a.context == nullptr, b.context == nullptr);
  if (a.context != nullptr) {
    EXPECT_EQ(*a.context, *b.context);
  }
  EXPECT_EQ(a.stamp, b.stamp);
  EXPECT_EQ(a.predecessor, b.predecessor);
  EXPECT_EQ(a.after, b.after);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.destination, b.destination);
  EXPECT_EQ(a.more_destinations, b.more_destinations);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.chunks, b.chunks);
  EXPECT_EQ(a.sender_name, b.sender_name);
  EXPECT_EQ(a.closes, b.closes);
  EXPECT_EQ(a.control, b.control);
  EXPECT_EQ(a.payload, b.payload);
}

void expect_same(const std::vector<MessagePointer>& a, const std::vector<MessagePointer>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) expect_same(*a[i], *b[i]);
}

void expect_same(const Batch& a, const Batch& b) {
  expect_same(a.messages, b.messages);
  EXPECT_EQ(a.first_place, b.first_place);
  EXPECT_EQ(a.places, b.places);
  EXPECT_EQ(a.progress, b.progress);
}

void expect_same(const Repair& a, const Repair& b) {
  EXPECT_EQ(a.original, b.original);
  expect_same(a.messages, b.messages);
}

template <typename Body>
void expect_same(const Body& a, const Body& b) {
  EXPECT_EQ(a, b);
}

void expect_round_trip(const PeerFrame& frame) {
  for (std::size_t remainder = 0; remainder < 8; ++remainder) {
    const auto decoded = decode_peer_frame(at_remainder(encode(frame), remainder));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value().header, frame.header);
    ASSERT_EQ(decoded.value().body.index(), frame.body.index());
    std::visit(
        [&](const auto& body) {
          expect_same(body, std::get<std::decay_t<decltype(body)>>(decoded.value().body));
        },
        frame.body);
  }
}

// Samples must not forget an alternative.
template <typename Variant>
void expect_all_alternatives(const std::vector<Variant>& samples) {
  std::set<std::size_t> seen;
  for (const auto& sample : samples) seen.insert(sample.index());
  EXPECT_EQ(seen.size(), std::variant_size_v<Variant>);
}

TEST(Codec, ReturnsEveryClientMessage) {
  const auto messages = samples::client_messages();
  expect_all_alternatives(messages);
  for (const auto& message : messages) {
    const std::vector<protocol::ClientMessage> one{message};
    const auto decoded = decode_client_messages(encode(one));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value(), one) << "alternative " << message.index();
  }
}

TEST(Codec, ReturnsAListOfClientMessagesInOrder) {
  const auto messages = samples::client_messages();
  for (std::size_t remainder = 0; remainder < 8; ++remainder) {
    const auto decoded = decode_client_messages(at_remainder(encode(messages), remainder));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value(), messages);
  }
}

TEST(Codec, ReturnsEveryDaemonMessage) {
  const auto messages = samples::daemon_messages();
  expect_all_alternatives(messages);
  for (const auto& message : messages) {
    const std::vector<protocol::DaemonMessage> one{message};
    const auto decoded = decode_daemon_messages(encode(one));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value(), one) << "alternative " << message.index();
  }
}

TEST(Codec, ReturnsAListOfDaemonMessagesInOrder) {
  const auto messages = samples::daemon_messages();
  for (std::size_t remainder = 0; remainder < 8; ++remainder) {
    const auto decoded = decode_daemon_messages(at_remainder(encode(messages), remainder));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value(), messages);
  }
}

TEST(Codec, ReturnsEmptyLists) {
  const auto from_client = decode_client_messages(encode(std::vector<protocol::ClientMessage>{}));
  ASSERT_TRUE(from_client.ok()) << from_client.error();
  EXPECT_TRUE(from_client.value().empty());
  const auto from_daemon = decode_daemon_messages(encode(std::vector<protocol::DaemonMessage>{}));
  ASSERT_TRUE(from_daemon.ok()) << from_daemon.error();
  EXPECT_TRUE(from_daemon.value().empty());
}

TEST(Codec, ReturnsEveryEnumerator) {
  std::vector<protocol::DaemonMessage> messages;
  for (int i = 0; i <= static_cast<int>(Order::kSafe); ++i) {
    messages.emplace_back(
        protocol::Deliver{GroupKey{1}, 0, {}, SendNumber{1}, static_cast<Order>(i), {}});
  }
  for (int i = 0; i <= static_cast<int>(RejectReason::kBadOption); ++i) {
    messages.emplace_back(
        protocol::Rejected{RequestId{1}, GroupKey{1}, static_cast<RejectReason>(i)});
  }
  for (int i = 0; i <= static_cast<int>(GoneReason::kDaemonLost); ++i) {
    messages.emplace_back(protocol::Gone{GroupKey{1}, static_cast<GoneReason>(i)});
  }
  GroupView view = samples::group_view();
  view.left.clear();
  for (int i = 0; i <= static_cast<int>(LeaveReason::kEvicted); ++i) {
    view.left.push_back({samples::process(1), static_cast<LeaveReason>(i)});
  }
  messages.emplace_back(protocol::WatchedView{"room", view});
  const auto decoded = decode_daemon_messages(encode(messages));
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_EQ(decoded.value(), messages);
}

TEST(Codec, ReturnsEveryPeerFrame) {
  const auto bodies = samples::peer_bodies();
  expect_all_alternatives(bodies);
  for (const PeerBody& body : bodies) {
    SCOPED_TRACE("alternative " + std::to_string(body.index()));
    expect_round_trip(samples::peer_frame(body));
  }
}

TEST(Codec, ReturnsAHeaderOfADaemonWithoutAView) {
  expect_round_trip({{.cluster = 0, .lineage = {}, .sender = {"d", Incarnation{1}}, .view = {}},
                     protocol::InstallRequest{}});
}

TEST(Codec, ReturnsTheDurableRecord) {
  for (const auto& record : {samples::record(), protocol::DurableRecord{}}) {
    const auto decoded = decode_durable_record(encode(record));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    EXPECT_EQ(decoded.value(), record);
  }
}

TEST(Codec, SharesVectorTimesBetweenMessages) {
  const auto decoded =
      decode_peer_frame(encode(samples::peer_frame(Batch{samples::messages(), {}, {}, {}})));
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  const auto& messages = std::get<Batch>(decoded.value().body).messages;
  EXPECT_EQ(messages[1]->context, nullptr);
  EXPECT_EQ(messages[0]->context, messages[2]->context);
  EXPECT_NE(messages[0]->context, messages[3]->context);
}

TEST(Codec, SharesTheFrameWithPayloads) {
  const Payload frame = encode(samples::batch_frame());
  const auto decoded = decode_peer_frame(frame);
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  const Payload& payload = std::get<Batch>(decoded.value().body).messages[0]->payload;
  EXPECT_GE(payload.data(), frame.data());
  EXPECT_LE(payload.data() + payload.size(), frame.data() + frame.size());
}

TEST(Codec, KeepsPayloadsWhenTheFrameIsGone) {
  MessagePointer message;
  {
    auto decoded = decode_peer_frame(encode(samples::batch_frame()));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    message = std::get<Batch>(decoded.value().body).messages[0];
  }
  expect_same(*message, samples::full_message());
}

// More than any estimate of the encoder: the frame is then put together out of several parts.
TEST(Codec, ReturnsFramesThatAreLargerThanExpected) {
  protocol::GroupsReply reply;
  protocol::Install install{samples::least_value(), std::vector<protocol::GroupEntry>{}};
  for (std::uint64_t i = 0; i < 300; ++i) {
    protocol::GroupStatus status{std::string(255, 'g'), samples::group_view_id(), {}, {}};
    for (std::uint64_t j = 0; j < 20; ++j) status.members.push_back(samples::process(j));
    install.groups->push_back({status.name, {}, status.view, {}});
    for (const auto& member : status.members) install.groups->back().members.push_back({member, 1});
    reply.groups.push_back(std::move(status));
  }
  const std::vector<protocol::DaemonMessage> messages{reply};
  const auto decoded = decode_daemon_messages(encode(messages));
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_EQ(decoded.value(), messages);
  expect_round_trip(samples::peer_frame(install));
}

TEST(Codec, ReturnsALargeBatch) {
  Batch batch;
  for (std::uint64_t i = 1; i <= 16000; ++i) {
    StampedMessage message = i % 2 == 0 ? samples::full_message() : samples::plain_message(i);
    message.number = MessageNumber{i};
    batch.messages.push_back(samples::share(std::move(message)));
  }
  const auto decoded = decode_peer_frame(encode(samples::peer_frame(batch)));
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  expect_same(std::get<Batch>(decoded.value().body), batch);
}

}  // namespace
}  // namespace groupcomm::wire
