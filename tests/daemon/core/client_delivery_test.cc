// What members get: addressees, several groups, large payloads, and what a slow reader costs.
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/core/session_table.h"
#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using protocol::Deliver;
using protocol::Gone;
using protocol::Multicast;
using protocol::MulticastChunk;
using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Three daemons with a member each.
class ClientDeliveryTest : public ::testing::Test {
 protected:
  ClientDeliveryTest() { room.open(); }

  void say(std::size_t i, std::uint64_t session, protocol::ClientMessage message) {
    room.say(i, session, std::move(message));
    room.run_for(milliseconds(50));
  }
  std::vector<Texts> texts_of_all() {
    std::vector<Texts> texts;
    for (std::size_t i = 0; i < 3; ++i) texts.push_back(room.texts(i, 1));
    return texts;
  }

  Room room{3};
};

TEST_F(ClientDeliveryTest, NamesAMemberByItsRank) {
  say(1, 1, multicast(2, "hello", Order::kSafe));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto deliveries = room.heard_of<Deliver>(i, 1);
    ASSERT_EQ(deliveries.size(), 1u);
    const Deliver expected{.group = group_key("room"),
                           .sender_rank = 1,
                           .sender = std::nullopt,
                           .number = SendNumber{1},
                           .order = Order::kSafe,
                           .payload = Payload::copy_of("hello")};
    EXPECT_EQ(deliveries[0], expected);
  }
}

// What came to session 1 of node i, runs as they are.
std::vector<std::size_t> run_lengths(Room& room, std::size_t i) {
  std::vector<std::size_t> lengths;
  for (const Deliver& run : room.runs(i, 1)) lengths.push_back(1 + run.run.size());
  return lengths;
}

TEST_F(ClientDeliveryTest, TellsMessagesOfOneSenderAsARun) {
  std::vector<protocol::ClientMessage> sends;
  for (std::uint64_t i = 2; i < 12; ++i) sends.emplace_back(multicast(i, "123456789"));
  room.say_all(1, 1, sends);
  room.run_for(milliseconds(50));
  EXPECT_EQ(run_lengths(room, 0), std::vector<std::size_t>{10});
  EXPECT_EQ(room.texts(0, 1).size(), 10u);
}

TEST_F(ClientDeliveryTest, BeginsANewRunWhereMoreThanPayloadAndNumberIsAnother) {
  Multicast other = multicast(4, "123456789", Order::kFifo);
  Multicast quiet = multicast(6, "123456789");
  quiet.self_discard = true;
  room.say_all(
      1, 1,
      {multicast(2, "123456789"), multicast(3, "123456789"), other, multicast(5, "123456789"),
       quiet, multicast(7, "123456789"), multicast(8, "12345678"), multicast(9, "123456789")});
  room.run_for(milliseconds(50));
  const auto lengths = run_lengths(room, 0);
  EXPECT_EQ(std::count(lengths.begin(), lengths.end(), 1u), 6);
  EXPECT_EQ(lengths.size(), 7u);
}

TEST_F(ClientDeliveryTest, BoundsTheBytesOfARun) {
  std::vector<protocol::ClientMessage> sends;
  for (std::uint64_t i = 2; i < 12; ++i) sends.emplace_back(multicast(i, std::string(20000, 'x')));
  room.say_all(1, 1, sends);
  room.run_for(milliseconds(50));
  for (const std::size_t length : run_lengths(room, 0)) EXPECT_LE(length, 3u);
  EXPECT_EQ(room.texts(0, 1).size(), 10u);
}

TEST_F(ClientDeliveryTest, ServesARunOfSendsOneByOne) {
  Multicast run = multicast(2, "123456789");
  run.run.assign(9, run.payload);
  say(1, 1, run);
  EXPECT_EQ(room.texts(0, 1).size(), 10u);
  const auto accepted = room.heard_of<protocol::Accepted>(1, 1);
  ASSERT_FALSE(accepted.empty());
  EXPECT_EQ(accepted.back().up_to, RequestId{11});
}

