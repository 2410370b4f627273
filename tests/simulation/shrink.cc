#include "tests/simulation/shrink.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/simulation/settings.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {
namespace {

// A run that takes longer has become another one than the failure that is looked at.
constexpr unsigned kSecondsMax = 5;

}  // namespace

std::string kind_of(const Outcome& outcome) {
  return outcome.verdict.substr(0, outcome.verdict.find_first_of(" :"));
}

Ending run_apart(const Plan& plan) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(kSecondsMax);
    // An exception ends the process, too.
    const Outcome outcome = [&]() noexcept { return Simulator(plan, /*verbose=*/false).run(); }();
    const std::string text = std::to_string(outcome.faults) + " " + std::to_string(outcome.sends) +
                             " " + std::to_string(outcome.digest) + " " + kind_of(outcome);
    if (write(ends[1], text.data(), text.size()) < 0) std::_Exit(1);
    std::_Exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[256];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return {.kind = WTERMSIG(status) == SIGALRM ? "endless" : "signal"};
  if (WEXITSTATUS(status) != 0) return {.kind = "exit"};  // as sanitizers end a process
  Ending ending;
  char* end = nullptr;
  ending.faults = std::strtoull(text.c_str(), &end, 10);
  ending.sends = std::strtoull(end, &end, 10);
  ending.digest = std::strtoull(end, &end, 10);
  ending.kind = *end == ' ' ? end + 1 : "";
  return ending;
}

namespace {

class Shrinker {
 public:
  Shrinker(Plan plan, std::uint64_t runs_max) : plan_(std::move(plan)), runs_left_(runs_max) {
    first_ = run_apart(plan_);
  }

  bool has_failed() const { return !first_.kind.empty(); }
  const Ending& failure() const { return first_; }
  const Plan& plan() const { return plan_; }

  void run() {
    for (bool moved = true; moved && runs_left_ > 0;) {
      moved = drop_classes();
      moved = make_smaller() || moved;
      moved = skip(&Plan::skipped_faults, first_.faults) || moved;
      moved = skip(&Plan::skipped_sends, first_.sends) || moved;
    }
  }

 private:
  bool try_plan(const Plan& simpler) {
    if (runs_left_ == 0 || !why_unplayable(simpler).empty()) return false;
    --runs_left_;
    const Ending failure = run_apart(simpler);
    if (failure.kind != first_.kind) return false;
    plan_ = simpler;
    if (!failure.is_early()) first_ = failure;
    return true;
  }

  bool try_setting(const Setting& setting, const std::string& value) {
    if (setting.text(plan_) == value) return false;
    Plan simpler = plan_;
    return setting.read(simpler, value) && try_plan(simpler);
  }

  bool drop_classes() {
    bool moved = false;
    for (const Setting& setting : settings()) {
      if (setting.role == SettingRole::kFault) moved = try_setting(setting, "0") || moved;
    }
    return moved;
  }

  bool make_smaller() {
    bool moved = false;
    for (const Setting& setting : settings()) {
      if (setting.role != SettingRole::kSize) continue;
      const std::string text = setting.text(plan_);
      char* unit = nullptr;
      const std::uint64_t value = std::strtoull(text.c_str(), &unit, 10);
      for (const std::uint64_t smaller : {value / 2, value - value / 8 - 1}) {
        if (smaller == 0 || smaller >= value) continue;
        if (!try_setting(setting, std::to_string(smaller) + unit)) continue;
        moved = true;
        break;
      }
    }
    return moved;
  }

  // Leaves out numbers 1 to `count`: first all, then halves, quarters, down to single ones.
  bool skip(std::set<std::uint64_t> Plan::*list, std::uint64_t count) {
    bool moved = false;
    for (std::uint64_t size = count; size > 0; size /= 2) {
      for (std::uint64_t begin = 1; begin <= count; begin += size) {
        Plan simpler = plan_;
        for (std::uint64_t i = begin; i < begin + size && i <= count; ++i)
          (simpler.*list).insert(i);
        if ((simpler.*list).size() == (plan_.*list).size()) continue;
        moved = try_plan(simpler) || moved;
      }
    }
    return moved;
  }

  Plan plan_;
  std::uint64_t runs_left_;
  Ending first_;
};

}  // namespace

bool shrink(const Plan& plan, std::uint64_t runs_max, const std::string& path) {
  Shrinker shrinker(plan, runs_max);
  const auto seed = static_cast<unsigned long long>(plan.seed);
  if (!shrinker.has_failed()) {
    std::printf("seed %llu passes\n", seed);
    return false;
  }
  shrinker.run();
  const Ending& failure = shrinker.failure();
  const std::string text = to_string(shrinker.plan());
  std::ofstream file(path);
  file << "# Shrunk from seed " << seed << ".\n" << text << "expect " << failure.kind << "\n";
  if (!failure.is_early()) file << "digest " << failure.digest << "\n";
  std::printf("seed %llu fails with %s; written to %s:\n%s", seed, failure.kind.c_str(),
              path.c_str(), text.c_str());
  return true;
}

}  // namespace groupcomm::simulation
