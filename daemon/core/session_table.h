// The clients of this daemon.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// A multicast with all its chunks, waiting for its turn to be stamped; and those behind it in a
// run.
struct QueuedSend {
  protocol::Multicast multicast;  // the one whose turn is next
  std::vector<Payload> chunks;    // before multicast.payload
  std::size_t chunks_stamped = 0;
  std::size_t next_of_run = 0;

  // Without the run.
  std::size_t bytes() const {
    return multicast.payload.size() + chunks.size() * protocol::kChunkBytesMax;
  }
  // How many have not had their turn.
  std::size_t count() const { return 1 + multicast.run.size() - next_of_run; }
  // It has had its turn. False: it was the last one.
  bool go_on() {
    if (next_of_run == multicast.run.size()) return false;
    multicast.count_on();
    multicast.payload = std::move(multicast.run[next_of_run++]);
    chunks.clear();
    chunks_stamped = 0;
    return true;
  }
};
// What a session asked for and waits for its turn, in the order in which it asked.
using QueuedRequest = std::variant<protocol::Join, protocol::Leave, QueuedSend, protocol::BlockOk>;

// A session's standing in one group.
struct Membership {
  std::string group;
  std::uint32_t joins = 0;  // which membership of the process this is

  // Groups with sync = flush (rules H1-H4).
  enum class Hold : std::uint8_t {
    kFree,
    kAsked,
    kAnswered,  // sends from before the answer wait for the window
    kAgreed,
  };
  bool flush = false;
  Hold hold = Hold::kFree;                    // until the next view
  TimePoint answer_due = TimePoint::never();  // of kAsked, where others wait for it
  std::uint64_t views = 0;                    // told in this membership
};

// What waits for a client: bytes delivered but not yet consumed (rule W3). A message under way
// does not count, however large it is: the bound is on what waits behind it.
class DeliveryMeter {
 public:
  void on_delivered(std::uint64_t bytes) {
    if (bytes >= kLarge) large_.push_back({delivered_, bytes});
    delivered_ += bytes;
  }
  // False: the client claims more than it was given.
  bool on_consumed(std::uint64_t total) {
    if (total > delivered_ || total < consumed_) return false;
    consumed_ = total;
    while (!large_.empty() && large_.front().begin + large_.front().bytes <= consumed_) {
      large_.pop_front();
    }
    return true;
  }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t waiting() const {
    // Of a large message that is partly consumed only the rest is still among what waits.
    std::uint64_t largest = 0;
    for (const Large& large : large_) {
      largest = std::max(largest, large.begin + large.bytes - std::max(large.begin, consumed_));
    }
    CHECK_LE(largest, delivered_ - consumed_);
    return delivered_ - consumed_ - largest;
  }

 private:
  static constexpr std::uint64_t kLarge = 1u << 20;
  struct Large {
    std::uint64_t begin;
    std::uint64_t bytes;
  };
  std::uint64_t delivered_ = 0;
  std::uint64_t consumed_ = 0;
  std::deque<Large> large_;
};

// A message that asks, and is not yet consumed by this session: `position` is what the session has
// been told when it has it.
struct Unseen {
  std::uint64_t position = 0;
  std::uint64_t handing = 0;
};

// Those of the client, in their order.
class RequestQueue {
 public:
  void push_back(QueuedRequest request) {
    const auto* send = std::get_if<QueuedSend>(&request);
    count_ += send == nullptr ? 1 : send->count();
    requests_.push_back(std::move(request));
  }
  QueuedRequest& front() { return requests_.front(); }
  const QueuedRequest& front() const { return requests_.front(); }
  // The front has had its turn.
  void go_on() {
    auto* send = std::get_if<QueuedSend>(&requests_.front());
    --count_;
    if (send == nullptr || !send->go_on()) requests_.pop_front();
  }
  std::deque<QueuedRequest> take_all() {
    count_ = 0;
    return std::exchange(requests_, {});
  }
  const std::deque<QueuedRequest>& all() const { return requests_; }
  bool empty() const { return requests_.empty(); }
  std::size_t size() const { return count_; }  // all runs counted in full

 private:
  std::deque<QueuedRequest> requests_;
  std::size_t count_ = 0;
};

// One client connection. Its requests are served in order; a join or leave holds those behind it
// until it has taken effect, so that "join, then send" means what it says.
struct Session {
  SessionId id;
  ProcessId process;
  bool greeted = false;  // its Hello was answered
  RequestQueue queue;
  std::uint64_t queued_bytes = 0;
  std::vector<Payload> chunks;                    // of the multicast that is being received
  std::map<GroupKey, Membership> groups;          // member now
  std::optional<GroupKey> joining;                // the group of a join of its own under way
  std::optional<GroupKey> leaving;                // the group of a leave of its own under way
  std::optional<RequestId> pending_control;       // a join or leave of its own is under way
  std::map<GroupKey, std::uint32_t> joins;        // how often it joined a group
  std::unordered_map<GroupKey, SendNumber> sent;  // accepted messages by group
  RequestId accepted;                             // up to here, and told up to:
  RequestId accepted_told;
  DeliveryMeter meter;
  std::deque<Unseen> unseen;
  std::uint64_t notices = 0;  // that it waits for
  bool warned = false;
  std::optional<std::vector<std::string>> watched;
};

class SessionTable {
 public:
  Session* find(SessionId id) {
    const auto it = sessions_.find(id);
    return it == sessions_.end() ? nullptr : &it->second;
  }
  Session& add(SessionId id) {
    Session& session = sessions_[id];
    session.id = id;
    return session;
  }
  void erase(SessionId id) { sessions_.erase(id); }
  // In the order of their ids.
  std::map<SessionId, Session>& all() { return sessions_; }
  const std::map<SessionId, Session>& all() const { return sessions_; }

 private:
  std::map<SessionId, Session> sessions_;
};

}  // namespace groupcomm::daemon
