// A daemon of one, as far as a client can see: it greets, lets everybody join and leave, and hands
// every message back to its sender.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/wakeup.h"
#include "groupcomm/wire/frame_stream.h"

namespace groupcomm {

// A folder of its own for socket files, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FakeDaemon {
 public:
  struct Behaviour {
    bool greets = true;
    std::string refusal = {};  // instead of a Welcome
    bool accepts = true;       // multicasts; else they wait for ever
    std::uint64_t window_messages = 1000;
    bool has_stream = false;  // a stream socket beside that of ZeroMQ
  };

  FakeDaemon(const std::string& path, Behaviour behaviour);
  // Ends as a killed daemon does: the socket closes, its file stays.
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  // Says this to the client that came last.
  void say(std::vector<protocol::DaemonMessage> messages);
  // Sends bytes that may be no frame.
  void say_raw(std::string bytes);

  // Waits until what was received satisfies this; false after some seconds.
  bool wait_until(
      const std::function<bool(const std::vector<protocol::ClientMessage>&)>& condition);
  // Waits for that many messages of one kind.
  template <typename T>
  bool wait_for(std::size_t count) {
    return wait_until(
        [count](const auto& messages) { return FakeDaemon::count_in<T>(messages) >= count; });
  }
  template <typename T>
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_in<T>(received_);
  }
  std::size_t frames() const;  // how many were received

 private:
  template <typename T>
  static std::size_t count_in(const std::vector<protocol::ClientMessage>& messages) {
    std::size_t found = 0;
    for (const auto& message : messages) found += std::holds_alternative<T>(message) ? 1 : 0;
    return found;
  }
  // One client that came over the stream socket.
  struct Stream {
    explicit Stream(int number) : descriptor(number) {}
    OwnedDescriptor descriptor;
    wire::FrameInput input;
    wire::FrameOutput output;
  };

  void listen_for_streams(const std::string& path);
  void run();
  void read_router();
  void accept_stream();
  // False: it has ended.
  bool read_stream(Stream& stream);
  void on_frame(const std::string& bytes);
  void answer(const protocol::ClientMessage& message, std::vector<protocol::DaemonMessage>& out);
  void answer_hello(const protocol::Hello& hello, std::vector<protocol::DaemonMessage>& out);
  void send(const std::string& bytes);

  const Behaviour behaviour_;
  void* context_;
  void* router_;
  int wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<protocol::ClientMessage> received_;
  std::vector<std::string> to_send_;
  std::size_t frames_ = 0;
  bool is_ending_ = false;

  // Of the daemon's thread.
  std::string client_;        // who came last over ZeroMQ
  Stream* stream_ = nullptr;  // or over the stream socket
  std::unique_ptr<OwnedDescriptor> listener_;
  std::list<Stream> streams_;
  ProcessId process_;
  std::uint64_t sessions_ = 0;
  std::uint64_t views_ = 0;
  std::map<GroupKey, std::string> groups_;
  std::map<GroupKey, std::uint64_t> numbers_;
  std::thread thread_;
};

}  // namespace groupcomm
