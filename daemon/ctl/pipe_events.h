// What happens to the process of `groupcommctl pipe`, as JSON lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/ctl/pipe_trace.h"
#include "groupcomm/client.h"
#include "groupcomm/listener.h"

namespace groupcomm::ctl {

// Collects events in `out` until the pipe writes them. Knows which command each request came from:
// events repeat its id. An entry ends with its answer, so there are at most as many as the daemon
// gives credit for.
class PipeEvents : public GroupListener, public ClientListener {
 public:
  explicit PipeEvents(PipeTrace& trace) : trace_(trace) {}

  // A send was queued as this request; each of `groups` will answer.
  void expect_send(RequestId request, std::string id, const std::vector<std::string>& groups,
                   PipeTrace::Asked asked);
  // Another command was queued. It has no answer of its own where it is granted.
  enum class Kind : std::uint8_t { kSend, kJoin, kLeave, kBlockOk };
  void expect(RequestId request, std::string id, Kind kind, const std::string& group);
  // A command was refused at once.
  void refused(const std::string& id, const std::string& group, RejectReason reason);
  void error(const std::string& message);
  void joining(const Group& group, GroupOptions options);
  // From here on blocks are answered at once: the script that did so has ended.
  void answer_blocks() { answers_blocks_ = true; }
  // Where one is open.
  void answer_block(const Group& group);

  // The group that was joined and is not over, or nullptr.
  const Group* find_group(const std::string& name) const;
  std::vector<Group> groups() const;
  // Nothing is under way: no membership, no unanswered command.
  bool is_idle() const { return groups_.empty() && expected_.empty(); }

  void on_view(Group& group, const GroupView& view) override;
  void on_transition(Group& group, const std::vector<ProcessId>& transitional) override;
  void on_message(Group& group, const Message& message) override;
  void on_accepted(Group& group, RequestId request, SendNumber number) override;
  void on_rejected(Group& group, RequestId request, RejectReason reason) override;
  void on_send_failed(Group& group, SendNumber number) override;
  void on_safe(Group& group, SendNumber number) override;
  void on_suspended(Group& group) override;
  void on_block(Group& group) override;
  void on_gone(Group& group, GoneReason reason) override;

  void on_connected(const ProcessId& process, const std::string& daemon_version) override;
  void on_disconnected(const std::string& reason) override;
  void on_open_send_accepted(const std::string& group, RequestId request,
                             SendNumber number) override;
  void on_open_send_rejected(const std::string& group, RequestId request,
                             RejectReason reason) override;
  void on_open_send_failed(const std::string& group, SendNumber number) override;
  void on_open_send_safe(const std::string& group, SendNumber number) override;

  std::string out;

 private:
  struct Expected {
    Kind kind = Kind::kSend;
    std::string id;
    std::vector<std::string> groups;
    std::size_t answers_left = 0;
    PipeTrace::Asked asked;
  };

  // Calls `fill` with the JSON object of one event.
  template <typename Fill>
  void event(const char* name, Fill&& fill);
  void numbered_event(const char* name, const std::string& group, SendNumber number);
  void group_event(const char* name, const std::string& group);
  void settle(Kind kind, const std::string& group);
  const std::string& name_of(const ProcessId& process);

  PipeTrace& trace_;
  std::unordered_map<RequestId, Expected> expected_;
  bool answers_blocks_ = false;
  std::map<std::string, Group> groups_;
  std::unordered_map<std::string, std::string> view_ids_;  // current view of each group
  std::map<ProcessKey, std::string> names_;                // full names, made once
};

}  // namespace groupcomm::ctl
