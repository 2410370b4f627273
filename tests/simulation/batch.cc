#include "tests/simulation/batch.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include "tests/simulation/change_table.h"
#include "tests/simulation/edge_cases.h"
#include "tests/simulation/probes.h"
#include "tests/simulation/settings.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {
namespace {

constexpr int kCountersMax = 96;
constexpr int kNameBytesMax = 48;
constexpr std::size_t kProbesMax = 256;

// What a child leaves for its parent, also when it is killed in the middle of a run.
struct Ledger {
  std::uint64_t next_seed;
  std::uint64_t runs;
  std::uint64_t failures;
  std::uint64_t unsettled_ns;          // the longest time to settle
  std::uint64_t unsettled_without_ns;  // the same, of runs without outsiders
  std::uint64_t simulated_ms;
  std::uint64_t digest;  // of all runs together
  bool done;
  struct Counter {
    char name[kNameBytesMax];
    std::uint64_t value;
  } counters[kCountersMax];
  std::uint64_t probes[kProbesMax];
  std::uint64_t edge_cases[kEdgeCasesMax + 1];
  std::uint64_t cells[kChangeCells];  // of the table of states and inputs
};

// Counts runs, not hits: a branch that one run takes a thousand times is rare all the same.
void add_probes(Ledger& ledger, const std::vector<ProbeCount>& before) {
  const std::vector<ProbeCount> counts = probe_counts();
  CHECK_LE(counts.size(), kProbesMax);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].count > before[i].count) ++ledger.probes[i];
  }
  for (const int number : edge_cases_between(before, counts)) ++ledger.edge_cases[number];
}

std::string text_of(const std::vector<std::string>& set) {
  std::string text;
  for (const std::string& setting : set) text += " --set " + setting;
  return text;
}

std::uint64_t runs_of(const std::vector<Ledger*>& ledgers) {
  std::uint64_t runs = 0;
  for (const Ledger* ledger : ledgers) runs += ledger->runs;
  return runs;
}

// So often each branch that is not rare must be taken. Fewer runs are no measure, since chance
// makes half as many of what is expected.
constexpr std::uint64_t kRunsOfMeasure = 10'000;
std::uint64_t least_hits(const std::vector<Ledger*>& ledgers, bool is_rare) {
  const std::uint64_t runs = runs_of(ledgers);
  if (is_rare) return runs / kRunsOfMeasure;
  return runs < kRunsOfMeasure ? std::max<std::uint64_t>(1, runs / 2000) : runs / 1000;
}

// So often each edge case must be reached: some take several of these branches in one run.
std::uint64_t least_of(const std::vector<Ledger*>& ledgers) {
  return std::max<std::uint64_t>(1, runs_of(ledgers) / 2000);
}

// Prints in how many runs each edge case was reached. Returns how many were in too few.
std::uint64_t print_edge_cases(const std::vector<Ledger*>& ledgers) {
  const std::uint64_t least = least_of(ledgers);
  std::uint64_t missed = 0;
  for (const EdgeCase& edge_case : edge_cases()) {
    std::uint64_t runs = 0;
    for (const Ledger* ledger : ledgers) runs += ledger->edge_cases[edge_case.number];
    const bool is_missed = runs < least && edge_case.elsewhere.empty();
    const std::string note = is_missed ? "  TOO FEW"
                             : !edge_case.elsewhere.empty()
                                 ? "; instead " + std::string(edge_case.elsewhere)
                                 : "";
    std::printf("  %12llu E%d: %s%s\n", static_cast<unsigned long long>(runs), edge_case.number,
                std::string(edge_case.what).c_str(), note.c_str());
    if (is_missed) ++missed;
  }
  return missed;
}

std::uint64_t print_cells(const std::vector<Ledger*>& ledgers) {
  std::vector<std::uint64_t> sums(kChangeCells);
  for (const Ledger* ledger : ledgers) {
    for (std::size_t cell = 0; cell < kChangeCells; ++cell) sums[cell] += ledger->cells[cell];
  }
  return print_change_table(sums, runs_of(ledgers));
}

// Prints them, the rarest first. Returns how many were hit too seldom that are not known to be
// rare, or are said to be rare and not there any more.
std::uint64_t print_probes(const std::vector<Ledger*>& ledgers) {
  std::map<std::string, std::uint64_t> sums;  // one text may stand in two places
  const std::vector<ProbeCount> names = probe_counts();
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const Ledger* ledger : ledgers) sums[names[i].text] += ledger->probes[i];
  }
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [text, count] : sums) sorted.emplace_back(count, text);
  std::sort(sorted.begin(), sorted.end());
  std::uint64_t wrong = 0;
  const auto is_in = [](const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  for (const auto& [count, text] : sorted) {
    const bool is_rare = is_in(rare_probes(), text);
    const bool is_wrong = count < least_hits(ledgers, is_rare) && !is_in(unreached_probes(), text);
    std::printf("  %12llu PROBE %s%s\n", static_cast<unsigned long long>(count), text.c_str(),
                is_wrong                             ? "  TOO FEW"
                : count < least_hits(ledgers, false) ? "  (rare)"
                                                     : "");
    if (is_wrong) ++wrong;
  }
  for (const auto* list : {&rare_probes(), &unreached_probes()}) {
    for (const std::string& text : *list) {
      if (sums.count(text) > 0) continue;
      std::printf("there is no probe \"%s\", which is listed as rare\n", text.c_str());
      ++wrong;
    }
  }
  return wrong;
}

