// The operator's word that a component without a quorum may go on (rule R6).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "membership/view_choice.h"
#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class BootstrapTest : public testing::Test {
 protected:
  BootstrapTest() { room.open(); }

  // What the client at this daemon is answered.
  protocol::BootstrapReply ask(std::size_t i, std::vector<std::string> without = {}) {
    room.say(i, 1, protocol::Bootstrap{RequestId{++requests_}, std::move(without)});
    room.run_for(seconds(2));
    const auto answers = room.heard_of<protocol::BootstrapReply>(i, 1);
    if (answers.empty() || answers.back().request != RequestId{requests_}) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return answers.back();
  }

  Room room{3};

 private:
  std::uint64_t requests_ = 100;
};

TEST_F(BootstrapTest, IsRefusedWhereThereIsAView) {
  const auto answer = ask(0, {"d1", "d2"});
  EXPECT_FALSE(answer.possible);
  EXPECT_EQ(answer.text, "there is a view, and it has a quorum");
}

TEST_F(BootstrapTest, IsForOperatorsOnly) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  room.say_all(2, 1, {protocol::Bootstrap{RequestId{9}, {"d0", "d1"}}});
  room.run_for(seconds(6));
  EXPECT_EQ(room.heard_of<protocol::BootstrapReply>(2, 1).back().text,
            "only root and the daemon's user may say so");
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, SaysWhatItWouldMeanAndDoesNothing) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  const auto answer = ask(2);
  EXPECT_TRUE(answer.possible);
  EXPECT_EQ(answer.without, (Texts{"d0", "d1"}));
  EXPECT_EQ(answer.text.find("of the last view, d2 would go on without d0, d1. "), 0u)
      << answer.text;
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, LetsWhoIsLeftGoOn) {
  room.say(2, 1, multicast(2, "before"));
  room.run_for(milliseconds(50));
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  const auto answer = ask(2, {"d0", "d1"});
  EXPECT_TRUE(answer.possible);
  EXPECT_EQ(answer.text, "view " + to_string(*room.status(2).view) + " of d2");
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
  EXPECT_EQ(sorted(room.members(2)), (Texts{"d0", "d1", "d2"}));
  EXPECT_EQ(room.members(2).front(), "d2");
}

TEST_F(BootstrapTest, IsAboutThoseWhoWereNamed) {
  room.kill(0);
  room.run_for(seconds(3));
  room.kill(1);
  room.run_for(seconds(6));
  const auto answer = ask(2, {"d0"});  // who is of no view any more
  EXPECT_FALSE(answer.possible);
  EXPECT_EQ(answer.text, "others are missing now: d1");
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, HoldsForOneViewOnly) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  ask(2, {"d0", "d1"});
  const auto view = room.status(2).view;
  room.run_for(seconds(6));
  EXPECT_EQ(room.status(2).view, view);
  room.start(0);
  room.start(1);
  room.run_for(seconds(3));
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  EXPECT_EQ(room.status(2).phase, "suspended");
}

TEST_F(BootstrapTest, HoldsForThreeTimeOuts) {
  Room four{5};
  four.open();
  for (const std::size_t i : {0u, 1u, 2u}) four.kill(i);
  four.run_for(seconds(6));
  four.set_filter([](const std::string& from, const std::string&, const auto& body) {
    return from != "d3" || !std::holds_alternative<protocol::Accept>(body);
  });
  four.say(4, 1, protocol::Bootstrap{RequestId{9}, {"d0", "d1", "d2"}});
  four.run_for(seconds(6));
  const auto answers = four.heard_of<protocol::BootstrapReply>(4, 1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].possible);
  EXPECT_EQ(answers[0].text, "not all that are here have agreed in time");
  four.set_filter({});
  four.run_for(seconds(6));
  EXPECT_EQ(four.status(4).phase, "suspended");
}

// Rule R7: an operator may be wrong. Nobody who lives on is ended by that.
TEST_F(BootstrapTest, EndsNobodysView) {
  room.cut(0, 2);
  room.cut(1, 2);
  room.run_for(seconds(6));
  ASSERT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_TRUE(ask(2, {"d0", "d1"}).possible);
  EXPECT_EQ(room.members(2), Texts{"d2"});
  room.heal();
  room.run_for(seconds(10));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(2), Texts{"d2"});
  for (const std::size_t i : {0u, 1u, 2u}) EXPECT_FALSE(room.gave_up(i)) << i;
}

