#include "tests/simulation/wire_monitor.h"

#include <gtest/gtest.h>

namespace groupcomm::simulation {
namespace {

class WireMonitorTest : public ::testing::Test {
 protected:
  void say(protocol::PeerBody body, const std::string& who = "a") {
    protocol::FrameHeader header;
    header.sender = id(who);
    header.view = kView;
    monitor_.on_send({header, std::move(body)});
  }
  static DaemonId id(const std::string& name) {
    return {.name = name, .incarnation = Incarnation{1}};
  }
  // That leaves the view with the number before, to kView unless something else is said.
  static protocol::Install install(const std::vector<std::string>& members,
                                   std::uint64_t round = 1) {
    protocol::Install install;
    install.value.base = {.counter = 0, .proposer = Incarnation{1}, .round = 1};
    install.value.next.id = {.counter = 1, .proposer = Incarnation{1}, .round = round};
    for (const std::string& name : members) install.value.next.members.push_back({id(name), ""});
    return install;
  }
  static protocol::Batch places(std::uint64_t first, std::vector<std::uint64_t> messages) {
    protocol::Batch batch;
    batch.first_place = OrderNumber{first};
    for (const std::uint64_t number : messages) batch.places.push_back({0, MessageNumber{number}});
    return batch;
  }
  static protocol::Batch batch(std::uint64_t acknowledged, bool has_message) {
    protocol::Batch batch;
    batch.progress.received = {MessageNumber{acknowledged}, MessageNumber{acknowledged}};
    if (has_message) batch.messages.push_back(std::make_shared<protocol::StampedMessage>());
    return batch;
  }

  static constexpr ViewId kView = {.counter = 1, .proposer = Incarnation{1}, .round = 1};
  Plan plan_;
  Scene scene_{plan_, /*verbose=*/false};
  WireMonitor monitor_{scene_};
};

TEST_F(WireMonitorTest, LetsAProposerRepeatWhatItHolds) {
  say(batch(3, /*has_message=*/true));
  say(protocol::Prepare{});
  say(batch(4, /*has_message=*/false));
  say(batch(4, /*has_message=*/false));
  EXPECT_TRUE(scene_.complaints().empty());
}

TEST_F(WireMonitorTest, FindsAMessageOfAProposerBehindItsPrepare) {
  say(protocol::Prepare{});
  say(batch(3, /*has_message=*/true));
  EXPECT_EQ(scene_.complaints().size(), 1u);
}

TEST_F(WireMonitorTest, FindsAnAcknowledgementThatGrowsBehindAPrepare) {
  say(protocol::Prepare{});
  say(batch(3, /*has_message=*/false));
  say(batch(4, /*has_message=*/false));
  EXPECT_FALSE(scene_.complaints().empty());
}

TEST_F(WireMonitorTest, FindsAMessageAndAnAcknowledgementBehindAPromise) {
  protocol::State promise;
  promise.living = true;
  promise.held = {MessageNumber{3}, MessageNumber{3}};
  say(promise);
  EXPECT_TRUE(scene_.complaints().empty());
  say(batch(3, /*has_message=*/true));
  EXPECT_EQ(scene_.complaints().size(), 1u);
  say(batch(4, /*has_message=*/false));
  EXPECT_GT(scene_.complaints().size(), 1u);
}

TEST_F(WireMonitorTest, FindsAPlaceThatIsGivenToTwoMessages) {
  say(places(1, {1, 2}));
  say(places(2, {2, 3}));
  EXPECT_TRUE(scene_.complaints().empty());
  say(places(3, {4}));
  ASSERT_EQ(scene_.complaints().size(), 1u);
  EXPECT_NE(scene_.complaints()[0].find("is given to two messages"), std::string::npos);
}

TEST_F(WireMonitorTest, FindsPlacesThatAnotherGivesThanTheFirstMember) {
  say(install({"a", "b"}), "b");
  say(places(1, {1}), "a");
  EXPECT_TRUE(scene_.complaints().empty());
  say(places(2, {2}), "b");
  ASSERT_EQ(scene_.complaints().size(), 1u);
  EXPECT_NE(scene_.complaints()[0].find("whose sequencer is a#"), std::string::npos);
}

// Also where the first who gives them is the wrong one.
TEST_F(WireMonitorTest, FindsASequencerThatIsNotTheFirstMember) {
  say(install({"a", "b"}), "a");
  say(places(1, {1}), "b");
  EXPECT_EQ(scene_.complaints().size(), 1u);
}

TEST_F(WireMonitorTest, FindsTwoSequencersOfAViewThatItDoesNotKnow) {
  say(places(1, {1}), "a");
  EXPECT_TRUE(scene_.complaints().empty());
  say(places(2, {2}), "b");
  EXPECT_EQ(scene_.complaints().size(), 1u);
}

TEST_F(WireMonitorTest, FindsTwoValuesThatAreInstalledFromOneView) {
  say(install({"a", "b"}), "a");
  say(install({"a", "b"}), "b");
  EXPECT_TRUE(scene_.complaints().empty());
  say(install({"a"}, /*round=*/2), "a");
  ASSERT_EQ(scene_.complaints().size(), 1u);
  EXPECT_NE(scene_.complaints()[0].find("two values are installed"), std::string::npos);
}

// (Of which none needed a quorum, so that they may differ.)
TEST_F(WireMonitorTest, FindsTwoViewsOfOneId) {
  protocol::Install one = install({"a", "b"});
  one.value.claim.emplace();
  protocol::Install other = install({"a"});
  other.value.claim.emplace();
  say(one);
  say(one);
  EXPECT_TRUE(scene_.complaints().empty());
  say(other);
  ASSERT_EQ(scene_.complaints().size(), 1u);
  EXPECT_NE(scene_.complaints()[0].find("two views have the id"), std::string::npos);
}

TEST_F(WireMonitorTest, FindsADamagedFrameThatIsTakenAndAnyOtherThatIsNot) {
  monitor_.on_arrival("d0", /*is_readable=*/true, /*is_taken=*/true);
  monitor_.on_arrival("d0", /*is_readable=*/false, /*is_taken=*/false);
  EXPECT_TRUE(scene_.complaints().empty());
  monitor_.on_arrival("d0", /*is_readable=*/false, /*is_taken=*/true);
  EXPECT_EQ(scene_.complaints().size(), 1u);
  monitor_.on_arrival("d0", /*is_readable=*/true, /*is_taken=*/false);
  EXPECT_EQ(scene_.complaints().size(), 2u);
}

}  // namespace
}  // namespace groupcomm::simulation
