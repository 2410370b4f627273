#include "groupcomm/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "groupcomm/protocol/client_frames.h"
#include "tests/groupcomm/client_fixture.h"

namespace groupcomm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- connecting ----------------------------------------------------------------------------------

TEST_P(ClientTest, ConnectsAndTellsWhoIAm) {
  start();
  Client client = Client::connect(options());
  EXPECT_TRUE(client.connected());
  ASSERT_TRUE(client.process().has_value());
  EXPECT_EQ(client.process()->name, "alice");
  EXPECT_EQ(client.poll(seconds(10)), 1u);
  EXPECT_EQ(recorder.told, "connected 1");
}

TEST_P(ClientTest, SaysWhereItLookedWhenThereIsNoSocketFile) {
  EXPECT_EQ(error_of_connect(), "no daemon at " + path +
                                    " (No such file or directory): start groupcommd or set "
                                    "GROUPCOMM_SOCKET");
}

TEST_P(ClientTest, SaysThatNobodyListensOnAnOldSocketFile) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(listener);
  EXPECT_EQ(error_of_connect(), "no daemon at " + path +
                                    " (nobody listens there): start groupcommd or set "
                                    "GROUPCOMM_SOCKET");
}

TEST_P(ClientTest, SaysThatAFileIsNoSocket) {
  std::ofstream(path) << "x";
  EXPECT_EQ(error_of_connect(), "not a socket: " + path);
}

TEST_P(ClientTest, SaysThatAPathIsTooLong) {
  path = folder.path(std::string(120, 'x'));
  EXPECT_EQ(error_of_connect(), "the daemon's socket path is longer than 107 bytes: " + path);
}

TEST_P(ClientTest, RepeatsWhyTheDaemonRefuses) {
  start({.refusal = "too many clients"});
  EXPECT_EQ(error_of_connect(), "refused by the daemon: too many clients");
}

TEST_P(ClientTest, GivesUpOnADaemonThatDoesNotAnswer) {
  start({.greets = false});
  ClientOptions impatient = options();
  impatient.connect_timeout = milliseconds(50);
  try {
    Client::connect(impatient);
    FAIL() << "connected";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "the daemon at " + path + " did not answer within 50 ms");
  }
}

TEST_P(ClientTest, RefusesABadProcessName) {
  ClientOptions bad = options();
  bad.name = "a\nb";
  EXPECT_THROW(Client::connect(bad), Error);
}

// --- groups --------------------------------------------------------------------------------------

TEST_P(ClientTest, JoinsSendsAndLeaves) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  EXPECT_EQ(room.view(), nullptr);
  EXPECT_TRUE(room.multicast("hello", Order::kFifo).ok());
  poll_until(client, "message room hello");
  ASSERT_NE(room.view(), nullptr);
  EXPECT_EQ(room.view()->members.size(), 1u);
  EXPECT_TRUE(room.leave().ok());
  poll_until(client, "gone room left");
  EXPECT_EQ(recorder.told, "view room 1; accepted room 1; message room hello; gone room left");
  EXPECT_EQ(room.view(), nullptr);
}

TEST_P(ClientTest, RefusesAJoinThatCannotBe) {
  start();
  Client client = connect();
  client.join("room", recorder);
  const auto reason_of = [&](const std::string& group) {
    try {
      client.join(group, recorder);
    } catch (const Error& error) {
      return error.reason();
    }
    return std::optional<RejectReason>();
  };
  EXPECT_EQ(reason_of("room"), RejectReason::kBadOption);
  EXPECT_EQ(reason_of(""), RejectReason::kBadName);
}

TEST_P(ClientTest, TellsTheClientListenerOfGroupsThatItIsNotIn) {
  start();
  Client client = connect();
  EXPECT_TRUE(client.multicast({"hall"}, Payload::copy_of("x"), {}).ok());
  poll_until(client, "accepted open hall 1");
}

TEST_P(ClientTest, LeaveAndJoinAgainTellsEachListenerItsOwnMembership) {
  start();
  Client client = connect();
  Recorder second;
  const Group room = client.join("room", recorder);
  room.leave();
  client.join("room", second);
  poll_until(client, "gone room left");
  while (second.told.empty()) client.poll(seconds(1));
  EXPECT_EQ(recorder.told, "view room 1; gone room left");
  EXPECT_EQ(second.told, "view room 1");
}