TEST_F(BootstrapTest, IsRefusedToOneThatHasJustStarted) {
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.start(2);
  room.run_for(seconds(1));
  room.greet(2, 1);
  const auto answer = ask(2, {"d0", "d1"});
  EXPECT_FALSE(answer.possible);
  EXPECT_EQ(answer.text.find("this daemon has just started"), 0u) << answer.text;
}

TEST_F(BootstrapTest, OfOneThatRestartedGoesOnFromItsRecord) {
  const std::uint64_t before = room.status(2).view->counter;
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.start(2);
  room.run_for(seconds(6));
  room.greet(2, 1);
  EXPECT_TRUE(ask(2, {"d0", "d1"}).possible);
  EXPECT_EQ(room.members(2), Texts{"d2"});
  EXPECT_EQ(room.status(2).view->counter, before + membership::kForcedStep);
}

TEST_F(BootstrapTest, IsRefusedToOneThatLostItsRecordBesideOneThatHasIt) {
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.wipe(2);
  room.start(2);
  room.start(1);
  room.kill(0);
  room.run_for(seconds(6));
  room.greet(2, 1);
  EXPECT_FALSE(ask(2, {"d0"}).possible);
}

// It knows of no view: what it forms is another cluster, which the others will not join.
TEST_F(BootstrapTest, OfOneThatLostItsRecordBeginsAnew) {
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.wipe(2);
  room.start(2);
  room.run_for(seconds(6));
  room.greet(2, 1);
  const auto outlook = ask(2);
  EXPECT_EQ(outlook.text.find("of the configured daemons, d2 would go on without d0, d1."), 0u)
      << outlook.text;
  EXPECT_TRUE(ask(2, {"d0", "d1"}).possible);
  EXPECT_EQ(room.members(2), Texts{"d2"});
  EXPECT_EQ(room.status(2).view->counter, 1u);
}

TEST_F(BootstrapTest, IsRefusedToOneThatStillWaitsForAQuorumThatIsHere) {
  room.kill(0);
  room.kill(1);
  room.run_for(seconds(6));
  room.start(0);
  room.run_for(milliseconds(200));
  ASSERT_EQ(room.status(2).phase, "suspended");
  EXPECT_EQ(ask(2, {"d1"}).text, "a quorum is here: a view will come by itself");
  EXPECT_EQ(room.status(2).phase, "regular");
}

TEST_F(BootstrapTest, IsRefusedToOneThatHearsOfALaterView) {
  for (const std::size_t i : {0u, 1u}) room.cut(i, 2);
  room.run_for(seconds(6));
  room.set_filter([](const auto&, const std::string& to, const auto& body) {
    return to != "d2" || !std::holds_alternative<protocol::Install>(body);
  });
  room.heal();
  room.run_for(seconds(1));
  ASSERT_EQ(room.status(2).phase, "suspended");
  EXPECT_NE(ask(2, {"d0"}).text.find(" knows of a later view: ask that one"), std::string::npos);
}

TEST_F(BootstrapTest, IsRefusedToOneThatWasNotInTheLastView) {
  room.kill(2);
  room.run_for(seconds(3));
  room.set_filter([](const std::string& from, const auto&, const auto&) { return from != "d2"; });
  room.start(2);
  room.run_for(seconds(6));
  room.greet(2, 1);
  EXPECT_EQ(ask(2, {"d0"}).text,
            "this daemon was not in the last view that it knows: ask one that was");
}

// --- lineages (rule R7) --------------------------------------------------------------------------

class LineageTest : public testing::Test {
 protected:
  // 0, 1 and 2 are cut off from 3 and 4, which are told to go on without them.
  void split() {
    room.open();
    for (const std::size_t i : {0u, 1u, 2u}) {
      for (const std::size_t j : {3u, 4u}) room.cut(i, j);
    }
    room.run_for(seconds(6));
    force(3, {"d0", "d1", "d2"});
    ASSERT_EQ(room.members(3), (Texts{"d3", "d4"}));
  }
  void force(std::size_t i, std::vector<std::string> without) {
    room.say(i, 1, protocol::Bootstrap{RequestId{++requests_}, std::move(without)});
    room.run_for(seconds(2));
    EXPECT_TRUE(room.heard_of<protocol::BootstrapReply>(i, 1).back().possible)
        << room.heard_of<protocol::BootstrapReply>(i, 1).back().text;
  }
  // Four views.
  void restart_twice(std::size_t i) {
    for (int restart = 0; restart < 2; ++restart) {
      room.kill(i);
      room.run_for(seconds(1));
      room.start(i);
      room.run_for(seconds(3));
    }
  }
  void expect_two_clusters() {
    for (const std::size_t i : {0u, 1u, 2u}) {
      EXPECT_EQ(sorted(room.members(i)), (Texts{"d0", "d1", "d2"})) << i;
    }
    for (const std::size_t i : {3u, 4u}) {
      EXPECT_EQ(sorted(room.members(i)), (Texts{"d3", "d4"})) << i;
    }
  }