TEST_F(ClientDeliveryTest, NamesASenderThatIsNoMemberInFull) {
  room.greet(1, 5);
  say(1, 5, multicast(1, "from outside"));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto deliveries = room.heard_of<Deliver>(i, 1);
    ASSERT_EQ(deliveries.size(), 1u);
    const Deliver expected{.group = group_key("room"),
                           .sender_rank = protocol::kNoRank,
                           .sender = room.process(1, 5),
                           .number = SendNumber{1},
                           .order = Order::kTotal,
                           .payload = Payload::copy_of("from outside")};
    EXPECT_EQ(deliveries[0], expected);
  }
  EXPECT_TRUE(room.texts(1, 5).empty());
}

TEST_F(ClientDeliveryTest, DeliversToOneMemberOnly) {
  Multicast private_word = multicast(2, "for you");
  private_word.to = room.process(2, 1).key;
  say(0, 1, private_word);
  EXPECT_EQ(texts_of_all(), (std::vector<Texts>{{}, {}, {"for you"}}));
}

TEST_F(ClientDeliveryTest, RejectsAnAddresseeThatIsNoMember) {
  room.greet(2, 5);
  Multicast private_word = multicast(2, "for you");
  private_word.to = room.process(2, 5).key;
  say(0, 1, private_word);
  const std::vector<protocol::Rejected> expected{
      {RequestId{2}, group_key("room"), RejectReason::kNotMember}};
  EXPECT_EQ(room.rejected(0, 1), expected);
  EXPECT_EQ(texts_of_all(), (std::vector<Texts>{{}, {}, {}}));
}

TEST_F(ClientDeliveryTest, SparesTheSenderThatDiscardsItsOwn) {
  room.enter(0, 2);
  Multicast quiet = multicast(2, "others only");
  quiet.self_discard = true;
  say(0, 1, quiet);
  EXPECT_EQ(texts_of_all(), (std::vector<Texts>{{}, {"others only"}, {"others only"}}));
  EXPECT_EQ(room.texts(0, 2), Texts{"others only"});
}

TEST_F(ClientDeliveryTest, DeliversAMessageToSeveralGroupsInEachOfThem) {
  say(1, 1, join(2, "other"));
  say(0, 1, multicast(2, "first"));
  Multicast both = multicast(3, "both");
  both.more_groups = {group_key("other")};
  say(0, 1, both);
  const auto deliveries = room.heard_of<Deliver>(1, 1);
  ASSERT_EQ(deliveries.size(), 3u);
  EXPECT_EQ(deliveries[1].group, group_key("room"));
  EXPECT_EQ(deliveries[1].number, SendNumber{2});
  EXPECT_EQ(deliveries[1].sender_rank, 0u);
  EXPECT_EQ(deliveries[2].group, group_key("other"));
  EXPECT_EQ(deliveries[2].number, SendNumber{1});
  EXPECT_EQ(deliveries[2].sender, room.process(0, 1));  // no member of that one
  EXPECT_EQ(room.texts(2, 1), (Texts{"first", "both"}));
}

TEST_F(ClientDeliveryTest, SendsToSeveralGroupsAllOrNothing) {
  Multicast both = multicast(2, "both");
  both.more_groups = {group_key("nowhere")};
  say(0, 1, both);
  const std::vector<protocol::Rejected> expected{
      {RequestId{2}, group_key("nowhere"), RejectReason::kNoSuchGroup}};
  EXPECT_EQ(room.rejected(0, 1), expected);
  say(0, 1, multicast(3, "next"));
  EXPECT_EQ(texts_of_all(), (std::vector<Texts>{{"next"}, {"next"}, {"next"}}));
  EXPECT_EQ(room.heard_of<Deliver>(1, 1)[0].number, SendNumber{1});
}

TEST_F(ClientDeliveryTest, DeliversOnlyTheMessagesOfOnesMembership) {
  say(0, 1, multicast(2, "before"));
  room.greet(2, 5);
  say(2, 5, join(1, "room"));
  say(0, 1, multicast(3, "within"));
  say(2, 5, leave(2, "room"));
  say(0, 1, multicast(4, "after"));
  EXPECT_EQ(room.texts(2, 5), Texts{"within"});
  EXPECT_EQ(room.texts(2, 1), (Texts{"before", "within", "after"}));
}