TEST_P(ClientTest, AnExceptionOfACallbackLosesNothing) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  recorder.on_each_message = [](Group&, const Message& message) {
    if (message.payload.text() == "1") throw std::runtime_error("no");
  };
  {
    const Client::Batch batch(client);
    room.multicast("1");
    room.multicast("2");
  }
  const auto poll_all = [&] {
    while (!recorder.told.ends_with("message room 2")) client.poll(seconds(10));
  };
  EXPECT_THROW(poll_all(), std::runtime_error);
  poll_all();
}

TEST_P(ClientTest, AnExceptionInTheMiddleOfARunLosesNothing) {
  start();
  Client client = connect();
  client.join("room", recorder);
  poll_until(client, "view room 1");
  recorder.on_each_message = [](Group&, const Message& message) {
    if (message.payload.text() == "message 2") throw std::runtime_error("no");
  };
  daemon->say(
      {protocol::Deliver{.group = group_key("room"),
                         .sender_rank = 0,
                         .sender = {},
                         .number = SendNumber{1},
                         .payload = Payload::copy_of("message 1"),
                         .run = {Payload::copy_of("message 2"), Payload::copy_of("message 3")}}});
  EXPECT_THROW(client.poll(seconds(10)), std::runtime_error);
  EXPECT_EQ(client.poll(seconds(10)), 1u);
  EXPECT_TRUE(recorder.told.ends_with("message room message 3")) << recorder.told;
}

TEST_P(ClientTest, AnswersABlockByItself) {
  struct Silent : GroupListener {
  } silent;
  start();
  Client client = connect();
  client.join("room", silent);
  client.poll(seconds(10));
  daemon->say({protocol::Block{.group = group_key("room")}});
  client.poll(seconds(10));
  EXPECT_TRUE(daemon->wait_for<protocol::BlockOk>(1));
}

TEST_P(ClientTest, AsksForTheStatus) {
  start();
  Client client = connect();
  client.query_status();
  poll_until(client, "status fake");
}

// --- credit and batches --------------------------------------------------------------------------

TEST_P(ClientTest, IsRefusedWithoutCredit) {
  start({.accepts = false, .window_messages = 1});
  Client client = connect();
  EXPECT_TRUE(client.multicast({"hall"}, {}, {}).ok());
  EXPECT_EQ(client.multicast({"hall"}, {}, {}).refused, RejectReason::kWouldBlock);
  EXPECT_EQ(client.multicast_within(milliseconds(20), {"hall"}, {}, {}).refused,
            RejectReason::kWouldBlock);
}

TEST_P(ClientTest, WaitsForCreditWithoutAnotherThread) {
  start({.window_messages = 1});
  Client client = connect();
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(client.multicast_within(seconds(20), {"hall"}, {}, {}).ok());
  }
  poll_until(client, "accepted open hall 50");
}

TEST_P(ClientTest, SendersOfSeveralThreadsShareTheCredit) {
  start({.window_messages = 2});
  Client client = connect();
  const Group room = client.join("room", recorder);
  client.start_thread();
  std::vector<std::thread> senders;
  std::atomic<int> sent = 0;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      for (int k = 0; k < 100; ++k) {
        if (room.multicast_within(seconds(20), Payload::copy_of("x"), {}).ok()) ++sent;
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(sent, 400);
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(400));
}

TEST_P(ClientTest, ABlockedSenderIsToldThatTheDaemonIsLost) {
  start({.accepts = false, .window_messages = 1});
  Client client = connect();
  client.multicast({"hall"}, {}, {});
  std::thread sender([&] {
    EXPECT_EQ(client.multicast_within(seconds(20), {"hall"}, {}, {}).refused, RejectReason::kGone);
  });
  daemon.reset();
  sender.join();
  poll_until(client, "disconnected");
  EXPECT_EQ(recorder.told, "rejected open hall gone; disconnected");
}

TEST_P(ClientTest, FindsTheCreditBehindMoreThanIsReadAtOnce) {
  start({.accepts = false, .window_messages = 1});
  Client client = connect();
  const Queued first = client.multicast({"hall"}, {}, {});
  ASSERT_TRUE(daemon->wait_for<protocol::Multicast>(1));
  GroupView large;
  large.members.resize(6000);
  for (auto& member : large.members) {
    member.process = {.name = std::string(200, 'x'), .daemon = "fake", .key = {}};
  }
  daemon->say({protocol::WatchedView{.group = "room", .view = large}});
  daemon->say({protocol::Accepted{.up_to = first.request}});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(client.multicast_within(seconds(20), {"hall"}, {}, {}).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
}

TEST_P(ClientTest, ABatchLeavesInOneFrame) {
  start();
  Client client = connect();
  const std::size_t before = daemon->frames();
  {
    const Client::Batch batch(client);
    for (int i = 0; i < 20; ++i) client.multicast({"hall"}, {}, {});
  }
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(20));
  EXPECT_EQ(daemon->frames(), before + 1);
}

