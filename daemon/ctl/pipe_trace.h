// What `groupcommctl pipe --trace` records: everything that the application of this process was
// told, for the checkers of daemon/verify.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/verify/trace_file.h"
#include "groupcomm/message.h"
#include "groupcomm/send.h"
#include "groupcomm/view.h"

namespace groupcomm::ctl {

// Does nothing where no file was opened.
class PipeTrace {
 public:
  // What is known of a send when it is asked for; recorded when it is accepted.
  struct Asked {
    Order order = Order::kTotal;
    bool self_discard = false;
    std::string to;
    std::uint64_t hash = 0;
    std::uint64_t size = 0;
    std::uint64_t seen = 0;
    std::map<std::string, std::string> views = {};  // by group
  };

  // Returns why the file cannot be written, or nothing.
  std::optional<std::string> open(const std::string& path, const std::string& name);

  bool is_open() const { return writer_ != nullptr; }
  Asked asked(const std::vector<std::string>& groups, const Payload& payload,
              const SendOptions& options) const;

  void connected(const ProcessId& process);
  // A join was asked for, and how it ended where it has no membership.
  void joining(RequestId request, GroupOptions options);
  void not_joined(RequestId request) { options_.erase(request); }
  // `join` is the request that the membership came from.
  void view(const std::string& group, RequestId join, const GroupView& view);
  void transition(const std::string& group, const std::vector<ProcessId>& transitional);
  void delivered(const std::string& group, const Message& message);
  void accepted(const std::string& group, RequestId request, SendNumber number, const Asked& asked);
  void rejected(const std::string& group, RejectReason reason);
  void send_failed(const std::string& group, SendNumber number);
  void safe(const std::string& group, SendNumber number);
  void suspended(const std::string& group);
  void block(const std::string& group);
  // `request` is that of the answer: all that was asked for before has a smaller one.
  void block_ok(const std::string& group, RequestId request);
  void gone(const std::string& group, RequestId join, GoneReason reason);
  void exited();

 private:
  // A membership, in the words of the trace.
  struct Room {
    GroupView view;
    std::string view_id;
    std::string me;
  };

  // My name in the group: with the count of my joins where I am a member.
  const std::string& me(const std::string& group) const;

  std::unique_ptr<verify::FileTraceWriter> writer_;
  ProcessId self_;
  std::string process_;  // full name; empty: not connected
  std::map<std::string, Room> rooms_;
  // Of memberships and joins that are under way, where they are not the defaults.
  std::unordered_map<RequestId, GroupOptions> options_;
  std::uint64_t delivered_ = 0;
};

}  // namespace groupcomm::ctl
