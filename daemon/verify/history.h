// What traces say, indexed for the checkers: who was in which view, sent and delivered what.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "daemon/verify/trace_file.h"

namespace groupcomm::verify {

// What was recorded of one run.
struct Run {
  std::vector<Trace> traces;
  std::vector<std::string> notes = {};  // on what is not among the traces
  std::size_t damaged_traces = 0;       // files that could not be read, or not in full
  // Full ids of daemons that the traces name, and of which there is none.
  std::set<std::string, std::less<>> missing_daemons = {};
  // The run ended after a quiet time in which everything could settle: whatever a living member
  // is owed must be there.
  bool converged = false;
  // Full ids of daemons that were left out when the run converged: nothing is owed to them and
  // their clients.
  std::set<std::string, std::less<>> unsettled_daemons = {};
  // Groups with the options `uniform` and `sync = flush`, beside those whose members say so in
  // their views.
  std::set<std::string> uniform_groups = {};
  std::set<std::string> flush_groups = {};
  // Who asked to leave, where the driver of the run knows, as no trace does: a daemon by its full
  // id, a process that ended its connection, and a member as "process group".
  std::optional<std::set<std::string>> leavers = {};
};

// Calls f(record, its alternative) for what applications recorded, in the order of each of them.
template <typename F>
void for_each_client_record(const Run& run, const F& f) {
  for (const Trace& trace : run.traces) {
    if (trace.header.role != Role::kClient) continue;
    for (const Record& record : trace.records) {
      std::visit([&](const auto& r) { f(record, r); }, record);
    }
  }
}

// Position in one of the lists of a History.
using Index = std::int32_t;
inline constexpr Index kNone = -1;

// Texts to small numbers and back.
class Names {
 public:
  Index add(std::string_view text);
  Index find(std::string_view text) const;  // kNone where it was never added
  const std::string& text(Index index) const { return *texts_[static_cast<std::size_t>(index)]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::unordered_map<std::string, Index> indices_;
  std::vector<const std::string*> texts_;  // keys of indices_, which stay where they are
};

// One message to one group. A message to several groups is one of these for each.
struct MessageInfo {
  Index sender = kNone;  // process
  Index group = kNone;
  std::uint64_t number = 0;
  const record::Send* client_send = nullptr;
  const record::Send* daemon_send = nullptr;
  const Record* first_delivery = nullptr;
  Index stamped_view = kNone;  // in which it was stamped, where that is known
  Index home = kNone;          // the view in which it is delivered, by those who lived on if any
  const Record* home_record = nullptr;  // a delivery there
  bool home_is_transitional = false;    // which came after a transition
  Index home_next = kNone;              // where who delivered it there went from there

  // What the sender asked for; nullptr: no record of the send exists.
  const record::Send* send() const { return client_send != nullptr ? client_send : daemon_send; }
};

struct ViewInfo {
  Index id = kNone;  // name
  Index group = kNone;
  std::vector<Index> members;  // names of members by rank
  bool primary = true;
  const Record* first_record = nullptr;
};

struct DeliveryInfo {
  Index message = kNone;
  const Record* record = nullptr;
};

// A member's time in one view.
struct Stay {
  Index view = kNone;
  const Record* record = nullptr;
  std::vector<DeliveryInfo> deliveries;
  // From here on in `deliveries`, what is delivered holds only among the transitional set.
  std::size_t before_transition = static_cast<std::size_t>(-1);
  const record::Transition* transition = nullptr;
};

// One membership: from the first view to `gone` or to the end of the trace.
struct Membership {
  Index member = kNone;
  Index process = kNone;
  Index group = kNone;
  std::vector<Stay> stays;  // never empty
  const Record* gone = nullptr;
  std::size_t deliveries_before_gone = 0;  // of the process
};

// A delivery or send of a process, in its order over all groups.
struct Step {
  bool is_send = false;
  Index message = kNone;
  Index membership = kNone;  // of a delivery
};

// A process was told that every member has delivered its message.
struct SafeNotice {
  Index message = kNone;
  Index view = kNone;  // the sender's at the notice; kNone where it is no member
  const Record* record = nullptr;
  std::uint64_t seen = 0;  // so many messages of all groups the sender had delivered by then
};

struct ProcessInfo {
  bool has_trace = false;      // it wrote a trace itself
  bool daemon_traced = false;  // its daemon wrote one, of which nothing is missing
  bool ended = false;          // by exit or crash
  bool crashed = false;
  std::vector<Step> steps;          // deliveries, and sends where they were recorded
  std::size_t deliveries = 0;       // among them
  std::vector<Index> daemon_sends;  // as its daemon stamped them
};

// A record that stands where it cannot be right.
struct Stray {
  const Record* record = nullptr;
  std::string why;
};

// Orders view ids: (counter, proposer, round, place). Ids of another form give nothing.
using ViewOrder = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
std::optional<ViewOrder> parse_view_order(std::string_view id);

// The counter of the view before one that was decided by force, which is counted further than
// others (docs/PROTOCOL.md); but not where there was none before.
std::uint64_t counter_before_force(const ViewOrder& forced);

// The part of a group view's id that names the view of daemons in which it was made.
std::string_view daemon_view_of(std::string_view group_view_id);
// "d#0123" of "p@d#0123.7~2": the daemon that a process is connected to; empty for other texts.
std::string_view daemon_of(std::string_view member);

// One of the two levels of a run. Keeps pointers into the run, which must outlive it.
class History {
 public:
  // Role::kClient: what applications saw, with the daemons' send records as ground truth.
  // Role::kDaemon: the group kDaemons only.
  History(const Run& run, Role level);

