// What is behind Client and Group: the pure core, the socket around it, and the mutex.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "groupcomm/client.h"
#include "groupcomm/client_core.h"
#include "groupcomm/daemon_socket.h"
#include "groupcomm/memberships.h"
#include "groupcomm/wakeup.h"

namespace groupcomm {

class SocketContext;

// One mutex guards the core, the socket and the memberships; it is never held while a callback
// runs. Frames are read by whoever polls, and by senders that wait for credit; only the poller
// takes upcalls, so what is read meanwhile stays bounded by the daemon's limit for slow readers.
//
// Invariant, outside the mutex: where there is anything to do for poll, `wakeup_` is readable. The
// socket's own descriptors are not enough for that, since they may fall silent after any call.
class ClientState : public std::enable_shared_from_this<ClientState> {
 public:
  using Milliseconds = std::chrono::milliseconds;
  using Clock = std::chrono::steady_clock;

  // REQUIRES: the name obeys identity.h.
  explicit ClientState(const ClientOptions& options);
  ~ClientState();

  void connect();
  Group join(std::string_view group, GroupListener& listener, GroupOptions options);
  Queued leave(const std::string& group);
  Queued block_ok(const std::string& group);
  Queued multicast(const std::vector<std::string>& groups, Payload payload,
                   const SendOptions& options);
  Queued multicast_within(Milliseconds time, const std::vector<std::string>& groups,
                          const Payload& payload, const SendOptions& options);
  RequestId query_status();
  RequestId bootstrap(const std::vector<std::string>& without);
  RequestId query_groups();
  RequestId watch(const std::vector<std::string>& groups);

  std::size_t poll(Milliseconds timeout);
  void run();
  void stop();
  void start_thread();
  void close();

  int descriptor() const { return wakeup_.descriptor(); }
  bool connected() const;
  std::optional<ProcessId> process() const;
  std::shared_ptr<const GroupView> view(const std::string& group) const;

  void begin_batch();
  void end_batch();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // --- with the mutex held
  std::optional<std::string> begin_connection();
  void end_connection(std::string_view reason);
  // The same for all but the socket, which the caller closes.
  std::unique_ptr<DaemonSocket> take_connection(std::string_view reason);
  void send_rest();
  void read_frames();
  bool read_frame(const Payload& frame);
  void check_timers();
  void set_timer();
  bool is_collecting() const;
  void flush();
  void flush_unless_collecting();
  void wake_senders();
  void wait_for_credit(Lock& lock, Milliseconds time);
  void leave_all_groups(Lock& lock);

  // --- without
  std::size_t poll_until_something(Milliseconds timeout);
  std::size_t run_callbacks();
  void join_thread();

  void tell(upcall::Connected& told);
  void tell(upcall::ViewInstalled& told);
  void tell(upcall::Transition& told);
  std::size_t tell_each(upcall::Delivered& told);
  void tell(upcall::Accepted& told);
  void tell(upcall::Rejected& told);
  void tell(upcall::SendFailed& told);
  void tell(upcall::Safe& told);
  void tell(upcall::Suspended& told);
  void tell(upcall::Block& told);
  void tell(upcall::Gone& told);
  void tell(upcall::Disconnected& told);
  void tell(upcall::Status& told);
  void tell(upcall::Groups& told);
  void tell(upcall::BootstrapAnswered& told);
  void tell(upcall::Watched& told);
  Memberships::Pointer current(const std::string& group) const;

  const ClientOptions options_;
  const std::string path_;
  ClientListener* const listener_;  // never nullptr
  ClientListener silent_listener_;
  Wakeup wakeup_;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> closed_{false};

  mutable std::mutex mutex_;
  ClientCore core_;
  std::unique_ptr<SocketContext> context_;
  std::unique_ptr<DaemonSocket> socket_;  // nullptr: no connection
  bool watches_output_ = false;           // something of it waits until it can be sent
  Memberships memberships_;
  std::optional<Clock::time_point> answer_due_;     // of the Welcome
  std::optional<Clock::time_point> reconnect_due_;  // set only while there is no connection
  Milliseconds reconnect_pause_;
  int batches_ = 0;
  std::thread::id callback_thread_;    // while callbacks run
  OwnedDescriptor credit_event_;       // counts woken_senders_
  std::uint64_t waiting_senders_ = 0;  // threads in wait_for_credit
  std::uint64_t woken_senders_ = 0;    // of those, how many were told to go on
  std::thread thread_;

  // --- of the thread that polls
  std::vector<Upcall> upcalls_;
  std::size_t next_upcall_ = 0;
  std::size_t next_of_run_ = 0;  // of that upcall, where messages of it were told
  bool told_connected_ = false;
};

}  // namespace groupcomm
