// E25: numbers are like others wherever they begin to count (rule P6).
#include <gtest/gtest.h>

#include <limits>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

constexpr std::uint64_t kTwoTo32 = std::uint64_t{1} << 32;
constexpr std::uint64_t kTwoTo62 = std::uint64_t{1} << 62;

// What a cluster of three has on its disks when all die in a view of this number, as a ballot of
// this round is under way.
protocol::DurableRecord record_of(std::size_t daemon, std::uint64_t counter, std::uint64_t round) {
  protocol::DurableRecord record;
  record.decided.id = {counter, Incarnation{1}, 1};
  record.decided.lineage = Incarnation{1};
  for (std::size_t i = 0; i < 3; ++i) {
    record.decided.members.push_back(
        {{Cluster::name(i), Incarnation{i + 1}}, "tcp://127.0.0.1:" + std::to_string(4000 + i)});
  }
  record.promised = {.round = round, .proposer = 0, .incarnation = Incarnation{1}};
  record.since = Incarnation{daemon + 1};
  return record;
}

Room room_behind(std::uint64_t counter, std::uint64_t round) {
  Room room(3);
  for (std::size_t i = 0; i < 3; ++i) room.set_record(i, record_of(i, counter, round));
  room.open();
  return room;
}

class LargeNumbers : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LargeNumbers, OfViewsAndBallotsAreLikeOthers) {
  const std::uint64_t first = GetParam();
  Room room = room_behind(first, first);
  EXPECT_EQ(room.last_view(0).id.daemon_view.counter, first + 1);
  for (std::uint64_t k = 0; k < 3; ++k) {
    room.kill(2);
    room.run_for(seconds(2));
    EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
    room.say(0, 1, multicast(2 + k, "t"));
    room.start(2);
    room.run_for(seconds(2));
    EXPECT_EQ(room.members(2), (Texts{"d0", "d1", "d2"}));
  }
  EXPECT_EQ(room.last_view(0).id.daemon_view.counter, first + 7);
  EXPECT_EQ(room.texts(1, 1), (Texts{"t", "t", "t"}));
}

INSTANTIATE_TEST_SUITE_P(Numbers, LargeNumbers,
                         testing::Values(kTwoTo32 - 3, kTwoTo32 - 1, std::uint64_t{1} << 53,
                                         kTwoTo62 - 7));

TEST(TheLastNumber, OfAViewIsTheEnd) {
  Room room = room_behind(kTwoTo62 - 1, 0);
  EXPECT_EQ(room.last_view(0).id.daemon_view.counter, kTwoTo62);
  room.kill(2);
  room.run_for(seconds(10));
  EXPECT_EQ(room.status(0).phase, "suspended");
  EXPECT_EQ(room.status(1).phase, "suspended");
}

TEST(LargeRequests, AreAcceptedAndAnsweredLikeOthers) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t first : {kTwoTo32 - 2, (std::uint64_t{1} << 63) - 2, last - 3}) {
    Room room(2);
    room.open();
    for (std::uint64_t k = 0; k < 4; ++k) room.say(0, 1, multicast(first + k, "t"));
    room.run_for(seconds(1));
    EXPECT_EQ(room.heard_of<protocol::Accepted>(0, 1).back().up_to, RequestId{first + 3});
    EXPECT_EQ(room.texts(1, 1).size(), 4u);
  }
}

TEST(LargeSessions, AreProcessesLikeOthers) {
  for (const std::uint64_t session : {kTwoTo32 - 1, kTwoTo32, std::uint64_t{1} << 63}) {
    Room room(2);
    room.open();
    room.enter(0, session);
    room.say(0, session, multicast(2, "t"));
    room.run_for(seconds(1));
    EXPECT_EQ(room.texts(1, 1), Texts{"t"});
    room.lose_client(0, session);
    room.run_for(seconds(1));
    EXPECT_EQ(room.names_in_view(1), (Texts{"c0", "c1"}));
  }
}

// Clocks begin anew with each view. Otherwise one that was driven far ahead would keep out all who
// come later, since a stamp that far ahead of the own clock is refused.
TEST(FarClock, KeepsNobodyOut) {
  Room room(2);
  room.open();
  room.run_for(seconds(1));
  protocol::PeerFrame frame = room.last_frame<protocol::Heartbeat>(1, 0);
  auto& progress = std::get<protocol::Heartbeat>(frame.body).progress;
  for (int step = 0; step < 3; ++step) {
    progress.clock = LamportStamp{progress.clock.value + (std::uint64_t{1} << 47)};
    room.take(0, frame);
    room.settle();
  }
  room.start(2);
  room.run_for(seconds(2));
  EXPECT_EQ(room.members(2), (Texts{"d0", "d1", "d2"}));
  room.enter(2, 1);
  room.say(0, 1, multicast(2, "t"));
  room.run_for(seconds(1));
  EXPECT_EQ(room.texts(2, 1), Texts{"t"});
}

}  // namespace
}  // namespace groupcomm::daemon
