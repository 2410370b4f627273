// To whom here a message goes.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "groupcomm/number.h"

namespace groupcomm::daemon {

// Sessions of this daemon, different ones. Immutable and shared: most of the messages of a group go
// to one list.
class SessionList {
 public:
  SessionList() = default;
  SessionList(std::vector<SessionId> sessions)
      : sessions_(std::make_shared<const std::vector<SessionId>>(std::move(sessions))) {}

  const std::vector<SessionId>& all() const {
    static const std::vector<SessionId> kNobody;
    return sessions_ == nullptr ? kNobody : *sessions_;
  }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }

  SessionList with(SessionId session) const {
    std::vector<SessionId> sessions = all();
    sessions.push_back(session);
    return sessions;
  }
  SessionList without(SessionId session) const {
    std::vector<SessionId> sessions = all();
    std::erase(sessions, session);
    return sessions;
  }

  // The same list, and not just an equal one.
  bool is(const SessionList& other) const { return sessions_ == other.sessions_; }

 private:
  std::shared_ptr<const std::vector<SessionId>> sessions_;
};

}  // namespace groupcomm::daemon
