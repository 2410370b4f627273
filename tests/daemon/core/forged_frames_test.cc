// Frames that decode and say what cannot be true: they are refused and counted, and the cluster
// goes on as if they had never come (rules L3 and P3).
#include <gtest/gtest.h>

#include <limits>

#include "groupcomm/wire/codec.h"
#include "tests/daemon/core/room.h"

namespace groupcomm::daemon {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max() - 1;

// Three daemons with a client each. What is forged comes to d0, in the name of d1.
class ForgedFrames : public testing::Test {
 protected:
  ForgedFrames() {
    room.open();
    room.run_for(seconds(1));
    heartbeat = room.last_frame<protocol::Heartbeat>(1, 0);
    own = room.last_frame<protocol::Heartbeat>(0, 1).header.sender;
    progress = std::get<protocol::Heartbeat>(heartbeat.body).progress;
  }

  // Through the codec, as from the network.
  void forge(const protocol::PeerFrame& frame) {
    auto decoded = wire::decode_peer_frame(wire::encode(frame));
    ASSERT_TRUE(decoded.ok()) << decoded.error();
    room.take(0, decoded.value());
    if (room.is_running(0)) room.settle();
  }
  template <typename Body>
  void forge(Body body) {
    protocol::PeerFrame frame = heartbeat;
    frame.body = std::move(body);
    forge(frame);
  }
  // The frame changes nothing but the counter.
  template <typename Body>
  void expect_refused(Body body) {
    const std::uint64_t before = room.counter(0, "frames_refused");
    forge(std::move(body));
    ASSERT_TRUE(room.is_running(0));
    EXPECT_GT(room.counter(0, "frames_refused"), before);
    expect_all_is_well();
  }
  // Messages still pass, and the next view change does, too.
  void expect_all_is_well() {
    room.run_for(seconds(1));
    ASSERT_TRUE(room.is_running(0));
    room.say(1, 1, multicast(2, "total"));
    room.say(1, 1, multicast(3, "fifo", Order::kFifo));
    room.run_for(seconds(1));
    EXPECT_EQ(room.texts(0, 1).size(), 2u);
    EXPECT_EQ(room.status(0).phase, "regular");
    room.kill(2);
    room.run_for(seconds(3));
    ASSERT_TRUE(room.is_running(0));
    EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
    EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
  }

  // The next view has the same members, and nothing is left to be delivered.
  protocol::Install install() const {
    protocol::Install install;
    protocol::ViewChangeValue& value = install.value;
    value.base = heartbeat.header.view;
    value.next.id = {value.base.counter + 1, heartbeat.header.sender.incarnation, 1};
    value.next.lineage = heartbeat.header.lineage;
    value.next.members = {{own, "tcp://127.0.0.1:4000"},
                          {heartbeat.header.sender, "tcp://127.0.0.1:4001"}};
    value.cut = progress.received;
    value.first_place = progress.ordered.next();
    value.delivered = progress.ordered;
    return install;
  }
  // d1's next message.
  std::shared_ptr<protocol::StampedMessage> next_message(Order order) const {
    auto message = std::make_shared<protocol::StampedMessage>();
    message->order = order;
    message->number = progress.sent.next();
    message->stamp = LamportStamp{progress.clock.value + 1};
    message->session = SessionId{1};
    message->destination.group = group_key("room");
    if (!message->is_causal()) return message;
    message->causal_number = CausalNumber{1000};
    message->context = std::make_shared<const protocol::VectorTime>(3);
    return message;
  }
  protocol::Batch batch(std::shared_ptr<protocol::StampedMessage> message) const {
    protocol::Batch batch;
    batch.progress = progress;
    batch.progress.sent = message->number;
    batch.messages.push_back(std::move(message));
    return batch;
  }