  Role level() const { return level_; }
  bool is_converged() const { return run_.converged; }
  // A name may come back as that of a group with other options: they are those of a membership.
  bool is_uniform(const Membership& membership) const;
  bool is_flush(const Membership& membership) const;
  // Some membership of this name is known to be one, or was blocked at least once.
  bool is_flush(Index group) const {
    return run_.flush_groups.contains(group_name(group)) || blocked_.contains(group_name(group));
  }
  const Run& run() const { return run_; }
  // Whether the view says of itself that what only the dead had seen may be gone, or came with a
  // view of daemons that says so.
  bool is_recovered(Index view) const;
  // Components of a partition go on apart in this run: some view is not primary.
  bool is_partitionable() const { return is_partitionable_; }
  // Whether others may have gone on from that stay's view, too, or what they had may be gone: the
  // next view is recovered, or one of the two is not primary. What is delivered after the
  // transition then holds among those who came along, and among nobody else.
  bool ends_apart(const Membership& membership, std::size_t stay) const;
  // Whether the stay has a transition, and its view of daemons ends in such a way, for its daemon
  // or for those that live on: joins and leaves that only the dead, or others, know come later
  // here.
  bool ends_in_recovery(const Membership& membership, std::size_t stay) const;
  // Whether the member went another way from the view of that message than those who delivered it,
  // or never came to that view: what it did not deliver there it need not have before what comes
  // later.
  bool has_parted(const MessageInfo& message, const Membership& membership) const;
  // Whether the member's daemon did not come along from that stay's view of daemons to the next
  // one, and the next one is recovered: what it delivered there may be known to nobody else.
  bool is_lost_before_recovery(const Membership& membership, std::size_t stay) const;
  // Of the view, or of the view of daemons with which it came.
  const std::string& lineage_of(Index view) const;
  // False where the view by which an operator began the lineage may stand in no trace.
  bool knows_beginning(const std::string& lineage) const;
  // Whether it is of this lineage, or of one that an operator ended by it, from before. Of the
  // latter nothing is said where the beginning is not known.
  bool leads_to(Index view, const std::string& lineage) const;
  const std::vector<MessageInfo>& messages() const { return messages_; }
  const std::vector<ViewInfo>& views() const { return views_; }
  const std::vector<Membership>& memberships() const { return memberships_; }
  const std::vector<ProcessInfo>& processes() const { return process_infos_; }
  const std::vector<Stray>& strays() const { return strays_; }
  const std::vector<SafeNotice>& safe_notices() const { return safe_notices_; }
  // Whether the trace of that daemon, by its full id, or process is cut or missing: it may have
  // done more than stands there.
  bool is_cut(std::string_view who) const {
    return cut_.contains(who) || run_.missing_daemons.contains(who);
  }
  bool has_cut_daemons() const { return has_cut_daemons_; }
  bool has_send_fail(Index message) const { return send_fails_.contains(message); }

  const MessageInfo& message(Index index) const { return messages_[at(index)]; }
  const ViewInfo& view(Index index) const { return views_[at(index)]; }
  const ProcessInfo& process(Index index) const { return process_infos_[at(index)]; }
  const std::string& process_name(Index index) const { return processes_.text(index); }
  const std::string& member_name(Index index) const { return members_.text(index); }
  const std::string& view_name(Index view) const { return view_ids_.text(views_[at(view)].id); }
  const std::string& group_name(Index group) const { return groups_.text(group); }
  Index find_process(std::string_view name) const { return processes_.find(name); }
  Index find_member(std::string_view name) const { return members_.find(name); }
  Index find_view(Index group, std::string_view id) const;
  Index process_of_member(Index member) const { return member_processes_[at(member)]; }
  std::string message_name(Index message) const;

  bool has_member(Index view, Index member) const;
  bool has_process(Index view, Index process) const;
  // The membership of that process that is in the view, or nullptr where it has no trace.
  const Membership* membership_in(Index view, Index process) const;

  // Whether the message is known to be meant for the process, if it is a member.
  bool is_addressed(const MessageInfo& message, Index process) const;

