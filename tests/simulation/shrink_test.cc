#include "tests/simulation/shrink.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/simulation/scenario.h"
#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

constexpr std::uint64_t kRuns = 400;

// A daemon that crashes while another one stands still is all that it takes.
class ShrinkTest : public ::testing::Test {
 protected:
  ShrinkTest() {
    static int files = 0;
    path_ = ::testing::TempDir() + "shrink_test." + std::to_string(++files) + "." +
            std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  ~ShrinkTest() override { std::filesystem::remove(path_); }

  // Of a seed that fails, with much else in it.
  static Plan failing_plan() {
    for (std::uint64_t seed = 1; seed < 100; ++seed) {
      Plan plan = draw_plan(seed);
      plan.planted_failure = PlantedFailure::kComplaint;
      plan.random_core = false;
      // What needs more daemons than two, or strikes at other moments where there are fewer.
      plan.triggers.clear();
      plan.daemon.secret_every = {};
      const Ending failure = run_apart(plan);
      if (failure.kind == "complaint" && failure.faults > 20 && failure.sends > 50) return plan;
    }
    ADD_FAILURE() << "no seed fails";
    return {};
  }
  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What is printed as the scenario is played.
  std::string play(bool expected) {
    ::testing::internal::CaptureStdout();
    const bool is_good = run_scenario(path_, /*rewrite=*/false, /*verbose=*/false);
    EXPECT_EQ(is_good, expected);
    return ::testing::internal::GetCapturedStdout();
  }

  std::string path_;
};

TEST_F(ShrinkTest, LeavesOfAPlantedFailureHardlyMoreThanItsTwoFaults) {
  const Plan plan = failing_plan();
  ASSERT_TRUE(shrink(plan, kRuns, path_));
  const auto scenario = parse_scenario(text());
  ASSERT_TRUE(scenario.ok()) << scenario.error();
  const Plan& small = scenario.value().plan;
  Outcome outcome = Simulator(small, /*verbose=*/false).run();
  EXPECT_EQ(kind_of(outcome), "complaint");
  EXPECT_LE(outcome.counters["daemon crashes"], 2u);
  EXPECT_LE(outcome.counters["daemon pauses"], 2u);
  EXPECT_LT(10 * outcome.counters["sends accepted"], run_apart(plan).sends);
  EXPECT_EQ(small.daemons, 2u);
  EXPECT_EQ(small.network.loss + small.network.replays + small.client.churn, 0u);
  EXPECT_EQ(play(/*expected=*/true), path_ + ": as expected\n");
  EXPECT_EQ(run_apart(small).digest, outcome.digest);
}

TEST_F(ShrinkTest, SaysWhereARunIsOfAnotherBuild) {
  ASSERT_TRUE(shrink(failing_plan(), 0, path_));
  std::ofstream(path_, std::ios::app) << "digest 1\n";
  EXPECT_NE(play(/*expected=*/true).find("of another build"), std::string::npos);
}

TEST_F(ShrinkTest, SaysWhereAScenarioFailsInAnotherWay) {
  ASSERT_TRUE(shrink(failing_plan(), 0, path_));
  std::ofstream(path_, std::ios::app) << "expect D6\n";
  EXPECT_NE(play(/*expected=*/false).find("expected D6, but complaint"), std::string::npos);
}

TEST_F(ShrinkTest, LeavesAlonePlansThatPass) {
  EXPECT_FALSE(shrink(quiet_plan(), kRuns, path_));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// As by a CHECK that fails: the shrinker and the player of scenarios outlive it.
TEST_F(ShrinkTest, OutlivesARunThatEndsTheProcess) {
  const std::string fails = "at 100 pause d0\nat 200 crash d1\nexpect signal\n";
  std::ofstream(path_) << "set planted_failure=2\n" << fails;
  EXPECT_EQ(play(/*expected=*/true), path_ + ": as expected\n");
  std::ofstream(path_) << fails;
  EXPECT_NE(
      play(/*expected=*/false).find("expected signal, but passes: the run goes another way here"),
      std::string::npos);
}

// As by a sanitizer.
TEST_F(ShrinkTest, ShrinksARunThatEndsTheProcessWithACode) {
  Plan plan = failing_plan();
  plan.planted_failure = PlantedFailure::kExit;
  EXPECT_EQ(run_apart(plan).kind, "exit");
  ASSERT_TRUE(shrink(plan, 10, path_));
  EXPECT_NE(text().find("expect exit\n"), std::string::npos);
  EXPECT_EQ(play(/*expected=*/true), path_ + ": as expected\n");
}

}  // namespace
}  // namespace groupcomm::simulation
