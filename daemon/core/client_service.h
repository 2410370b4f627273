// The daemon's side that faces its clients.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "daemon/core/session_table.h"
#include "membership/group_directory.h"
#include "membership/hold_rounds.h"
#include "ordering/view_ordering.h"

namespace groupcomm::daemon {

// Serves sessions: takes their requests, stamps what they send, and hands them views and messages.
// Keeps rules C1-C6: requests of a session are served in order, a refused one has no effect, what
// waits for a session is bounded, and a session that ends leaves all its groups by one ordered
// control message.
//
// It knows the current view only as a ViewOrdering and the members' identities; how views change
// is Machine's business.
class ClientService {
 public:
  ClientService(const DaemonOptions& options, std::vector<Effect>& effects);

  // --- the view
  // A view begins. Serves what waited, but where the view is quiet (rule Q5).
  void begin_view(const protocol::DaemonView& view, bool is_quiet);
  // The view is being left: nothing is stamped until the next one.
  void stop_stamping();
  // The rest of the view is delivered, for those of its members that go on to the next.
  void begin_transition(const protocol::ViewChangeValue& value);
  // All of it was delivered: every group gets a view.
  void on_daemons_changed(const protocol::ViewChangeValue& value);
  // This daemon has joined a view, or its component was taken in by another one (rule Q5): the
  // groups stand so there. Who watches already is told of them.
  void on_taken_in(const protocol::ViewChangeValue& value,
                   const std::vector<protocol::GroupEntry>& groups);
  // No quorum: members are told, sends are refused (rule V5).
  void suspend();
  bool is_suspended() const { return suspended_; }
  // These messages of sessions here will not be delivered here any more: their senders are told.
  void fail_undelivered(const std::vector<protocol::MessagePointer>& undelivered);
  // This daemon is out: every membership is over.
  void end_all(GoneReason reason, const std::string& why);

  membership::GroupDirectory& directory() { return directory_; }
  const membership::GroupDirectory& directory() const { return directory_; }

  // --- time
  void set_now(TimePoint now) { now_ = now; }
  // Evicts who was asked to hold back and did not answer (rule H2).
  void run_timers();
  TimePoint next_deadline() const;

  // --- clients
  void on_frame(SessionId id, std::vector<protocol::ClientMessage> messages);
  void on_lost(SessionId id);
  // Somebody asks about a bootstrap, or for one. To be answered at once.
  struct BootstrapWish {
    SessionId session;
    protocol::Bootstrap of;
  };
  std::vector<BootstrapWish> take_bootstrap_wishes() { return std::exchange(bootstraps_, {}); }
  void answer(const BootstrapWish& wish, protocol::BootstrapReply reply);
  // Answers queries with this.
  void set_status(protocol::DaemonStatus status) { status_ = std::move(status); }
  static bool asks_for_status(const std::vector<protocol::ClientMessage>& messages);

  // --- ordering
  // Stamps what waits, as far as the window allows, and hands out what became deliverable.
  void pump(ordering::ViewOrdering& ordering);
  void deliver_all(ordering::ViewOrdering& ordering);
  // Members here have seen all that was delivered and asked (rule N1).
  bool have_seen_all() const { return handings_.empty(); }

  std::uint64_t delivered_messages() const { return delivered_messages_; }
  std::uint64_t accepted_messages() const { return accepted_messages_; }
  std::uint64_t rejected_requests() const { return rejected_requests_; }
  std::uint64_t evicted_sessions() const { return evicted_sessions_; }
  std::size_t sessions() const { return sessions_.all().size(); }
  std::uint64_t queued_requests() const;
  // The longest queues first, at most kClientsShownMax.
  std::vector<protocol::ClientStatus> client_statuses() const;
  // Of all sessions, what counts against client_queue_bytes.
  std::uint64_t waiting_bytes() const;

 private:
  using Group = membership::GroupDirectory::Group;

  // The leave of a session that has ended, or was evicted.
  struct PendingLeave {
    SessionId session;
    std::vector<GroupKey> groups;
    LeaveReason reason;
  };

