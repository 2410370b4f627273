#include "daemon/host/client_transport.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <set>
#include <thread>

#include "daemon/host/client_links.h"
#include "daemon/host/client_socket.h"
#include "daemon/host/client_streams.h"
#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/frame_stream.h"
#include "tests/daemon/host/raw_client.h"
#include "tests/daemon/host/temporary_folder.h"
#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {
namespace {

using protocol::ClientMessage;

class ClientTransports : public testing::TestWithParam<Kind> {
 protected:
  ClientTransports() {
    auto opened = GetParam() == Kind::kStream ? ClientStreams::open(path_, gate_)
                                              : ClientSocket::open(context_, path_, gate_);
    socket_ = std::move(opened).value();
  }
  std::unique_ptr<RawClient> connect() const { return make_client(GetParam(), path_); }

  // The next event within ten seconds, in short: "frame 1", "lost 1" or "nothing".
  std::string next_event() {
    std::optional<Event> event;
    wait_until(
        descriptors(),
        [&] {
          poll(monotonic_now());
          return (event = socket_->take_event()).has_value();
        },
        [&] { return socket_->next_deadline(); });
    if (!event) return "nothing";
    if (const auto* frame = std::get_if<ClientFrame>(&*event)) {
      return "frame " + to_string(frame->session);
    }
    return "lost " + to_string(std::get<ClientLost>(*event).session);
  }

