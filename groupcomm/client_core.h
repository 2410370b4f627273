// The pure half of the client library: what a client knows, with no socket, clock or thread.
//
// The host (Client, or the simulator) feeds it the application's wishes and the daemon's messages,
// and drains what is to be sent and what the application is to be told, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "groupcomm/boxed.h"
#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/send.h"
#include "groupcomm/view.h"

namespace groupcomm {

// What the application is told, in the order in which it happened: the closed alphabet of outputs.
namespace upcall {
struct Connected {
  ProcessId process;
  std::string daemon_version;
};
struct ViewInstalled {
  std::string group;
  GroupView view;
};
struct Transition {
  std::string group;
  std::vector<ProcessId> transitional;
};
struct Delivered {
  std::string group;
  GroupViewId view;
  Message message;
  std::vector<Payload> run;  // of further messages of the sender, with the next numbers
};
// Calls f(message) for each of them.
template <typename F>
void for_each_message(const Delivered& delivered, F f) {
  Message message = delivered.message;
  f(std::as_const(message));
  for (const Payload& payload : delivered.run) {
    ++message.number;
    message.payload = payload;
    f(std::as_const(message));
  }
}
// The daemon accepted a send: one for each of its groups.
struct Accepted {
  RequestId request;
  std::string group;
  SendNumber number;
};
struct Rejected {
  RequestId request;
  std::string group;  // which of the groups; empty where it does not matter
  RejectReason reason = RejectReason::kGone;
};
struct SendFailed {
  std::string group;
  SendNumber number;
};
struct Safe {
  std::string group;
  SendNumber number;
};
struct Suspended {
  std::string group;
};
struct Block {
  std::string group;
};
struct Gone {
  std::string group;
  GoneReason reason = GoneReason::kLeft;
};
struct Disconnected {
  std::string reason;
};
struct Status {
  RequestId request;
  Boxed<protocol::DaemonStatus> status;  // never null
};
struct Groups {
  RequestId request;
  std::vector<protocol::GroupStatus> groups;
};
struct BootstrapAnswered {
  RequestId request;
  bool possible = false;
  std::vector<std::string> without;
  std::string text;
};
struct Watched {
  std::string group;
  GroupView view;
};
}  // namespace upcall

using Upcall =
    std::variant<upcall::Connected, upcall::ViewInstalled, upcall::Transition, upcall::Delivered,
                 upcall::Accepted, upcall::Rejected, upcall::SendFailed, upcall::Safe,
                 upcall::Suspended, upcall::Block, upcall::Gone, upcall::Disconnected,
                 upcall::Status, upcall::Groups, upcall::Watched, upcall::BootstrapAnswered>;

// The state machine of one client. A process that connects again is a new process to everybody
// else, so each connection starts from nothing; only the count of requests goes on, so that no
// RequestId is ever used twice by one ClientCore.
//
// Invariants:
// - upcalls come out in the order of the daemon's messages;
// - a group's upcalls (views, deliveries, ...) lie between its first view and its Gone;
// - every request that was not refused at once and can fail is answered: a multicast by Accepted
//   or Rejected, a join by a view, Gone or Rejected, a leave by Gone or Rejected;
// - SendNumbers are counted as the daemon counts them: accepted sends to a group, from 1.
// The rules behind it are C1-C3, C5, W2 and W3 of PROTOCOL.md, seen from the client's side.
//
// It remembers the name and the count of each group that was joined or sent to, for as long as the
// connection lasts. Belongs to one thread at a time.
class ClientCore {
 public:
  explicit ClientCore(std::string name);
  ClientCore(ClientCore&&) = default;
  ClientCore& operator=(ClientCore&&) = default;

  // --- the application's wishes. Each may be refused at once, with no effect.

