#include "daemon/verify/trace_set.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace groupcomm::verify {
namespace {

constexpr std::size_t kNamesShown = 5;

// One client's trace holds a process for each of its connections; a daemon's, for each incarnation.
std::vector<std::string> processes_in(const Trace& trace) {
  std::vector<std::string> processes;
  for (const Record& record : trace.records) {
    if (const auto* start = std::get_if<record::Start>(&record)) processes.push_back(start->p);
  }
  return processes;
}

bool is_beginning(const Trace& part, const Trace& whole) {
  return part.header == whole.header && part.records.size() <= whole.records.size() &&
         std::equal(part.records.begin(), part.records.end(), whole.records.begin());
}

// "alice@d#1.2" is a process, "d#1" a daemon; of other texts nothing is said.
bool is_of_other_role(const std::string& p, Role role) {
  const std::size_t hash = p.rfind('#');
  if (hash == std::string::npos) return false;
  return (p.find('.', hash) == std::string::npos) == (role == Role::kClient);
}

// Why the trace is none of its role; empty: it may be one.
std::string wrong_role(const Trace& trace) {
  for (std::size_t i = 0; i < trace.records.size(); ++i) {
    const auto* start = std::get_if<record::Start>(&trace.records[i]);
    if (start == nullptr || !is_of_other_role(start->p, trace.header.role)) continue;
    const bool is_client = trace.header.role == Role::kClient;
    return trace.file + ":" + std::to_string(trace.lines[i]) + ": " + start->p + " is no " +
           (is_client ? "client" : "daemon") + ", as the header says that it is";
  }
  return "";
}

std::string list(const std::set<std::string>& names) {
  std::string text;
  std::size_t shown = 0;
  for (const std::string& name : names) {
    if (shown++ == kNamesShown) break;
    text += " " + name;
  }
  return text + (names.size() > kNamesShown ? " ..." : "");
}

std::string note_of(const char* level, const std::set<std::string>& names) {
  return "no trace of " + std::to_string(names.size()) + " " + level + ":" + list(names) +
         "; what they were told is not checked";
}

// Everybody whom the traces speak of.
class Named {
 public:
  void add(const Trace& trace) {
    const bool is_daemon = trace.header.role == Role::kDaemon;
    for (const Record& record : trace.records) {
      std::visit([&](const auto& r) { on(r, is_daemon); }, record);
    }
  }
  std::set<std::string> silent_daemons() const { return silent(daemons_); }
  std::set<std::string> silent_clients() const { return silent(clients_); }

 private:
  using Texts = std::set<std::string, std::less<>>;

  template <typename R>
  void on(const R&, bool) {}
  void on(const record::Start& r, bool is_daemon) {
    heard_.insert(r.p);
    name(r.p, is_daemon);
  }
  void on(const record::View& r, bool is_daemon) {
    for (const std::string& member : r.members) name(member, is_daemon);
    for (const record::Left& left : r.left) name(left.member, is_daemon);
  }
  void on(const record::Deliver& r, bool is_daemon) { name(r.sender, is_daemon); }
  void on(const record::Send& r, bool) { name(r.p, false); }

  void name(std::string_view who, bool is_daemon) {
    if (is_daemon) return insert(daemons_, who);
    insert(clients_, split_member(who).first);
    if (const std::string_view daemon = daemon_of(who); !daemon.empty()) insert(daemons_, daemon);
  }
  static void insert(Texts& texts, std::string_view text) {
    if (!texts.contains(text)) texts.emplace(text);
  }
  std::set<std::string> silent(const Texts& named) const {
    std::set<std::string> names;
    std::set_difference(named.begin(), named.end(), heard_.begin(), heard_.end(),
                        std::inserter(names, names.end()));
    return names;
  }

  Texts heard_, daemons_, clients_;
};

// Which traces belong together: their processes were in one view, or in one lineage of views.
class Parts {
 public:
  void add(const Trace& trace) {
    const bool is_daemon = trace.header.role == Role::kDaemon;
    std::optional<std::size_t> first;
    const auto meet = [&](std::string_view name) {
      if (name.empty()) return;
      const std::size_t node = node_of(name);
      if (first) parents_[root_of(node)] = root_of(*first);
      if (!first) first = node;
    };
    for (const Record& record : trace.records) {
      const auto* view = std::get_if<record::View>(&record);
      if (view == nullptr) continue;
      for (const std::string& member : view->members) meet(is_daemon ? member : daemon_of(member));
      for (const record::Left& left : view->left) {
        meet(is_daemon ? left.member : daemon_of(left.member));
      }
      meet(view->lineage);
      meet(view->ancestor);
    }
    if (first) files_.emplace_back(*first, trace.file);
  }

