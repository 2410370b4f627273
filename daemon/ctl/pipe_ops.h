// The commands that `groupcommctl pipe` reads, one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "groupcomm/message.h"
#include "groupcomm/payload.h"
#include "groupcomm/result.h"
#include "groupcomm/view.h"

namespace groupcomm::ctl {

// In all of them `id` is the command's own "id", as JSON text: events of the command repeat it.
struct JoinOp {
  std::string group;
  GroupOptions options;
  std::string id;
};
struct LeaveOp {
  std::string group;
  std::string id;
};
struct SendOp {
  std::vector<std::string> groups;
  Order order = Order::kTotal;
  Payload payload;
  std::optional<std::string> to;  // a process's full name
  bool self_discard = false;
  bool notify_safe = false;
  std::string id;
};
struct BlockOkOp {
  std::string group;
  std::string id;
};
struct QuitOp {};

using PipeOp = std::variant<JoinOp, LeaveOp, SendOp, BlockOkOp, QuitOp>;

// A Failure says what is not understood. Unknown fields are ignored; names of groups are not
// checked here, so that a bad one is rejected like everything else that is refused.
Result<PipeOp> parse_pipe_op(std::string_view line);

}  // namespace groupcomm::ctl