  // kBadName, kGone while not connected, kBadOption where it is in the group or joining already,
  // kWouldBlock while too many joins and leaves of this group, or protocol::kJoinsMax joins of
  // all, are not answered.
  Queued join(std::string_view group, GroupOptions options);
  // kGone while not connected, kNotMember where it is neither in the group nor joining.
  Queued leave(std::string_view group);
  // `groups`: 1 to protocol::kGroupsPerSendMax different names; else kBadName. kTooBig over
  // kPayloadBytesMax, kGone while not connected, kBlocked between block_ok and the next view,
  // kNoPrimary while suspended, kWouldBlock while the daemon's send window is full.
  Queued multicast(const std::vector<std::string>& groups, Payload payload,
                   const SendOptions& options);
  // The answer to a Block: nothing more is sent to the group until its next view. kNotMember
  // where it is not in the group, kBadOption where no Block is open that take_upcalls has given,
  // kBlocked where it is answered.
  Queued block_ok(std::string_view group);
  // These four give request 0, and do nothing, while not connected.
  RequestId query_status();
  RequestId query_groups();
  RequestId bootstrap(std::vector<std::string> without);
  // REQUIRES: the names obey identity.h. An empty list asks for all groups.
  RequestId watch(std::vector<std::string> groups);
  // Leaves every group that it is in or joining.
  void leave_all();
  // The last words of a connection: whatever is asked later is refused with kGone.
  void bye();

  // --- the host's inputs

  // A connection begins: queues the Hello. Everything of an earlier connection is forgotten, but
  // for the upcalls that were not taken yet.
  void on_connecting();
  // Messages of the daemon. Returns a Failure where they break the protocol: the host disconnects
  // and calls on_disconnected. After Refused or Disconnect the machine has done the same by
  // itself: is_open() is false, and the host closes the connection.
  Result<std::monostate> on_daemon_messages(std::vector<protocol::DaemonMessage> messages);
  // The connection broke. Requests without an answer are Rejected with kGone, then every
  // membership is over (Gone kDaemonLost), then comes Disconnected. Does nothing where the
  // connection is over already.
  void on_disconnected(std::string_view reason);

  // --- outputs

  // To be called when there is nothing more to read at the moment, or after a bounded share of it:
  // what the application has seen is reported to the daemon as consumed, once it is a fair part of
  // what may wait there, or somebody waits to hear of it.
  std::vector<protocol::ClientMessage> take_outgoing();
  std::vector<Upcall> take_upcalls();
  // The same into a vector whose memory is used again.
  void take_upcalls(std::vector<Upcall>& upcalls);
  // The application has seen all that take_upcalls gave.
  void on_upcalls_told() {
    handed_bytes_ = taken_bytes_;
    awaited_handed_ = awaited_taken_;
  }

  // The application is now told a view, or the end of a membership, that take_upcalls gave. In a
  // group with sync = flush its sends are refused while it does not know the view it is in.
  void on_view_told(const std::string& group, const GroupViewId& view);
  void on_gone_told(const std::string& group);

  // --- state

  bool has_upcalls() const { return !upcalls_.empty(); }
  bool is_open() const { return phase_ != Phase::kClosed; }  // between on_connecting and the end
  bool connected() const { return phase_ == Phase::kConnected; }  // a Welcome came
  const std::optional<ProcessId>& process() const { return process_; }
  const GroupView* view(std::string_view group) const;  // of a group that I am in, or nullptr
  // In a group, or a join or leave is under way; but a suspended group answers nothing.
  bool awaits_memberships() const;
  bool has_credit() const;  // a multicast would not be refused with kWouldBlock
  // About how many bytes the multicasts have that take_outgoing would give.
  std::uint64_t outgoing_bytes() const { return outgoing_bytes_; }

 private:
  // kClosing: bye was called; answers still come in.
  enum class Phase : std::uint8_t { kClosed, kConnecting, kConnected, kClosing };

  // A join or a leave that the daemon has not answered yet.
  struct Wish {
    RequestId request;
    bool is_join = false;
    bool flush = false;  // joins: the group is to have sync = flush
  };

  struct GroupState {
    std::string name;
    GroupKey key;
    std::optional<GroupView> view;  // set while I am a member
    std::vector<Wish> wishes;       // in the order of their requests
    SendNumber accepted;            // my accepted sends to the group
    RequestId block_ok;             // the answer to an open Block; 0: not given
    bool block_open = false;        // and the application was told
    bool suspended = false;
    bool flush = false;            // of a group that I am in: sync = flush
    std::uint64_t views_seen = 0;  // in this membership
    // What the application knows; it need not be of this membership.
    std::optional<GroupViewId> view_told;
    bool was_member = false;  // late messages are ignored, not an error

    // I am in it, and it has sync = flush.
    bool holds_back() const { return view.has_value() && flush; }
    bool is_ahead_of_application() const {
      return holds_back() && view_told.has_value() && *view_told != view->id;
    }
    // Whether I shall be a member when all wishes are granted.
    bool is_wanted() const { return wishes.empty() ? view.has_value() : wishes.back().is_join; }
  };