// --- large payloads ------------------------------------------------------------------------------

// The messages that carry a payload in chunks of so many letters each, and a last part.
std::vector<protocol::ClientMessage> in_chunks(std::uint64_t request, const std::string& letters,
                                               const std::string& rest) {
  std::vector<protocol::ClientMessage> messages;
  for (const char letter : letters) {
    messages.emplace_back(
        MulticastChunk{Payload::copy_of(std::string(protocol::kChunkBytesMax, letter))});
  }
  messages.emplace_back(multicast(request, rest, Order::kFifo));
  return messages;
}
std::string payload_of(const std::string& letters, const std::string& rest) {
  std::string payload;
  for (const char letter : letters) payload += std::string(protocol::kChunkBytesMax, letter);
  return payload + rest;
}

TEST_F(ClientDeliveryTest, CarriesALargePayloadInChunks) {
  room.say_all(0, 1, in_chunks(2, "abc", "end"));
  room.run_for(milliseconds(50));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(room.heard_of<protocol::DeliverChunk>(i, 1).size(), 3u);
    EXPECT_EQ(room.texts(i, 1), Texts{payload_of("abc", "end")});
  }
}

TEST_F(ClientDeliveryTest, TakesChunksThatComeInSeveralFrames) {
  auto messages = in_chunks(2, "ab", "end");
  for (auto& message : messages) say(0, 1, std::move(message));
  EXPECT_EQ(room.texts(1, 1), Texts{payload_of("ab", "end")});
}

TEST_F(ClientDeliveryTest, KeepsTheChunksOfTwoClientsApart) {
  room.enter(0, 2);
  const auto first = in_chunks(2, "ab", "1");
  const auto second = in_chunks(2, "cd", "2");
  for (std::size_t i = 0; i < 3; ++i) {
    room.say(0, 1, first[i]);
    room.say(0, 2, second[i]);
  }
  room.run_for(milliseconds(50));
  Texts texts = room.texts(1, 1);
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(texts, (Texts{payload_of("ab", "1"), payload_of("cd", "2")}));
}

TEST_F(ClientDeliveryTest, RejectsAPayloadOverTheLimitWithoutHarm) {
  const std::size_t most = kPayloadBytesMax / protocol::kChunkBytesMax;
  const Payload chunk = Payload::copy_of(std::string(protocol::kChunkBytesMax, 'x'));
  std::vector<protocol::ClientMessage> messages(most, MulticastChunk{chunk});
  messages.emplace_back(multicast(2, "too much"));
  messages.emplace_back(multicast(3, "small"));
  room.say_all(0, 1, messages);
  room.run_for(milliseconds(50));
  const std::vector<protocol::Rejected> expected{{RequestId{2}, GroupKey{}, RejectReason::kTooBig}};
  EXPECT_EQ(room.rejected(0, 1), expected);
  EXPECT_EQ(room.texts(1, 1), Texts{"small"});
}

TEST_F(ClientDeliveryTest, ThrowsOutAClientWhoseChunksNeverEnd) {
  const std::size_t most = kPayloadBytesMax / protocol::kChunkBytesMax;
  const Payload chunk = Payload::copy_of(std::string(protocol::kChunkBytesMax, 'x'));
  room.say_all(0, 1, std::vector<protocol::ClientMessage>(most + 1, MulticastChunk{chunk}));
  room.run_for(milliseconds(50));
  EXPECT_TRUE(room.is_closed(0, 1));
  EXPECT_EQ(room.names_in_view(1), (Texts{"c1", "c2"}));
}

TEST(ClientDelivery, SendsALargePayloadThroughAWindowOfOneMessage) {
  Room room(3);
  room.defaults().window_messages = 1;
  room.open();
  room.say_all(0, 1, in_chunks(2, "abc", "end"));
  room.say(0, 1, multicast(3, "next"));
  room.run_for(std::chrono::seconds(1));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(room.texts(i, 1), (Texts{payload_of("abc", "end"), "next"}));
  }
}