void add_counters(Ledger& ledger, const std::map<std::string, std::uint64_t>& counters) {
  for (const auto& [name, value] : counters) {
    for (Ledger::Counter& counter : ledger.counters) {
      if (counter.name[0] == '\0') {
        std::snprintf(counter.name, sizeof(counter.name), "%s", name.c_str());
      }
      if (name.compare(0, kNameBytesMax - 1, counter.name) != 0) continue;
      counter.value += value;
      break;
    }
  }
}

using Clock = std::chrono::steady_clock;

bool is_over(const BatchOptions& options, Clock::time_point begin, const Ledger& ledger) {
  if (options.until_failure && ledger.failures > 0) return true;
  return options.seconds > 0 && Clock::now() - begin >= std::chrono::seconds(options.seconds);
}

Outcome run_if_playable(const Plan& plan) {
  const std::string wrong = why_unplayable(plan);
  if (wrong.empty()) return Simulator(plan, /*verbose=*/false).run();
  Outcome outcome;
  outcome.verdict = wrong + "\n";
  return outcome;
}

void run_one(const BatchOptions& options, std::uint64_t seed, Ledger& ledger) {
  Plan plan = plan_of(seed, options.set);
  plan.checks_each_step = options.checks_each_step;
  const std::vector<ProbeCount> before = probe_counts();
  Outcome outcome = run_if_playable(plan);
  if (options.twice_each > 0 && seed % options.twice_each == 0) {
    ++outcome.counters["seeds that were run twice"];
    const Outcome again = run_if_playable(plan);
    if (again.digest != outcome.digest) {
      outcome.passed = false;
      outcome.verdict += "two runs of one seed differ\n";
    }
  }
  ++ledger.runs;
  ledger.digest += outcome.digest * seed;
  add_counters(ledger, outcome.counters);
  add_probes(ledger, before);
  for (std::size_t cell = 0; cell < kChangeCells; ++cell) {
    if (outcome.cells[cell]) ++ledger.cells[cell];
  }
  const auto settled = static_cast<std::uint64_t>(outcome.settled_after.count());
  ledger.unsettled_ns = std::max(ledger.unsettled_ns, settled);
  if (!plan.random_core) {
    ledger.unsettled_without_ns = std::max(ledger.unsettled_without_ns, settled);
  }
  ledger.simulated_ms +=
      static_cast<std::uint64_t>(outcome.simulated / std::chrono::milliseconds(1));
  if (outcome.passed) return;
  ++ledger.failures;
  if (ledger.failures <= options.failures_shown) {
    std::printf("FAILED: simulate --seed %llu%s\n%s", static_cast<unsigned long long>(seed),
                text_of(options.set).c_str(), outcome.verdict.c_str());
  }
}

// SIGPROF ends the process after so much time of a processor.
void limit_time(std::chrono::milliseconds limit) {
  itimerval timer{};
  timer.it_value.tv_sec = limit.count() / 1000;
  timer.it_value.tv_usec = limit.count() % 1000 * 1000;
  CHECK_EQ(setitimer(ITIMER_PROF, &timer, nullptr), 0);
}

std::string ending_of(int status, const BatchOptions& options) {
  if (!WIFSIGNALED(status)) {
    return "the process ended with code " + std::to_string(WEXITSTATUS(status));
  }
  if (WTERMSIG(status) != SIGPROF) {
    return "the process ended with signal " + std::to_string(WTERMSIG(status));
  }
  return "it took more than " + std::to_string(options.seed_limit.count()) + " ms of a processor";
}

[[noreturn]] void run_child(const BatchOptions& options, Clock::time_point begin, Ledger& ledger) {
  const auto step = static_cast<std::uint64_t>(options.jobs);
  for (; ledger.next_seed <= options.last_seed && !is_over(options, begin, ledger);) {
    limit_time(options.seed_limit);
    run_one(options, ledger.next_seed, ledger);
    std::fflush(stdout);
    ledger.next_seed += step;
  }
  ledger.done = true;
  std::fflush(stdout);
  std::_Exit(0);
}

