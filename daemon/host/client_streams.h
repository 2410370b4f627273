// The stream socket of the clients on this host (groupcomm/wire/frame_stream.h).
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/client_gate.h"
#include "daemon/host/client_transport.h"
#include "daemon/host/descriptor.h"
#include "daemon/host/readiness.h"
#include "groupcomm/wire/frame_stream.h"

namespace groupcomm::daemon {

// No thread stands behind it: bytes move when the event loop calls. Of each connection that has
// something one bounded read is made in each round, so that none waits for another.
class ClientStreams final : public ClientTransport {
 public:
  // Takes over the file that a killed daemon left behind. REQUIRES: stream_path(path) fits into a
  // socket's address.
  static Result<std::unique_ptr<ClientTransport>> open(const std::string& path, ClientGate& gate);
  // Sends what waits, as long as linger() says, and removes the file.
  ~ClientStreams() override;

  void poll(TimePoint now) override;
  std::optional<Event> take_event() override;
  bool send(SessionId session, const Payload& frame) override;
  bool close(SessionId session, TimePoint now) override;
  void close_all(TimePoint now) override;
  std::size_t session_count() const override { return by_session_.size(); }
  TimePoint next_deadline() const override { return std::min(next_cut_, accept_again_at_); }
  std::vector<Source> sources() override { return {{readiness_.descriptor(), &is_ready_}}; }
  void linger(std::chrono::milliseconds time) override { linger_ = time; }

 private:
  struct Connection {
    std::uint64_t number = 0;
    Descriptor descriptor;
    SessionId session;     // 0: not yet, or no more
    bool is_over = false;  // what it sends is dropped
    pid_t process = 0;
    uid_t user = 0;
    Descriptor process_handle;  // a pidfd
    bool process_has_ended = false;
    wire::FrameInput input;
    wire::FrameOutput output;
    bool watches_output = false;
    TimePoint cut_by = TimePoint::never();  // then it is closed, if it still is there
  };
  // What was read of one connection, and is being taken.
  struct Reading {
    std::uint64_t number = 0;
    bool is_last = false;  // nothing comes after it
  };

  ClientStreams(Descriptor listener, std::string file, ClientGate& gate);
  void accept_clients();
  void accept_client(Descriptor descriptor);
  Connection* find(std::uint64_t number);
  Connection* find(SessionId session);
  // Reads once of the next connection that is ready. False where there is none.
  bool begin_reading();
  // The next event of what was read, if any; ends the reading where there is no more.
  std::optional<Event> read_on();
  std::optional<Event> interpret(Connection& connection, const Payload& frame);
  void write_on(Connection& connection);
  void finish(Connection& connection, TimePoint now);
  // Tells the core where it knows the session.
  std::optional<Event> end(Connection& connection);
  void cut_at(Connection& connection, TimePoint time);
  void cut_overdue();

  Descriptor listener_;
  const std::string file_;
  ClientGate& gate_;
  Readiness readiness_;
  std::map<std::uint64_t, Connection> connections_;  // by number; from 1 on
  std::map<SessionId, std::uint64_t> by_session_;
  std::uint64_t last_number_ = 0;
  bool is_ready_ = true;
  std::deque<std::uint64_t> ready_;  // may be read, each once in this round
  std::optional<Reading> reading_;
  TimePoint polled_at_;
  TimePoint next_cut_ = TimePoint::never();         // no connection is to be cut earlier
  TimePoint accept_again_at_ = TimePoint::never();  // until then nobody is let in
  std::chrono::milliseconds linger_{0};
};

}  // namespace groupcomm::daemon