  // A multicast that is neither accepted nor, if `rejected` is false, rejected.
  struct PendingSend {
    RequestId request;
    std::uint64_t bytes = 0;
    GroupState* group = nullptr;
    std::vector<GroupState*> more_groups;
    bool rejected = false;
  };

  // What an input gives: nothing, or what is wrong with it.
  using Outcome = std::optional<Failure>;

  // One daemon message each.
  Outcome on_message(protocol::Welcome& message);
  Outcome on_message(protocol::Refused& message);
  Outcome on_message(protocol::Accepted& message);
  Outcome on_message(protocol::Rejected& message);
  Outcome on_message(protocol::SendFail& message);
  Outcome on_message(protocol::ViewChanged& message);
  Outcome on_message(protocol::Transition& message);
  Outcome on_message(protocol::DeliverChunk& message);
  Outcome on_message(protocol::Deliver& message);
  Outcome on_message(protocol::SafeNotice& message);
  Outcome on_message(protocol::Block& message);
  Outcome on_message(protocol::Suspended& message);
  Outcome on_message(protocol::Gone& message);
  Outcome on_message(protocol::Disconnect& message);
  Outcome on_message(protocol::StatusReply& message);
  Outcome on_message(protocol::GroupsReply& message);
  Outcome on_message(protocol::BootstrapReply& message);
  Outcome on_message(protocol::WatchedView& message);

  // The record of a group, made where it is missing; nullptr where another name has its key.
  GroupState* remember_group(std::string_view name);
  GroupState* find_group(GroupKey key);
  const GroupState* find_group(std::string_view name) const;
  // The record of a group that I am in. A group that was left gives nullptr, one that was never
  // joined also sets `outcome`.
  GroupState* find_membership(GroupKey key, const char* what, Outcome& outcome);

  bool joins_run(const Payload& payload, const SendOptions& options) const;
  Queued await_answer(std::size_t bytes);
  std::optional<RejectReason> why_refused(const std::vector<std::string>& groups,
                                          const Payload& payload);
  std::vector<std::uint64_t> views_seen() const;  // for send_groups_
  bool reject_send(const protocol::Rejected& message);
  bool reject_wish(const protocol::Rejected& message, GroupState& group);
  void tell_rejected(const protocol::Rejected& message, const std::string& group);
  // These wishes of the group are answered.
  using WishPointer = std::vector<Wish>::iterator;
  void end_wishes(GroupState& group, WishPointer begin, WishPointer end);
  void end_block(GroupState& group);
  void end_membership(GroupState& group, GoneReason reason);
  void reject_pending_requests();
  std::vector<GroupState*> groups_by_name();
  Payload take_assembled(Payload last);
  RequestId next_request() { return ++last_request_; }
  void reset();

  std::string name_;
  Phase phase_ = Phase::kClosed;
  std::optional<ProcessId> process_;
  RequestId last_request_;

  std::unordered_map<GroupKey, GroupState> groups_;  // nodes stay where they are
  std::vector<GroupState*> send_groups_;             // of the multicast that is being checked

  std::size_t joins_under_way_ = 0;  // not answered

  std::deque<PendingSend> pending_sends_;  // by rising request
  std::uint64_t window_messages_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t unaccepted_messages_ = 0;
  std::uint64_t unaccepted_bytes_ = 0;

  std::vector<Payload> chunks_;  // of the next Deliver
  std::uint64_t chunk_bytes_ = 0;

  std::vector<protocol::ClientMessage> outgoing_;
  std::uint64_t outgoing_bytes_ = 0;
  std::size_t run_bytes_ =
      0;  // of the payloads of the last of outgoing_, where that is a multicast
  std::vector<Upcall> upcalls_;
  std::vector<GroupState*> blocks_to_tell_;  // with a Block among upcalls_
  std::uint64_t received_bytes_ = 0;         // since the welcome, by queue_cost()
  std::uint64_t taken_bytes_ = 0;            // of those, what take_upcalls gave
  std::uint64_t handed_bytes_ = 0;           // of those, what the application has seen
  std::uint64_t reported_bytes_ = 0;         // of those, what the daemon was told
  std::uint64_t awaited_bytes_ = 0;          // somebody waits for a report up to here: received,
  std::uint64_t awaited_taken_ = 0;          // taken,
  std::uint64_t awaited_handed_ = 0;         // and seen
  std::uint64_t queue_bytes_ = 0;            // that the daemon lets wait
};

}  // namespace groupcomm
