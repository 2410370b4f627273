#include "tests/simulation/edge_cases.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace groupcomm::simulation {
namespace {

TEST(EdgeCases, AreAllThatTheDesignNames) {
  std::set<int> numbers;
  for (const EdgeCase& edge_case : edge_cases()) numbers.insert(edge_case.number);
  for (int number = 1; number <= kEdgeCasesMax; ++number) {
    EXPECT_TRUE(numbers.contains(number)) << "E" << number;
  }
}

TEST(EdgeCases, AreShownByProbesThatExist) {
  std::set<std::string, std::less<>> texts;
  for (const ProbeCount& probe : probe_counts()) texts.insert(probe.text);
  ASSERT_FALSE(texts.empty());
  for (const EdgeCase& edge_case : edge_cases()) {
    EXPECT_NE(edge_case.probes[0].empty(), edge_case.elsewhere.empty()) << "E" << edge_case.number;
    for (const std::string_view probe : edge_case.probes) {
      EXPECT_TRUE(probe.empty() || texts.find(probe) != texts.end()) << probe;
    }
  }
}

TEST(EdgeCases, HaveAScenarioEach) {
  std::set<int> played;
  for (const auto& file : std::filesystem::directory_iterator(GROUPCOMM_SCENARIOS)) {
    played.insert(edge_case_of_file(file.path()));
  }
  for (const EdgeCase& edge_case : edge_cases()) {
    EXPECT_EQ(played.contains(edge_case.number), edge_case.elsewhere.empty())
        << "E" << edge_case.number;
  }
}

TEST(EdgeCases, AreThoseWhoseProbesWereHitMeanwhile) {
  const std::string probe{edge_cases()[0].probes[0]};
  const std::vector<ProbeCount> before = {{probe, 3}, {"another", 1}};
  EXPECT_TRUE(edge_cases_between(before, {{probe, 3}, {"another", 2}}).empty());
  EXPECT_EQ(edge_cases_between(before, {{probe, 4}, {"another", 1}}), std::vector<int>{1});
}

TEST(EdgeCases, AreNamedByTheirScenarios) {
  EXPECT_EQ(edge_case_of_file("tests/scenarios/e07_a_joiner.txt"), 7);
  EXPECT_EQ(edge_case_of_file("e46_x.txt"), 46);
  EXPECT_EQ(edge_case_of_file("n03_a_notice.txt"), 0);
}

}  // namespace
}  // namespace groupcomm::simulation
