// What the library tells an application. Derive from these and override what is of interest.
//
// Callbacks run inside Client::poll (or run, or on the thread that start_thread made), one at a
// time, in the order in which things happened. A callback may call everything but poll, run and
// the destructor of the Client. What it sends leaves together when the round of callbacks ends.
// An exception that a callback throws comes out of poll; the callbacks that were still to run do
// so in the next one.
#pragma once

#include <string>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/view.h"

namespace groupcomm {

namespace protocol {
struct DaemonStatus;
struct GroupStatus;
}  // namespace protocol

class Group;

// What a group tells its member. It must live until on_gone was called, the join was rejected, or
// the Client was closed. One listener may serve several groups.
class GroupListener {
 public:
  virtual ~GroupListener() = default;

  // A view was installed; the first one answers the join. All members that install the same next
  // view have delivered the same messages in this one. A message may be delivered before a view
  // that its sender had seen: a view carries no causality.
  virtual void on_view(Group& /*group*/, const GroupView& /*view*/) {}

  // From here to the next view, deliveries are the same only at the members in `transitional`.
  virtual void on_transition(Group& /*group*/, const std::vector<ProcessId>& /*transitional*/) {}

  // A message was delivered, in the group's current view and in the order that its sender chose.
  // `message.payload` may be kept: copies of it share the bytes.
  virtual void on_message(Group& /*group*/, const Message& /*message*/) {}

  // The daemon has my send: it is lost only together with the daemon, or on_send_failed tells.
  virtual void on_accepted(Group& /*group*/, RequestId /*request*/, SendNumber /*number*/) {}

  // A send, a leave, a block_ok or the join itself (group.join_request()) was refused: it has and
  // will have no effect. After a rejected join nothing more comes. The one exception is kGone: the
  // connection ended without an answer, and nobody here can know whether the daemon had accepted
  // the send and others have delivered it.
  virtual void on_rejected(Group& /*group*/, RequestId /*request*/, RejectReason /*reason*/) {}

  // An accepted message of mine has nobody to go to any more: the addressee has left, or the whole
  // group. Or my daemon was excluded, and it will never be delivered to me.
  virtual void on_send_failed(Group& /*group*/, SendNumber /*number*/) {}

  // Every member has delivered my message (SendOptions::notify_safe).
  virtual void on_safe(Group& /*group*/, SendNumber /*number*/) {}

  // There is no quorum: nothing is delivered, and sends are refused with kNoPrimary, until on_view
  // or on_gone.
  virtual void on_suspended(Group& /*group*/) {}

  // Flush groups only: a view change waits until this member has sent what belongs to the old view
  // and called group.block_ok(). The default does so at once.
  virtual void on_block(Group& group);

  // The membership is over; nothing more comes.
  virtual void on_gone(Group& /*group*/, GoneReason /*reason*/) {}
};

// What concerns the connection, and groups that this process sends to without being a member. It
// must live as long as the Client.
class ClientListener {
 public:
  virtual ~ClientListener() = default;

  // A daemon serves me, as this process. After a lost connection that is another process than
  // before: the old memberships are over, and nothing is joined again by itself.
  virtual void on_connected(const ProcessId& /*process*/, const std::string& /*daemon_version*/) {}

  // The connection is over. Before this, whatever waited for the daemon's word was rejected with
  // kGone and every membership has got its on_gone.
  virtual void on_disconnected(const std::string& /*reason*/) {}

  // As in GroupListener, for groups that this process is not a member of. `group` is empty where a
  // send to several groups was refused as a whole.
  virtual void on_open_send_accepted(const std::string& /*group*/, RequestId /*request*/,
                                     SendNumber /*number*/) {}
  virtual void on_open_send_rejected(const std::string& /*group*/, RequestId /*request*/,
                                     RejectReason /*reason*/) {}
  virtual void on_open_send_failed(const std::string& /*group*/, SendNumber /*number*/) {}
  virtual void on_open_send_safe(const std::string& /*group*/, SendNumber /*number*/) {}

  // Answers to Client::query_status, query_groups, bootstrap and watch.
  virtual void on_status(RequestId /*request*/, const protocol::DaemonStatus& /*status*/) {}
  virtual void on_groups(RequestId /*request*/,
                         const std::vector<protocol::GroupStatus>& /*groups*/) {}
  // `possible`: it can go on without these, or where it was told to, it has done so. `text` says
  // more, or why not.
  virtual void on_bootstrap(RequestId /*request*/, bool /*possible*/,
                            const std::vector<std::string>& /*without*/,
                            const std::string& /*text*/) {}
  virtual void on_watched_view(const std::string& /*group*/, const GroupView& /*view*/) {}
};

}  // namespace groupcomm