TEST(ClientDelivery, SendsALargePayloadAtOnceToNobodyElse) {
  Room room(1);
  room.defaults().window_messages = 1;
  room.open();
  room.say_all(0, 1, in_chunks(2, "abc", "end"));
  room.settle();
  EXPECT_EQ(room.texts(0, 1), Texts{payload_of("abc", "end")});
}

// Rule C5: what was stamped of the payload waits nowhere for the rest.
TEST(ClientDelivery, ForgetsThePartsOfAPayloadWhoseClientDied) {
  Room room(3);
  room.defaults().window_messages = 1;
  room.open();
  room.greet(0, 2);
  room.set_filter([](const auto&, const auto& to, const auto&) { return to != "d0"; });
  room.say_all(0, 2, in_chunks(2, "abc", "end"));
  room.settle();
  EXPECT_GT(room.counter(1, "messages_retained"), 0u);
  room.lose_client(0, 2);
  room.set_filter({});
  room.run_for(std::chrono::seconds(1));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(room.counter(i, "messages_retained"), 0u) << i;
    EXPECT_TRUE(room.texts(i, 1).empty());
  }
}

// Chunks that d0 has sent, and how many of them were empty (rule C5).
struct ChunksSent {
  std::size_t full = 0;
  std::size_t empty = 0;

  void count(const protocol::PeerBody& body) {
    const auto* batch = std::get_if<protocol::Batch>(&body);
    if (batch == nullptr) return;
    for (const auto& message : batch->messages) {
      if (message->kind != protocol::MessageKind::kChunk) continue;
      ++(message->payload.empty() ? empty : full);
    }
  }
};

TEST(ClientDelivery, LeavesNothingBehindOfALargeSendThatIsRejectedHalfWay) {
  Room room(2);
  room.defaults().window_messages = 4;
  room.open();
  room.greet(0, 5);
  room.say(0, 6, protocol::Hello{.name = "host of the hall"});
  room.say(0, 6, join(1, "hall"));
  room.run_for(milliseconds(50));
  ChunksSent sent;
  room.set_filter([&](const std::string& from, const std::string&, const auto& body) {
    if (from == "d0") sent.count(body);
    return true;
  });
  const std::string chunk(protocol::kChunkBytesMax, 'x');
  constexpr std::size_t kChunks = 100;
  for (std::size_t k = 0; k < kChunks; ++k) {
    room.say(0, 5, MulticastChunk{Payload::copy_of(chunk)});
  }
  room.say(0, 5, multicast(1, "the end", Order::kTotal, "hall"));
  room.lose_client(0, 6);  // the hall is empty before all parts are through the window
  room.run_for(milliseconds(100));
  EXPECT_EQ(room.rejected(0, 5), (std::vector<protocol::Rejected>{{RequestId{1}, group_key("hall"),
                                                                   RejectReason::kNoSuchGroup}}));
  EXPECT_GT(sent.full, 0u);
  EXPECT_LT(sent.full, kChunks);
  EXPECT_EQ(sent.empty, 1u);
  room.say(0, 5, MulticastChunk{Payload::copy_of(chunk)});
  room.say(0, 5, multicast(2, "whole"));
  room.run_for(milliseconds(100));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(room.texts(i, 1), Texts{chunk + "whole"});
}

TEST(ClientDelivery, SendsALargePayloadAgainThatAViewChangeCutInTwo) {
  Room room(3);
  room.defaults().window_messages = 4;
  room.open();
  ChunksSent sent;
  room.set_filter([&](const std::string& from, const std::string& to, const auto& body) {
    if (from == "d0" && to == "d1") sent.count(body);
    return true;
  });
  room.vanish(2);  // its acknowledgements are missing: the window stays full until it is out
  const std::string chunk(protocol::kChunkBytesMax, 'x');
  for (int k = 0; k < 10; ++k) room.say(0, 1, MulticastChunk{Payload::copy_of(chunk)});
  room.say(0, 1, multicast(2, "the end"));
  room.run_for(milliseconds(100));
  EXPECT_EQ(sent.full, 4u);
  room.run_for(std::chrono::seconds(5));
  EXPECT_EQ(room.names_in_view(0), (Texts{"c0", "c1"}));
  EXPECT_EQ(sent.full, 4u + 10u);
  std::string whole;
  for (int k = 0; k < 10; ++k) whole += chunk;
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(room.texts(i, 1), Texts{whole + "the end"});
}