  // Empty: all have met.
  std::string note() const {
    std::map<std::size_t, std::set<std::string>> parts;
    for (const auto& [node, file] : files_) parts[root_of(node)].insert(file);
    if (parts.size() < 2) return "";
    std::string text = "the traces are of " + std::to_string(parts.size()) +
                       " parts that never met, as of several runs or clusters:";
    const char* separator = "";
    for (const auto& [root, files] : parts) {
      text += separator + list(files);
      separator = ";";
    }
    return text;
  }

 private:
  std::size_t node_of(std::string_view name) {
    const auto [entry, is_new] = nodes_.emplace(name, parents_.size());
    if (is_new) parents_.push_back(entry->second);
    return entry->second;
  }
  std::size_t root_of(std::size_t node) const {
    while (parents_[node] != node) node = parents_[node];
    return node;
  }

  std::map<std::string, std::size_t> nodes_;  // of daemons and lineages
  std::vector<std::size_t> parents_;          // a root is its own
  std::vector<std::pair<std::size_t, std::string>> files_;
};

}  // namespace

void RunCollector::add(const std::string& name, Result<TraceFile> read) {
  if (!read.ok()) {
    run_.notes.push_back(read.error() + ": the file is left out");
    ++run_.damaged_traces;
    return;
  }
  TraceFile file = std::move(read).value();
  for (std::string& note : file.notes) run_.notes.push_back(std::move(note));
  bool is_damaged = file.is_damaged;
  for (Trace& trace : file.traces) {
    if (!add(name, std::move(trace))) is_damaged = true;
  }
  if (is_damaged) ++run_.damaged_traces;
}

bool RunCollector::add(const std::string& name, Trace trace) {
  if (const std::string why = wrong_role(trace); !why.empty()) {
    run_.notes.push_back(why + ": it is left out");
    return false;
  }
  const std::vector<std::string> processes = processes_in(trace);
  for (const std::string& process : processes) {
    const auto known = positions_.find(process);
    if (known == positions_.end()) continue;
    Trace& first = run_.traces[known->second];
    const bool is_longer = first.records.size() < trace.records.size();
    const bool is_one = is_beginning(is_longer ? first : trace, is_longer ? trace : first);
    const bool is_same = is_one && first.records.size() == trace.records.size();
    const char* what = is_same  ? ": is the same as "
                       : is_one ? ": is the beginning of "
                                : ": is of the same process as ";
    run_.notes.push_back(
        (is_one && is_longer ? first.file + what + name : name + what + first.file) + " (" +
        process + "): it is left out");
    if (is_one && is_longer) {
      for (const std::string& more : processes) positions_.emplace(more, known->second);
      first = std::move(trace);
    }
    return is_one;
  }
  for (const std::string& process : processes) positions_.emplace(process, run_.traces.size());
  run_.traces.push_back(std::move(trace));
  return true;
}

Run RunCollector::take() {
  positions_.clear();
  Named named;
  Parts parts;
  for (const Trace& trace : run_.traces) {
    named.add(trace);
    parts.add(trace);
  }
  if (std::string note = parts.note(); !note.empty()) run_.notes.push_back(std::move(note));
  const std::set<std::string> daemons = named.silent_daemons();
  const std::set<std::string> clients = named.silent_clients();
  if (!daemons.empty()) run_.notes.push_back(note_of("daemons", daemons));
  if (!clients.empty()) run_.notes.push_back(note_of("clients", clients));
  run_.missing_daemons.insert(daemons.begin(), daemons.end());
  return std::exchange(run_, {});
}

Run read_run(const std::vector<std::string>& paths) {
  RunCollector collector;
  for (const std::string& path : paths) collector.add(path, read_traces(path));
  return collector.take();
}

}  // namespace groupcomm::verify
