#include "daemon/ctl/bench_room.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace groupcomm::ctl {
namespace {

// Hands what it sends to whoever is given.
class Room : public BenchRoom {
 public:
  using BenchRoom::BenchRoom;
  using BenchRoom::on_members;
  using BenchRoom::on_payload;

  std::function<void(std::string_view)> to_all;

 private:
  bool multicast(std::string_view bytes, Order /*order*/) override {
    to_all(bytes);
    return true;
  }
};

// Two members of one group that get all messages at once.
class BenchRoomTest : public ::testing::Test {
 protected:
  BenchRoomTest() {
    for (Room* room : {&first_, &second_}) {
      room->to_all = [this](std::string_view bytes) {
        const std::string copy(bytes);
        first_.on_payload(copy);
        second_.on_payload(copy);
      };
    }
    first_.on_members(2, 0);
    second_.on_members(2, 1);
  }

  const BenchWork work_{.members = 2};
  Room first_{work_, "bench"};
  Room second_{work_, "bench"};
};

TEST_F(BenchRoomTest, KeepsItsRankWhenAnotherOneLeavesAfterTheEnd) {
  first_.send(64);
  first_.finish();
  second_.finish();
  EXPECT_TRUE(first_.finish());
  EXPECT_TRUE(second_.finish());
  second_.on_members(1, 0);
  EXPECT_EQ(second_.node(), 2);
  EXPECT_EQ(second_.failure(), "");
  EXPECT_EQ(second_.delivered(), 3u);
}

TEST_F(BenchRoomTest, FailsWhereAnotherOneLeavesBeforeTheEnd) {
  first_.send(64);
  second_.on_members(1, 0);
  EXPECT_EQ(second_.failure(), "group \"bench\": its members changed while it was measured");
}

TEST_F(BenchRoomTest, FailsWhereAStrangerComes) {
  first_.on_members(3, 0);
  EXPECT_EQ(first_.failure(), "group \"bench\": 3 members, and not 2");
}

}  // namespace
}  // namespace groupcomm::ctl