  void poll(TimePoint now) {
    look_at(socket_->sources());
    socket_->poll(now);
  }
  std::vector<int> descriptors() {
    std::vector<int> all;
    for (const Source& source : socket_->sources()) all.push_back(source.descriptor);
    return all;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("made/d.sock");
  FileLock lock_ = ClientLinks::lock(path_).value();
  HostCounters counters_;
  Log log_{"off"};
  ClientGate gate_{counters_, log_};
  SocketContext context_;
  std::unique_ptr<ClientTransport> socket_;
  const std::vector<ClientMessage> hello_ = {protocol::Hello{protocol::kProtocolVersion, "x"}};
  const std::vector<ClientMessage> bye_ = {protocol::Bye{}};
};

TEST_P(ClientTransports, GiveEachConnectionASessionOfItsOwn) {
  const auto first = connect();
  first->send(hello_);
  EXPECT_EQ(next_event(), "frame 1");
  const auto second = connect();
  second->send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
  first->send(bye_);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(socket_->session_count(), 2u);
}

TEST_P(ClientTransports, SendToASession) {
  const auto client = connect();
  client->send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("short"));
  socket_->send(SessionId{1}, Payload::copy_of(std::string(100'000, 'y')));
  socket_->send(SessionId{9}, Payload::copy_of("for nobody"));
  EXPECT_EQ(client->receive(), "short");
  EXPECT_EQ(client->receive(), std::string(100'000, 'y'));
}

TEST_P(ClientTransports, TellOfALostConnectionAfterAllThatItSent) {
  {
    const auto client = connect();
    client->send(hello_);
    for (int i = 0; i < 100; ++i) client->send(bye_);
  }
  for (int i = 0; i < 101; ++i) ASSERT_EQ(next_event(), "frame 1");
  EXPECT_EQ(next_event(), "lost 1");
  EXPECT_EQ(socket_->session_count(), 0u);
}

TEST_P(ClientTransports, TellOfManyConnectionsThatComeAndGo) {
  for (int i = 1; i <= 50; ++i) {
    {
      const auto client = connect();
      client->send(hello_);
      ASSERT_EQ(next_event(), "frame " + std::to_string(i));
    }
    ASSERT_EQ(next_event(), "lost " + std::to_string(i));
  }
}

TEST_P(ClientTransports, CutOffAClientThatSendsGarbage) {
  const auto client = connect();
  client->send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  client->send_bytes("what is this");
  client->send(bye_);
  EXPECT_EQ(next_event(), "lost 1");
  EXPECT_EQ(counters_.bad_client_frames, 1u);
  const auto other = connect();
  other->send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
}

TEST_P(ClientTransports, SayNothingOfAClientThatBeginsWithGarbage) {
  const auto garbage = connect();
  garbage->send_bytes("what is this");
  const auto rude = connect();
  rude->send(bye_);
  const auto other = connect();
  wait_until(
      descriptors(),
      [&] {
        poll(monotonic_now());
        EXPECT_FALSE(socket_->take_event().has_value());
        return counters_.bad_client_frames == 2;
      },
      [&] { return socket_->next_deadline(); });
  other->send(hello_);
  // Over ZeroMQ a connection has a number from its first frame on, whatever that is.
  EXPECT_EQ(next_event(), GetParam() == Kind::kStream ? "frame 1" : "frame 3");
  EXPECT_EQ(counters_.bad_client_frames, 2u);
}

class ClientSockets : public ClientTransports {};

TEST_P(ClientSockets, CutOffAClientThatChoosesItsRoutingId) {
  zmq::context_t context(1);
  zmq::socket_t own(context, zmq::socket_type::dealer);
  own.set(zmq::sockopt::routing_id, "own");
  own.set(zmq::sockopt::linger, 0);
  own.connect("ipc://" + path_);
  const Payload bytes = wire::encode(std::span<const ClientMessage>(hello_));
  own.send(zmq::buffer(bytes.text()), zmq::send_flags::none);
  wait_until(
      descriptors(),
      [&] {
        poll(monotonic_now());
        EXPECT_FALSE(socket_->take_event().has_value());
        return counters_.bad_client_frames == 1;
      },
      [&] { return socket_->next_deadline(); });
  EXPECT_EQ(socket_->session_count(), 0u);
}

TEST_P(ClientTransports, DropWhatAClosedSessionSends) {
  const auto client = connect();
  client->send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("goodbye"));
  socket_->close(SessionId{1}, monotonic_now());
  client->send(bye_);
  EXPECT_EQ(client->receive(), "goodbye");
  const auto other = connect();
  other->send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
}

TEST_P(ClientTransports, CountSessionsAnewAfterCloseAll) {
  const auto client = connect();
  client->send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->close_all(monotonic_now());
  gate_.forget_sessions();
  client->send(bye_);
  const auto other = connect();
  other->send(hello_);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(socket_->session_count(), 1u);
}

// A process that was forked before this one had a thread: a fork copies locks as other threads hold
// them at the moment, for ever. It becomes a client when it is told of which socket.
class EarlyChild {
 protected:
  EarlyChild() {
    CHECK_EQ(pipe(orders_), 0);
    child_ = fork();
    CHECK(child_ >= 0);
    if (child_ == 0) serve();
    close(orders_[0]);
  }
  ~EarlyChild() {
    if (child_ != 0) {
      kill_child();
      waitpid(child_, nullptr, 0);
    }
    close(orders_[1]);
  }

  // `forks`: once it has received something, a child of its own holds copies of all descriptors
  // until this object ends.
  void become_client(Kind kind, const std::string& path, bool forks) {
    order(std::string(kind == Kind::kStream ? "s" : "z") + (forks ? "+" : "-") + path);
  }
  // It says more than one read takes and ends at once, and a child of its own holds copies of all
  // descriptors until this object ends. Returns when it has ended.
  void say_much_and_end(Kind kind, const std::string& path, bool leaves_zombie) {
    order(std::string(kind == Kind::kStream ? "s" : "z") + "!" + path);
    siginfo_t info{};
    const int options = WEXITED | (leaves_zombie ? WNOWAIT : 0);
    CHECK_EQ(waitid(P_PID, static_cast<id_t>(child_), &info, options), 0);
    if (!leaves_zombie) child_ = 0;
  }
  void kill_child() { kill(child_, SIGKILL); }

 private:
  void order(const std::string& text) {
    const std::string line = text + "\n";
    CHECK_EQ(write(orders_[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  bool read_order(char& byte) { return read(orders_[0], &byte, 1) == 1; }
  // In a process that holds copies of all descriptors.
  [[noreturn]] void wait_for_the_end() {
    for (char byte = 0; read_order(byte);) {
    }
    _exit(0);
  }

  [[noreturn]] void serve() {
    close(orders_[1]);
    std::string order;
    for (char byte = 0; read_order(byte) && byte != '\n';) order += byte;
    if (order.empty()) _exit(0);
    const auto client =
        make_client(order[0] == 's' ? Kind::kStream : Kind::kZeromq, order.substr(2));
    const protocol::Hello hello{protocol::kProtocolVersion, "x"};
    if (order[1] == '!') {
      const protocol::MulticastChunk chunk{
          Payload::copy_of(std::string(protocol::kChunkBytesMax, 'c'))};
      client->send({hello, chunk, chunk});
      if (fork() == 0) wait_for_the_end();
      _exit(0);
    }
    client->send({hello});
    if (order[1] == '+') {
      client->receive();
      if (fork() == 0) wait_for_the_end();
    }
    for (;;) pause();
  }

  int orders_[2] = {};
  pid_t child_ = 0;
};

class ClientProcesses : private EarlyChild, public ClientTransports {
 protected:
  using EarlyChild::become_client;
  using EarlyChild::kill_child;
  using EarlyChild::say_much_and_end;
};

class ClientStreamProcesses : public ClientProcesses {};

TEST_P(ClientProcesses, ThatAreKilledAreToldOf) {
  become_client(GetParam(), path_, /*forks=*/false);
  EXPECT_EQ(next_event(), "frame 1");
  kill_child();
  EXPECT_EQ(next_event(), "lost 1");
}

TEST_P(ClientProcesses, ThatAreKilledAreToldOfThoughAChildHoldsTheConnection) {
  become_client(GetParam(), path_, /*forks=*/true);
  EXPECT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("fork now"));
  // The grandchild may or may not be there by now: the outcome is the same.
  kill_child();
  EXPECT_EQ(next_event(), "lost 1");
}

// The last read may end where its buffer does: that all has been read shows by another one only.
TEST_P(ClientStreamProcesses, ThatHaveEndedAreToldOfBehindALargeFrame) {
  say_much_and_end(GetParam(), path_, /*leaves_zombie=*/true);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(next_event(), "lost 1");
}

TEST_P(ClientStreamProcesses, ThatHaveEndedAreToldOfThoughNothingIsLeftOfThem) {
  say_much_and_end(GetParam(), path_, /*leaves_zombie=*/false);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(next_event(), "lost 1");
}

TEST_P(ClientTransports, BelongToOneProcess) {
  const auto second = ClientLinks::lock(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(),
            "another groupcommd is serving " + path_ + " (pid " + std::to_string(getpid()) + ")");
}

TEST_P(ClientTransports, MakeTheDirectoryForTheirUserAndGroup) {
  struct stat status {};
  ASSERT_EQ(stat(folder_.path("made").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07027u, 0u) << "others have no rights, and the group may not write";
}

class ClientStreamsTest : public ClientTransports {
 protected:
  static std::string size_of(std::uint64_t bytes) {
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  }
};

TEST_P(ClientStreamsTest, WaitForTheRestOfAFrame) {
  StreamClient client(path_);
  const std::string hello(wire::encode(std::span<const ClientMessage>(hello_)).text());
  const std::string bytes = size_of(hello.size()) + hello;
  client.send_raw(bytes.substr(0, 11));
  poll(monotonic_now());
  EXPECT_EQ(socket_->take_event(), std::nullopt);
  client.send_raw(bytes.substr(11));
  EXPECT_EQ(next_event(), "frame 1");
}

TEST_P(ClientStreamsTest, CutOffAClientThatAnnouncesTooMuch) {
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  client.send_raw(size_of(wire::kFrameBytesMax + 1));
  EXPECT_EQ(next_event(), "lost 1");
  EXPECT_EQ(counters_.bad_client_frames, 1u);
  EXPECT_EQ(client.receive(), "the end");
}

TEST_P(ClientStreamsTest, KeepWhatASlowClientHasNotRead) {
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  for (int i = 0; i < 40; ++i) {
    socket_->send(SessionId{1}, Payload::copy_of(std::string(100'000, static_cast<char>('A' + i))));
  }
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(client.receive(), std::string(100'000, static_cast<char>('A' + i)));
    // What the kernel has room for now goes on its way.
    poll(monotonic_now());
    EXPECT_EQ(socket_->take_event(), std::nullopt);
  }
}

TEST_P(ClientStreamsTest, LetEachClientSpeakInEachRound) {
  StreamClient eager(path_);
  StreamClient modest(path_);
  eager.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  modest.send(hello_);
  ASSERT_EQ(next_event(), "frame 2");
  const std::string bye(wire::encode(std::span<const ClientMessage>(bye_)).text());
  std::string byes;
  while (byes.size() < 100'000) byes += size_of(bye.size()) + bye;
  eager.send_raw(byes);
  modest.send(bye_);
  // A round: one read of each.
  std::set<SessionId> heard;
  poll(monotonic_now());
  while (const auto event = socket_->take_event()) {
    heard.insert(std::get<ClientFrame>(*event).session);
  }
  EXPECT_EQ(heard, (std::set<SessionId>{SessionId{1}, SessionId{2}}));
}

TEST_P(ClientStreamsTest, EndAConnectionThatSaysNothing) {
  StreamClient silent(path_);
  StreamClient late(path_);
  poll(monotonic_now());
  EXPECT_EQ(socket_->take_event(), std::nullopt);
  late.send(hello_);
  // This process may have stood still meanwhile: a Hello that is there counts.
  poll(monotonic_now() + std::chrono::seconds(3));
  const auto event = socket_->take_event();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(std::get<ClientFrame>(*event).session, SessionId{1});
  EXPECT_EQ(silent.receive(), "the end");
  poll(monotonic_now() + std::chrono::seconds(3));
  EXPECT_EQ(socket_->next_deadline(), TimePoint::never());
}

TEST_P(ClientStreamsTest, LetInAllWhoseHellosCameWhileTheDaemonStoodStill) {
  constexpr int kClients = 100;
  std::vector<std::unique_ptr<StreamClient>> clients;
  while (clients.size() < kClients) {
    clients.push_back(std::make_unique<StreamClient>(path_));
    poll(monotonic_now());
    ASSERT_EQ(socket_->take_event(), std::nullopt);
  }
  for (const auto& client : clients) client->send(hello_);
  poll(monotonic_now() + std::chrono::seconds(3));
  for (int i = 1; i <= kClients; ++i) ASSERT_EQ(next_event(), "frame " + std::to_string(i));
}

TEST_P(ClientStreamsTest, EndAConnectionThatCannotBeWrittenTo) {
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  client.read_no_more();
  client.send(bye_);
  socket_->send(SessionId{1}, Payload::copy_of("who reads this?"));
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(next_event(), "lost 1");
}

// To find out whether an object is of its class, the undefined-behaviour sanitizer opens a pipe;
// where it cannot, it says no.
#if defined(__has_feature)
#define HAS_UNDEFINED_BEHAVIOR_SANITIZER __has_feature(undefined_behavior_sanitizer)
#else
#define HAS_UNDEFINED_BEHAVIOR_SANITIZER 0
#endif

TEST_P(ClientStreamsTest, WaitQuietlyForADescriptorToBeFree) {
  if (HAS_UNDEFINED_BEHAVIOR_SANITIZER) GTEST_SKIP() << "the sanitizer needs descriptors";
  StreamClient client(path_);
  client.send(hello_);
  Readiness readiness;
  for (const int descriptor : descriptors()) readiness.add(descriptor, 0);
  const TimePoint begin = monotonic_now();
  const TimePoint end = begin + std::chrono::milliseconds(300);
  readiness.wait(begin, end);  // takes a descriptor
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Descriptor free(dup(0));
  const rlimit exhausted{.rlim_cur = static_cast<rlim_t>(free.get()), .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &exhausted), 0);
  int rounds = 0;
  for (TimePoint now = monotonic_now(); now < end; now = monotonic_now(), ++rounds) {
    poll(now);
    EXPECT_EQ(socket_->take_event(), std::nullopt);
    readiness.wait(now, std::min(end, socket_->next_deadline()));
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_LT(rounds, 10);
  EXPECT_EQ(next_event(), "frame 1");
}

TEST_P(ClientStreamsTest, EndAClosedConnectionThatStays) {
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->close(SessionId{1}, monotonic_now());
  ASSERT_LT(socket_->next_deadline(), TimePoint::never());
  poll(monotonic_now() + std::chrono::seconds(31));
  EXPECT_EQ(socket_->take_event(), std::nullopt);
  EXPECT_EQ(client.receive(), "the end");
}

TEST_P(ClientStreamsTest, SendWhatWaitsAtTheEnd) {
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  for (int i = 0; i < 20; ++i) {
    socket_->send(SessionId{1}, Payload::copy_of(std::string(100'000, 'x')));
  }
  socket_->linger(std::chrono::seconds(10));
  std::thread ending([&] { socket_.reset(); });
  for (int i = 0; i < 20; ++i) ASSERT_EQ(client.receive().size(), 100'000u);
  ending.join();
  EXPECT_EQ(client.receive(), "the end");
  struct stat status {};
  EXPECT_NE(stat(wire::stream_path(path_).c_str(), &status), 0) << "the file is removed";
}

TEST_P(ClientStreamsTest, AtTheEndSendToAllThoughOneDoesNotRead) {
  auto stuck = std::make_unique<StreamClient>(path_);
  stuck->send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  StreamClient client(path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 2");
  for (int i = 0; i < 200; ++i) {
    for (const SessionId session : {SessionId{1}, SessionId{2}}) {
      socket_->send(session, Payload::copy_of(std::string(100'000, 'x')));
    }
  }
  socket_->linger(std::chrono::seconds(5));
  std::thread ending([&] { socket_.reset(); });
  int received = 0;
  while (client.receive().size() == 100'000u) ++received;
  EXPECT_EQ(received, 200);
  stuck.reset();
  ending.join();
}

const auto name_of = [](const testing::TestParamInfo<Kind>& kind) {
  return kind.param == Kind::kStream ? "Stream" : "Zeromq";
};
INSTANTIATE_TEST_SUITE_P(Both, ClientTransports, testing::Values(Kind::kZeromq, Kind::kStream),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Both, ClientProcesses, testing::Values(Kind::kZeromq, Kind::kStream),
                         name_of);
INSTANTIATE_TEST_SUITE_P(One, ClientSockets, testing::Values(Kind::kZeromq), name_of);
INSTANTIATE_TEST_SUITE_P(One, ClientStreamsTest, testing::Values(Kind::kStream), name_of);
INSTANTIATE_TEST_SUITE_P(One, ClientStreamProcesses, testing::Values(Kind::kStream), name_of);

}  // namespace
}  // namespace groupcomm::daemon
