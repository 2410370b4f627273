// Runs: messages that are written as one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "groupcomm/wire/codec.h"
#include "tests/wire/raw_frame.h"
#include "tests/wire/samples.h"

namespace groupcomm::wire {
namespace {

using namespace protocol;  // the tests name nearly all of it

Payload payload(std::size_t size) { return Payload::copy_of(std::string(size, 'p')); }

// --- clients -------------------------------------------------------------------------------------

Multicast next(const Multicast& before) {
  Multicast multicast = before;
  multicast.request = before.request.plus(1 + before.run.size());
  multicast.run.clear();
  return multicast;
}

Deliver next(const Deliver& before) {
  Deliver deliver = before;
  deliver.number = before.number.plus(1 + before.run.size());
  deliver.run.clear();
  return deliver;
}

template <typename T>
T run_of(T first, std::size_t count) {
  first.run.assign(count - 1, first.payload);
  return first;
}

// How a stream of one session goes on.
StampedMessage next(const StampedMessage& before) {
  StampedMessage message = before;
  ++message.number;
  ++message.stamp;
  ++message.destination.number;
  if (message.is_causal()) ++message.causal_number;
  if (message.order != Order::kReliable) message.predecessor = before.number;
  if (message.is_ordered()) message.after = before.number;
  return message;
}

Multicast first_multicast() {
  Multicast multicast;
  multicast.request = RequestId{7};
  multicast.group = GroupKey{5};
  multicast.order = Order::kCausal;
  multicast.payload = payload(64);
  return multicast;
}

Deliver first_delivery() {
  Deliver deliver;
  deliver.group = GroupKey{5};
  deliver.sender_rank = 3;
  deliver.number = SendNumber{9};
  deliver.payload = payload(64);
  return deliver;
}

template <typename T>
using Change = std::function<void(T&)>;

const std::vector<Change<Multicast>> kMulticastChanges = {
    [](Multicast& m) { ++m.request; },
    [](Multicast& m) { m.group = GroupKey{6}; },
    [](Multicast& m) {
      m.more_groups = {GroupKey{8}};
      m.views_seen.clear();
    },
    [](Multicast& m) { m.order = Order::kSafe; },
    [](Multicast& m) { m.self_discard = true; },
    [](Multicast& m) { m.notify_safe = true; },
    [](Multicast& m) {
      m.to = ProcessKey{Incarnation{1}, SessionId{2}};
    },
    [](Multicast& m) { m.views_seen.assign(1 + m.more_groups.size(), 4); },
    [](Multicast& m) { m.payload = Payload(); },
    [](Multicast& m) { m.payload = payload(8); },
    [](Multicast& m) { m.payload = payload(9); },
    [](Multicast& m) { m.payload = payload(kChunkBytesMax); },
};

const std::vector<Change<Deliver>> kDeliverChanges = {
    [](Deliver& d) { ++d.number; },
    [](Deliver& d) { d.group = GroupKey{6}; },
    [](Deliver& d) { d.sender_rank = 4; },
    [](Deliver& d) { d.sender = samples::process(1); },
    [](Deliver& d) { d.order = Order::kFifo; },
    [](Deliver& d) { d.report_soon = true; },
    [](Deliver& d) { d.payload = Payload(); },
    [](Deliver& d) { d.payload = payload(8); },
    [](Deliver& d) { d.payload = payload(9); },
    [](Deliver& d) { d.payload = payload(kChunkBytesMax); },
};

bool may_begin_run(const Multicast& m) {
  return m.more_groups.empty() && !m.to && m.views_seen.empty() &&
         m.payload.size() >= kRunPayloadMin;
}
bool may_begin_run(const Deliver& d) { return !d.sender && d.payload.size() >= kRunPayloadMin; }

// Makes a run of it at times, behind which comes `after`.
template <typename T>
void begin_run(T& first, T& after, std::mt19937_64& random) {
  if (!may_begin_run(first) || random() % 3 != 0) return;
  for (std::uint64_t i = 1 + random() % 20; i > 0; --i) {
    first.run.push_back(payload(kRunPayloadMin + random() % 100));
    after.count_on();
  }
}
void begin_run(StampedMessage&, StampedMessage&, std::mt19937_64&) {}

// A stream with runs, in which one message in five is changed, or in which the change stays.
template <typename Message, typename T>
std::vector<Message> stream_of(T message, const std::vector<Change<T>>& changes,
                               std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Message> messages;
  for (int i = 0; i < 60; ++i) {
    T told = message;
    if (random() % 5 == 0) {
      changes[random() % changes.size()](told);
      if (random() % 3 == 0) message = told;
    }
    message = next(message);
    begin_run(told, message, random);
    messages.emplace_back(told);
  }
  return messages;
}

TEST(CodecRuns, ReturnMulticastsAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto messages = stream_of<ClientMessage>(first_multicast(), kMulticastChanges, seed);
    const auto decoded = decode_client_messages(encode(messages));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    ASSERT_EQ(decoded.value(), messages) << seed;
  }
}

TEST(CodecRuns, ReturnDeliveriesAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto messages = stream_of<DaemonMessage>(first_delivery(), kDeliverChanges, seed);
    const auto decoded = decode_daemon_messages(encode(messages));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    ASSERT_EQ(decoded.value(), messages) << seed;
  }
}

