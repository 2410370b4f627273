#include "tests/simulation/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/simulation/edge_cases.h"
#include "tests/simulation/probes.h"
#include "tests/simulation/settings.h"
#include "tests/simulation/transcript.h"

namespace groupcomm::simulation {
namespace {

std::string why_refused(const std::string& text) {
  const auto scenario = parse_scenario(text);
  return scenario.ok() ? "" : scenario.error();
}

TEST(Scenarios, RefuseWhatIsNoLine) {
  EXPECT_EQ(why_refused("\n# a comment\nat abc heal\n"), "3: no time abc");
  EXPECT_EQ(why_refused("at -1 heal\n"), "1: no time -1");
  EXPECT_EQ(why_refused("at 10\n"), "1: not understood: \"at 10\"");
  EXPECT_EQ(why_refused("at 10 heal\nhello\n"), "2: not understood: \"hello\"");
  EXPECT_EQ(why_refused("digest xyz\n"), "1: no number xyz");
  EXPECT_EQ(why_refused("digest 99999999999999999999\n"), "1: no number 99999999999999999999");
  EXPECT_EQ(why_refused("when Nothing d0>d1 heal\n"), "1: no frame Nothing");
  EXPECT_EQ(why_refused("when Batch d0 heal\n"), "1: no link d0: \"heal\"");
  EXPECT_EQ(why_refused("expect\n"), "1: not understood: \"expect\"");
}

TEST(Scenarios, RefuseActionsOfNobody) {
  EXPECT_EQ(why_refused("at 1 crash d3\n"), "1: no daemon d3: \"crash d3\"");
  EXPECT_EQ(why_refused("at 1 crash d0 dx\n"), "1: no daemon dx: \"crash d0 dx\"");
  EXPECT_EQ(why_refused("at 1 c9 join g0\n"), "1: no client c9: \"c9 join g0\"");
  EXPECT_EQ(why_refused("at 1 c0 join g1\n"), "1: no group g1: \"c0 join g1\"");
  EXPECT_EQ(why_refused("at 1 cut d0>d0\n"), "1: no link d0>d0: \"cut d0>d0\"");
  EXPECT_EQ(why_refused("at 1 lose Batch d0>d7\n"), "1: no daemon d7: \"lose Batch d0>d7\"");
  EXPECT_EQ(why_refused("at 1 c0 repeat c5 g0\n"), "1: no client c5: \"c0 repeat c5 g0\"");
}

TEST(Scenarios, RefuseActionsThatThereAreNot) {
  EXPECT_EQ(why_refused("at 1 explode d0\n"), "1: not understood: \"explode d0\"");
  EXPECT_EQ(why_refused("at 1 crash\n"), "1: not understood: \"crash\"");
  EXPECT_EQ(why_refused("at 1 heal d0\n"), "1: not understood: \"heal d0\"");
  EXPECT_EQ(why_refused("at 1 lose Frame d0>d1\n"), "1: no frame Frame: \"lose Frame d0>d1\"");
  EXPECT_EQ(why_refused("at 1 c0 send g0 sideways\n"),
            "1: no order sideways: \"c0 send g0 sideways\"");
  EXPECT_EQ(why_refused("at 1 c0 send g0 total 1e9\n"),
            "1: no number 1e9: \"c0 send g0 total 1e9\"");
  EXPECT_EQ(why_refused("at 1 c0 dance\n"), "1: not understood: \"c0 dance\"");
  EXPECT_EQ(why_refused("at 1 c0\n"), "1: not understood: \"c0\"");
}

TEST(Scenarios, RefuseSettingsThatNothingCanBeRunWith) {
  EXPECT_EQ(why_refused("set daemons=0\n"), "1: out of range: daemons: 1 to 64");
  EXPECT_EQ(why_refused("set groups=2\nset options.heartbeat=0\n"),
            "2: out of range: options.heartbeat: 1000 at least");
  EXPECT_EQ(why_refused("set daemons=many\n"), "1: no value of daemons: \"daemons=many\"");
  EXPECT_EQ(why_refused("set unsafe_weather=99999999999999999\n"),
            "1: no value of unsafe_weather: \"unsafe_weather=99999999999999999\"");
  EXPECT_EQ(why_refused("at 1 crash d4\nset daemons=5\n"), "");
}

// Whatever is switched off or as small as can be is refused, or can be run.
TEST(Scenarios, AreRefusedOrEndForEachSettingThatIsNought) {
  for (const Setting& setting : settings()) {
    const auto scenario = parse_scenario("set unsafe_weather=1000000\nset " + setting.name +
                                         "=0\nat 500 c0 join *\n");
    if (!scenario.ok()) continue;
    EXPECT_TRUE(Simulator(scenario.value().plan, /*verbose=*/false).run().passed) << setting.name;
  }
}

TEST(Scenarios, RefuseProbesThatThereAreNot) {
  EXPECT_EQ(why_refused("reach E99: nowhere\n"), "1: no probe \"E99: nowhere\"");
}

TEST(Scenarios, CanBePlayedWhateverPlanIsDrawn) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    EXPECT_EQ(why_refused(to_string(draw_plan(seed))), "") << seed;
  }
}