TEST(ClientDelivery, SendsEverythingThroughAWindowOfOneMessage) {
  for (const auto engine : {TotalOrderEngine::kSequencer, TotalOrderEngine::kLamport}) {
    Room room(3, engine);
    room.defaults().window_messages = 1;
    room.open();
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::uint64_t k = 0; k < 10; ++k) {
        room.say(i, 1, multicast(2 + k, std::to_string(i), static_cast<Order>(k % 5)));
      }
    }
    room.run_for(std::chrono::seconds(5));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(room.texts(i, 1).size(), 30u);
  }
}

// --- slow readers --------------------------------------------------------------------------------

// Two daemons with a member each; 1000 bytes may wait for a client.
class SlowReaderTest : public ::testing::Test {
 protected:
  SlowReaderTest() {
    room.defaults().client_queue_bytes = 1000;
    room.open();
    for (std::size_t i = 0; i < 2; ++i) room.consume_all(i, 1);
  }
  // Sends so many messages that cost 100 bytes each; the sender reads.
  void send(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      room.say(0, 1, multicast(2 + sent, std::string(36, 'x')));
      room.run_for(milliseconds(20));
      ++sent;
      room.consume_all(0, 1);
    }
  }
  bool is_warned() {
    const auto& reports = room.reports(1);
    return std::any_of(reports.begin(), reports.end(), [](const Report& report) {
      return report.warning && report.text.find("reads slowly") != std::string::npos;
    });
  }

  Room room{2};
  std::uint64_t sent = 0;
};

TEST_F(SlowReaderTest, WarnsAtHalfOfTheLimit) {
  send(6);
  EXPECT_FALSE(is_warned());
  send(1);
  EXPECT_TRUE(is_warned());
}

TEST_F(SlowReaderTest, EvictsAboveTheLimit) {
  send(11);
  EXPECT_FALSE(room.is_closed(1, 1));
  send(1);
  EXPECT_TRUE(room.is_closed(1, 1));
  EXPECT_EQ(room.heard_of<Gone>(1, 1),
            (std::vector<Gone>{{group_key("room"), GoneReason::kEvicted}}));
  EXPECT_EQ(room.heard_of<protocol::Disconnect>(1, 1).size(), 1u);
  EXPECT_EQ(room.counter(1, "clients_evicted"), 1u);
  room.run_for(milliseconds(100));
  EXPECT_EQ(room.names_in_view(0), Texts{"c0"});
  EXPECT_EQ(room.last_view(0).left,
            (std::vector<Departed>{{room.process(1, 1), LeaveReason::kEvicted}}));
}

TEST_F(SlowReaderTest, KeepsAClientThatReads) {
  for (int round = 0; round < 5; ++round) {
    send(8);
    room.consume_all(1, 1);
  }
  EXPECT_FALSE(room.is_closed(1, 1));
  EXPECT_EQ(room.texts(1, 1).size(), 40u);
}

TEST_F(SlowReaderTest, WarnsAgainAfterItReadAgain) {
  send(7);
  room.consume_all(1, 1);
  send(7);
  std::size_t warnings = 0;
  for (const Report& report : room.reports(1)) warnings += report.warning ? 1 : 0;
  EXPECT_EQ(warnings, 2u);
}

TEST_F(SlowReaderTest, DoesNotCountTheLargestMessageUnderWay) {
  room.say(0, 1, multicast(2, std::string(2 << 20, 'x')));
  room.run_for(milliseconds(20));
  room.consume_all(0, 1);
  room.say(0, 1, multicast(3, "small"));
  room.run_for(milliseconds(20));
  EXPECT_FALSE(room.is_closed(1, 1));
  EXPECT_EQ(room.texts(1, 1).size(), 2u);
}

