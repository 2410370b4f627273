// A group, as the handle that an application works with.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/send.h"
#include "groupcomm/view.h"

namespace groupcomm {

class ClientState;

// Copies are handles of the same group. A handle outlives its Client: everything is then refused
// with kGone. All functions may be called from any thread.
//
// A send returns at once. Queued::request names it in later callbacks; or Queued::refused says why
// nothing was sent:
//   kWouldBlock  the daemon's credit is used up: wait for a callback, or use multicast_within
//   kBlocked     in a group with sync = flush: between block_ok and the next view, or when a view
//                has come of which no callback has told yet
//   kNoPrimary   suspended for want of a quorum
//   kTooBig      more than kPayloadBytesMax bytes
//   kGone        not connected
// What was queued is later either accepted (GroupListener::on_accepted) or rejected. What was
// accepted is delivered to every member of the view in which the daemon stamps it, itself included,
// or to nobody if the daemon is lost together with it (SEMANTICS.md).
class Group {
 public:
  // To all members. The text is copied.
  Queued multicast(std::string_view text, Order order = Order::kTotal) const;
  // To all members, or as the options say. The payload's bytes are shared, not copied, until they
  // are encoded.
  Queued multicast(Payload payload, const SendOptions& options) const;
  // Waits for credit for at most `time`, and is refused with kWouldBlock after that. It never runs
  // callbacks, so that it may be called from one; what arrives meanwhile waits for poll.
  Queued multicast_within(std::chrono::milliseconds time, Payload payload,
                          const SendOptions& options) const;
  // To this member only. The daemon rejects it with kNotMember where it is none.
  Queued send_to(const ProcessId& member, std::string_view text, Order order = Order::kTotal) const;

  // Asks to leave: GroupListener::on_gone follows (kLeft). Messages come until then.
  Queued leave() const;
  // The answer to GroupListener::on_block: I send nothing more before the next view.
  Queued block_ok() const;

  const std::string& name() const { return names_.front(); }
  // The view that on_view told last, or nullptr where this process is not a member. The member at
  // rank 0 (`my_rank`) of a primary view is the leader, until on_view, on_transition, on_suspended
  // or on_gone. What it does outside should carry the view's `id` as a fencing token, and the
  // outside should refuse a lower one than it has seen: a leader that stood still does not know
  // that there is another one (SEMANTICS.md, Leaders).
  std::shared_ptr<const GroupView> view() const;
  // The request of the latest join, as on_rejected names it.
  RequestId join_request() const { return join_request_; }

 private:
  friend class ClientState;
  Group(std::shared_ptr<ClientState> client, std::string name, RequestId join_request);

  std::shared_ptr<ClientState> client_;
  std::vector<std::string> names_;  // one
  RequestId join_request_;
};

}  // namespace groupcomm