// --- which edge cases a run is in ----------------------------------------------------------------

class EdgeCasesOfARun : public ::testing::Test {
 protected:
  // After a run of this scenario.
  void run(const std::string& text) {
    const auto scenario = parse_scenario(text);
    ASSERT_TRUE(scenario.ok()) << scenario.error();
    before_ = probe_counts();
    EXPECT_TRUE(Simulator(scenario.value().plan, /*verbose=*/false).run().passed);
    after_ = probe_counts();
    reached_ = edge_cases_between(before_, after_);
  }
  bool is_in(int number) const {
    return std::find(reached_.begin(), reached_.end(), number) != reached_.end();
  }
  bool is_hit(const std::string& probe) const { return simulation::is_hit(probe, before_, after_); }

 private:
  std::vector<ProbeCount> before_;
  std::vector<ProbeCount> after_;
  std::vector<int> reached_;
};

TEST_F(EdgeCasesOfARun, AreNotABridgeWhereADaemonLeaves) {
  run("at 2000 leave d2\n");
  EXPECT_TRUE(is_hit("E15: somebody who answered is left out"));
  EXPECT_FALSE(is_in(15));
  run("at 2000 cut d0>d2 d2>d0\n");
  EXPECT_TRUE(is_in(15));
}

TEST_F(EdgeCasesOfARun, AreNotAGhostWhereADaemonRestarts) {
  run("at 2000 crash d2\nat 4000 start d2\n");
  EXPECT_TRUE(is_hit("E21: one that would join has not answered lately"));
  EXPECT_FALSE(is_in(21));
  run("set unsafe_weather=9000000\nat 2000 crash d2\nat 4000 hold Beacon d2>d0\n"
      "at 4000 start d2\nat 4300 crash d2\nat 8000 release\n");
  EXPECT_TRUE(is_in(21));
}

TEST_F(EdgeCasesOfARun, AreNotTwoHalvesWhereOneDaemonIsCutOff) {
  run("at 2000 cut d0>d2 d1>d2 d2>d0 d2>d1\n");
  EXPECT_TRUE(is_hit("E8: suspended for want of a quorum"));
  EXPECT_FALSE(is_in(8));
  run("set daemons=4\nat 2000 cut d0>d2 d0>d3 d1>d2 d1>d3 d2>d0 d3>d0 d2>d1 d3>d1\n");
  EXPECT_TRUE(is_in(8));
}

TEST_F(EdgeCasesOfARun, AreNotAMinorityWhereTheOthersAcceptAfterTheDeath) {
  const std::string five = "set daemons=5 unsafe_weather=8000000\nat 2000 leave d4\n";
  run(five + "when Accept d1>d0 crash d0\n");
  EXPECT_TRUE(is_hit("E10: an accepted value is proposed again"));
  EXPECT_FALSE(is_in(11));
  run(five + "at 2000 lose Propose d0>d2 d0>d3 d0>d4\nwhen Accept d1>d0 crash d0\n");
  EXPECT_TRUE(is_in(11));
}

TEST_F(EdgeCasesOfARun, CountAHalfWithRankZeroAsAQuorum) {
  const std::string four = "set daemons=4 unsafe_weather=8000000\nat 2000 leave d3\n";
  run(four + "at 2000 lose Propose d0>d2 d0>d3\nwhen Accept d1>d0 crash d0\n");
  EXPECT_FALSE(is_in(11));
  run("set daemons=4 unsafe_weather=8000000\nat 2000 crash d0\nat 2000 lose Propose d1>d3\n"
      "when Accept d2>d1 crash d1\n");
  EXPECT_TRUE(is_in(11));
}

// --- what is played ------------------------------------------------------------------------------