  // A delivered message that asks, until all its members here have seen it.
  struct Handing {
    ViewId view;
    protocol::MessageReference reference;
    std::size_t unseen_by = 0;  // sessions, counted once for each group of the message
  };
  // What a session that has ended did not see: that counts once all its leaves took effect.
  struct Estate {
    std::deque<Unseen> unseen;
    std::set<GroupKey> groups;  // that it has still to leave
  };
  // Where the messages of one sender to one group go. Neighbours in a stream have the same.
  struct Route {
    GroupKey group;
    ProcessKey sender;
    const Group* found = nullptr;
    std::optional<Rank> rank;  // of the sender
    SessionList members;
    std::vector<Session*> sessions;  // of them
  };
  // What a session here wants to hear of its message.
  struct Notice {
    MessageNumber number;
    SessionId session;
    std::vector<protocol::SafeNotice> of;
  };

  // Requests.
  void on_message(Session& session, protocol::Hello hello);
  void on_message(Session& session, protocol::Join join);
  void on_message(Session& session, protocol::Leave leave);
  void on_message(Session& session, protocol::MulticastChunk chunk);
  void on_message(Session& session, protocol::Multicast multicast);
  void on_message(Session& session, protocol::BlockOk block_ok);
  void on_message(Session& session, protocol::Consumed consumed);
  void on_message(Session& session, protocol::Bye bye);
  void on_message(Session& session, protocol::StatusQuery query);
  void on_message(Session& session, protocol::GroupsQuery query);
  void on_message(Session& session, protocol::Watch watch);
  void on_message(Session& session, protocol::Bootstrap bootstrap);
  void enqueue(Session& session, QueuedRequest request, std::size_t bytes);
  void reject(Session& session, RequestId request, GroupKey group, RejectReason reason);
  void reject_each(Session& session, QueuedSend& send, GroupKey group, RejectReason reason);
  void refuse(Session& session, const std::string& why);
  void end_session(Session& session, LeaveReason reason);
  void evict(Session& session, const std::string& what, const std::string& why);

  void stamp_requests(ordering::ViewOrdering& ordering);
  void serve_in_turns(ordering::ViewOrdering& ordering);
  // False: the window is full, or the request must wait.
  bool serve_front(Session& session, ordering::ViewOrdering& ordering);
  bool serve(Session& session, const protocol::Join& join, ordering::ViewOrdering& ordering);
  bool serve(Session& session, const protocol::Leave& leave, ordering::ViewOrdering& ordering);
  bool serve(Session& session, QueuedSend& send, ordering::ViewOrdering& ordering);
  bool serve(Session& session, const protocol::BlockOk& block_ok, ordering::ViewOrdering& ordering);
  std::optional<protocol::Rejected> why_refused(const Session& session,
                                                const protocol::Multicast& multicast) const;
  std::shared_ptr<protocol::StampedMessage> make_message(Session& session, QueuedSend& send);
  void void_chunks(SessionId session, ordering::ViewOrdering& ordering);
  void report_stamp(const Session& session, const QueuedSend& send,
                    const protocol::StampedMessage& message);
  void stamp_pending_leaves(ordering::ViewOrdering& ordering);
  void tell_accepted();

  // Groups with sync = flush (client_flush.cc).
  void ask_to_hold(GroupKey key);
  void ask_at_once(SessionId id, GroupKey key, Membership& membership);
  void agree(Session& session, GroupKey key);
  bool is_waiting_for_notices(const Session& session) const;
  void agree_ahead_of_queue(Session& session);
  static void forget_answers(Session& session, GroupKey key);
  void hold_if_agreed(GroupKey key);
  void stamp_holds(ordering::ViewOrdering& ordering);
  std::vector<membership::GroupChange> apply_hold(const ordering::Delivery& delivery);
  void end_rounds(const GroupViewId& id, std::vector<membership::GroupChange>& changes);
  bool is_held(const Session& session, const protocol::Multicast& multicast, GroupKey key,
               std::size_t index) const;

  // Safe notices (client_notices.cc).
  void expect_notice(Session& session, const protocol::StampedMessage& message);
  void drop_notice(MessageNumber number, GroupKey group);
  void await_leaves(GroupKey group, const std::optional<ProcessKey>& to);
  void await_handing(const ordering::Delivery& delivery);
  void count_seen(std::deque<Unseen>& unseen, std::uint64_t up_to);
  void leave_estate(Session& session, const std::vector<GroupKey>& groups);
  void on_leave_applied(SessionId session, GroupKey group);
  void pass_on_handed(ordering::ViewOrdering& ordering);
  void give_notices(ordering::ViewOrdering& ordering);

