// The client library: process groups for an application, through the daemon of its host.
//
//   groupcomm::Client client = groupcomm::Client::connect({.name = "alice"});
//   groupcomm::Group room = client.join("room", listener);
//   room.multicast("hello", groupcomm::Order::kTotal);
//   client.run();
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/group.h"
#include "groupcomm/identity.h"
#include "groupcomm/listener.h"
#include "groupcomm/message.h"
#include "groupcomm/send.h"
#include "groupcomm/view.h"

namespace groupcomm {

// Why something could not be done, in one clear line.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, std::optional<RejectReason> reason = {})
      : std::runtime_error(what), reason_(reason) {}
  // Set where a join was refused.
  std::optional<RejectReason> reason() const { return reason_; }

 private:
  std::optional<RejectReason> reason_;
};

struct ClientOptions {
  // How others see this process: UTF-8, 1-255 bytes, no control characters. Need not be unique.
  std::string name;
  // The daemon's socket; where empty, default_socket_path().
  std::string socket = {};
  // Connect again after a loss, as a new process; tried until it succeeds, at least once a second.
  bool reconnect = true;
  // How long a daemon that is there may take to answer.
  std::chrono::milliseconds connect_timeout{5000};
  // Told of what concerns no single group; may be nullptr.
  ClientListener* listener = nullptr;
};

// $GROUPCOMM_SOCKET, or else as root /run/groupcomm/groupcommd.sock, or else
// $XDG_RUNTIME_DIR/groupcomm/groupcommd.sock. Empty where none of them is there.
std::string default_socket_path();

// A connection of this process to its daemon.
//
// Threads: every function may be called from any thread; one mutex inside keeps them apart, and
// callbacks run without it. But only one thread at a time may be in poll, run or close, and that
// thread must not be inside a callback. After start_thread, the library's own thread is in run.
// A forked child must not use its parent's Client.
class Client {
 public:
  // Throws Error where there is no daemon, or it refuses, or does not answer in time.
  static Client connect(const ClientOptions& options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();  // close()

  // Asks to join; the listener's on_view tells the first view, or on_rejected why not. The first
  // member fixes the options. Throws Error where that is refused at once: with reason kBadName,
  // kGone (not connected), kBadOption (already in the group, or joining), kWouldBlock (too many
  // joins and leaves of the group are under way, or 4,096 joins of all groups).
  Group join(std::string_view group, GroupListener& listener, GroupOptions options = {});

  // Sends to groups that this process need not be a member of: to all of them or to none. 1 to 64
  // different names, else kBadName. A group without members is rejected with kNoSuchGroup. The
  // rest is as in Group::multicast.
  Queued multicast(const std::vector<std::string>& groups, Payload payload,
                   const SendOptions& options);
  // Waits for credit, as Group::multicast_within.
  Queued multicast_within(std::chrono::milliseconds time, const std::vector<std::string>& groups,
                          Payload payload, const SendOptions& options);

  // Questions to the daemon; ClientListener gets the answers. Request 0 while not connected.
  RequestId query_status();
  RequestId query_groups();
  // For operators: may the daemon go on without a quorum of its last view? With the names of those
  // that are missing: it shall, without them. That is right only where they are dead, or will not
  // go on on their own. Only root and the user of the daemon may say so.
  RequestId bootstrap(const std::vector<std::string>& without);
  // The views of these groups, or of all where the list is empty, now and on each change. Throws
  // Error (kBadName).
  RequestId watch(const std::vector<std::string>& groups);

  // Waits until something happened, at most `timeout` (negative: for ever), and runs the callbacks
  // of what has happened. Returns how many it ran; 0 also where a signal or stop() came. Never
  // reads for ever: with input without end it returns after a bounded share. Sends on, too, what
  // the daemon's socket did not take at once; so does every send.
  std::size_t poll(std::chrono::milliseconds timeout);
  // Readable when poll would run callbacks or has other work; for epoll, poll and select, level
  // triggered. It stays the same for the life of the Client. Do nothing with it but wait.
  int descriptor() const;

  // Polls until stop(), or until the connection is lost where `reconnect` is off.
  void run();
  // Makes run(), or the current poll(), return. May be called from a callback or signal handler.
  void stop();
  // Makes a thread that does run(). An exception of a callback ends the program there.
  void start_thread();

  bool connected() const;
  // Who I am; nothing while not connected.
  std::optional<ProcessId> process() const;

  // Ends all memberships cleanly: others see the reason `leave`. Gives the daemon at most a second
  // to take what was queued. No callback runs after it; every later call is refused.
  void close();

  // While one lives, sends of any thread are collected and leave in large frames: at its end, or
  // earlier where much is waiting. For loops that send many messages outside callbacks.
  class Batch {
   public:
    explicit Batch(Client& client);
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    std::shared_ptr<ClientState> state_;
  };

 private:
  explicit Client(std::shared_ptr<ClientState> state);

  std::shared_ptr<ClientState> state_;
};

}  // namespace groupcomm
