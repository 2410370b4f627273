#include "daemon/host/client_batches.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

using protocol::DaemonMessage;

const SessionId kA{1};
const SessionId kB{2};
const SessionId kC{3};

DaemonMessage accepted(std::uint64_t request) { return protocol::Accepted{RequestId{request}}; }

DaemonMessage delivery(std::size_t size) {
  protocol::Deliver deliver;
  deliver.group = GroupKey{1};
  deliver.sender_rank = 0;
  deliver.number = SendNumber{1};
  deliver.payload = Payload::copy_of(std::string(size, 'x'));
  return deliver;
}

// A message that tells itself apart.
protocol::Deliver numbered(std::uint64_t number) {
  protocol::Deliver deliver;
  deliver.group = GroupKey{1};
  deliver.sender_rank = 0;
  deliver.number = SendNumber{number};
  return deliver;
}

void deliver(ClientBatches& batches, const SessionList& sessions, protocol::Deliver delivery,
             std::vector<Payload> chunks = {}) {
  DeliverMessage message;
  message.sessions = sessions;
  message.delivery = std::move(delivery);
  message.chunks = std::move(chunks);
  batches.add(std::move(message));
}

SessionList list(const std::vector<SessionId>& sessions) { return sessions; }

// What each session is sent, frame by frame.
std::map<SessionId, std::vector<DaemonMessage>> contents(
    const std::vector<ClientBatches::Frame>& frames) {
  std::map<SessionId, std::vector<DaemonMessage>> result;
  for (const ClientBatches::Frame& frame : frames) {
    const auto messages = wire::decode_daemon_messages(frame.bytes).value();
    for (const SessionId session : frame.sessions) {
      auto& all = result[session];
      all.insert(all.end(), messages.begin(), messages.end());
    }
  }
  return result;
}

using Messages = std::vector<DaemonMessage>;

TEST(ClientBatches, PutAllMessagesOfASessionIntoOneFrame) {
  ClientBatches batches;
  batches.add(kA, accepted(1));
  batches.add(kA, accepted(2));
  batches.add(kB, accepted(3));
  const auto frames = batches.take_all();
  EXPECT_EQ(frames.size(), 2u);
  const auto sent = contents(frames);
  EXPECT_EQ(sent.at(kA), (Messages{accepted(1), accepted(2)}));
  EXPECT_EQ(sent.at(kB), (Messages{accepted(3)}));
  EXPECT_TRUE(batches.take_all().empty());
}

TEST(ClientBatches, CutALargePayloadIntoFramesOfModerateSize) {
  ClientBatches batches;
  const std::vector<Payload> chunks(400, Payload::copy_of(std::string(64u << 10, 'x')));
  deliver(batches, list({kA, kB}), numbered(1), chunks);
  const auto frames = batches.take_full();
  for (const ClientBatches::Frame& frame : frames) {
    EXPECT_LE(frame.bytes.size(), 2 * ClientBatches::kBatchBytesMax);
  }
  Messages parts(400, protocol::DeliverChunk{chunks.front()});
  parts.emplace_back(numbered(1));
  EXPECT_EQ(contents(frames).at(kB), parts);
}

TEST(ClientBatches, CutManyLargeViewsIntoFramesOfModerateSize) {
  protocol::ViewChanged changed{"room", {}};
  for (std::uint64_t session = 1; session <= 2000; ++session) {
    const ProcessId process{"somebody", "host", {Incarnation{1}, SessionId{session}}};
    changed.view.members.push_back({process, 1});
    changed.view.transitional.push_back(process);
  }
  ClientBatches batches;
  for (int group = 0; group < 100; ++group) batches.add(kA, changed);
  const auto frames = batches.take_all();
  EXPECT_EQ(contents(frames)[kA].size(), 100u);
  for (const auto& frame : frames) {
    EXPECT_LE(frame.bytes.size(), 2 * ClientBatches::kBatchBytesMax);
  }
}

TEST(ClientBatches, EncodeWhatIsTheSameForSeveralOnce) {
  ClientBatches batches;
  const SessionList all = list({kA, kB, kC});
  deliver(batches, all, numbered(1));
  deliver(batches, all, numbered(2));
  deliver(batches, list({kC, kB, kA}), numbered(3));
  const auto frames = batches.take_all();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].sessions, (std::vector<SessionId>{kA, kB, kC}));
  EXPECT_EQ(contents(frames).at(kC), (Messages{numbered(1), numbered(2), numbered(3)}));
}

