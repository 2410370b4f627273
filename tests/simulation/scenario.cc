#include "tests/simulation/scenario.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/simulation/edge_cases.h"
#include "tests/simulation/shrink.h"
#include "tests/simulation/simulator.h"
#include "tests/simulation/transcript.h"

namespace groupcomm::simulation {
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

// Nothing is known of a run whose process ends early but that it does. A build does the same again.
bool run_to_its_end(const std::string& path, const Plan& plan, const std::string& expected) {
  const std::string kind = run_apart(plan).kind;
  const bool is_good = kind == expected;
  const std::string found = kind.empty() ? "passes" : kind;
  std::printf("%s: %s\n", path.c_str(),
              is_good ? "as expected"
                      : ("expected " + expected + ", but " + found +
                         ": the run goes another way here than where it was written")
                            .c_str());
  return is_good;
}

// Each branch that the file names must have been taken, and what is named after an edge case must
// have been in it.
bool gets_where_it_should(const std::string& path, const Scenario& scenario,
                          const std::vector<ProbeCount>& before) {
  const std::vector<ProbeCount> after = probe_counts();
  if (after.empty()) return true;
  bool is_good = true;
  for (const std::string& text : scenario.reaches) {
    if (is_hit(text, before, after)) continue;
    std::printf("%s: the run does not reach \"%s\"\n", path.c_str(), text.c_str());
    is_good = false;
  }
  const int number = edge_case_of_file(path);
  const std::vector<int> reached = edge_cases_between(before, after);
  if (number == 0 || std::find(reached.begin(), reached.end(), number) != reached.end()) {
    return is_good;
  }
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
    std::printf("%s:%s\n", path.c_str(), file ? parsed.error().c_str() : " cannot be read");
    return false;
  }
  const Scenario& scenario = parsed.value();
  Plan plan = scenario.plan;
  plan.checks_each_step = true;
  if (Ending{.kind = scenario.expected}.is_early() && !verbose) {
    return run_to_its_end(path, plan, scenario.expected);
  }
  const std::vector<ProbeCount> before = probe_counts();
  const Outcome outcome = Simulator(plan, verbose).run();
  warn_of_another_build(path, scenario, outcome);
  const std::string found = violated_in(outcome);
  const std::string seen = transcript_of(outcome);
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
  if (!gets_where_it_should(path, scenario, before)) return false;
  std::printf("%s: as expected\n", path.c_str());
  return true;
}

}  // namespace groupcomm::simulation