  // Delivery.
  void deliver(ordering::Delivery& delivery);
  void deliver_control(const ordering::Delivery& delivery);
  std::vector<membership::GroupChange> take_control(const ordering::Delivery& delivery);
  std::optional<membership::GroupChange> apply(const GroupViewId& id, GroupKey key,
                                               const membership::HoldRounds::Change& change);
  Session* local_session(const ProcessKey& process);
  void deliver_data(ordering::Delivery& delivery);
  void deliver_to_group(ordering::Delivery& delivery, const protocol::Destination& destination,
                        bool is_first);
  const Route& find_route(GroupKey group, const ProcessKey& sender);
  void fail_without_addressee(const ordering::Delivery& delivery,
                              const protocol::Destination& destination, const Route& route);
  DeliverMessage* run_before(const ordering::Delivery& delivery,
                             const protocol::Destination& destination, const Route& route);
  SessionList addressees(const protocol::StampedMessage& message, const Route& route) const;
  void charge_delivery(const DeliverMessage& effect, const Route& route);
  void announce(const membership::GroupChange& change);
  void dismiss_left_out(const membership::GroupChange& change);
  bool is_in_transition(GroupKey key) const;
  protocol::Transition transition_of(GroupKey key, const Group& group) const;
  void announce_transition(GroupKey key, const Group& group);
  void tell(SessionId id, protocol::DaemonMessage message);
  void charge(Session& session, std::uint64_t bytes);
  void evict_slow_readers();
  const SessionList& local_members(GroupKey key) const;
  void forget_local_member(GroupKey key, SessionId session);
  ProcessKey process_of(const ordering::Delivery& delivery) const;
  const std::string& sender_name(const ordering::Delivery& delivery) const;

  const DaemonOptions& options_;
  std::vector<Effect>& effects_;
  SessionTable sessions_;
  membership::GroupDirectory directory_;
  membership::HoldRounds rounds_;
  std::set<GroupKey> holding_;  // this daemon's members agreed in the round of the group
  std::vector<GroupKey> holds_to_stamp_;
  TimePoint now_;
  std::unordered_map<GroupKey, SessionList> local_members_;
  std::optional<Route> route_;  // of the last message, until members come or go
  std::uint64_t run_cost_ = 0;  // of the last DeliverMessage, by queue_cost()
  std::deque<PendingLeave> pending_leaves_;
  std::vector<SessionId> pending_voids_;  // ended in the middle of a large send
  std::vector<SessionId> to_evict_;
  protocol::DaemonView view_;
  protocol::DaemonView next_;  // while the rest of view_ is delivered
  // The next view is recovered: joins and leaves behind this place become part of it (rule F10).
  std::optional<OrderNumber> deferring_after_;
  std::vector<ordering::Delivery> deferred_;
  protocol::DaemonStatus status_;
  std::vector<BootstrapWish> bootstraps_;
  SessionId next_served_;         // round robin over sessions
  std::vector<SessionId> turns_;  // of the round under way
  bool is_stamping_ = false;
  bool is_view_over_ = false;  // its last joins and leaves are being counted in
  bool suspended_ = false;
  bool control_took_effect_ = false;     // of a session here, since the last look
  std::vector<GroupKey> in_transition_;  // groups that were told a transition in this flush

  std::map<std::uint64_t, Handing> handings_;
  std::map<SessionId, Estate> estates_;
  std::vector<SessionId> estates_told_;  // as told_positions_, of members that have ended
  std::uint64_t last_handing_ = 0;
  std::uint64_t past_handings_ = 0;  // of them, those of earlier views
  std::vector<std::pair<SessionId, std::uint64_t>> told_positions_;  // of what is being delivered
  std::vector<protocol::MessageReference> handed_;  // of this view, not passed on yet
  bool notices_given_ = false;  // since the last look: sends that asked for more may go on
  std::deque<Notice> notices_;  // of this view, by number
  std::vector<Notice> past_notices_;

  std::uint64_t delivered_messages_ = 0;
  std::uint64_t accepted_messages_ = 0;
  std::uint64_t rejected_requests_ = 0;
  std::uint64_t evicted_sessions_ = 0;
};

}  // namespace groupcomm::daemon