  Room room{5};

 private:
  std::uint64_t requests_ = 100;
};

TEST_F(LineageTest, OfThoseWhoWereGivenUpGoesOn) {
  split();
  room.heal();
  room.run_for(seconds(20));
  expect_two_clusters();
  for (const std::size_t i : {0u, 1u, 2u, 3u, 4u}) EXPECT_FALSE(room.gave_up(i)) << i;
}

// Its record knows of no view of its own, but it hears of one.
TEST_F(LineageTest, TakesBackItsOwnWhoRestart) {
  split();
  room.heal();
  for (const std::size_t i : {0u, 1u, 2u}) {
    room.kill(i);
    room.run_for(seconds(1));
    room.start(i);
    room.run_for(seconds(6));
  }
  expect_two_clusters();
}

TEST_F(LineageTest, IsFoundAgainByThoseWhoWereAllCutOff) {
  room.open();
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (i != 4 || j != 3) room.cut(i, j);
    }
  }
  room.run_for(seconds(6));
  for (const std::size_t i : {0u, 1u, 2u}) ASSERT_EQ(room.status(i).phase, "suspended");
  force(3, {"d0", "d1", "d2"});
  room.heal();
  room.run_for(seconds(10));
  expect_two_clusters();
}

// They hear of a later view than theirs, and for long enough; but they are a quorum.
TEST_F(LineageTest, IsNotFollowedByAQuorumThatTakesItsTime) {
  room.open();
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (i != 4 || j != 3) room.cut(i, j);
    }
  }
  room.run_for(seconds(6));
  force(3, {"d0", "d1", "d2"});
  room.set_filter([](const std::string&, const std::string&, const auto& body) {
    return !std::holds_alternative<protocol::Propose>(body);
  });
  room.heal();
  room.run_for(seconds(5));
  for (const std::size_t i : {0u, 1u, 2u}) EXPECT_FALSE(room.gave_up(i)) << i;
  room.set_filter({});
  room.run_for(seconds(10));
  expect_two_clusters();
}

// The others of its own lineage do not hear it for a while.
TEST_F(LineageTest, IsNotFollowedByOneThatWaitsForItsOwn) {
  split();
  room.heal();
  restart_twice(4);  // the view of that side is the later one now
  room.kill(0);
  room.run_for(seconds(1));
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return from != "d0" || to == "d3" || to == "d4";
  });
  room.start(0);
  room.run_for(seconds(5));
  room.set_filter({});
  room.run_for(seconds(6));
  expect_two_clusters();
}

TEST_F(LineageTest, IsFollowedByThoseWhoAreNoQuorumAnyMore) {
  split();
  for (const std::size_t i : {0u, 1u}) room.kill(i);
  room.run_for(seconds(6));
  ASSERT_EQ(room.status(2).phase, "suspended");
  room.heal();
  restart_twice(4);  // the view of that side has to be a later one than that of 2
  EXPECT_TRUE(room.gave_up(2));
  room.start(2);
  room.run_for(seconds(3));
  EXPECT_EQ(sorted(room.members(2)), (Texts{"d2", "d3", "d4"}));
}

// Those who went on have started again since, and know nothing of it any more.
TEST_F(LineageTest, IsFollowedByOneThatNobodyThereHasConfigured) {
  split();
  for (const std::size_t i : {0u, 1u}) room.kill(i);
  room.strike_from_configurations(2);
  for (int restart = 0; restart < 2; ++restart) {
    for (const std::size_t i : {3u, 4u}) room.kill(i);
    room.run_for(seconds(1));
    for (const std::size_t i : {3u, 4u}) room.start(i);
    room.run_for(seconds(6));
  }
  for (const std::size_t i : {3u, 4u}) ASSERT_FALSE(room.is_connected(i, 2));
  room.heal();
  room.run_for(seconds(6));
  EXPECT_TRUE(room.gave_up(2));
  room.start(2);
  room.run_for(seconds(3));
  EXPECT_EQ(sorted(room.members(2)), (Texts{"d2", "d3", "d4"}));
}