  // Whether the member must deliver the message before it delivers what comes after it: it is
  // addressed and was a member where the message belongs.
  bool is_owed(const MessageInfo& message, const Membership& membership) const;
  std::optional<Order> order_of(const MessageInfo& message) const;

  // Whether the stay was completed: the next view was installed, or, where the run converged, the
  // member is in it to the end. Only then is everything of the view owed to the member.
  bool is_complete(const Membership& membership, std::size_t stay) const;
  // Whether the process lives, and everything that it is owed must have come.
  bool has_settled(Index process) const;
  // Positions in memberships() and their stays.
  struct StayIndex {
    std::size_t membership = 0;
    std::size_t stay = 0;
  };
  // The stays of those who went together from one view to the next, keyed by the two; a next view
  // of kNone stands for the end of a converged run.
  std::map<std::pair<Index, Index>, std::vector<StayIndex>> companions() const;
  const Stay& stay(StayIndex index) const {
    return memberships_[index.membership].stays[index.stay];
  }

  // The messages of each (sender, group), by rising number.
  const std::map<std::pair<Index, Index>, std::vector<Index>>& streams() const { return streams_; }

 private:
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
  struct MessageKey {
    Index sender, scope, destination;
    std::uint64_t number;
    bool operator==(const MessageKey&) const = default;
  };
  struct MessageKeyHash {
    std::size_t operator()(const MessageKey& key) const;
  };

  void add_trace(const Trace& trace);
  // A view of daemons, as far as traces tell.
  struct DaemonViewInfo {
    bool recovered = false;
    std::set<std::string, std::less<>> members;  // empty: no daemon's trace names them
    std::set<std::string, std::less<>> seated;   // those of clients, where traces are missing
    std::string lineage;                         // empty: the same
  };
  struct Lineage {
    std::string ancestor;
    ViewOrder first;
    bool is_forced = false;
  };

  void note_daemon_view(const record::View& view);
  using DaemonViews = std::map<ViewOrder, DaemonViewInfo>;
  // Whether between the two there may be one of which no trace tells.
  bool has_untold_view(const ViewOrder& before, DaemonViews::const_iterator after) const;
  bool may_be_recovered(const DaemonViewInfo& view) const;
  bool has_come_along(const Membership& membership, const DaemonViewInfo& next) const;
  void add(const Record& raw, const record::View& view);
  void add(const Record& raw, const record::Deliver& deliver);
  void add(const Record& raw, const record::Gone& gone);
  void add(const Record& raw, const record::Exit& exit);
  void add(const Record& raw, const record::Crash& crash);
  void add(const Record& raw, const record::Start& start);
  void add(const Record& raw, const record::Send& send);
  void add(const Record& raw, const record::Safe& safe);
  void add(const Record& raw, const record::SendFail& fail);
  void add_daemon_send(const record::Send& send);
  void add(const Record& raw, const record::Transition& transition);
  void add(const Record& raw, const record::Block& block);
  void add_inside_view(const Record& raw, const std::string& p, const std::string& g);
  void find_cut_traces();
  void find_traced_daemons();
  void finish();
  void find_homes();

  Index process_index(std::string_view name);
  Index member_index(std::string_view name);
  Index view_index(Index group, const std::string& id);
  Index message_index(const MessageKey& key);
  Index own_message(const std::string& p, const std::string& g, std::uint64_t number);
  Membership* open_membership(const std::string& p, const std::string& g);
  void stray(const Record& record, std::string why) { strays_.push_back({&record, why}); }

  const Run& run_;
  Role level_;
  Names processes_, members_, groups_, view_ids_, destinations_;
  std::vector<Index> member_processes_;
  std::vector<ProcessInfo> process_infos_;
  std::vector<ViewInfo> views_;
  std::map<std::pair<Index, Index>, Index> view_indices_;  // by group and id
  std::vector<MessageInfo> messages_;
  std::unordered_map<MessageKey, Index, MessageKeyHash> message_indices_;
  std::vector<Membership> memberships_;
  std::map<std::pair<Index, Index>, std::size_t> membership_indices_;  // by member and group
  std::map<std::pair<Index, Index>, std::vector<Index>> streams_;
  std::vector<Stray> strays_;
  std::vector<SafeNotice> safe_notices_;
  std::set<Index> send_fails_;
  std::set<std::string, std::less<>> recovered_;  // ids of views of daemons
  DaemonViews daemon_views_;
  std::map<std::string, Lineage> lineages_;
  std::set<std::string, std::less<>> cut_;     // daemons and processes
  bool has_cut_daemons_ = false;               // or missing ones
  std::set<std::string, std::less<>> traced_;  // daemons that wrote a trace
  std::set<std::string> blocked_;              // groups that are blocked before a view, or say so
  bool is_partitionable_ = false;
};

}  // namespace groupcomm::verify
