// The operator's word that a component without a quorum may go on (rule R6).
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class BootstrapTest : public testing::Test {
 protected:
  BootstrapTest() { room.open(); }

  // The answers that the client at this daemon has got.
  std::vector<protocol::BootstrapReply> ask(std::size_t i, bool force) {
    room.say(i, 1, protocol::Bootstrap{RequestId{++requests_}, force});
    room.run_for(seconds(2));
    return room.heard_of<protocol::BootstrapReply>(i, 1);
  }

  Room room{3};

 private:
  std::uint64_t requests_ = 100;
};

TEST_F(BootstrapTest, IsRefusedWhereThereIsAView) {
  const auto answers = ask(0, true);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].request, RequestId{101});
  EXPECT_FALSE(answers[0].possible);
  EXPECT_EQ(answers[0].text, "there is a view, and it has a quorum");
}

TEST_F(BootstrapTest, SaysWhatItWouldMeanAndDoesNothing) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(4));
  const auto answers = ask(2, false);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].possible);
  EXPECT_EQ(answers[0].text.find("of the last view, d2 would go on without d0, d1. "), 0u)
      << answers[0].text;
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, LetsWhoIsLeftGoOn) {
  room.say(2, 1, multicast(2, "before"));
  room.run_for(milliseconds(50));
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(4));
  const auto answers = ask(2, true);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].possible);
  EXPECT_EQ(answers[0].text, "view " + to_string(*room.status(2).view) + " of d2");
  EXPECT_EQ(room.members(2), Texts{"d2"});
  EXPECT_EQ(room.names_in_view(2), Texts{"c2"});
  const auto views = room.heard_of<protocol::ViewChanged>(2, 1);
  EXPECT_TRUE(views.back().view.recovered);
  EXPECT_TRUE(views.back().view.primary);
  room.say(2, 1, multicast(3, "after"));
  room.run_for(milliseconds(50));
  EXPECT_EQ(room.texts(2, 1), (Texts{"before", "after"}));
  // Those who were given up find a later view, and join it.
  room.start(0);
  room.start(1);
  room.run_for(seconds(3));
  EXPECT_EQ(room.members(2), (Texts{"d2", "d0", "d1"}));
}

TEST_F(BootstrapTest, HoldsOnlyUntilThereIsAQuorum) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(4));
  ask(2, true);
  const ViewId view = *room.status(2).view;
  room.run_for(seconds(5));
  EXPECT_EQ(room.status(2).view, view);
  // A word that was given once does not outvote anybody later.
  room.start(0);
  room.start(1);
  room.run_for(seconds(3));
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(4));
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, IsRefusedWhereAQuorumIsBack) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(4));
  room.start(1);
  room.run_for(seconds(4));
  const auto answers = ask(2, true);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].possible);
}

TEST_F(BootstrapTest, OfOneThatRestartedGoesOnFromItsRecord) {
  const std::uint64_t before = room.status(2).view->counter;
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.start(2);
  room.run_for(seconds(4));
  room.greet(2, 1);
  const auto answers = ask(2, true);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].possible);
  EXPECT_EQ(room.members(2), Texts{"d2"});
  EXPECT_EQ(room.status(2).view->counter, before + 1);
}

// It knows of no view: what it forms is another cluster, which the others will not join.
TEST_F(BootstrapTest, OfOneThatLostItsRecordBeginsAnew) {
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.wipe(2);
  room.start(2);
  room.run_for(seconds(4));
  room.greet(2, 1);
  const auto outlook = ask(2, false);
  ASSERT_EQ(outlook.size(), 1u);
  EXPECT_EQ(outlook[0].text.find("of the configured daemons, d2 would go on without d0, d1."), 0u)
      << outlook[0].text;
  ask(2, true);
  EXPECT_EQ(room.members(2), Texts{"d2"});
  EXPECT_EQ(room.status(2).view->counter, 1u);
}

}  // namespace
}  // namespace groupcomm::daemon
