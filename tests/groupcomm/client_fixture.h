// A client, the daemon that a test plays for it, and what its application is told.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "groupcomm/client.h"
#include "groupcomm/protocol/client_frames.h"
#include "tests/groupcomm/fake_daemon.h"

namespace groupcomm {

// Remembers what it was told, in words.
struct Recorder : GroupListener, ClientListener {
  void on_view(Group& group, const GroupView& view) override {
    tell("view " + group.name() + " " + std::to_string(view.members.size()));
  }
  void on_message(Group& group, const Message& message) override {
    tell("message " + group.name() + " " + std::string(message.payload.text()));
    if (on_each_message) on_each_message(group, message);
  }
  void on_accepted(Group& group, RequestId /*request*/, SendNumber number) override {
    tell("accepted " + group.name() + " " + to_string(number));
  }
  void on_rejected(Group& group, RequestId /*request*/, RejectReason reason) override {
    tell("rejected " + group.name() + " " + to_string(reason));
  }
  void on_block(Group& group) override { tell("block " + group.name()); }
  void on_gone(Group& group, GoneReason reason) override {
    tell("gone " + group.name() + " " + to_string(reason));
  }
  void on_connected(const ProcessId& process, const std::string& /*version*/) override {
    tell("connected " + to_string(process.key.session));
  }
  void on_disconnected(const std::string& /*reason*/) override { tell("disconnected"); }
  void on_open_send_accepted(const std::string& group, RequestId /*request*/,
                             SendNumber number) override {
    tell("accepted open " + group + " " + to_string(number));
  }
  void on_open_send_rejected(const std::string& group, RequestId /*request*/,
                             RejectReason reason) override {
    tell("rejected open " + group + " " + to_string(reason));
  }
  void on_status(RequestId /*request*/, const protocol::DaemonStatus& status) override {
    tell("status " + status.daemon.name);
  }
  void tell(const std::string& text) { told += told.empty() ? text : "; " + text; }

  std::string told;
  std::function<void(Group&, const Message&)> on_each_message;
};

// Over ZeroMQ, or over a stream socket.
class ClientTest : public ::testing::TestWithParam<bool> {
 protected:
  void start(FakeDaemon::Behaviour behaviour = {}) {
    behaviour.has_stream = GetParam();
    daemon = std::make_unique<FakeDaemon>(path, std::move(behaviour));
  }

  ClientOptions options() {
    return {.name = "alice",
            .socket = path,
            .connect_timeout = std::chrono::seconds(10),
            .listener = &recorder};
  }

  // Connects, and forgets that it was told so.
  Client connect() {
    Client client = Client::connect(options());
    client.poll(std::chrono::seconds(10));
    recorder.told.clear();
    return client;
  }

  // Polls until something was told that ends so.
  void poll_until(Client& client, const std::string& ending) {
    const auto due = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!recorder.told.ends_with(ending) && std::chrono::steady_clock::now() < due) {
      client.poll(std::chrono::seconds(1));
    }
    EXPECT_TRUE(recorder.told.ends_with(ending)) << recorder.told;
  }

  static bool is_readable(int descriptor, std::chrono::milliseconds timeout) {
    pollfd item{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&item, 1, static_cast<int>(timeout.count())) == 1;
  }

  std::string error_of_connect() {
    try {
      Client::connect(options());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder;
  std::string path = folder.path("d.sock");
  Recorder recorder;
  std::unique_ptr<FakeDaemon> daemon;
};

}  // namespace groupcomm
