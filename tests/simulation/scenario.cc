#include "tests/simulation/scenario.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/simulation/edge_cases.h"
#include "tests/simulation/settings.h"
#include "tests/simulation/shrink.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string rest_of(const std::vector<std::string>& words, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < words.size(); ++i) text += (i > first ? " " : "") + words[i];
  return text;
}

// Empty, or what is wrong with the line.
std::string read_line(Scenario& scenario, const std::vector<std::string>& words) {
  if (words[0] == "set") {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto done = read_setting(scenario.plan, words[i]);
      if (!done.ok()) return done.error();
    }
    return "";
  }
  if (words[0] == "expect") {
    scenario.expected = rest_of(words, 1);
    return "";
  }
  if (words[0] == "digest" && words.size() == 2) {
    scenario.digest = std::stoull(words[1]);
    return "";
  }
  Cue cue;
  if (words[0] == "at" && words.size() > 2) {
    cue.at = std::chrono::milliseconds(std::stoul(words[1]));
    cue.action = rest_of(words, 2);
  } else if (words[0] == "when" && words.size() > 3) {
    cue.frame_kind = frame_kind(words[1]);
    if (cue.frame_kind == std::variant_size_v<protocol::PeerBody>) return "no frame " + words[1];
    cue.link = words[2];
    if (!scenario.plan.cues.empty()) cue.at = scenario.plan.cues.back().at;
    cue.action = rest_of(words, 3);
  } else {
    return "not understood: \"" + rest_of(words, 0) + "\"";
  }
  scenario.plan.cues.push_back(std::move(cue));
  return "";
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& text) {
  Scenario scenario;
  scenario.plan = quiet_plan();
  scenario.expected = "passes";
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == "---") {
      scenario.transcript.assign(std::istreambuf_iterator<char>(lines), {});
      break;
    }
    scenario.head += line + "\n";
    const auto words = words_of(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    const std::string wrong = read_line(scenario, words);
    if (!wrong.empty()) return Failure{"line " + std::to_string(number) + ": " + wrong};
  }
  return scenario;
}

namespace {

namespace record = verify::record;

// Incarnations become 1, 2, ... for each daemon, and view ids lose what a clock drew.
class Shortener {
 public:
  explicit Shortener(const std::vector<verify::Trace>& traces) {
    for (const verify::Trace& trace : traces) {
      if (trace.header.role == verify::Role::kDaemon) incarnations_.insert(trace.header.name);
    }
  }
  std::string name(const std::string& full) const {
    const std::size_t hash = full.rfind('#');
    if (hash == std::string::npos || full.size() < hash + 17) return full;
    const std::size_t at = full.rfind('@', hash);
    const std::string daemon =
        at == std::string::npos ? full.substr(0, hash + 17) : full.substr(at + 1, hash + 16 - at);
    return full.substr(0, hash + 1) + life(daemon) + full.substr(hash + 17);
  }
  static std::string view(const std::string& id) {
    const std::size_t slash = id.find('/');
    return "v" + id.substr(0, id.find('.')) + (slash == std::string::npos ? "" : id.substr(slash));
  }
  std::string names(const std::vector<std::string>& all) const {
    std::string text;
    for (const std::string& one : all) text += (text.empty() ? "" : " ") + name(one);
    return "[" + text + "]";
  }

 private:
  std::string life(const std::string& daemon) const {
    const std::string prefix = daemon.substr(0, daemon.rfind('#') + 1);
    const auto first = incarnations_.lower_bound(prefix);
    const auto own = incarnations_.find(daemon);
    return own == incarnations_.end() ? "?" : std::to_string(std::distance(first, own) + 1);
  }
  std::set<std::string> incarnations_;
};

class TranscriptWriter {
 public:
  explicit TranscriptWriter(const Shortener& names) : names_(names) {}
  std::string take() { return std::move(text_); }

  template <typename R>
  void on(const R&) {}
  void on(const record::Start& r) { line(r.p, "", "starts"); }
  void on(const record::Crash& r) { line(r.p, "", "crashes"); }
  void on(const record::Exit& r) { line(r.p, "", "ends"); }
  void on(const record::View& r) {
    std::string what = "view " + Shortener::view(r.id) + " " + names_.names(r.members);
    if (!r.primary) what += " not primary";
    for (const record::Left& left : r.left)
      what += " -" + names_.name(left.member) + ":" + left.reason;
    line(r.p, r.g, what + (r.forced ? " forced" : "") + (r.recovered ? " recovered" : ""));
  }
  void on(const record::Transition& r) { line(r.p, r.g, "transition"); }
  void on(const record::Safe& r) {
    line(r.p, r.g, "has its " + std::to_string(r.number) + " at all");
  }
  void on(const record::Suspended& r) { line(r.p, r.g, "suspended"); }
  void on(const record::Gone& r) { line(r.p, r.g, "gone " + r.reason); }
  void on(const record::Reject& r) { line(r.p, r.g, "rejected " + r.reason); }
  void on(const record::Deliver& r) {
    if (r.g == verify::kDaemons) return;
    line(r.p, r.g,
         to_string(r.order) + " " + std::to_string(r.number) + " of " + names_.name(r.sender));
  }

