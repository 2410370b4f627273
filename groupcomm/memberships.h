// Which listener serves which membership of a client.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "groupcomm/group.h"
#include "groupcomm/listener.h"
#include "groupcomm/number.h"
#include "groupcomm/view.h"

namespace groupcomm {

// From a join to its end. Leave and join again may overlap, so one group can have several: the
// oldest is the current one.
struct Membership {
  GroupListener* listener;
  Group group;
  std::shared_ptr<const GroupView> view = nullptr;  // as the listener was told
};

// Guarded by its owner's mutex.
class Memberships {
 public:
  using Pointer = std::shared_ptr<Membership>;

  void add(Pointer membership) {
    by_group_[membership->group.name()].push_back(std::move(membership));
  }

  // The membership that the group's events are for, or nullptr.
  Pointer current(const std::string& group) const {
    const auto found = by_group_.find(group);
    return found == by_group_.end() ? nullptr : found->second.front();
  }

  // Takes the current membership away.
  Pointer take_current(const std::string& group) {
    const auto found = by_group_.find(group);
    if (found == by_group_.end()) return nullptr;
    Pointer membership = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) by_group_.erase(found);
    return membership;
  }

  // Takes the membership away that this join was to begin, or gives nullptr.
  Pointer take_joining(const std::string& group, RequestId join) {
    const auto found = by_group_.find(group);
    if (found == by_group_.end()) return nullptr;
    for (auto it = found->second.begin(); it != found->second.end(); ++it) {
      if ((*it)->group.join_request() != join) continue;
      Pointer membership = std::move(*it);
      found->second.erase(it);
      if (found->second.empty()) by_group_.erase(found);
      return membership;
    }
    return nullptr;
  }

  void clear() { by_group_.clear(); }

 private:
  std::unordered_map<std::string, std::deque<Pointer>> by_group_;
};

}  // namespace groupcomm
