// The trace: what happened at a process, one record an event, for the checkers of SEMANTICS.md.
//
// A trace file is text. Its first line names the format and who wrote it:
//
//   groupcomm-trace 1 role=client name=alice
//
// Every further line is one record, in the order in which the writer saw the events:
//
//   record = kind *( " " key "=" value )
//   value  = text | list          text: percent-escaped ("%20" for a space)
//   list   = [ text *( "," text ) ]
//
// Escaped are the space, '%', '=', ',' and control characters, so a record never spans lines.
// Unknown keys are ignored. A last line without a line feed is a cut one (the writer was killed).
// Whoever opens such a file again marks that line with " (cut)" at its end; a file holds a header
// and its records for each time that it was opened.
//
// There are two roles. A client's file has what the application of that process was told, group by
// group. A daemon's file has the group kDaemons, whose members are daemons and whose messages are
// everything that any daemon delivers, and the `send` records of its clients at the moment when it
// stamped them: ground truth where a client was killed before it could write its own record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "groupcomm/message.h"
#include "groupcomm/result.h"
#include "groupcomm/view.h"

namespace groupcomm::verify {

// The word that every header begins with.
inline constexpr std::string_view kTraceMagic = "groupcomm-trace";

// The group that stands for the daemons themselves. Not a name that an application can be stopped
// from using, but records of the two roles are never mixed.
inline constexpr std::string_view kDaemons = "@daemons";

enum class Role : std::uint8_t { kDaemon, kClient };

struct TraceHeader {
  Role role = Role::kClient;
  std::string name;  // for humans
  bool operator==(const TraceHeader&) const = default;
};

// In every record, `p` is whom it happened to: a process's full name, with member_name's suffix
// where a membership is meant; in the group kDaemons a daemon's full id. `g` is the group's name.
namespace record {
// The process began. One connection is one process.
struct Start {
  std::string p = {};
  bool operator==(const Start&) const = default;
};
// The process ended as it should, and has told everything.
struct Exit {
  std::string p = {};
  bool operator==(const Exit&) const = default;
};
// The process was killed (ground truth of a test driver).
struct Crash {
  std::string p = {};
  bool operator==(const Crash&) const = default;
};
struct Left {
  std::string member = {};
  std::string reason = {};  // to_string(LeaveReason)
  bool operator==(const Left&) const = default;
};
struct View {
  std::string p = {};
  std::string g = {};
  std::string id = {};
  std::vector<std::string> members = {};  // by rank, with member_name's suffix
  bool primary = true;
  std::vector<std::string> joined = {};
  std::vector<Left> left = {};
  std::vector<std::string> transitional = {};
  // The view rests on records, not on a living quorum: what only the dead had seen may be gone.
  bool recovered = false;
  // Of daemons only: an operator forced it, and so it begins a lineage.
  bool forced = false;
  std::string lineage = {};
  std::string ancestor = {};  // the lineage that the forced view ended; empty where there is none
  // Of groups: the options with which p is a member.
  bool uniform = false;
  bool flush = false;
  bool operator==(const View&) const = default;
};
struct Transition {
  std::string p = {};
  std::string g = {};
  std::vector<std::string> transitional = {};
  bool operator==(const Transition&) const = default;
};
struct Block {
  std::string p = {};
  std::string g = {};
  bool operator==(const Block&) const = default;
};
struct BlockOk {
  std::string p = {};
  std::string g = {};
  // The newest of p's requests before it agreed: later ones belong to the next view.
  std::optional<std::uint64_t> request = {};
  bool operator==(const BlockOk&) const = default;
};
// A message was accepted. A client writes it when it learns so, a daemon when it stamps.
struct Send {
  std::string p = {};  // the process, without a suffix
  std::string g = {};
  std::uint64_t number = 0;  // counts the accepted messages of p to g from 1
  Order order = Order::kTotal;
  std::string view = {};  // of the group: the client's current one, or the daemon's at the stamp
  bool member = false;    // p is a member of the group
  bool self_discard = false;
  std::string to =
      {};  // the only addressee: its full name, or the part behind '#'; empty: all members
  std::uint64_t hash = 0;
  std::uint64_t size = 0;
  // Client: how many messages of all groups p had delivered when it asked for the send. What was
  // delivered between the question and the acceptance is no cause of the message.
  std::optional<std::uint64_t> seen = {};
  // Client: which of its requests. The sends of one request, to several groups, are one message.
  std::optional<std::uint64_t> request = {};
  // Client: the view of the group that p had been told of last when it asked for the send; empty
  // where it was no member then, and in traces of before this was written.
  std::string asked_in = {};
  // Daemon: the number that the daemon gave to the message in its view.
  std::optional<std::uint64_t> daemon_number = {};
  bool operator==(const Send&) const = default;
};
struct Reject {
  std::string p = {};
  std::string g = {};
  std::string reason = {};  // to_string(RejectReason)
  bool operator==(const Reject&) const = default;
};
struct Deliver {
  std::string p = {};
  std::string g = {};
  std::string view = {};     // the group's view in which it is delivered
  std::string sender = {};   // a process without suffix; in kDaemons a daemon
  std::uint64_t number = 0;  // of the send; in kDaemons the daemon's number in that view
  Order order = Order::kTotal;
  std::uint64_t hash = 0;
  std::uint64_t size = 0;
  std::string destination = {};  // kDaemons only: for which group (a message may be for several)
  bool operator==(const Deliver&) const = default;
};
// Every member has delivered p's message.
struct Safe {
  std::string p = {};
  std::string g = {};
  std::uint64_t number = 0;
  bool operator==(const Safe&) const = default;
};
// p's accepted message will never be delivered to p.
struct SendFail {
  std::string p = {};
  std::string g = {};
  std::uint64_t number = 0;
  bool operator==(const SendFail&) const = default;
};
struct Suspended {
  std::string p = {};
  std::string g = {};
  bool operator==(const Suspended&) const = default;
};
// p believes that it leads the group in this view.
struct Lead {
  std::string p = {};
  std::string g = {};
  std::string view = {};
  bool operator==(const Lead&) const = default;
};
// p did something that only the leader of this view may do.
struct Act {
  std::string p = {};
  std::string g = {};
  std::string view = {};
  bool operator==(const Act&) const = default;
};
// The process stands still, and goes on (ground truth of a test driver).
struct Pause {
  std::string p = {};
  bool operator==(const Pause&) const = default;
};
struct Resume {
  std::string p = {};
  bool operator==(const Resume&) const = default;
};
// The membership is over.
struct Gone {
  std::string p = {};
  std::string g = {};
  std::string reason = {};  // to_string(GoneReason)
  bool operator==(const Gone&) const = default;
};
}  // namespace record

using Record =
    std::variant<record::Start, record::Exit, record::Crash, record::View, record::Transition,
                 record::Block, record::BlockOk, record::Send, record::Reject, record::Deliver,
                 record::Safe, record::SendFail, record::Suspended, record::Gone, record::Lead,
                 record::Act, record::Pause, record::Resume>;

// One line, without a line feed.
std::string to_line(const Record& record);
std::string to_line(const TraceHeader& header);
Result<Record> parse_line(std::string_view line);
Result<TraceHeader> parse_header(std::string_view line);

// --- identities ----------------------------------------------------------------------------------

// Join, leave and join again are three memberships of one process: "alice@d#...7", then
// "alice@d#...7~2".
std::string member_name(std::string_view process, std::uint32_t joins);
std::string member_name(const GroupMember& member);
// The inverse.
std::pair<std::string_view, std::uint32_t> split_member(std::string_view member);

// --- making records ------------------------------------------------------------------------------

// The hash of a payload, in one go or part by part (the parts of a large payload count as one).
// Taken by words of eight bytes: a daemon that traces must not stand still over a large payload.
class PayloadHash {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
  std::uint64_t word_ = 0;  // of the bytes that do not make a whole word yet
  std::uint64_t size_ = 0;
};
std::uint64_t payload_hash(std::span<const std::byte> bytes);

// What a member writes when it is told of `view`. `previous` is its view before in this
// membership, or nullptr at the first: names in `left` get their suffix from there. `options` are
// those of its join.
record::View view_record(const ProcessId& self, std::string_view group, const GroupView& view,
                         const GroupView* previous, GroupOptions options = {});

// Where records go.
class TraceWriter {
 public:
  virtual ~TraceWriter() = default;
  virtual void write(const Record& record) = 0;
};

}  // namespace groupcomm::verify