TEST(CodecRuns, TakeLittleMoreThanTheirPayloads) {
  const std::vector<ClientMessage> multicasts{run_of(first_multicast(), 100)};
  const std::vector<DaemonMessage> deliveries{run_of(first_delivery(), 100)};
  EXPECT_LE(encode(multicasts).size(), 100 * (64 + 4) + 150u);
  EXPECT_LE(encode(deliveries).size(), 100 * (64 + 4) + 150u);
}

TEST(CodecRuns, HaveTheNextNumbers) {
  Deliver run = first_delivery();
  run.run = {payload(9), payload(10)};
  std::vector<Deliver> each;
  for_each_of_run(run, [&](const Deliver& deliver) { each.push_back(deliver); });
  ASSERT_EQ(each.size(), 3u);
  Deliver last = first_delivery();
  last.number = last.number.plus(2);
  last.payload = payload(10);
  EXPECT_EQ(each.front(), first_delivery());
  EXPECT_EQ(each.back(), last);
}

// --- what nobody would write ---------------------------------------------------------------------

// A run of two with 32 bytes each, whose sizes are said to be others.
std::string refusal_of_sizes(std::uint32_t first, std::uint32_t second) {
  Multicast multicast = first_multicast();
  multicast.payload = payload(32);
  const std::vector<ClientMessage> run{run_of(multicast, 2)};
  Words words = words_of_frame(encode(run));
  const auto sizes = std::find(words.begin(), words.end(), 32 | std::uint64_t{32} << 32);
  CHECK(sizes != words.end());
  *sizes = first | std::uint64_t{second} << 32;
  const auto decoded = decode_client_messages(frame_of(words));
  return decoded.ok() ? "accepted" : decoded.error();
}

TEST(CodecRuns, AreRefusedWhereTheirSizesDoNotMatch) {
  EXPECT_EQ(refusal_of_sizes(32, 32), "accepted");
  EXPECT_EQ(refusal_of_sizes(32, 8), "a run with a payload of less than 9 bytes");
  EXPECT_EQ(refusal_of_sizes(0, 32), "a run with a payload of less than 9 bytes");
  EXPECT_EQ(refusal_of_sizes(32, 33), "a run without all its payloads");
  EXPECT_EQ(refusal_of_sizes(33, 32), "a run without all its payloads");
  EXPECT_EQ(refusal_of_sizes(32, 24), "a run with more bytes than its messages have");
  EXPECT_EQ(refusal_of_sizes(70000, 32), "a payload of more than 64 KiB");
}

// A frame of these, with another count of them.
std::string refusal_of_count(const std::vector<DaemonMessage>& messages, std::uint32_t count) {
  Words words = words_of_frame(encode(messages));
  std::uint64_t& data = words[kClientPrefixWords + 1];
  CHECK(data >> 32 >= messages.size());
  data = (data & 0xFFFFFFFF) | std::uint64_t{count} << 32;
  const auto decoded = decode_daemon_messages(frame_of(words));
  return decoded.ok() ? "accepted" : decoded.error();
}

TEST(CodecRuns, AreRefusedWhereTheFrameCountsWrong) {
  const std::vector<DaemonMessage> run{run_of(first_delivery(), 2)};
  EXPECT_EQ(refusal_of_count(run, 2), "accepted");
  EXPECT_EQ(refusal_of_count(run, 3), "accepted");  // it is a bound only
  EXPECT_EQ(refusal_of_count(run, 1), "more messages than are counted");
  EXPECT_EQ(refusal_of_count(run, 100), "too many messages in one frame");
  EXPECT_EQ(refusal_of_count(run, ~std::uint32_t{0}), "too many messages in one frame");
}

