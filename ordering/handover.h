// Who has been handed the messages whose senders want to know.
#pragma once

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "groupcomm/number.h"

namespace groupcomm::ordering {

// Keeps rule N1. A message that asks is *handed* at a daemon when all its members there have seen
// it; a daemon without such members hands it by delivering it. What daemons tell one another is
// cumulative, by sender, as acknowledgements are.
class Handover {
 public:
  explicit Handover(std::size_t view_size) : pending_(view_size), members_(view_size) {}

  // --- here
  // A message that asks is held.
  void on_held(Rank sender, MessageNumber number) {
    pending_[sender].insert(number);
    is_active_ = true;
  }
  void on_handed(Rank sender, MessageNumber number) { pending_[sender].erase(number); }
  // Some message of the view asks: the lines are worth telling.
  bool is_active() const { return is_active_; }
  // Of the sender's messages up to here, all of which are held, those that ask are handed.
  MessageNumber line(Rank sender, MessageNumber held) const {
    const std::set<MessageNumber>& pending = pending_[sender];
    return pending.empty() ? held : std::min(held, pending.begin()->previous());
  }

  // --- everywhere
  // What a member says: of this daemon's messages up to `line` it has handed those that ask, and,
  // where it has caught up, all that asked in the views before. Members that ended need not see
  // any, which counts here from the moment at which their leaves, up to the place `applied`, do.
  void on_told(Rank member, MessageNumber line, bool caught_up, OrderNumber applied) {
    Member& told = members_[member];
    if (line < told.newest.line || applied < told.newest.applied) return;  // an old frame
    told.newest = {line, told.newest.caught_up || caught_up, applied};
    if (!told.waits) told.next = told.newest;
    told.waits = true;
  }
  // Joins and leaves up to here have taken effect at this daemon.
  void on_applied(OrderNumber place) {
    for (Member& told : members_) {
      while (told.waits && told.next.applied <= place) {
        told.waits = told.next != told.newest;
        told.counted = std::exchange(told.next, told.newest);
      }
    }
  }
  MessageNumber handed_by_all() const {
    MessageNumber line = members_.front().counted.line;
    for (const Member& member : members_) line = std::min(line, member.counted.line);
    return line;
  }
  bool all_caught_up() const {
    return std::all_of(members_.begin(), members_.end(),
                       [](const Member& member) { return member.counted.caught_up; });
  }
  // The member has said so.
  bool is_caught_up(Rank member) const { return members_[member].newest.caught_up; }

 private:
  struct Told {
    MessageNumber line;
    bool caught_up = false;
    OrderNumber applied;
    bool operator==(const Told&) const = default;
  };
  // Of what waits for its place the eldest and the newest are kept: enough to go on for ever.
  struct Member {
    Told counted;
    Told next;
    Told newest;
    bool waits = false;  // next is not counted yet
  };

  std::vector<std::set<MessageNumber>> pending_;  // by sender: held and not handed here
  std::vector<Member> members_;                   // by rank
  bool is_active_ = false;
};

}  // namespace groupcomm::ordering
