// Clients in groups, for tests of DaemonCore.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "groupcomm/protocol/queue_cost.h"
#include "tests/daemon/core/cluster.h"

namespace groupcomm::daemon {

inline protocol::Join join(std::uint64_t request, const std::string& group,
                           GroupOptions options = {}) {
  return {.request = RequestId{request}, .group = group, .options = options};
}
inline protocol::Leave leave(std::uint64_t request, const std::string& group) {
  return {.request = RequestId{request}, .group = group};
}
inline protocol::Multicast multicast(std::uint64_t request, const std::string& text,
                                     Order order = Order::kTotal,
                                     const std::string& group = "room") {
  protocol::Multicast multicast;
  multicast.request = RequestId{request};
  multicast.group = group_key(group);
  multicast.order = order;
  multicast.payload = Payload::copy_of(text);
  return multicast;
}

inline std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

// So many daemons, each with a client in session 1, named c0, c1, ..., that is in "room".
class Room : public Cluster {
 public:
  explicit Room(std::size_t size, TotalOrderEngine engine = TotalOrderEngine::kSequencer)
      : Cluster(size, engine), size_(size) {}

  void open() {
    start_all();
    run_for(std::chrono::seconds(2));
    for (std::size_t i = 0; i < size_; ++i) enter(i, 1);
  }
  void enter(std::size_t i, std::uint64_t session) {
    greet(i, session);
    say(i, session, join(1, "room"));
    run_for(std::chrono::milliseconds(50));
  }
  void greet(std::size_t i, std::uint64_t session) {
    say(i, session,
        protocol::Hello{.version = protocol::kProtocolVersion, .name = "c" + std::to_string(i)});
    settle();
  }
  // What the session was told since its welcome, as it is counted against its queue.
  std::uint64_t told_bytes(std::size_t i, std::uint64_t session) {
    std::uint64_t bytes = 0;
    for (const auto& message : heard(i, session)) bytes += protocol::queue_cost(message);
    return bytes;
  }
  // The session has read everything.
  void consume_all(std::size_t i, std::uint64_t session) {
    say(i, session, protocol::Consumed{.bytes_total = told_bytes(i, session)});
  }
  // The process of a greeted session.
  ProcessId process(std::size_t i, std::uint64_t session) {
    const auto welcomes = heard_of<protocol::Welcome>(i, session);
    EXPECT_EQ(welcomes.size(), 1u);
    return welcomes.empty() ? ProcessId{} : welcomes[0].process;
  }
  GroupView last_view(std::size_t i, std::uint64_t session = 1) {
    const auto views = heard_of<protocol::ViewChanged>(i, session);
    EXPECT_FALSE(views.empty());
    return views.empty() ? GroupView{} : views.back().view;
  }
  std::vector<std::string> names_in_view(std::size_t i, std::uint64_t session = 1) {
    std::vector<std::string> names;
    for (const GroupMember& member : last_view(i, session).members) {
      names.push_back(member.process.name);
    }
    return names;
  }
  std::vector<protocol::Rejected> rejected(std::size_t i, std::uint64_t session) {
    return heard_of<protocol::Rejected>(i, session);
  }
  std::vector<std::string> members(std::size_t i) {
    std::vector<std::string> names;
    for (const auto& member : status(i).members) names.push_back(member.id.name);
    return names;
  }

 private:
  std::size_t size_;
};

}  // namespace groupcomm::daemon
