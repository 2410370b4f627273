#include "daemon/host/client_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"
#include "tests/daemon/host/temporary_folder.h"
#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {
namespace {

using protocol::ClientMessage;

// A client without the client library, so that it can misbehave.
class RawClient {
 public:
  RawClient(zmq::context_t& context, const std::string& path)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 1000);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.connect("ipc://" + path);
  }
  void send(const std::vector<ClientMessage>& messages) {
    const Payload bytes = wire::encode(std::span<const ClientMessage>(messages));
    send_bytes(bytes.text());
  }
  void send_bytes(std::string_view bytes) {
    socket_.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
  zmq::socket_t& socket() { return socket_; }

  std::string receive() {
    zmq::message_t message;
    const bool came = wait_until({socket_.get(zmq::sockopt::fd)}, [&] {
      return socket_.recv(message, zmq::recv_flags::dontwait).has_value();
    });
    return came ? message.to_string() : "nothing";
  }

 private:
  zmq::socket_t socket_;
};

class ClientSockets : public testing::Test {
 protected:
  // The next event within ten seconds, in short: "frame 1", "lost 1" or "nothing".
  std::string next_event() {
    std::optional<Event> event;
    wait_until(
        socket_->descriptors(),
        [&] {
          socket_->poll(monotonic_now());
          return (event = socket_->take_event()).has_value();
        },
        [&] { return socket_->next_deadline(); });
    if (!event) return "nothing";
    if (const auto* frame = std::get_if<ClientFrame>(&*event)) {
      return "frame " + to_string(frame->session);
    }
    return "lost " + to_string(std::get<ClientLost>(*event).session);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("made/d.sock");
  FileLock lock_ = ClientSocket::lock(path_).value();
  HostCounters counters_;
  Log log_{"off"};
  zmq::context_t context_{1};
  zmq::context_t client_context_{1};
  std::unique_ptr<ClientSocket> socket_ =
      std::move(ClientSocket::open(context_, path_, counters_, log_)).value();
  const std::vector<ClientMessage> hello_ = {protocol::Hello{protocol::kProtocolVersion, "x"}};
  const std::vector<ClientMessage> bye_ = {protocol::Bye{}};
};

TEST_F(ClientSockets, GiveEachConnectionASessionOfItsOwn) {
  RawClient first(client_context_, path_);
  first.send(hello_);
  EXPECT_EQ(next_event(), "frame 1");
  RawClient second(client_context_, path_);
  second.send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
  first.send(bye_);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(counters_.clients, 2u);
}

TEST_F(ClientSockets, SendToASession) {
  RawClient client(client_context_, path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("short"));
  socket_->send(SessionId{1}, Payload::copy_of(std::string(100'000, 'y')));
  socket_->send(SessionId{9}, Payload::copy_of("for nobody"));
  EXPECT_EQ(client.receive(), "short");
  EXPECT_EQ(client.receive(), std::string(100'000, 'y'));
}

TEST_F(ClientSockets, TellOfALostConnectionAfterAllThatItSent) {
  {
    RawClient client(client_context_, path_);
    client.send(hello_);
    for (int i = 0; i < 100; ++i) client.send(bye_);
  }
  for (int i = 0; i < 101; ++i) ASSERT_EQ(next_event(), "frame 1");
  EXPECT_EQ(next_event(), "lost 1");
  EXPECT_EQ(counters_.clients, 0u);
}

TEST_F(ClientSockets, TellOfManyConnectionsThatComeAndGo) {
  for (int i = 1; i <= 50; ++i) {
    {
      RawClient client(client_context_, path_);
      client.send(hello_);
      ASSERT_EQ(next_event(), "frame " + std::to_string(i));
    }
    ASSERT_EQ(next_event(), "lost " + std::to_string(i));
  }
}

TEST_F(ClientSockets, CutOffAClientThatSendsGarbage) {
  RawClient client(client_context_, path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  client.send_bytes("what is this");
  client.send(bye_);
  EXPECT_EQ(next_event(), "lost 1");
  EXPECT_EQ(counters_.bad_client_frames, 1u);
  RawClient other(client_context_, path_);
  other.send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
}

TEST_F(ClientSockets, SayNothingOfAClientThatBeginsWithGarbage) {
  RawClient garbage(client_context_, path_);
  garbage.send_bytes("what is this");
  RawClient rude(client_context_, path_);
  rude.send(bye_);
  RawClient other(client_context_, path_);
  wait_until(
      socket_->descriptors(),
      [&] {
        socket_->poll(monotonic_now());
        EXPECT_FALSE(socket_->take_event().has_value());
        return counters_.bad_client_frames == 2;
      },
      [&] { return socket_->next_deadline(); });
  other.send(hello_);
  EXPECT_EQ(next_event(), "frame 3");
  EXPECT_EQ(counters_.bad_client_frames, 2u);
}

TEST_F(ClientSockets, CutOffAClientThatChoosesItsRoutingId) {
  RawClient client(client_context_, path_);
  zmq::socket_t own(client_context_, zmq::socket_type::dealer);
  own.set(zmq::sockopt::routing_id, "own");
  own.set(zmq::sockopt::linger, 0);
  own.connect("ipc://" + path_);
  const Payload bytes = wire::encode(std::span<const ClientMessage>(hello_));
  own.send(zmq::buffer(bytes.text()), zmq::send_flags::none);
  wait_until(
      socket_->descriptors(),
      [&] {
        socket_->poll(monotonic_now());
        EXPECT_FALSE(socket_->take_event().has_value());
        return counters_.bad_client_frames == 1;
      },
      [&] { return socket_->next_deadline(); });
  EXPECT_EQ(counters_.clients, 0u);
}

TEST_F(ClientSockets, DropWhatAClosedSessionSends) {
  RawClient client(client_context_, path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("goodbye"));
  socket_->close(SessionId{1}, monotonic_now());
  client.send(bye_);
  EXPECT_EQ(client.receive(), "goodbye");
  RawClient other(client_context_, path_);
  other.send(hello_);
  EXPECT_EQ(next_event(), "frame 2");
}

TEST_F(ClientSockets, CountSessionsAnewAfterCloseAll) {
  RawClient client(client_context_, path_);
  client.send(hello_);
  ASSERT_EQ(next_event(), "frame 1");
  socket_->close_all(monotonic_now());
  client.send(bye_);
  RawClient other(client_context_, path_);
  other.send(hello_);
  EXPECT_EQ(next_event(), "frame 1");
  EXPECT_EQ(counters_.clients, 1u);
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
    kill_child();
    waitpid(child_, nullptr, 0);
    close(orders_[1]);
  }

  // `forks`: once it has received something, a child of its own holds copies of all descriptors
  // until this object ends.
  void become_client(const std::string& path, bool forks) {
    const std::string order = (forks ? "+" : "-") + path + "\n";
    CHECK_EQ(write(orders_[1], order.data(), order.size()), static_cast<ssize_t>(order.size()));
  }
  void kill_child() { kill(child_, SIGKILL); }

 private:
  bool read_order(char& byte) { return read(orders_[0], &byte, 1) == 1; }

  [[noreturn]] void serve() {
    close(orders_[1]);
    std::string order;
    for (char byte = 0; read_order(byte) && byte != '\n';) order += byte;
    if (order.empty()) _exit(0);
    zmq::context_t context(1);
    RawClient client(context, order.substr(1));
    client.send({protocol::Hello{protocol::kProtocolVersion, "x"}});
    if (order[0] == '+') {
      client.receive();
      if (fork() == 0) {
        for (char byte = 0; read_order(byte);) {
        }
        _exit(0);
      }
    }
    for (;;) pause();
  }

  int orders_[2] = {};
  pid_t child_ = 0;
};

class ClientProcesses : private EarlyChild, public ClientSockets {
 protected:
  using EarlyChild::become_client;
  using EarlyChild::kill_child;
};

TEST_F(ClientProcesses, ThatAreKilledAreToldOf) {
  become_client(path_, /*forks=*/false);
  EXPECT_EQ(next_event(), "frame 1");
  kill_child();
  EXPECT_EQ(next_event(), "lost 1");
}

TEST_F(ClientProcesses, ThatAreKilledAreToldOfThoughAChildHoldsTheConnection) {
  become_client(path_, /*forks=*/true);
  EXPECT_EQ(next_event(), "frame 1");
  socket_->send(SessionId{1}, Payload::copy_of("fork now"));
  // The grandchild may or may not be there by now: the outcome is the same.
  kill_child();
  EXPECT_EQ(next_event(), "lost 1");
}

TEST_F(ClientSockets, BelongToOneProcess) {
  const auto second = ClientSocket::lock(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(),
            "another groupcommd is serving " + path_ + " (pid " + std::to_string(getpid()) + ")");
}

TEST_F(ClientSockets, MakeTheDirectoryForTheirUserAndGroup) {
  struct stat status {};
  ASSERT_EQ(stat(folder_.path("made").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07027u, 0u) << "others have no rights, and the group may not write";
}

}  // namespace
}  // namespace groupcomm::daemon
