#include "tests/simulation/wire_monitor.h"

#include <gtest/gtest.h>

namespace groupcomm::simulation {
namespace {

class WireMonitorTest : public ::testing::Test {
 protected:
  void say(protocol::PeerBody body) {
    protocol::FrameHeader header;
    header.sender = {.name = "a", .incarnation = Incarnation{1}};
    header.view = {.counter = 1, .proposer = Incarnation{1}, .round = 1};
    monitor_.on_send({header, std::move(body)});
  }
  static protocol::Batch batch(std::uint64_t acknowledged, bool has_message) {
    protocol::Batch batch;
    batch.progress.received = {MessageNumber{acknowledged}, MessageNumber{acknowledged}};
    if (has_message) batch.messages.push_back(std::make_shared<protocol::StampedMessage>());
    return batch;
  }

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