TEST(ClientBatches, PartWhereMessagesDiffer) {
  ClientBatches batches;
  const SessionList all = list({kA, kB, kC});
  deliver(batches, all, numbered(1));
  batches.add(kB, accepted(2));
  deliver(batches, all, numbered(3));
  deliver(batches, all, numbered(4));
  const auto frames = batches.take_all();
  EXPECT_EQ(frames.size(), 2u);
  const auto sent = contents(frames);
  EXPECT_EQ(sent.at(kA), (Messages{numbered(1), numbered(3), numbered(4)}));
  EXPECT_EQ(sent.at(kB), (Messages{numbered(1), accepted(2), numbered(3), numbered(4)}));
  EXPECT_EQ(sent.at(kC), (Messages{numbered(1), numbered(3), numbered(4)}));
}

TEST(ClientBatches, GoOnWhereTheyWereTakenOrDropped) {
  ClientBatches batches;
  const SessionList both = list({kA, kB});
  deliver(batches, both, numbered(1));
  EXPECT_EQ(contents(batches.take_all()).at(kB), (Messages{numbered(1)}));
  deliver(batches, both, numbered(2));
  batches.drop(kA);
  deliver(batches, both, numbered(3));
  const auto sent = contents(batches.take_all());
  EXPECT_EQ(sent.at(kA), (Messages{numbered(3)}));
  EXPECT_EQ(sent.at(kB), (Messages{numbered(2), numbered(3)}));
}

TEST(ClientBatches, LetNewSessionsShareAmongThemselves) {
  ClientBatches batches;
  batches.add(kA, accepted(1));
  deliver(batches, list({kA, kB, kC}), numbered(2));
  const auto frames = batches.take_all();
  EXPECT_EQ(frames.size(), 2u);
  EXPECT_EQ(contents(frames).at(kA), (Messages{accepted(1), numbered(2)}));
  EXPECT_EQ(contents(frames).at(kB), (Messages{numbered(2)}));
}

TEST(ClientBatches, AreSentWhenTheyAreFull) {
  ClientBatches batches;
  batches.add(kB, accepted(1));
  const std::size_t quarter = ClientBatches::kBatchBytesMax / 4 - 200;
  for (int i = 0; i < 4; ++i) batches.add(kA, delivery(quarter));
  EXPECT_TRUE(batches.take_full().empty());
  batches.add(kA, delivery(1000));
  const auto full = batches.take_full();
  ASSERT_EQ(full.size(), 1u);
  EXPECT_EQ(contents(full).at(kA).size(), 5u);
  EXPECT_TRUE(batches.take_full().empty());
  EXPECT_EQ(contents(batches.take_all()).count(kA), 0u);
}

TEST(ClientBatches, AreTakenForOneSession) {
  ClientBatches batches;
  batches.add(kA, accepted(1));
  batches.add(kB, accepted(2));
  EXPECT_EQ(contents(batches.take(kA)).at(kA), (Messages{accepted(1)}));
  EXPECT_TRUE(batches.take(kA).empty());
  EXPECT_EQ(contents(batches.take_all()).at(kB), (Messages{accepted(2)}));
}

TEST(ClientBatches, ForgetALostSession) {
  ClientBatches batches;
  deliver(batches, list({kA, kB}), numbered(1));
  batches.drop(kA);
  batches.drop(kC);
  batches.add(kA, accepted(2));
  const auto sent = contents(batches.take_all());
  EXPECT_EQ(sent.at(kA), (Messages{accepted(2)}));
  EXPECT_EQ(sent.at(kB), (Messages{numbered(1)}));
}

TEST(ClientBatches, ForgetTheLastSessionOfAFullList) {
  ClientBatches batches;
  batches.add(kA, delivery(ClientBatches::kBatchBytesMax));
  batches.drop(kA);
  EXPECT_TRUE(batches.take_full().empty());
  EXPECT_TRUE(batches.take_all().empty());
}

// Lists are used again: one that was full, and whose session was closed before it was sent for
// that.
TEST(ClientBatches, KnowNothingOfWhatWasInAListBefore) {
  ClientBatches batches;
  for (int i = 0; i < 16; ++i) batches.add(kA, delivery(ClientBatches::kBatchBytesMax / 16));
  EXPECT_EQ(contents(batches.take(kA))[kA].size(), 16u);
  batches.add(kB, accepted(1));
  batches.add(kC, accepted(2));
  auto sent = contents(batches.take_full());
  for (auto& [session, messages] : contents(batches.take_all())) sent[session] = messages;
  EXPECT_EQ(sent, (std::map<SessionId, Messages>{{kB, {accepted(1)}}, {kC, {accepted(2)}}}));
}

}  // namespace
}  // namespace groupcomm::daemon