TEST(CodecRuns, AreCountedWithTheMessagesBesideThem) {
  const Accepted accepted{RequestId{1}};
  const std::vector<DaemonMessage> told{run_of(first_delivery(), 2), accepted};
  EXPECT_EQ(refusal_of_count(told, 3), "accepted");
  EXPECT_EQ(refusal_of_count(told, 2), "more messages than are counted");
  const std::vector<DaemonMessage> many(16384, accepted);
  EXPECT_EQ(refusal_of_count(many, 0), "accepted");
  const std::vector<DaemonMessage> too_many(16385, accepted);
  EXPECT_EQ(refusal_of_count(too_many, 0), "too many messages in one frame");
}

// A run of so many, whose list of sizes is said to have others.
std::string refusal_of_length(std::uint64_t length, std::uint64_t said) {
  const std::vector<DaemonMessage> run{run_of(first_delivery(), length)};
  Words words = words_of_frame(encode(run));
  constexpr std::uint64_t kNumbers = 4;  // of 32 bits
  const auto sizes = std::find_if(words.begin(), words.end(), [&](std::uint64_t word) {
    return word >> 32 == (kNumbers | length << 3) && (word & 3) == 1;
  });
  CHECK(sizes != words.end());
  *sizes = (*sizes & 0xFFFFFFFF) | (kNumbers | said << 3) << 32;
  const auto decoded = decode_daemon_messages(frame_of(words));
  return decoded.ok() ? "accepted" : decoded.error();
}

TEST(CodecRuns, AreRefusedWhereTheyAreTooShortOrTooLong) {
  EXPECT_EQ(refusal_of_length(2, 2), "accepted");
  EXPECT_EQ(refusal_of_length(2, 1), "a run of too few or too many messages");
  EXPECT_EQ(refusal_of_length(4096, 4096), "accepted");
  EXPECT_EQ(refusal_of_length(4096, 4097), "a run of too few or too many messages");
}

TEST(CodecRuns, DoNotCountBeyondTheEndOfNumbers) {
  const std::string refusal = "a run without next numbers";
  Multicast multicast = first_multicast();
  multicast.request = RequestId{~std::uint64_t{0} - 1};
  const std::vector<ClientMessage> run{run_of(multicast, 2)};
  EXPECT_EQ(decode_client_messages(encode(run)).error(), refusal);
  Deliver deliver = first_delivery();
  deliver.number = SendNumber{~std::uint64_t{0} - 1};
  const std::vector<DaemonMessage> told{run_of(deliver, 2)};
  EXPECT_EQ(decode_daemon_messages(encode(told)).error(), refusal);
}

// --- stamped messages ----------------------------------------------------------------------------

const auto kContext = std::make_shared<const VectorTime>(VectorTime(3, CausalNumber{4}));

StampedMessage first_message(Order order) {
  StampedMessage message;
  message.number = MessageNumber{11};
  message.order = order;
  message.stamp = LamportStamp{21};
  if (message.is_causal()) {
    message.causal_number = CausalNumber{3};
    message.context = kContext;
  }
  message.session = SessionId{2};
  message.destination = {GroupKey{5}, Epoch{1}, SendNumber{31}};
  message.payload = payload(64);
  return message;
}

