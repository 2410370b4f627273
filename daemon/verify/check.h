// The checkers: whether traces keep what SEMANTICS.md promises.
//
// They are written from that page and from nothing else: they see records, never the code under
// test. Properties have its names (M1, D6, ...). Only local order and identities of messages are
// used, never time, so that traces of real processes can be checked as those of the simulator are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/verify/history.h"
#include "daemon/verify/trace_file.h"

namespace groupcomm::verify {

struct Violation {
  std::string property;              // "D6"
  std::string sentence;              // what is wrong
  std::vector<std::string> records;  // "FILE:LINE: " and what stands there
  bool operator==(const Violation&) const = default;
};

// What was there to be checked at one level, so that one sees when it was next to nothing.
struct Coverage {
  std::size_t processes = 0;  // that wrote a trace
  std::size_t memberships = 0;
  std::size_t views = 0;
  std::size_t messages = 0;
  std::size_t deliveries = 0;
};

struct Verdict {
  std::vector<Violation> violations;  // of each property at most kViolationsPerProperty
  Coverage daemons;
  Coverage clients;
  std::vector<std::string> notes;  // what could not be checked
  std::size_t damaged_traces = 0;  // files that could not be read, or not in full
};
inline constexpr std::size_t kViolationsPerProperty = 5;

Verdict check(const Run& run);

// For humans, several lines.
std::string to_text(const Verdict& verdict);

// --- the single checkers -------------------------------------------------------------------------

// Collects violations; those beyond the limit of a property are only counted.
class Findings {
 public:
  Findings() = default;
  // Says of records where they stand in the files of that run, which must outlive it.
  explicit Findings(const Run& run) : run_(&run) {}

  void add(std::string property, std::string sentence, std::vector<const Record*> records = {});
  // Something looks wrong, and may be right by what stands in a trace that is cut or missing.
  void leave_open(const std::string& property) { ++open_[property]; }

  const std::vector<Violation>& violations() const { return violations_; }
  // By property, how often.
  const std::map<std::string, std::size_t>& open() const { return open_; }

 private:
  std::string place_of(const Record& record) const;

  const Run* run_ = nullptr;
  std::vector<Violation> violations_;
  std::map<std::string, std::size_t> open_;
};

// M1 self-inclusion, M2 monotonicity, M3 agreement, M4 every event in a view.
void check_views(const History& history, Findings& findings);
// M5 predecessors, M9 transitional sets, M10 deltas and reasons.
void check_view_changes(const History& history, Findings& findings);
// M6 the chain of primary views. REQUIRES: the level of daemons.
void check_primary_chain(const History& history, Findings& findings);
// D1 integrity, D2 no duplicates, D3 payload, D5 same view, D18 not before or after its time.
void check_deliveries(const History& history, Findings& findings);
// D6 virtual synchrony.
void check_synchrony(const History& history, Findings& findings);
// D7 self delivery. REQUIRES: the level of clients, as for all below but check_total_order.
void check_self_delivery(const History& history, Findings& findings);
// D1, D3 and D7 for the daemons and what they stamped. REQUIRES: the level of daemons.
void check_stamps(const History& daemons, Findings& findings);
// D9, D10, D15 and D17 among daemons, by what stood in the trace of the daemon that stamped.
// REQUIRES: the level of daemons.
void check_daemon_order(const History& daemons, Findings& findings);
// M11 the excluded are not told that they go on.
void check_excluded(const History& history, Findings& findings);
// M12 one leader in each view. REQUIRES: the level of clients.
void check_leaders(const History& history, Findings& findings);
// M13 one bearer of each name, and nobody comes back.
void check_identities(const History& history, Findings& findings);
// M8 and M14 the views of groups follow from those of the daemons.
void check_group_views(const History& daemons, const History& clients, Findings& findings);
// D4 sending-view delivery, in groups with `sync = flush`.
void check_sending_view(const History& history, Findings& findings);
// D8 the block contract, and L4: nobody stays blocked.
void check_block_contract(const History& history, Findings& findings);
// D14 what senders are told of their messages. REQUIRES: the level of clients.
void check_answers(const History& clients, Findings& findings);
// M15 nobody acts in a suspended view, and L4: nobody stays suspended. REQUIRES: the same.
void check_suspensions(const History& clients, Findings& findings);
// M10 the reasons why members and daemons left. REQUIRES: both levels.
void check_departures(const History& daemons, const History& clients, Findings& findings);
// D19 whoever sends from outside of a group is known as such.
void check_open_groups(const History& clients, Findings& findings);
// L2: all that was accepted is delivered, or its sender told. REQUIRES: both levels.
void check_acceptance(const History& daemons, const History& clients, Findings& findings);
// D9 FIFO over all orders but reliable, without holes (D17).
void check_fifo(const History& history, Findings& findings);
// D9 and D11 across groups, D10 causal order inside of them, D15, which is the same over totals,
// and D17: no effect of a lost cause.
void check_causal_order(const History& history, Findings& findings);
// D12 total order within a group.
void check_total_order(const History& history, Findings& findings);
// D12 over groups, among those who are in several.
void check_domain_order(const History& clients, Findings& findings);
// D13 strong total order, which is also M7: those who die or are excluded must not have seen
// another order than the survivors. It is promised of safe messages, and of all total ones in
// uniform groups.
void check_strong_order(const History& history, Findings& findings);
// D16: what one member delivered as safe, or as total in a uniform group, or was told
// to be so.
void check_safe(const History& history, Findings& findings);
// D16: who delivers a message learns of its sender's notices by what the sender sent since.
// REQUIRES: the level of clients.
void check_notices_in_time(const History& clients, Findings& findings);

}  // namespace groupcomm::verify