TEST_P(ClientTest, ABatchOfEmptyPayloadsLeavesInFramesThatTheDaemonTakes) {
  start({.window_messages = 40000});
  Client client = connect();
  {
    const Client::Batch batch(client);
    for (int i = 0; i < 20000; ++i) client.multicast({"hall"}, {}, {});
  }
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(20000));
}

TEST_P(ClientTest, SendsOfOneRoundOfCallbacksLeaveInOneFrame) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  poll_until(client, "view room 1");
  recorder.on_each_message = [](Group& group, const Message& message) {
    if (message.payload.text() != "ask") return;
    for (int i = 0; i < 10; ++i) group.multicast("answer");
  };
  room.multicast("ask");
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(1));
  const std::size_t before = daemon->frames();
  while (recorder.told.find("message room ask") == std::string::npos) client.poll(seconds(1));
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(11));
  EXPECT_EQ(daemon->frames(), before + 1);
}

TEST_P(ClientTest, SendsALargePayloadInPieces) {
  start();
  Client client = connect();
  const std::string large(1'000'000, 'x');
  EXPECT_TRUE(client.multicast({"hall"}, Payload::copy_of(large), {}).ok());
  EXPECT_TRUE(daemon->wait_for<protocol::MulticastChunk>(15));
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(1));
}

// --- descriptor and threads ----------------------------------------------------------------------

TEST_P(ClientTest, ItsDescriptorIsReadableExactlyWhenThereIsWork) {
  start();
  Client client = connect();
  client.poll(milliseconds(0));
  EXPECT_FALSE(is_readable(client.descriptor(), milliseconds(0)));
  daemon->say({protocol::WatchedView{.group = "room", .view = {}}});
  EXPECT_TRUE(is_readable(client.descriptor(), seconds(20)));
  EXPECT_EQ(client.poll(milliseconds(0)), 1u);
}

TEST_P(ClientTest, ItsDescriptorNeverFallsSilentWithMessagesWaiting) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  poll_until(client, "view room 1");
  for (int i = 1; i <= 500; ++i) {
    room.multicast(std::to_string(i));
    const std::string last = "message room " + std::to_string(i);
    while (!recorder.told.ends_with(last)) {
      ASSERT_TRUE(is_readable(client.descriptor(), seconds(20))) << i;
      client.poll(milliseconds(0));
    }
  }
}

TEST_P(ClientTest, AnotherThreadMaySendWhileThisOnePolls) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  std::thread sender([room] {
    for (int i = 0; i < 200; ++i) room.multicast(std::to_string(i));
  });
  poll_until(client, "message room 199");
  sender.join();
}

TEST_P(ClientTest, RunsOnAThreadOfItsOwnUntilStopped) {
  start();
  Client client = connect();
  std::atomic<bool> heard = false;
  recorder.on_each_message = [&](Group&, const Message&) {
    heard = true;
    heard.notify_all();
  };
  client.start_thread();
  client.join("room", recorder).multicast("hello");
  heard.wait(false);
  client.close();
}

TEST_P(ClientTest, StopEndsRunEvenFromACallback) {
  start();
  Client client = connect();
  client.join("room", recorder).multicast("hello");
  recorder.on_each_message = [&](Group&, const Message&) { client.stop(); };
  client.run();
  EXPECT_TRUE(recorder.told.ends_with("message room hello"));
}

TEST_P(ClientTest, PollInsideACallbackIsRefused) {
  start();
  Client client = connect();
  client.join("room", recorder).multicast("hello");
  bool refused = false;
  recorder.on_each_message = [&](Group&, const Message&) {
    try {
      client.poll(milliseconds(0));
    } catch (const Error&) {
      refused = true;
    }
  };
  poll_until(client, "message room hello");
  EXPECT_TRUE(refused);
}

// --- the end -------------------------------------------------------------------------------------

TEST_P(ClientTest, CloseLeavesItsGroupsAndSaysBye) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  room.multicast("last words");
  client.close();
  EXPECT_TRUE(daemon->wait_for<protocol::Leave>(1));
  EXPECT_TRUE(daemon->wait_for<protocol::Bye>(1));
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(room.multicast("too late").refused, RejectReason::kGone);
  EXPECT_EQ(client.poll(seconds(10)), 0u);
}

