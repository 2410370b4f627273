// What a client's node says of itself in the end: the requests of L2, L3 and L5.
#include "tests/simulation/client_node.h"

#include <gtest/gtest.h>

#include "groupcomm/wire/codec.h"

namespace groupcomm::simulation {
namespace {

using protocol::DaemonMessage;

class NobodyElse : public ClientSurroundings {
 public:
  bool connect(std::size_t) override { return true; }
  void send_to_daemon(std::size_t, const Payload&) override {}
  void disconnect(std::size_t) override {}
  bool act_as_leader(const std::string&, const GroupView&) override { return true; }
  void call_again(std::size_t, const std::vector<Call>&) override {}
  void on_wish(std::size_t) override {}
  void on_notice(const verify::record::Safe&, const GroupView*) override {}
  std::vector<std::string> members_besides(std::size_t, const std::string&) const override {
    return {};
  }
  bool has_died(const std::vector<std::string>&) const override { return false; }
  bool may_give_up(std::size_t, const std::vector<std::string>&) override { return false; }
};

class ClientNodeTest : public ::testing::Test {
 protected:
  ClientNodeTest() {
    plan_.groups = 1;
    plan_.cues.emplace_back();  // it does nothing by itself
    node_.emplace(scene_, Random(1), nobody_, 0);
    node_->start();
    const ProcessId me{.name = "c0", .daemon = "d0", .key = {Incarnation{1}, SessionId{1}}};
    hear(protocol::Welcome{.process = me,
                           .daemon_version = "simulated",
                           .protocol_version = protocol::kProtocolVersion,
                           .send_window_bytes = 1000,
                           .send_window_messages = 10,
                           .queue_bytes = 1000});
    view_.id = {{1, Incarnation{1}, 1}, OrderNumber{1}};
    view_.members = {{.process = me, .joins = 1}};
    view_.joined = view_.transitional = {me};
  }
  void hear(DaemonMessage message) {
    const std::vector<DaemonMessage> messages{std::move(message)};
    node_->on_bytes(wire::encode(messages));
  }
  void play(const std::string& what) {
    node_->play({.what = what, .group = "g0", .order = "total"});
  }

  Plan plan_;
  Scene scene_{plan_, /*verbose=*/false};
  NobodyElse nobody_;
  std::optional<ClientNode> node_;
  GroupView view_;
};

TEST_F(ClientNodeTest, MissesTheAnswerToAJoin) {
  EXPECT_EQ(node_->unsettled(), "");
  play("join");
  EXPECT_EQ(node_->unsettled(), "is not in g0");
  hear(protocol::ViewChanged{"g0", view_});
  EXPECT_EQ(node_->unsettled(), "");
}

TEST_F(ClientNodeTest, MissesTheAnswersToAJoinAndALeaveThatFollowsItAtOnce) {
  play("join");
  play("leave");
  EXPECT_EQ(node_->unsettled(), "has a join or leave without an answer");
  hear(protocol::ViewChanged{"g0", view_});
  EXPECT_EQ(node_->unsettled(), "is still in g0");
  hear(protocol::Gone{group_key("g0"), GoneReason::kLeft});
  EXPECT_EQ(node_->unsettled(), "");
}

TEST_F(ClientNodeTest, MissesTheAnswerToASend) {
  play("send");
  EXPECT_NE(node_->unsettled().find("has 1 sends neither accepted nor refused"), std::string::npos);
  hear(protocol::Accepted{RequestId{1}});
  EXPECT_EQ(node_->unsettled(), "");
}

TEST_F(ClientNodeTest, MissesANoticeOfSafety) {
  play("ask");
  hear(protocol::Accepted{RequestId{1}});
  EXPECT_NE(node_->unsettled().find("waits for 1 safe notices"), std::string::npos);
  hear(protocol::SafeNotice{group_key("g0"), SendNumber{1}});
  EXPECT_EQ(node_->unsettled(), "");
}

TEST_F(ClientNodeTest, FindsThatItIsNotToldOfASuspension) {
  play("join");
  hear(protocol::ViewChanged{"g0", view_});
  node_->try_in_vain();
  EXPECT_EQ(node_->not_refused(), "was not told that its view of g0 is suspended");
  hear(protocol::Suspended{group_key("g0")});
  node_->try_in_vain();
  EXPECT_EQ(node_->not_refused(), "has sends that were not refused for want of a primary view");
}

TEST_F(ClientNodeTest, FindsASendThatIsNotRefusedForWantOfAPrimaryView) {
  node_->try_in_vain();
  EXPECT_NE(node_->not_refused(), "");
  hear(protocol::Rejected{RequestId{1}, group_key("g0"), RejectReason::kNoSuchGroup});
  EXPECT_NE(node_->not_refused(), "");
  node_->try_in_vain();
  hear(protocol::Rejected{RequestId{2}, group_key("g0"), RejectReason::kNoPrimary});
  EXPECT_EQ(node_->not_refused(), "has sends that were not refused for want of a primary view");
}

}  // namespace
}  // namespace groupcomm::simulation
