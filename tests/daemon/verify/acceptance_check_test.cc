#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

const std::string kDaemon1 = "d#0000000000000001";  // of a and b
const std::string kDaemon2 = "d#0000000000000002";  // of c and e

// b is no member of the group and sends to it.
class Acceptance : public testing::Test {
 protected:
  Acceptance() { daemons("1.0000000000000001.1", {kDaemon1, kDaemon2}); }
  void daemons(const std::string& id, const std::vector<std::string>& members) {
    record::View view{.id = id, .members = members};
    if (id[0] == '1') view.joined = members;
    for (const std::string& member : members) story.daemon_view(member, view);
  }
  void groups(const std::string& id, const std::vector<std::string>& members) {
    story.view(id, members);
  }
  void send_from_outside(const std::string& id) {
    record::Send send = story.make_send("b", 1, Order::kFifo, id);
    send.member = false;
    story.add("b", record::Start{.p = Story::full("b")}).stamp(send).add("b", send);
  }
  bool is_violated(bool converged) {
    return story.violated(converged).find("L2") != std::string::npos;
  }
  Story story;
};

TEST_F(Acceptance, FailsWhereAllDropAMessageAlike) {
  groups(kView1, {"a", "c"});
  send_from_outside(kView1);
  EXPECT_TRUE(is_violated(/*converged=*/true));
  EXPECT_FALSE(is_violated(/*converged=*/false));
  daemons("2.0000000000000001.1", {kDaemon1, kDaemon2});
  groups(kView2, {"a", "c"});
  EXPECT_TRUE(is_violated(/*converged=*/false));
}

TEST_F(Acceptance, IsContentWhereAllWhoGoOnHaveTheMessage) {
  groups(kView1, {"a", "c", "e"});
  send_from_outside(kView1);
  for (const char* who : {"a", "c"}) story.deliver(who, "b", 1, Order::kFifo, kView1);
  story.crash("e");
  daemons("2.0000000000000001.1", {kDaemon1, kDaemon2});
  groups(kView2, {"a", "c"});
  EXPECT_FALSE(is_violated(/*converged=*/true));
}

TEST_F(Acceptance, IsNotOwedByADaemonThatIsLost) {
  groups(kView1, {"c"});
  send_from_outside(kView1);
  record::View view{.id = "2.0000000000000001.1", .members = {kDaemon2}};
  view.left = {{.member = kDaemon1, .reason = "daemon_lost"}};
  story.daemon_view(kDaemon2, view).add("b", record::Crash{.p = Story::full("b")});
  groups(kView2, {"c"});
  EXPECT_FALSE(is_violated(/*converged=*/true));
}

TEST_F(Acceptance, IsToldWhereNobodyWasThere) {
  groups(kView1b, {"c"});
  send_from_outside(kView1);  // its group was empty
  EXPECT_TRUE(is_violated(/*converged=*/true));
  story.add("b", record::SendFail{.p = Story::full("b"), .g = "g", .number = 1});
  EXPECT_FALSE(is_violated(/*converged=*/true));
}

TEST_F(Acceptance, MayBeLostWithTheOnlyMember) {
  groups(kView1, {"c"});
  send_from_outside(kView1);
  story.crash("c");
  EXPECT_FALSE(is_violated(/*converged=*/true));
}

}  // namespace
}  // namespace groupcomm::verify