TEST_P(ClientTest, ClosingInACallbackEndsTheCallbacks) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  recorder.on_each_message = [&](Group&, const Message&) { client.close(); };
  room.multicast("1");
  room.multicast("2");
  poll_until(client, "message room 1");
  client.poll(milliseconds(0));
  EXPECT_TRUE(recorder.told.ends_with("message room 1"));
}

TEST_P(ClientTest, ClosingReportsNothingThatTheApplicationHasNotSeen) {
  start();
  Client client = connect();
  client.join("room", recorder);
  poll_until(client, "view room 1");
  const std::size_t reports = daemon->count<protocol::Consumed>();
  daemon->say({protocol::Deliver{.group = group_key("room"),
                                 .sender_rank = 0,
                                 .sender = {},
                                 .number = SendNumber{1},
                                 .payload = Payload::copy_of("unseen"),
                                 .report_soon = true}});
  ASSERT_TRUE(is_readable(client.descriptor(), seconds(10)));
  client.close();
  EXPECT_TRUE(daemon->wait_for<protocol::Bye>(1));
  EXPECT_EQ(daemon->count<protocol::Consumed>(), reports);
}

TEST_P(ClientTest, TellsAtOnceThatTheDaemonIsLostAndConnectsAgain) {
  start();
  Client client = connect();
  const Group room = client.join("room", recorder);
  poll_until(client, "view room 1");
  daemon.reset();
  poll_until(client, "disconnected");
  EXPECT_EQ(recorder.told, "view room 1; gone room daemon_lost; disconnected");
  EXPECT_EQ(room.multicast("x").refused, RejectReason::kGone);
  recorder.told.clear();
  start();
  poll_until(client, "connected 1");
  EXPECT_EQ(recorder.told, "connected 1");
  client.join("room", recorder);
  poll_until(client, "view room 1");
}

TEST_P(ClientTest, DoesNotConnectAgainWhereItIsNotAskedTo) {
  start();
  ClientOptions once = options();
  once.reconnect = false;
  Client client = Client::connect(once);
  daemon.reset();
  client.run();
  EXPECT_EQ(recorder.told, "connected 1; disconnected");
  EXPECT_EQ(client.poll(milliseconds(-1)), 0u);
}

TEST_P(ClientTest, NothingOfAnOldConnectionReachesANewOne) {
  start({.accepts = false});
  Client client = connect();
  client.multicast({"hall"}, {}, {});
  EXPECT_TRUE(daemon->wait_for<protocol::Multicast>(1));
  daemon.reset();
  client.multicast({"hall"}, {}, {});  // perhaps before the loss is noticed
  poll_until(client, "disconnected");
  start();
  poll_until(client, "connected 1");
  client.query_status();
  poll_until(client, "status fake");
  EXPECT_EQ(daemon->count<protocol::Multicast>(), 0u);
}

TEST_P(ClientTest, ADaemonThatSendsGarbageIsLeft) {
  start();
  Client client = connect();
  daemon->say_raw("garbage");
  poll_until(client, "connected 2");
  EXPECT_EQ(recorder.told, "disconnected; connected 2");
}

TEST_P(ClientTest, ADaemonThatBreaksTheProtocolIsLeft) {
  start();
  Client client = connect();
  daemon->say({protocol::Accepted{.up_to = RequestId{99}}});
  poll_until(client, "connected 2");
  EXPECT_EQ(recorder.told, "disconnected; connected 2");
}

TEST_P(ClientTest, TheReasonOfADisconnectIsTold) {
  struct Listener : ClientListener {
    void on_disconnected(const std::string& why) override { reason = why; }
    std::string reason;
  } listener;
  start();
  ClientOptions told = options();
  told.listener = &listener;
  Client client = Client::connect(told);
  daemon->say({protocol::Disconnect{.reason = "excluded: by n2"}});
  while (listener.reason.empty()) client.poll(seconds(10));
  EXPECT_EQ(listener.reason, "excluded: by n2");
}

TEST_P(ClientTest, AHandleOutlivesItsClient) {
  start();
  std::optional<Group> room;
  {
    Client client = connect();
    room = client.join("room", recorder);
  }
  EXPECT_EQ(room->multicast("x").refused, RejectReason::kGone);
  EXPECT_EQ(room->view(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Both, ClientTest, testing::Bool(), [](const auto& has_stream) {
  return has_stream.param ? "Stream" : "Zeromq";
});

}  // namespace
}  // namespace groupcomm