TEST_F(SlowReaderTest, CountsViewsToo) {
  room.greet(0, 2);
  for (std::uint64_t k = 0; k < 5 && !room.is_closed(1, 1); ++k) {
    room.say(0, 2, join(2 * k + 1, "room"));
    room.settle();
    for (const std::uint64_t session : {1u, 2u}) room.consume_all(0, session);
    room.say(0, 2, leave(2 * k + 2, "room"));
    room.settle();
    for (const std::uint64_t session : {1u, 2u}) room.consume_all(0, session);
  }
  EXPECT_TRUE(room.is_closed(1, 1));
  EXPECT_FALSE(room.is_closed(0, 1));
}

TEST_F(SlowReaderTest, CountsAnswersToQuestionsOfOneFrame) {
  const auto before = room.heard(1, 1).size();
  std::vector<protocol::ClientMessage> questions;
  for (std::uint64_t k = 0; k < 1000; ++k) {
    questions.emplace_back(protocol::GroupsQuery{RequestId{10 + k}});
  }
  room.say_all(1, 1, std::move(questions));
  EXPECT_TRUE(room.is_closed(1, 1));
  EXPECT_LT(room.heard(1, 1).size() - before, 30u);
}

TEST_F(SlowReaderTest, CountsRejections) {
  for (std::uint64_t k = 0; k < 20 && !room.is_closed(1, 1); ++k) {
    room.say(1, 1, multicast(10 + k, "x", Order::kTotal, "nowhere"));
    room.settle();
  }
  EXPECT_TRUE(room.is_closed(1, 1));
}

TEST_F(SlowReaderTest, IsShownInTheStatus) {
  const std::uint64_t before = room.counter(1, "client_bytes_waiting");
  send(3);
  EXPECT_EQ(room.counter(1, "client_bytes_waiting"), before + 300);
}

TEST_F(SlowReaderTest, IsTheFirstOfTheClientsInTheStatus) {
  room.greet(1, 7);
  room.consume_all(1, 7);
  send(3);
  const auto clients = room.status(1).clients;
  ASSERT_EQ(clients.size(), 2u);
  const protocol::ClientStatus slow{
      .process = room.process(1, 1), .groups = 1, .waiting_bytes = 300, .queued_requests = 0};
  EXPECT_EQ(clients[0], slow);
  EXPECT_EQ(clients[1].waiting_bytes, 0u);
}

// --- whom it was for is gone ---------------------------------------------------------------------

TEST_F(ClientDeliveryTest, TellsTheSenderWhenNobodyIsLeftInTheGroup) {
  room.greet(1, 5);
  say(0, 2, protocol::Hello{.name = "guest"});
  say(0, 2, join(1, "hall"));
  // Both are on their way at the same time; d0 gives its own leave the first place.
  room.say(0, 2, leave(2, "hall"));
  room.say(1, 5, multicast(1, "anybody?", Order::kTotal, "hall"));
  room.run_for(milliseconds(100));
  EXPECT_EQ(room.heard_of<protocol::Accepted>(1, 5).size(), 1u);
  EXPECT_EQ(room.heard_of<protocol::SendFail>(1, 5),
            (std::vector<protocol::SendFail>{{group_key("hall"), SendNumber{1}}}));
}

TEST_F(ClientDeliveryTest, TellsTheSenderWhenTheAddresseeIsGone) {
  Multicast private_word = multicast(2, "for you");
  private_word.to = room.process(0, 1).key;
  room.say(0, 1, leave(2, "room"));
  room.say(2, 1, private_word);
  room.run_for(milliseconds(100));
  EXPECT_EQ(texts_of_all(), (std::vector<Texts>{{}, {}, {}}));
  EXPECT_EQ(room.heard_of<protocol::SendFail>(2, 1),
            (std::vector<protocol::SendFail>{{group_key("room"), SendNumber{1}}}));
  EXPECT_TRUE(room.heard_of<protocol::SendFail>(1, 1).empty());
}

}  // namespace
}  // namespace groupcomm::daemon
