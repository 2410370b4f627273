#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/groupcomm/client_core_fixture.h"

namespace groupcomm {
namespace {

class ClientCoreSendTest : public ClientCoreTest {};

// --- sending -------------------------------------------------------------------------------------

TEST_F(ClientCoreSendTest, CountsAcceptedSendsPerGroup) {
  connect();
  join("room");
  send("room", "1");
  send("hall", "2");
  const Queued both = core.multicast({"room", "hall"}, Payload::copy_of("3"), {});
  say(protocol::Accepted{.up_to = both.request});
  EXPECT_EQ(told(), "accepted room 1; accepted hall 1; accepted room 2; accepted hall 2");
}

TEST_F(ClientCoreSendTest, ARejectedSendDoesNotCount) {
  connect();
  send("room", "1");
  const Queued second = core.multicast({"room", "hall"}, Payload::copy_of("2"), {});
  const Queued third = send("room", "3");
  say(protocol::Rejected{.request = second.request,
                         .group = group_key("hall"),
                         .reason = RejectReason::kNoSuchGroup},
      protocol::Accepted{.up_to = third.request});
  EXPECT_EQ(told(), "rejected " + to_string(second.request) +
                        " hall no_such_group; accepted room 1; accepted room 2");
}

TEST_F(ClientCoreSendTest, MakesARunOfSendsThatDifferInTheirPayloadsOnly) {
  connect();
  const Queued first = send("room", "message 1");
  send("room", "message 2");
  const Queued third = send("room", "message 3");
  send("hall", "message 4");
  send("hall", "5");
  const auto outgoing = core.take_outgoing();
  ASSERT_EQ(outgoing.size(), 3u);
  const auto& run = std::get<protocol::Multicast>(outgoing[0]);
  EXPECT_EQ(run.request, first.request);
  EXPECT_EQ(run.run,
            (protocol::RunPayloads{Payload::copy_of("message 2"), Payload::copy_of("message 3")}));
  say(protocol::Accepted{.up_to = third.request});
  EXPECT_EQ(told(), "accepted room 1; accepted room 2; accepted room 3");
}

TEST_F(ClientCoreSendTest, BoundsTheBytesOfARun) {
  connect(100, 1u << 20);
  for (int i = 0; i < 4; ++i) send("room", std::string(30000, 'x'));
  EXPECT_EQ(core.take_outgoing().size(), 2u);
}

TEST_F(ClientCoreSendTest, ARejectionWithoutAGroupNamesTheOnlyOne) {
  connect();
  const Queued one = send("room", "1");
  const Queued two = core.multicast({"room", "hall"}, Payload::copy_of("2"), {});
  say(protocol::Rejected{.request = one.request, .group = {}, .reason = RejectReason::kNoPrimary},
      protocol::Rejected{.request = two.request, .group = {}, .reason = RejectReason::kNoPrimary});
  EXPECT_EQ(told(), "rejected " + to_string(one.request) + " room no_primary; rejected " +
                        to_string(two.request) + "  no_primary");
}

TEST_F(ClientCoreSendTest, FindsFaultWithAnswersToWhatWasNotAsked) {
  connect();
  EXPECT_NE(say_wrong(protocol::Accepted{.up_to = RequestId{1}}), "");
  EXPECT_NE(say_wrong(protocol::Rejected{.request = RequestId{1}, .group = {}}), "");
  const Queued sent = send("room", "1");
  say(protocol::Accepted{.up_to = sent.request});
  EXPECT_NE(say_wrong(protocol::Rejected{.request = sent.request, .group = {}}), "");
  EXPECT_NE(say_wrong(protocol::SafeNotice{.group = group_key("room"), .number = SendNumber{2}}),
            "");
  EXPECT_NE(say_wrong(protocol::SendFail{.group = group_key("hall"), .number = SendNumber{1}}), "");
}

TEST_F(ClientCoreSendTest, TellsOfSafeAndFailedSends) {
  connect();
  const Queued sent = send("room", "1", {.order = Order::kSafe, .notify_safe = true});
  say(protocol::Accepted{.up_to = sent.request},
      protocol::SafeNotice{.group = group_key("room"), .number = SendNumber{1}},
      protocol::SendFail{.group = group_key("room"), .number = SendNumber{1}});
  EXPECT_EQ(told(), "accepted room 1; safe room 1; sendfail room 1");
}

TEST_F(ClientCoreSendTest, PutsTheOptionsIntoTheMulticast) {
  connect();
  const Queued queued = core.multicast(
      {"room", "hall"}, Payload::copy_of("x"),
      {.order = Order::kCausal, .to = kBob, .self_discard = true, .notify_safe = true});
  EXPECT_EQ(core.take_outgoing(), (std::vector<protocol::ClientMessage>{
                                      protocol::Multicast{.request = queued.request,
                                                          .group = group_key("room"),
                                                          .more_groups = {group_key("hall")},
                                                          .order = Order::kCausal,
                                                          .self_discard = true,
                                                          .notify_safe = true,
                                                          .to = kBob.key,
                                                          .payload = Payload::copy_of("x")}}));
}

TEST_F(ClientCoreSendTest, RefusesBadListsOfGroups) {
  connect();
  const Payload payload = Payload::copy_of("x");
  EXPECT_EQ(core.multicast({}, payload, {}).refused, RejectReason::kBadName);
  EXPECT_EQ(core.multicast({"a", "a"}, payload, {}).refused, RejectReason::kBadName);
  EXPECT_EQ(core.multicast({"a", ""}, payload, {}).refused, RejectReason::kBadName);
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= protocol::kGroupsPerSendMax; ++i) many.push_back(std::to_string(i));
  EXPECT_EQ(core.multicast(many, payload, {}).refused, RejectReason::kBadName);
  many.pop_back();
  EXPECT_TRUE(core.multicast(many, payload, {}).ok());
}

TEST_F(ClientCoreSendTest, CreditByMessagesComesBackWithAcceptance) {
  connect(2);
  EXPECT_TRUE(core.has_credit());
  const Queued first = send("room", "1");
  const Queued second = send("room", "2");
  EXPECT_FALSE(core.has_credit());
  EXPECT_EQ(send("room", "3").refused, RejectReason::kWouldBlock);
  say(protocol::Accepted{.up_to = first.request});
  EXPECT_TRUE(send("room", "3").ok());
  EXPECT_EQ(send("room", "4").refused, RejectReason::kWouldBlock);
  say(protocol::Rejected{
      .request = second.request, .group = {}, .reason = RejectReason::kNoSuchGroup});
  EXPECT_TRUE(send("room", "4").ok());
}

TEST_F(ClientCoreSendTest, OneSendMayExceedTheWindowOfBytes) {
  connect(100, 10);
  const Queued big = send("room", std::string(1000, 'x'));
  EXPECT_TRUE(big.ok());
  EXPECT_EQ(send("room", "1").refused, RejectReason::kWouldBlock);
  say(protocol::Accepted{.up_to = big.request});
  EXPECT_TRUE(send("room", "1").ok());
}

TEST_F(ClientCoreSendTest, ARefusedSendLeavesNoTrace) {
  connect(1);
  send("room", "1");
  core.take_outgoing();
  EXPECT_EQ(send("room", "2").refused, RejectReason::kWouldBlock);
  EXPECT_EQ(send("\x01", "2").refused, RejectReason::kBadName);
  EXPECT_TRUE(core.take_outgoing().empty());
  EXPECT_EQ(told(), "");
}

TEST_F(ClientCoreSendTest, CutsALargePayloadIntoChunks) {
  connect();
  const std::string text =
      std::string(protocol::kChunkBytesMax, 'a') + std::string(protocol::kChunkBytesMax, 'b') + "c";
  const Queued queued = send("room", text);
  EXPECT_GE(core.outgoing_bytes(), text.size());
  const auto outgoing = core.take_outgoing();
  ASSERT_EQ(outgoing.size(), 3u);
  EXPECT_EQ(std::get<protocol::MulticastChunk>(outgoing[0]).payload.text(),
            text.substr(0, protocol::kChunkBytesMax));
  EXPECT_EQ(std::get<protocol::MulticastChunk>(outgoing[1]).payload.text(),
            text.substr(protocol::kChunkBytesMax, protocol::kChunkBytesMax));
  EXPECT_EQ(std::get<protocol::Multicast>(outgoing[2]).payload.text(), "c");
  EXPECT_EQ(std::get<protocol::Multicast>(outgoing[2]).request, queued.request);
}

TEST_F(ClientCoreSendTest, ThePartBehindTheLastFullChunkIsNeverEmpty) {
  connect(100, 1u << 20);
  send("room", std::string(protocol::kChunkBytesMax, 'a'));
  EXPECT_EQ(core.take_outgoing().size(), 1u);
  send("hall", "");
  EXPECT_EQ(core.take_outgoing().size(), 1u);
}

TEST_F(ClientCoreSendTest, RefusesAPayloadThatIsTooBig) {
  connect(100, kPayloadBytesMax * 4);
  const Payload largest = Payload::copy_of(std::string(kPayloadBytesMax, 'x'));
  EXPECT_TRUE(core.multicast({"room"}, largest, {}).ok());
  const Payload bigger = Payload::copy_of(std::string(kPayloadBytesMax + 1, 'x'));
  EXPECT_EQ(core.multicast({"room"}, bigger, {}).refused, RejectReason::kTooBig);
}

// --- delivery ------------------------------------------------------------------------------------

TEST_F(ClientCoreSendTest, ResolvesTheSenderByItsRankInTheCurrentView) {
  connect();
  join("room");
  say(delivery("room", 0, "hello"));
  const auto told = only_upcall<upcall::Delivered>();
  EXPECT_EQ(told.group, "room");
  EXPECT_EQ(told.view, core.view("room")->id);
  EXPECT_EQ(told.message, (Message{.sender = kBob,
                                   .number = SendNumber{1},
                                   .order = Order::kTotal,
                                   .payload = Payload::copy_of("hello")}));
}

TEST_F(ClientCoreSendTest, TakesTheSenderOfAnOpenGroupAsItIs) {
  connect();
  join("room");
  protocol::Deliver message = delivery("room", protocol::kNoRank, "hello");
  message.sender = process("carol", 3);
  say(message);
  EXPECT_EQ(told(), "message room carol hello");
}

TEST_F(ClientCoreSendTest, FindsFaultWithAMessageOfNobody) {
  connect();
  join("room");
  EXPECT_NE(say_wrong(delivery("room", 2, "x")), "");
  EXPECT_NE(say_wrong(delivery("room", protocol::kNoRank, "x")), "");
}

TEST_F(ClientCoreSendTest, AssemblesChunks) {
  connect();
  join("room");
  const std::string chunk(protocol::kChunkBytesMax, 'a');
  say(protocol::DeliverChunk{.payload = Payload::copy_of(chunk)},
      protocol::DeliverChunk{.payload = Payload::copy_of(chunk)}, delivery("room", 0, "end"),
      delivery("room", 0, "small"));
  const auto upcalls = core.take_upcalls();
  ASSERT_EQ(upcalls.size(), 2u);
  EXPECT_EQ(std::get<upcall::Delivered>(upcalls[0]).message.payload.text(), chunk + chunk + "end");
  EXPECT_EQ(std::get<upcall::Delivered>(upcalls[1]).message.payload.text(), "small");
}

TEST_F(ClientCoreSendTest, DropsTheChunksOfAMessageThatItIgnores) {
  connect();
  join("room");
  join("hall");
  core.leave("room");
  const std::string chunk(protocol::kChunkBytesMax, 'a');
  say(protocol::Gone{.group = group_key("room"), .reason = GoneReason::kLeft},
      protocol::DeliverChunk{.payload = Payload::copy_of(chunk)}, delivery("room", 0, "end"),
      delivery("hall", 0, "small"));
  EXPECT_EQ(told(), "gone room left; message hall bob small");
}

TEST_F(ClientCoreSendTest, FindsFaultWithAShortChunk) {
  connect();
  EXPECT_NE(say_wrong(protocol::DeliverChunk{.payload = Payload::copy_of("short")}), "");
}

TEST_F(ClientCoreSendTest, FindsFaultWithEndlessChunks) {
  connect();
  const Payload chunk = Payload::copy_of(std::string(protocol::kChunkBytesMax, 'a'));
  for (std::size_t i = 0; i < kPayloadBytesMax / protocol::kChunkBytesMax; ++i) {
    say(protocol::DeliverChunk{.payload = chunk});
  }
  EXPECT_NE(say_wrong(protocol::DeliverChunk{.payload = chunk}), "");
}

TEST_F(ClientCoreSendTest, ReportsWhatTheApplicationHasTaken) {
  connect();
  join("room");
  core.take_upcalls();
  say(delivery("room", 0, ""));
  take_and_tell();
  const auto first = core.take_outgoing();
  ASSERT_EQ(first.size(), 1u);
  const std::uint64_t before = std::get<protocol::Consumed>(first[0]).bytes_total;
  say(protocol::DeliverChunk{.payload =
                                 Payload::copy_of(std::string(protocol::kChunkBytesMax, 'a'))},
      delivery("room", 0, "end"));
  EXPECT_TRUE(core.take_outgoing().empty());
  core.take_upcalls();
  EXPECT_TRUE(core.take_outgoing().empty());  // the callbacks have not returned
  core.on_upcalls_told();
  EXPECT_EQ(core.take_outgoing(),
            std::vector<protocol::ClientMessage>{protocol::Consumed{
                .bytes_total = before + protocol::kChunkBytesMax + 64 + 3 + 64}});
  EXPECT_TRUE(core.take_outgoing().empty());
}

TEST_F(ClientCoreSendTest, ReportsWhatItHasTakenOnlyOnceItIsAPartOfTheQueue) {
  connect(100, 1000, /*queue_bytes=*/16 * 1000);
  join("room");
  core.take_upcalls();
  core.take_outgoing();
  std::size_t reports = 0;
  for (int i = 0; i < 100; ++i) {  // 100 bytes each
    say(delivery("room", 0, std::string(36, 'x')));
    take_and_tell();
    reports += core.take_outgoing().size();
  }
  EXPECT_EQ(reports, 10u);
}

TEST_F(ClientCoreSendTest, ReportsAtOnceWhatSomebodyWaitsFor) {
  connect(100, 1000, /*queue_bytes=*/16 * 1000);
  join("room");
  take_and_tell();
  core.take_outgoing();
  protocol::Deliver asks = delivery("room", 0, "x");
  asks.report_soon = true;
  say(asks, delivery("room", 0, "y"));
  EXPECT_TRUE(core.take_outgoing().empty());
  core.take_upcalls();
  EXPECT_TRUE(core.take_outgoing().empty());
  core.on_upcalls_told();
  const auto report = core.take_outgoing();
  ASSERT_EQ(report.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<protocol::Consumed>(report[0]));
  say(delivery("room", 0, "z"));
  take_and_tell();
  EXPECT_TRUE(core.take_outgoing().empty());  // nobody waits for that
}

TEST_F(ClientCoreSendTest, TellsTheTransition) {
  connect();
  join("room");
  say(protocol::Transition{.group = group_key("room"), .transitional = {kAlice}});
  EXPECT_EQ(only_upcall<upcall::Transition>().transitional, std::vector<ProcessId>{kAlice});
}

// --- block and suspension ------------------------------------------------------------------------

TEST_F(ClientCoreSendTest, SendsNothingBetweenBlockOkAndTheNextView) {
  connect();
  join("room");
  EXPECT_EQ(core.block_ok("room").refused, RejectReason::kBadOption);
  EXPECT_EQ(core.block_ok("hall").refused, RejectReason::kNotMember);
  say(protocol::Block{.group = group_key("room")});
  EXPECT_EQ(told(), "block room");
  EXPECT_TRUE(send("room", "still allowed").ok());
  const Queued queued = core.block_ok("room");
  EXPECT_TRUE(queued.ok());
  EXPECT_EQ(core.block_ok("room").refused, RejectReason::kBlocked);
  EXPECT_EQ(send("room", "x").refused, RejectReason::kBlocked);
  EXPECT_EQ(core.multicast({"hall", "room"}, {}, {}).refused, RejectReason::kBlocked);
  EXPECT_TRUE(send("hall", "x").ok());
  say(protocol::ViewChanged{.group = "room", .view = view_of_alice(9)});
  EXPECT_TRUE(send("room", "x").ok());
}

// The application would send in a view that it does not know.
TEST_F(ClientCoreSendTest, SendsNothingToAFlushGroupBeforeItsViewIsTold) {
  for (const bool is_flush : {true, false}) {
    connect();
    join("room", {.flush = is_flush});
    core.on_view_told("room", core.view("room")->id);
    EXPECT_TRUE(send("room", "x").ok());
    say(protocol::ViewChanged{.group = "room", .view = view_of_alice(9)});
    EXPECT_EQ(send("room", "x").ok(), !is_flush);
    core.on_view_told("room", core.view("room")->id);
    EXPECT_TRUE(send("room", "x").ok());
    core.on_disconnected("");
  }
}

TEST_F(ClientCoreSendTest, ARejectedBlockOkUnblocks) {
  connect();
  join("room");
  say(protocol::Block{.group = group_key("room")});
  EXPECT_EQ(core.block_ok("room").refused, RejectReason::kBadOption);  // it was not told yet
  EXPECT_EQ(told(), "block room");
  const Queued queued = core.block_ok("room");
  say(protocol::Rejected{
      .request = queued.request, .group = {}, .reason = RejectReason::kNotMember});
  EXPECT_TRUE(send("room", "x").ok());
}

TEST_F(ClientCoreSendTest, SendsNothingWhileSuspended) {
  connect();
  join("room");
  say(protocol::Suspended{.group = group_key("room")});
  EXPECT_EQ(told(), "suspended room");
  EXPECT_EQ(send("room", "x").refused, RejectReason::kNoPrimary);
  say(protocol::ViewChanged{.group = "room", .view = view_of_alice(9)});
  EXPECT_TRUE(send("room", "x").ok());
}

// --- questions -----------------------------------------------------------------------------------

TEST_F(ClientCoreSendTest, AnswersQuestions) {
  connect();
  const RequestId status = core.query_status();
  const RequestId groups = core.query_groups();
  core.watch({"room"});
  EXPECT_EQ(core.take_outgoing().size(), 3u);
  say(protocol::StatusReply{.request = status, .status = protocol::DaemonStatus{}},
      protocol::GroupsReply{.request = groups, .groups = {}},
      protocol::WatchedView{.group = "room", .view = view_of_alice(1)});
  EXPECT_EQ(told(), "status; groups; watched room");
}

}  // namespace
}  // namespace groupcomm
