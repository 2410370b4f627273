#include "daemon/verify/check.h"

#include <algorithm>
#include <utility>

#include "daemon/verify/trace_set.h"

namespace groupcomm::verify {

void Findings::add(std::string property, std::string sentence, std::vector<const Record*> records) {
  const auto same = std::count_if(violations_.begin(), violations_.end(),
                                  [&](const Violation& v) { return v.property == property; });
  if (static_cast<std::size_t>(same) >= kViolationsPerProperty) return;
  Violation& violation = violations_.emplace_back();
  violation.property = std::move(property);
  violation.sentence = std::move(sentence);
  for (const Record* record : records) {
    if (record != nullptr) violation.records.push_back(to_line(*record));
  }
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

}  // namespace

Verdict check(const Run& run) {
  Verdict verdict;
  verdict.notes = run.notes;
  for (const Trace& trace : run.traces) {
    verdict.notes.insert(verdict.notes.end(), trace.notes.begin(), trace.notes.end());
  }
  Findings findings;
  const History daemons(run, Role::kDaemon);
  check_level(daemons, findings);
  check_primary_chain(daemons, findings);
  check_stamps(daemons, findings);

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

  for (std::string& note : missing_traces(daemons, clients)) {
    verdict.notes.push_back(std::move(note));
  }
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
