#include "daemon/verify/trace_set.h"

#include <algorithm>
#include <set>
#include <utility>

namespace groupcomm::verify {
namespace {

constexpr std::size_t kNamesShown = 5;

// One client's file holds a process for each of its connections; a daemon's, for each incarnation.
std::vector<std::string> processes_in(const Trace& trace) {
  std::vector<std::string> processes;
  for (const Record& record : trace.records) {
    if (const auto* start = std::get_if<record::Start>(&record)) processes.push_back(start->p);
  }
  return processes;
}

std::string note_of(const char* level, const std::set<std::string>& names) {
  std::string note = "no trace of " + std::to_string(names.size()) + " " + level + ":";
  std::size_t shown = 0;
  for (const std::string& name : names) {
    if (shown++ == kNamesShown) break;
    note += " " + name;
  }
  if (names.size() > kNamesShown) note += " ...";
  return note + "; what they were told is not checked";
}

}  // namespace

void RunCollector::add(const std::string& name, Result<Trace> read) {
  if (!read.ok()) {
    run_.notes.push_back(read.error() + ": the file is left out");
    ++run_.damaged_traces;
    return;
  }
  Trace trace = std::move(read).value();
  const std::vector<std::string> processes = processes_in(trace);
  for (const std::string& process : processes) {
    const auto known = sources_.find(process);
    if (known == sources_.end()) continue;
    const Trace& first = run_.traces[known->second.position];
    const bool is_same = first.header == trace.header && first.records == trace.records;
    run_.notes.push_back(name + (is_same ? ": is the same as " : ": is of the same process as ") +
                         known->second.name + " (" + process + "): the file is left out");
    if (!is_same) ++run_.damaged_traces;
    return;
  }
  for (const std::string& process : processes) {
    sources_.emplace(process, Source{.name = name, .position = run_.traces.size()});
  }
  if (trace.is_damaged) ++run_.damaged_traces;
  run_.traces.push_back(std::move(trace));
}

Run RunCollector::take() {
  sources_.clear();
  return std::exchange(run_, {});
}

Run read_run(const std::vector<std::string>& paths) {
  RunCollector collector;
  for (const std::string& path : paths) collector.add(path, read_trace_file(path));
  return collector.take();
}

std::vector<std::string> missing_traces(const History& daemons, const History& clients) {
  std::set<std::string> silent_daemons;
  std::set<std::string> silent_clients;
  std::set<std::string_view> heard_daemons;
  for (Index i = 0; i < static_cast<Index>(daemons.processes().size()); ++i) {
    if (daemons.process(i).has_trace) {
      heard_daemons.insert(daemons.process_name(i));
    } else {
      silent_daemons.insert(daemons.process_name(i));
    }
  }
  for (Index i = 0; i < static_cast<Index>(clients.processes().size()); ++i) {
    const std::string& name = clients.process_name(i);
    if (!clients.process(i).has_trace) silent_clients.insert(name);
    const std::string_view daemon = daemon_of(name);
    if (!daemon.empty() && !heard_daemons.contains(daemon)) silent_daemons.emplace(daemon);
  }
  std::vector<std::string> notes;
  if (!silent_daemons.empty()) notes.push_back(note_of("daemons", silent_daemons));
  if (!silent_clients.empty()) notes.push_back(note_of("clients", silent_clients));
  return notes;
}

}  // namespace groupcomm::verify