class PlayedScenario : public ::testing::Test {
 protected:
  PlayedScenario() {
    static int files = 0;
    path_ = ::testing::TempDir() + "e08_scenario_test." + std::to_string(++files) + "." +
            std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  ~PlayedScenario() override { std::filesystem::remove(path_); }
  std::string play(const std::string& text) {
    std::ofstream(path_) << text;
    ::testing::internal::CaptureStdout();
    run_scenario(path_, /*rewrite=*/false, /*verbose=*/false);
    return ::testing::internal::GetCapturedStdout();
  }

  std::string path_;
};

TEST_F(PlayedScenario, IsRefusedWithItsLine) {
  EXPECT_EQ(play("\nat 1 crash d9\n"), path_ + ":2: no daemon d9: \"crash d9\"\n");
}

// That another branch of its edge case is taken does not do.
TEST_F(PlayedScenario, MustReachEachBranchThatItNames) {
  const std::string halves =
      "set daemons=4 unsafe_weather=8000000\n"
      "at 2000 cut d0>d2 d0>d3 d1>d2 d1>d3 d2>d0 d3>d0 d2>d1 d3>d1\n";
  EXPECT_EQ(play("reach E8: of two halves that of rank 0 goes on\n" + halves),
            path_ + ": as expected\n");
  EXPECT_EQ(play("reach E8: a proposer gives way to a higher ballot\n" + halves),
            path_ + ": the run does not reach \"E8: a proposer gives way to a higher ballot\"\n");
  EXPECT_EQ(play("at 2000 c0 join g0\n"), path_ + ": the run does not get into E8\n");
}

// What waits for a frame that is never sent would be missing without a word.
TEST_F(PlayedScenario, MustPlayEachLine) {
  EXPECT_NE(play("when Install d2>d0 crash d2\n").find("no Install was sent on d2>d0"),
            std::string::npos);
  EXPECT_NE(play("at 1 heal\nat 9000000 crash d2\n").find("came too late to be played"),
            std::string::npos);
}

std::string transcript(const std::string& text) {
  const auto scenario = parse_scenario(text);
  EXPECT_TRUE(scenario.ok()) << scenario.error();
  return transcript_of(Simulator(scenario.value().plan, /*verbose=*/false).run());
}

void expect_lines(const std::string& transcript, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    EXPECT_NE(transcript.find(line + "\n"), std::string::npos) << line << " in\n" << transcript;
  }
}

TEST(Transcripts, TellWhoIsNewAndWhoIsNotThereAnyMore) {
  expect_lines(transcript("at 1000 c0 join g0\nat 1100 c1 join g0\nat 1200 c1 leave g0\n"),
               {"c0@d0#1.1 g0: view v2@d0/2 [c0@d0#1.1 c1@d1#1.1] +c1@d1#1.1",
                "c0@d0#1.1 g0: view v2@d0/3 [c0@d0#1.1] -c1@d1#1.1:leave"});
}

TEST(Transcripts, TellWhomATransitionNames) {
  expect_lines(transcript("at 1000 c0 join g0\nat 1100 c1 join g0\nat 1200 c2 join g0\n"
                          "at 2000 crash d2\nat 2100 c0 send g0 safe\n"),
               {"c0@d0#1.1 g0: transition with [c0@d0#1.1 c1@d1#1.1]"});
}

TEST(Transcripts, TellBlocksAndWhatIsRefused) {
  expect_lines(
      transcript("set flush_groups=1\nat 1000 c0 join g0\nat 1900 c0 dither\n"
                 "at 2000 c1 join g0\nat 2100 c0 answer g0\nat 2100 c0 send g0 fifo\n"),
      {"c0@d0#1.1 g0: block", "c0@d0#1.1 g0: holds back", "c0@d0#1.1 g0: refused blocked"});
}

TEST(Transcripts, TellWhatIsAcceptedAndWhoActs) {
  expect_lines(transcript("at 1000 c0 join g0\nat 2000 c0 send g0 fifo 0 3\nat 2001 c0 act g0\n"
                          "at 2001 c1 act g0\n"),
               {"c0@d0#1.1 g0: its 1..3 accepted", "c0@d0#1.1 g0: fifo 1..3 of c0@d0#1.1",
                "c0@d0#1.1 g0: acts", "c1@d1#1.1 g0: cannot act"});
}

TEST(Transcripts, TellWhatIsCountedAsRefused) {
  expect_lines(transcript("at 2000 stray d2>d0\n"), {"d0#1: counts frames_refused 2"});
}

}  // namespace
}  // namespace groupcomm::simulation