 private:
  void line(const std::string& p, const std::string& g, const std::string& what) {
    text_ +=
        names_.name(p) + (g.empty() || g == verify::kDaemons ? "" : " " + g) + ": " + what + "\n";
  }
  const Shortener& names_;
  std::string text_;
};

}  // namespace

std::string transcript_of(const std::vector<verify::Trace>& traces) {
  const Shortener names(traces);
  TranscriptWriter writer(names);
  for (const verify::Trace& trace : traces) {
    for (const verify::Record& record : trace.records) {
      std::visit([&](const auto& r) { writer.on(r); }, record);
    }
  }
  return writer.take();
}

namespace {

std::string violated_in(const Outcome& outcome) {
  std::string text;
  std::istringstream lines(outcome.verdict);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find(" violated");
    if (end == std::string::npos) continue;
    const std::string property = line.substr(0, end);
    if (text.find(property) == std::string::npos) text += (text.empty() ? "" : " ") + property;
  }
  if (outcome.passed) return "passes";
  return text.empty() ? outcome.verdict : text;
}

}  // namespace

namespace {

// Nothing is known of a run whose process ends by a signal but that it does.
bool run_to_its_end(const std::string& path, const Plan& plan) {
  const std::string kind = run_apart(plan).kind;
  const bool is_good = kind == "signal";
  std::printf("%s: %s\n", path.c_str(),
              is_good ? "as expected" : ("expected a signal, but " + kind).c_str());
  return is_good;
}

// A scenario that is named after an edge case must get there.
bool is_in_its_edge_case(const std::string& path, const std::vector<ProbeCount>& before) {
  const int number = edge_case_of_file(path);
  const std::vector<ProbeCount> after = probe_counts();
  if (number == 0 || after.empty()) return true;
  const std::vector<int> reached = edge_cases_between(before, after);
  if (std::find(reached.begin(), reached.end(), number) != reached.end()) return true;
  std::printf("%s: the run does not get into E%d\n", path.c_str(), number);
  return false;
}

// A run that was shrunk means little to a build in which it goes another way.
void warn_of_another_build(const std::string& path, const Scenario& scenario,
                           const Outcome& outcome) {
  if (!scenario.digest || *scenario.digest == outcome.digest) return;
  std::printf("%s: of another build: the run goes another way here than where it was written\n",
              path.c_str());
}

}  // namespace

bool run_scenario(const std::string& path, bool rewrite, bool verbose) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto parsed = parse_scenario(text);
  if (!file || !parsed.ok()) {
    std::printf("%s: %s\n", path.c_str(), file ? parsed.error().c_str() : "cannot be read");
    return false;
  }
  const Scenario& scenario = parsed.value();
  Plan plan = scenario.plan;
  plan.checks_each_step = true;
  if (scenario.expected == "signal" && !verbose) return run_to_its_end(path, plan);
  const std::vector<ProbeCount> before = probe_counts();
  const Outcome outcome = Simulator(plan, verbose).run();
  warn_of_another_build(path, scenario, outcome);
  const std::string found = violated_in(outcome);
  const std::string seen = transcript_of(outcome.traces);
  if (rewrite) std::ofstream(path) << scenario.head << "---\n" << seen;
  if (found != scenario.expected && kind_of(outcome) != scenario.expected) {
    std::printf("%s: expected %s, but %s\n%s", path.c_str(), scenario.expected.c_str(),
                found.c_str(), outcome.verdict.c_str());
    return false;
  }
  if (!rewrite && !scenario.transcript.empty() && seen != scenario.transcript) {
    std::printf("%s: the transcript differs; with --rewrite it becomes\n%s", path.c_str(),
                seen.c_str());
    return false;
  }
  if (!is_in_its_edge_case(path, before)) return false;
  std::printf("%s: as expected\n", path.c_str());
  return true;
}

}  // namespace groupcomm::simulation