// Those who were given up had gone further than the one who goes on, and one of them comes back.
TEST_F(LineageTest, StandsBehindWhateverThoseDidWhoWereGivenUp) {
  room.open();
  for (const std::size_t i : {0u, 1u, 2u, 3u}) room.cut(i, 4);
  room.run_for(seconds(4));  // a view without d4
  for (const std::size_t i : {3u, 2u}) {
    room.kill(i);
    room.run_for(seconds(2));
  }
  const GroupViewId token = room.last_view(0).id;
  for (const std::size_t i : {0u, 1u}) room.kill(i);
  room.run_for(seconds(6));
  force(4, {"d0", "d1", "d2", "d3"});
  EXPECT_LT(token, room.last_view(4).id);
  room.heal();
  room.start(1);
  room.run_for(seconds(6));
  EXPECT_EQ(room.members(4), (Texts{"d4", "d1"}));
}

// A decision that is told late, or by one who is behind, ends nobody's view.
TEST_F(LineageTest, IsKnownByItsDecision) {
  room.open();
  room.set_filter([](const std::string& from, const std::string& to, const auto&) {
    return (from == "d3" || from == "d4") == (to == "d3" || to == "d4");
  });
  room.run_for(seconds(6));
  std::optional<protocol::PeerFrame> install;
  room.set_filter([&](const std::string& from, const std::string& to, const auto&) {
    if (to == "d0" && !install) install = room.find_last<protocol::Install>(3, 0);
    return (from == "d3" || from == "d4") == (to == "d3" || to == "d4");
  });
  force(3, {"d0", "d1", "d2"});
  ASSERT_TRUE(install.has_value());
  EXPECT_NE(install->header.lineage, std::get<protocol::Install>(install->body).value.next.lineage);
  for (const std::size_t i : {0u, 1u, 2u}) room.receive(i, *install);
  room.run_for(seconds(3));
  expect_two_clusters();
}

TEST_F(LineageTest, OfTwoOperatorsNeitherEndsTheOther) {
  room.open();
  for (const std::size_t i : {0u, 1u, 3u, 4u}) room.cut(i, 2);
  for (const std::size_t i : {0u, 1u}) {
    for (const std::size_t j : {3u, 4u}) room.cut(i, j);
  }
  room.kill(2);
  room.run_for(seconds(6));
  force(1, {"d2", "d3", "d4"});
  force(4, {"d0", "d1", "d2"});
  room.heal();
  room.run_for(seconds(20));
  for (const std::size_t i : {0u, 1u}) EXPECT_EQ(sorted(room.members(i)), (Texts{"d0", "d1"}));
  for (const std::size_t i : {3u, 4u}) EXPECT_EQ(sorted(room.members(i)), (Texts{"d3", "d4"}));
  // Who is of neither goes over to one of them; and to end one, its daemons begin without a record.
  room.start(2);
  for (const std::size_t i : {3u, 4u}) room.kill(i);
  for (const std::size_t i : {3u, 4u}) {
    room.wipe(i);
    room.start(i);
  }
  room.run_for(seconds(10));
  EXPECT_EQ(sorted(room.members(0)), (Texts{"d0", "d1", "d2", "d3", "d4"}));
}

TEST_F(LineageTest, ThatWasForcedGoesOnAfterARestartOfAll) {
  room.open();
  for (const std::size_t i : {0u, 1u, 2u}) room.kill(i);
  room.run_for(seconds(6));
  force(3, {"d0", "d1", "d2"});
  const Incarnation lineage = room.installed(3).back().view.lineage;
  for (const std::size_t i : {3u, 4u}) room.kill(i);
  for (const std::size_t i : {0u, 1u, 2u, 3u, 4u}) room.start(i);
  room.run_for(seconds(6));
  EXPECT_EQ(sorted(room.members(0)), (Texts{"d0", "d1", "d2", "d3", "d4"}));
  EXPECT_EQ(room.installed(0).back().view.lineage, lineage);
}

}  // namespace
}  // namespace groupcomm::daemon
