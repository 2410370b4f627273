// simulate: runs the cluster in virtual time, out of seeds, and checks what it promises.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/batch.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/settings.h"
#include "tests/simulation/shrink.h"
#include "tests/simulation/small_scope.h"

namespace {

constexpr const char* kUsage = R"(Usage: simulate --seed N [--verbose] [--trace FILE] [--fast]
       simulate --seed N --shrink FILE [--shrink-runs N]
       simulate --scenario FILE ... [--rewrite] [--verbose]
       simulate --explore SCOPE ... [--states N]
       simulate [--seeds A..B | --count N] [--jobs N] [--seconds N] [--show N] [--probes]
                [--twice | --twice-each N] [--checks] [--until-failure]
       each of seeds also with [--set NAME=VALUE] ...

A single seed prints its plan, what happened and the verdict; --verbose prints each event and each
effect, one line each; --trace writes what each node saw to FILE.NODE; --fast leaves out the cores'
own checks after each step, which --checks adds to the runs of many seeds. --twice runs each seed
two times and compares, --twice-each those that N divides. --show says how many failures of each job
are printed. --seconds begins no further run after that time, --until-failure none after one that
failed. --probes says in how many runs each rare branch was taken, and each edge case reached, and
fails where that was less than one in a thousand and the branch is not listed as rarer. --set takes
something of a plan from here instead of from the seed, such as daemons=5 or unsafe_weather=30000000
(in microseconds, or ...ns). --shrink leaves out of a failing seed what can be left out, and writes
a scenario to FILE. A scenario is played and compared with its transcript, which --rewrite replaces.
--explore looks at everything that can happen within a small scope, or at the first N states of it.
Without --seeds or --count, GROUPCOMM_SIM_SEEDS says how many seeds are run, from 1.
)";

using namespace groupcomm::simulation;

struct Arguments {
  std::optional<SingleOptions> single;
  SingleOptions details;
  BatchOptions batch;
  std::vector<std::string> scenarios;
  bool rewrite = false;
  std::vector<std::string> scopes;
  std::uint64_t states_max = 0;
  std::string shrink_to;
  std::uint64_t shrink_runs = 4000;
};

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Something that a plan has from here, and not from its seed.
bool read_set(Arguments& arguments, const std::string& text) {
  Plan plan;
  const auto done = read_setting(plan, text);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().c_str());
  arguments.details.set.push_back(text);
  arguments.batch.set.push_back(text);
  return done.ok();
}

// One option with a value. False where it is not understood.
bool read_value(Arguments& arguments, std::string_view option, const std::string& value) {
  if (option == "--trace") {
    arguments.details.trace_path = value;
    return true;
  }
  if (option == "--scenario") {
    arguments.scenarios.push_back(value);
    return true;
  }
  if (option == "--explore") {
    arguments.scopes.push_back(value);
    return true;
  }
  if (option == "--shrink") {
    arguments.shrink_to = value;
    return true;
  }
  if (option == "--set") return read_set(arguments, value);
  if (option == "--seeds") {
    const std::size_t dots = value.find("..");
    if (dots == std::string::npos) return false;
    const auto first = number(value.substr(0, dots));
    const auto last = number(value.substr(dots + 2));
    if (!first || !last || *last < *first) return false;
    arguments.batch.first_seed = *first;
    arguments.batch.last_seed = *last;
    return true;
  }
  const auto n = number(value);
  if (!n) return false;
  if (option == "--seed") {
    arguments.single.emplace();
    arguments.details.seed = *n;
  } else if (option == "--count" && *n > 0) {
    arguments.batch.last_seed = arguments.batch.first_seed + *n - 1;
  } else if (option == "--jobs" && *n > 0 && *n <= 64) {
    arguments.batch.jobs = static_cast<int>(*n);
  } else if (option == "--shrink-runs") {
    arguments.shrink_runs = *n;
  } else if (option == "--states" && *n > 0) {
    arguments.states_max = *n;
  } else if (option == "--show") {
    arguments.batch.failures_shown = *n;
  } else if (option == "--twice-each" && *n > 0) {
    arguments.batch.twice_each = *n;
  } else if (option == "--seconds") {
    arguments.batch.seconds = *n;
  } else {
    return false;
  }
  return true;
}

bool read_flag(Arguments& arguments, std::string_view option) {
  if (option == "--verbose") {
    arguments.details.verbose = true;
  } else if (option == "--fast") {
    arguments.details.checks_each_step = false;
  } else if (option == "--twice") {
    arguments.batch.twice_each = 1;
  } else if (option == "--until-failure") {
    arguments.batch.until_failure = true;
  } else if (option == "--rewrite") {
    arguments.rewrite = true;
  } else if (option == "--probes") {
    arguments.batch.probes = true;
  } else if (option == "--checks") {
    arguments.batch.checks_each_step = true;
  } else {
    return false;
  }
  return true;
}

std::optional<Arguments> read_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  if (const char* seeds = std::getenv("GROUPCOMM_SIM_SEEDS")) {
    if (!read_value(arguments, "--count", seeds)) return std::nullopt;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (read_flag(arguments, words[i])) continue;
    if (i + 1 == words.size() || !read_value(arguments, words[i], words[i + 1])) {
      return std::nullopt;
    }
    ++i;
  }
  return arguments;
}

// Settings that no cluster can have; each may be right, and all together wrong for what a seed
// draws. The seeds that follow the first are looked at when it is their turn.
bool is_playable(const Arguments& arguments) {
  const std::uint64_t seed = arguments.single ? arguments.details.seed : arguments.batch.first_seed;
  const std::string wrong = why_unplayable(plan_of(seed, arguments.details.set));
  if (wrong.empty()) return true;
  std::fprintf(stderr, "simulate: seed %llu: %s\n", static_cast<unsigned long long>(seed),
               wrong.c_str());
  return false;
}

bool explore_all(const Arguments& arguments) {
  bool is_good = true;
  for (const std::string& name : arguments.scopes) {
    const auto found = std::find_if(scopes().begin(), scopes().end(),
                                    [&](const Scope& scope) { return scope.name == name; });
    if (found == scopes().end()) {
      std::printf("there is no scope \"%s\"; there are\n", name.c_str());
      for (const Scope& scope : scopes()) std::printf("    %s\n", scope.name.c_str());
      return false;
    }
    Scope scope = *found;
    if (arguments.states_max > 0) scope.states_max = arguments.states_max;
    is_good = explore(scope) && is_good;
  }
  return is_good;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = read_arguments({argv + 1, argv + argc});
  if (!arguments) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (!arguments->scenarios.empty()) {
    bool is_good = true;
    for (const std::string& path : arguments->scenarios) {
      is_good = run_scenario(path, arguments->rewrite, arguments->details.verbose) && is_good;
    }
    return is_good ? 0 : 1;
  }
  if (!arguments->scopes.empty()) return explore_all(*arguments) ? 0 : 1;
  if (!is_playable(*arguments)) return 2;
  if (!arguments->shrink_to.empty() && arguments->single) {
    Plan plan = plan_of(arguments->details.seed, arguments->details.set);
    plan.checks_each_step = arguments->details.checks_each_step;
    return shrink(plan, arguments->shrink_runs, arguments->shrink_to) ? 0 : 1;
  }
  if (arguments->single) return run_single(arguments->details) ? 0 : 1;
  return run_batch(arguments->batch) == 0 ? 0 : 1;
}