  Room room{3};
  protocol::PeerFrame heartbeat;
  protocol::Progress progress;
  DaemonId own;
};

// --- decisions -----------------------------------------------------------------------------------

TEST_F(ForgedFrames, InstallWithACutOfAnotherSize) {
  auto forged = install();
  forged.value.cut = {MessageNumber{1}};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithACutBeyondAllReach) {
  auto forged = install();
  forged.value.cut[1] = MessageNumber{kHuge};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithMoreOfOurMessagesThanWeSent) {
  auto forged = install();
  ++forged.value.cut[0];
  ++forged.value.cut[0];
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithLessThanWeHold) {
  auto forged = install();
  forged.value.cut.assign(3, MessageNumber{});
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithAPlaceOfNoMember) {
  auto forged = install();
  forged.value.places = {{60, MessageNumber{1}}};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithAPlaceTwice) {
  auto forged = install();
  forged.value.places = {{1, MessageNumber{70}}, {1, MessageNumber{70}}};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithOtherPlacesThanWeKnow) {
  auto forged = install();
  forged.value.first_place = OrderNumber{kHuge};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallWithPlacesThatWereDeliveredByNobody) {
  auto forged = install();
  forged.value.delivered = OrderNumber{kHuge};
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallOfAViewThatDoesNotFollow) {
  auto forged = install();
  forged.value.next.id.counter = kHuge;
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallOfAViewWithOneIncarnationTwice) {
  auto forged = install();
  forged.value.next.members.push_back({{"x", own.incarnation}, "tcp://127.0.0.1:9"});
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallOfAViewWithOneThatLeft) {
  auto forged = install();
  forged.value.left.push_back({own, LeaveReason::kLeave});
  expect_refused(forged);
}

TEST_F(ForgedFrames, InstallByAStranger) {
  protocol::PeerFrame frame = heartbeat;
  frame.header.sender = {"stranger", Incarnation{9}};
  frame.body = install();
  const std::uint64_t before = room.counter(0, "frames_refused");
  forge(frame);
  EXPECT_GT(room.counter(0, "frames_refused"), before);
  expect_all_is_well();
}

TEST_F(ForgedFrames, InstallWithAGroupTwice) {
  auto forged = install();
  protocol::GroupEntry group;
  group.name = "room";
  group.members = {{{"c1", "d1", {heartbeat.header.sender.incarnation, SessionId{1}}}, 1}};
  forged.groups = {group, group};
  expect_refused(forged);
}

// Rule R2: it is out of the hands of who lives and has messages.
TEST_F(ForgedFrames, InstallFromRecordsAloneEndsWhoLives) {
  auto forged = install();
  forged.value.cut.clear();
  forged.value.first_place = {};
  forged.value.delivered = {};
  forge(forged);
  EXPECT_TRUE(room.gave_up(0));
  EXPECT_EQ(room.heard_of<protocol::Gone>(0, 1).back().reason, GoneReason::kExcluded);
}

// Rule R2: the value stands, although nobody has what it is to deliver; the others find a view.
TEST_F(ForgedFrames, InstallWithMessagesThatNobodyHasEndsOnlyWhoBelievesIt) {
  auto forged = install();
  ++forged.value.cut[1];
  forge(forged);
  room.run_for(seconds(5));
  EXPECT_FALSE(room.gave_up(0));  // it asks for them
  room.run_for(seconds(5));
  EXPECT_TRUE(room.gave_up(0));
  EXPECT_EQ(room.heard_of<protocol::Gone>(0, 1).back().reason, GoneReason::kExcluded);
  EXPECT_EQ(room.members(1), (Texts{"d1", "d2"}));
}

TEST_F(ForgedFrames, BeaconOfAViewThatDescendsFromItself) {
  protocol::Beacon beacon;
  beacon.address = "tcp://127.0.0.1:4001";
  beacon.number = BeaconNumber{1};
  beacon.decided = install().value.next;
  beacon.decided->ancestors = {beacon.decided->lineage};
  expect_refused(beacon);
}

// --- ballots -------------------------------------------------------------------------------------

TEST_F(ForgedFrames, BallotsThatLeaveNoRounds) {
  const protocol::Ballot ballot{kHuge + 1, 1, heartbeat.header.sender.incarnation};
  const std::uint64_t before = room.counter(0, "frames_refused");
  forge(protocol::Prepare{ballot});
  forge(protocol::BallotRefused{ballot});
  forge(protocol::Propose{ballot, install().value});
  EXPECT_EQ(room.counter(0, "frames_refused"), before + 3);
  expect_all_is_well();
}

TEST_F(ForgedFrames, BallotsOfSomebodyElse) {
  expect_refused(protocol::Prepare{{1, 2, heartbeat.header.sender.incarnation}});
}

TEST_F(ForgedFrames, BallotsByAStranger) {
  protocol::PeerFrame frame = heartbeat;
  frame.header.sender = {"x", Incarnation{1u << 30}};
  frame.body = protocol::Prepare{{1, 1, frame.header.sender.incarnation}};
  forge(frame);
  EXPECT_EQ(room.status(0).phase, "regular") << "it promised nothing";
  expect_all_is_well();
}

TEST_F(ForgedFrames, ProposalWithACutOfAnotherSize) {
  auto forged = install();
  forged.value.cut = {MessageNumber{1}};
  expect_refused(protocol::Propose{{1, 1, heartbeat.header.sender.incarnation}, forged.value});
}

// It is believed to be decided where its proposer says that it is in the next view.
TEST_F(ForgedFrames, ProposalWithLessThanWeHold) {
  const protocol::Ballot ballot{1, 1, heartbeat.header.sender.incarnation};
  auto forged = install().value;
  forged.cut.assign(3, MessageNumber{});
  protocol::Beacon beacon;
  beacon.address = "tcp://127.0.0.1:4001";
  beacon.number = BeaconNumber{1};
  beacon.decided = forged.next;
  forge(protocol::Prepare{ballot});
  const std::uint64_t before = room.counter(0, "frames_refused");
  forge(protocol::Propose{ballot, forged});
  forge(beacon);
  ASSERT_TRUE(room.is_running(0));
  EXPECT_GT(room.counter(0, "frames_refused"), before);
  room.run_for(seconds(5));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1", "d2"}));
}

TEST_F(ForgedFrames, StateWithWhatCannotBeHeld) {
  protocol::State state;
  state.ballot = {1, 0, own.incarnation};
  state.living = true;
  state.held = {progress.received[0], MessageNumber{kHuge}, MessageNumber{}};
  state.first_place = progress.ordered.next();
  expect_refused(state);
}

TEST_F(ForgedFrames, StateThatAcceptedWhatCannotBe) {
  protocol::State state;
  state.ballot = {1, 0, own.incarnation};
  auto accepted = install().value;
  accepted.cut = {MessageNumber{1}};
  state.accepted = {state.ballot, accepted};
  expect_refused(state);
}

// Rule F5: a value that was accepted has all that its members hold.
TEST_F(ForgedFrames, StateThatAcceptedLessThanWeHold) {
  room.set_filter([](const std::string& from, const std::string&, const protocol::PeerBody& body) {
    return from != "d1" || !is_body<protocol::State>(body);
  });
  room.kill(2);
  room.run_for(std::chrono::milliseconds(500));
  protocol::PeerFrame frame = room.last_frame<protocol::State>(1, 0);
  auto& state = std::get<protocol::State>(frame.body);
  auto accepted = install().value;
  accepted.cut.assign(3, MessageNumber{});
  state.accepted = {state.ballot, accepted};
  room.set_filter({});
  const std::uint64_t before = room.counter(0, "frames_refused");
  forge(frame);
  ASSERT_TRUE(room.is_running(0));
  EXPECT_GT(room.counter(0, "frames_refused"), before);
  room.run_for(seconds(5));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d1"}));
  EXPECT_EQ(room.members(1), (Texts{"d0", "d1"}));
}

// --- messages ------------------------------------------------------------------------------------

TEST_F(ForgedFrames, MessageWithACausalNumberThatDoesNotFollow) {
  expect_refused(batch(next_message(Order::kCausal)));
}

TEST_F(ForgedFrames, MessageWhoseStampDoesNotRise) {
  auto message = next_message(Order::kFifo);
  message->stamp = LamportStamp{1};
  expect_refused(batch(message));
}

TEST_F(ForgedFrames, JoinThatIsNotInTheTotalOrder) {
  auto message = next_message(Order::kReliable);
  message->kind = protocol::MessageKind::kJoin;
  message->sender_name = "x";
  message->control = protocol::ControlBody{.group_name = "room", .options = {}, .joins = 1};
  expect_refused(batch(message));
}

TEST_F(ForgedFrames, JoinOfAnotherGroupThanItNames) {
  auto message = next_message(Order::kTotal);
  message->kind = protocol::MessageKind::kJoin;
  message->sender_name = "x";
  message->control = protocol::ControlBody{.group_name = "hall", .options = {}, .joins = 1};
  expect_refused(batch(message));
}

TEST_F(ForgedFrames, RepairOfMessagesThatWeNeverSent) {
  auto message = next_message(Order::kReliable);
  message->number = MessageNumber{progress.received[0].value + 5};
  protocol::Repair repair;
  repair.messages.push_back(message);
  expect_refused(repair);
}

TEST_F(ForgedFrames, PlacesByOneThatIsNotTheSequencer) {
  protocol::Batch forged;
  forged.progress = progress;
  forged.first_place = progress.ordered.next();
  forged.places = {{1, MessageNumber{1}}};
  expect_refused(forged);
}

TEST_F(ForgedFrames, ProgressBeyondWhatWasSent) {
  protocol::Heartbeat forged = std::get<protocol::Heartbeat>(heartbeat.body);
  forged.progress.received[0] = MessageNumber{kHuge};
  expect_refused(forged);
}

// A message whose epoch counts joins that nobody knows is void: it holds up its daemon's later
// messages, but neither the others' nor the next view.
TEST_F(ForgedFrames, MessageOfAnEpochThatNeverComes) {
  auto message = next_message(Order::kFifo);
  message->destination.epoch = Epoch{kHuge};
  forge(batch(message));
  room.say(2, 1, multicast(2, "from another"));
  room.run_for(seconds(1));
  EXPECT_EQ(room.texts(0, 1), Texts{"from another"});
  room.kill(1);
  room.run_for(seconds(3));
  ASSERT_TRUE(room.is_running(0));
  EXPECT_EQ(room.members(0), (Texts{"d0", "d2"}));
  EXPECT_EQ(room.members(2), (Texts{"d0", "d2"}));
}

TEST_F(ForgedFrames, NackForEverything) {
  protocol::Nack nack;
  for (int k = 0; k < 200'000; ++k) {
    nack.missing.push_back({0, {MessageNumber{1}, MessageNumber{kHuge}}});
  }
  nack.first_place = OrderNumber{1};
  nack.last_place = OrderNumber{kHuge};
  forge(nack);
  expect_all_is_well();
}

TEST_F(ForgedFrames, ProgressThatClaimsEndlessMessages) {
  protocol::Heartbeat forged = std::get<protocol::Heartbeat>(heartbeat.body);
  forged.progress.sent = MessageNumber{kHuge};
  forge(forged);
  expect_all_is_well();
}

}  // namespace
}  // namespace groupcomm::daemon
