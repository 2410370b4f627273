// The edge cases that the design names, E1 to E46, and the probes that show that a run was in one.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/probes.h"

namespace groupcomm::simulation {

struct EdgeCase {
  int number = 0;
  std::string_view what;
  std::array<std::string_view, 3> probes;  // any of them will do; some may be empty
  std::string_view elsewhere = {};         // where it is tested, if random runs cannot get there
};

inline constexpr int kEdgeCasesMax = 46;

// All of them, by their numbers.
std::span<const EdgeCase> edge_cases();

// Which of them a run was in, by what the probes counted before it and after it.
std::vector<int> edge_cases_between(const std::vector<ProbeCount>& before,
                                    const std::vector<ProbeCount>& after);

// Whether a probe of this text was hit meanwhile.
bool is_hit(std::string_view text, const std::vector<ProbeCount>& before,
            const std::vector<ProbeCount>& after);

// Of the file "e07_....txt" 7; 0 where the name says nothing.
int edge_case_of_file(const std::string& path);

}  // namespace groupcomm::simulation