pid_t start_child(const BatchOptions& options, Clock::time_point begin, Ledger& ledger) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) run_child(options, begin, ledger);
  return child;
}

// That the runs took, in all their processes.
double processor_seconds() {
  rusage used{};
  CHECK_EQ(getrusage(RUSAGE_CHILDREN, &used), 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void print_summary(const std::vector<Ledger*>& ledgers, Clock::duration took) {
  std::map<std::string, std::uint64_t> counters;
  std::uint64_t failures = 0;
  std::uint64_t longest = 0;
  std::uint64_t longest_without = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t digest = 0;
  for (const Ledger* ledger : ledgers) {
    failures += ledger->failures;
    digest += ledger->digest;
    longest = std::max(longest, ledger->unsettled_ns);
    longest_without = std::max(longest_without, ledger->unsettled_without_ns);
    simulated_ms += ledger->simulated_ms;
    for (const Ledger::Counter& counter : ledger->counters) {
      if (counter.name[0] != '\0') counters[counter.name] += counter.value;
    }
  }
  for (const auto& [name, value] : counters) {
    std::printf("  %12llu %s\n", static_cast<unsigned long long>(value), name.c_str());
  }
  const double seconds = std::chrono::duration<double>(took).count();
  const std::uint64_t runs = runs_of(ledgers);
  const double used = std::max(processor_seconds(), 0.001);
  std::printf(
      "%.0f runs per minute of a processor, %.0f simulated seconds in each of its seconds\n",
      static_cast<double>(runs) * 60 / used, static_cast<double>(simulated_ms) / 1e3 / used);
  std::printf(
      "%llu runs, %llu failed, in %.1f s; slowest to settle: %.1f s, without outsiders %.1f s; "
      "digest %016llx\n",
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(failures), seconds,
      static_cast<double>(longest) / 1e9, static_cast<double>(longest_without) / 1e9,
      static_cast<unsigned long long>(digest));
}

}  // namespace

Plan plan_of(std::uint64_t seed, const std::vector<std::string>& set) {
  Plan plan = draw_plan(seed);
  for (const std::string& setting : set) CHECK(read_setting(plan, setting).ok());
  return plan;
}

std::uint64_t run_batch(const BatchOptions& options) {
  const Clock::time_point begin = Clock::now();
  const auto jobs = static_cast<std::size_t>(options.jobs);
  void* memory = mmap(nullptr, sizeof(Ledger) * jobs, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  std::vector<Ledger*> ledgers;
  std::map<pid_t, std::size_t> children;
  for (std::size_t i = 0; i < jobs; ++i) {
    ledgers.push_back(static_cast<Ledger*>(memory) + i);
    ledgers[i]->next_seed = options.first_seed + i;
    children[start_child(options, begin, *ledgers[i])] = i;
  }
  while (!children.empty()) {
    int status = 0;
    const pid_t child = wait(&status);
    CHECK(child > 0);
    const std::size_t i = children.at(child);
    children.erase(child);
    Ledger& ledger = *ledgers[i];
    if (ledger.done) continue;
    std::printf("FAILED: simulate --seed %llu%s\n%s\n",
                static_cast<unsigned long long>(ledger.next_seed), text_of(options.set).c_str(),
                ending_of(status, options).c_str());
    ++ledger.runs;
    ++ledger.failures;
    ledger.next_seed += jobs;
    children[start_child(options, begin, ledger)] = i;
  }
  print_summary(ledgers, Clock::now() - begin);
  std::uint64_t failures = 0;
  for (const Ledger* ledger : ledgers) failures += ledger->failures;
  if (options.probes) {
    failures += print_probes(ledgers) + print_edge_cases(ledgers) + print_cells(ledgers);
  }
  munmap(memory, sizeof(Ledger) * jobs);
  return failures;
}

bool run_single(const SingleOptions& options) {
  Plan plan = plan_of(options.seed, options.set);
  plan.checks_each_step = options.checks_each_step;
  if (options.verbose) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("%s", to_string(plan).c_str());
  const Outcome outcome = Simulator(plan, options.verbose).run();
  for (const auto& [name, value] : outcome.counters) {
    std::printf("  %12llu %s\n", static_cast<unsigned long long>(value), name.c_str());
  }
  if (!options.trace_path.empty()) {
    for (const verify::Trace& trace : outcome.traces) {
      std::ofstream(options.trace_path + "." + trace.header.name) << verify::to_text(trace);
    }
  }
  std::printf("%s", outcome.verdict.c_str());
  std::printf("seed %llu %s; settled after %.2f s; digest %016llx\n",
              static_cast<unsigned long long>(options.seed), outcome.passed ? "passed" : "FAILED",
              std::chrono::duration<double>(outcome.settled_after).count(),
              static_cast<unsigned long long>(outcome.digest));
  return outcome.passed;
}

}  // namespace groupcomm::simulation
