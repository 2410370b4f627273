// A ClientCore with a daemon that is played by the test.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "groupcomm/client_core.h"

namespace groupcomm {

using protocol::DaemonMessage;

inline ProcessId process(std::string name, std::uint64_t session) {
  return {.name = std::move(name), .daemon = "n1", .key = {Incarnation{7}, SessionId{session}}};
}

inline const ProcessId kAlice = process("alice", 1);
inline const ProcessId kBob = process("bob", 2);

// A view with Alice as the last member.
inline GroupView view_of_alice(std::uint64_t place, std::vector<ProcessId> others = {}) {
  GroupView view;
  view.id = {.daemon_view = {.counter = 1, .proposer = Incarnation{7}, .round = 1},
             .place = OrderNumber{place}};
  for (const ProcessId& other : others) view.members.push_back({.process = other});
  view.my_rank = static_cast<std::uint32_t>(view.members.size());
  view.members.push_back({.process = kAlice});
  return view;
}

// A client core of "alice" with a daemon that is played by the test.
class ClientCoreTest : public ::testing::Test {
 protected:
  void connect(std::uint64_t window_messages = 100, std::uint64_t window_bytes = 1000,
               std::uint64_t queue_bytes = 0) {
    core.on_connecting();
    core.take_outgoing();
    say(protocol::Welcome{.process = kAlice,
                          .daemon_version = "0.1.0",
                          .send_window_bytes = window_bytes,
                          .send_window_messages = window_messages,
                          .queue_bytes = queue_bytes});
    core.take_upcalls();
  }

  // What the daemon says, which must be right.
  template <typename... Messages>
  void say(Messages... messages) {
    const auto outcome = core.on_daemon_messages({DaemonMessage(std::move(messages))...});
    EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error());
  }
  // The same where it breaks the protocol; gives what is wrong.
  template <typename... Messages>
  std::string say_wrong(Messages... messages) {
    const auto outcome = core.on_daemon_messages({DaemonMessage(std::move(messages))...});
    EXPECT_FALSE(outcome.ok());
    return outcome.ok() ? "" : outcome.error();
  }

  void join(const std::string& group, GroupOptions options = {}) {
    EXPECT_TRUE(core.join(group, options).ok());
    say(protocol::ViewChanged{.group = group, .view = view_of_alice(++place, {kBob})});
    core.take_upcalls();
    core.take_outgoing();
  }

  Queued send(const std::string& group, std::string_view text, SendOptions options = {}) {
    return core.multicast({group}, Payload::copy_of(text), options);
  }

  // The application sees what there is.
  void take_and_tell() {
    core.take_upcalls();
    core.on_upcalls_told();
  }

  // The one upcall that is waiting.
  template <typename T>
  T only_upcall() {
    const auto upcalls = core.take_upcalls();
    EXPECT_EQ(upcalls.size(), 1u);
    if (upcalls.empty() || !std::holds_alternative<T>(upcalls.front())) {
      ADD_FAILURE() << "another upcall";
      return {};
    }
    return std::get<T>(upcalls.front());
  }

  // What kinds of upcalls wait, in words, as "accepted room 1; gone room daemon_lost".
  std::string told() {
    std::string text;
    for (const Upcall& upcall : core.take_upcalls()) {
      if (!text.empty()) text += "; ";
      text += std::visit([](const auto& content) { return describe(content); }, upcall);
    }
    return text;
  }

  static std::string describe(const upcall::Connected& u) { return "connected " + u.process.name; }
  static std::string describe(const upcall::ViewInstalled& u) {
    return "view " + u.group + " " + std::to_string(u.view.id.place.value);
  }
  static std::string describe(const upcall::Transition& u) { return "transition " + u.group; }
  static std::string describe(const upcall::Delivered& u) {
    std::string text;
    upcall::for_each_message(u, [&](const Message& message) {
      if (!text.empty()) text += "; ";
      text += "message " + u.group + " " + message.sender.name + " " +
              std::string(message.payload.text());
    });
    return text;
  }
  static std::string describe(const upcall::Accepted& u) {
    return "accepted " + u.group + " " + to_string(u.number);
  }
  static std::string describe(const upcall::Rejected& u) {
    return "rejected " + to_string(u.request) + " " + u.group + " " + to_string(u.reason);
  }
  static std::string describe(const upcall::SendFailed& u) {
    return "sendfail " + u.group + " " + to_string(u.number);
  }
  static std::string describe(const upcall::Safe& u) {
    return "safe " + u.group + " " + to_string(u.number);
  }
  static std::string describe(const upcall::Suspended& u) { return "suspended " + u.group; }
  static std::string describe(const upcall::Block& u) { return "block " + u.group; }
  static std::string describe(const upcall::Gone& u) {
    return "gone " + u.group + " " + to_string(u.reason);
  }
  static std::string describe(const upcall::Disconnected& u) { return "disconnected " + u.reason; }
  static std::string describe(const upcall::Status&) { return "status"; }
  static std::string describe(const upcall::Groups&) { return "groups"; }
  static std::string describe(const upcall::BootstrapAnswered& u) { return "bootstrap " + u.text; }
  static std::string describe(const upcall::Watched& u) { return "watched " + u.group; }

  static protocol::Deliver delivery(const std::string& group, Rank rank, std::string_view text) {
    return {.group = group_key(group),
            .sender_rank = rank,
            .sender = {},
            .number = SendNumber{1},
            .order = Order::kTotal,
            .payload = Payload::copy_of(text)};
  }

  ClientCore core{"alice"};
  std::uint64_t place = 0;
};

}  // namespace groupcomm
