#include "tests/simulation/batch.h"

#include <gtest/gtest.h>

#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

// What a batch of seeds that all end in the same way prints, and how many failed.
struct Batch {
  std::uint64_t failed = 0;
  std::string printed;
};

Batch run(const BatchOptions& options) {
  ::testing::internal::CaptureStdout();
  const std::uint64_t failed = run_batch(options);
  return {failed, ::testing::internal::GetCapturedStdout()};
}

TEST(Batch, EndsASeedThatTakesTooLongAndGoesOn) {
  BatchOptions options;
  options.first_seed = 7;
  options.last_seed = 8;
  options.seed_limit = std::chrono::milliseconds(1);
  // (So much that nothing does it in the time.)
  options.set = {"daemons=9", "unsafe_weather=15000000"};
  const Batch batch = run(options);
  EXPECT_EQ(batch.failed, 2u);
  for (const std::string seed : {"7", "8"}) {
    EXPECT_NE(batch.printed.find("FAILED: simulate --seed " + seed +
                                 " --set daemons=9 --set unsafe_weather=15000000\n"
                                 "it took more than 1 ms of a processor"),
              std::string::npos)
        << batch.printed;
  }
}

TEST(Batch, SaysWithWhichCodeAProcessEnds) {
  BatchOptions options;
  options.first_seed = 1;
  options.last_seed = 40;
  options.set = {"planted_failure=3"};
  const Batch batch = run(options);
  EXPECT_GT(batch.failed, 0u);
  EXPECT_NE(batch.printed.find("the process ended with code 66"), std::string::npos);
}

TEST(Batch, SaysWhichSettingsNoClusterCanHave) {
  BatchOptions options;
  options.first_seed = 7;
  options.last_seed = 8;
  options.set = {"daemons=0"};
  const Batch batch = run(options);
  EXPECT_EQ(batch.failed, 2u);
  EXPECT_NE(batch.printed.find("--seed 8 --set daemons=0\nout of range: daemons: 1 to 64\n"),
            std::string::npos)
      << batch.printed;
}

TEST(Batch, CanPlayWhatSeedsDraw) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    EXPECT_EQ(why_unplayable(plan_of(seed, {})), "") << seed;
  }
  EXPECT_EQ(why_unplayable(plan_of(7, {"client.bye_every=999"})),
            "out of range: client.bye_every: 0, or 1000 at least");
}

TEST(Batch, FailsWhereABranchIsTakenInTooFewRuns) {
  BatchOptions options;
  options.first_seed = options.last_seed = 1;
  options.set = {"daemons=1", "clients=1", "unsafe_weather=1000000"};
  EXPECT_EQ(run(options).failed, 0u);
  options.probes = true;
  const Batch batch = run(options);
  if (batch.printed.find(" PROBE ") == std::string::npos) GTEST_SKIP() << "built without probes";
  EXPECT_GT(batch.failed, 0u);
  EXPECT_NE(batch.printed.find("PROBE messages are asked for  TOO FEW"), std::string::npos);
  EXPECT_NE(batch.printed.find("PROBE a place that contradicts causality  (rare)"),
            std::string::npos);
}

TEST(Batch, RunsAShareOfTheSeedsTwiceAndFindsThatTheyDiffer) {
  BatchOptions options;
  options.first_seed = 1;
  options.last_seed = 12;
  options.set = {"planted_failure=4"};
  EXPECT_EQ(run(options).failed, 0u);
  options.twice_each = 2;
  const Batch batch = run(options);
  EXPECT_GT(batch.failed, 0u);
  EXPECT_NE(batch.printed.find("two runs of one seed differ"), std::string::npos);
  EXPECT_NE(batch.printed.find("6 seeds that were run twice"), std::string::npos);
}

}  // namespace
}  // namespace groupcomm::simulation
