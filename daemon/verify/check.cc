#include "daemon/verify/check.h"

#include <algorithm>
#include <utility>

namespace groupcomm::verify {

void Findings::add(std::string property, std::string sentence, std::vector<const Record*> records) {
  const auto same = std::count_if(violations_.begin(), violations_.end(),
                                  [&](const Violation& v) { return v.property == property; });
  if (static_cast<std::size_t>(same) >= kViolationsPerProperty) return;
  Violation& violation = violations_.emplace_back();
  violation.property = std::move(property);
  violation.sentence = std::move(sentence);
  for (const Record* record : records) {
    if (record != nullptr) violation.records.push_back(place_of(*record) + to_line(*record));
  }
}

// Checkers copy some records: such a one is told by what it says.
std::string Findings::place_of(const Record& record) const {
  if (run_ == nullptr) return "";
  for (const bool is_copy : {false, true}) {
    for (const Trace& trace : run_->traces) {
      if (trace.file.empty()) continue;
      const auto found = std::find_if(
          trace.records.begin(), trace.records.end(),
          [&](const Record& other) { return is_copy ? other == record : &other == &record; });
      if (found == trace.records.end()) continue;
      const auto at = static_cast<std::size_t>(found - trace.records.begin());
      return trace.file + ":" + std::to_string(trace.lines[at]) + ": ";
    }
  }
  return "";
}

namespace {

Coverage coverage_of(const History& history) {
  Coverage coverage{.memberships = history.memberships().size(),
                    .views = history.views().size(),
                    .messages = history.messages().size()};
  for (const ProcessInfo& process : history.processes()) {
    if (process.has_trace) ++coverage.processes;
  }
  for (const Membership& membership : history.memberships()) {
    for (const Stay& stay : membership.stays) coverage.deliveries += stay.deliveries.size();
  }
  return coverage;
}

std::string to_text(const Coverage& coverage, const char* level) {
  return std::to_string(coverage.processes) + " " + level + " with " +
         std::to_string(coverage.memberships) + " memberships in " +
         std::to_string(coverage.views) + " views, " + std::to_string(coverage.messages) +
         " messages, " + std::to_string(coverage.deliveries) + " deliveries";
}

void check_level(const History& history, Findings& findings) {
  check_views(history, findings);
  check_view_changes(history, findings);
  check_deliveries(history, findings);
  check_synchrony(history, findings);
  check_total_order(history, findings);
  check_excluded(history, findings);
  check_identities(history, findings);
  check_strong_order(history, findings);
  check_safe(history, findings);
}

std::string note_of(const std::map<std::string, std::size_t>& open) {
  std::string note = "not decided, for want of traces that are cut or missing:";
  const char* separator = " ";
  for (const auto& [property, count] : open) {
    note += separator + property + " (" + std::to_string(count) + " times)";
    separator = ", ";
  }
  return note;
}

}  // namespace

Verdict check(const Run& run) {
  Verdict verdict;
  verdict.notes = run.notes;
  Findings findings(run);
  const History daemons(run, Role::kDaemon);
  check_level(daemons, findings);
  check_primary_chain(daemons, findings);
  check_stamps(daemons, findings);
  check_daemon_order(daemons, findings);

  const History clients(run, Role::kClient);
  check_level(clients, findings);
  check_self_delivery(clients, findings);
  check_fifo(clients, findings);
  check_causal_order(clients, findings);
  check_leaders(clients, findings);
  check_group_views(daemons, clients, findings);
  check_sending_view(clients, findings);
  check_block_contract(clients, findings);
  check_open_groups(clients, findings);
  check_answers(clients, findings);
  check_suspensions(clients, findings);
  check_departures(daemons, clients, findings);
  check_acceptance(daemons, clients, findings);
  check_domain_order(clients, findings);
  check_notices_in_time(clients, findings);

  if (!findings.open().empty()) verdict.notes.push_back(note_of(findings.open()));
  verdict.damaged_traces = run.damaged_traces;
  verdict.daemons = coverage_of(daemons);
  verdict.clients = coverage_of(clients);
  verdict.violations = findings.violations();
  return verdict;
}

std::string to_text(const Verdict& verdict) {
  std::string text;
  for (const std::string& note : verdict.notes) text += "note: " + note + "\n";
  for (const Violation& violation : verdict.violations) {
    text += violation.property + " violated: " + violation.sentence + "\n";
    for (const std::string& record : violation.records) text += "    " + record + "\n";
  }
  text += verdict.violations.empty() ? "no violation" : "violations were found";
  if (verdict.damaged_traces > 0) text += " in what could be read";
  text += " (" + to_text(verdict.daemons, "daemons") + "; " + to_text(verdict.clients, "clients") +
          ")\n";
  return text;
}

}  // namespace groupcomm::verify