const std::vector<Change<StampedMessage>> kStampedChanges = {
    [](StampedMessage& m) { m.stamp = m.stamp.plus(3); },
    [](StampedMessage& m) { m.uniform = true; },
    [](StampedMessage& m) { m.self_discard = true; },
    [](StampedMessage& m) { m.notify_safe = true; },
    [](StampedMessage& m) { m.predecessor = MessageNumber{2}; },
    [](StampedMessage& m) { m.after = MessageNumber{1}; },
    [](StampedMessage& m) { m.session = SessionId{8}; },
    [](StampedMessage& m) { m.destination.group = GroupKey{6}; },
    [](StampedMessage& m) { m.destination.epoch = Epoch{2}; },
    [](StampedMessage& m) { ++m.destination.number; },
    [](StampedMessage& m) {
      m.more_destinations = {{GroupKey{9}, Epoch{}, SendNumber{1}}};
    },
    [](StampedMessage& m) {
      m.to = ProcessKey{Incarnation{1}, SessionId{2}};
    },
    [](StampedMessage& m) { m.sender_name = "somebody"; },
    [](StampedMessage& m) { m.chunks = 2; },
    [](StampedMessage& m) { m.payload = Payload(); },
    [](StampedMessage& m) { m.payload = payload(8); },
    [](StampedMessage& m) { m.payload = payload(1000); },
    [](StampedMessage& m) {
      if (m.is_causal()) m.context = std::make_shared<const VectorTime>(3, CausalNumber{5});
    },
    [](StampedMessage& m) {
      if (m.is_causal()) ++m.causal_number;
    },
    [](StampedMessage& m) {
      if (m.order == Order::kTotal) m.order = Order::kSafe;
    },
};

std::string text_of(const StampedMessage& m) {
  std::string text = to_string(m.number) + " " + to_string(m.order) + " " +
                     to_string(m.causal_number) + " " + to_string(m.stamp) + " " +
                     to_string(m.predecessor) + " " + to_string(m.after) + " " +
                     to_string(m.session) + " " + std::to_string(m.chunks) + " " + m.sender_name +
                     (m.uniform ? " u" : "") + (m.self_discard ? " d" : "") +
                     (m.notify_safe ? " n" : "") + (m.to ? " to" : "");
  const auto add = [&](const Destination& destination) {
    text += " " + to_string(destination.group) + "/" + to_string(destination.epoch) + "/" +
            to_string(destination.number);
  };
  add(m.destination);
  for (const Destination& destination : m.more_destinations) add(destination);
  if (m.context != nullptr) {
    for (const CausalNumber entry : *m.context) text += " c" + to_string(entry);
  }
  return text + " " + std::to_string(m.payload.size());
}

TEST(CodecRuns, ReturnStampedMessagesAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto order = static_cast<Order>(seed % 5);
    Batch batch;
    batch.messages.clear();
    for (auto& message : stream_of<StampedMessage>(first_message(order), kStampedChanges, seed)) {
      batch.messages.push_back(samples::share(std::move(message)));
    }
    const auto decoded = decode_peer_frame(encode(samples::peer_frame(batch)));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    const auto& returned = std::get<Batch>(decoded.value().body).messages;
    ASSERT_EQ(returned.size(), batch.messages.size());
    for (std::size_t i = 0; i < returned.size(); ++i) {
      ASSERT_EQ(text_of(*returned[i]), text_of(*batch.messages[i])) << seed;
      ASSERT_EQ(returned[i]->payload, batch.messages[i]->payload) << seed;
    }
  }
}

TEST(CodecRuns, OfStampedMessagesDoNotCountBeyondTheEndOfNumbers) {
  const std::vector<Change<StampedMessage>> changes = {
      [](StampedMessage& m) { m.number = MessageNumber{~std::uint64_t{0} - 1}; },
      [](StampedMessage& m) { m.stamp = LamportStamp{~std::uint64_t{0} - 1}; },
      [](StampedMessage& m) { m.causal_number = CausalNumber{~std::uint64_t{0} - 1}; },
      [](StampedMessage& m) { m.destination.number = SendNumber{~std::uint64_t{0} - 1}; },
  };
  for (const auto& change : changes) {
    StampedMessage message = first_message(Order::kTotal);
    change(message);
    Batch batch;
    batch.messages = {samples::share(StampedMessage(message)), samples::share(next(message))};
    EXPECT_EQ(decode_peer_frame(encode(samples::peer_frame(batch))).error(),
              "a run without next numbers");
  }
}

TEST(CodecRuns, OfStampedMessagesTakeLittleMoreThanTheirPayloads) {
  for (const Order order :
       {Order::kReliable, Order::kFifo, Order::kCausal, Order::kTotal, Order::kSafe}) {
    Batch batch;
    StampedMessage message = first_message(order);
    for (int i = 0; i < 100; ++i) {
      batch.messages.push_back(samples::share(StampedMessage(message)));
      message = next(message);
    }
    EXPECT_LE(encode(samples::peer_frame(batch)).size(), 100 * (64 + 4) + 700u) << to_string(order);
  }
}

}  // namespace
}  // namespace groupcomm::wire
