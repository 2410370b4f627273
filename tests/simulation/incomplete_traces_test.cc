// Traces of which parts are missing break no promise that the whole ones keep.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <random>
#include <vector>

#include "daemon/verify/trace_set.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {
namespace {

constexpr std::uint64_t kSets = 8;  // for each run and way to lose something

// Runs of which parts have been blamed wrongly.
constexpr std::uint64_t kSeeds[] = {101,      103,      111,      115,      133,      136,
                                    20100001, 20100019, 20100078, 20100086, 20100154, 20100194};

std::vector<std::uint64_t> seeds() {
  const char* count = std::getenv("GROUPCOMM_TRACE_SEEDS");
  if (count == nullptr) return {std::begin(kSeeds), std::end(kSeeds)};
  const char* from = std::getenv("GROUPCOMM_TRACE_FROM");
  std::vector<std::uint64_t> all(std::stoull(count));
  std::iota(all.begin(), all.end(), from == nullptr ? 1 : std::stoull(from));
  return all;
}

// The traces of one run, as files.
struct File {
  std::string name;
  std::string text;
  bool is_daemons = false;
};
using Files = std::vector<File>;

class IncompleteTraces : public ::testing::TestWithParam<bool> {
 protected:
  // Ways to lose something of them.
  using Random = std::mt19937_64;
  using Loss = Files (*)(Files, Random&);

  static Files files_of(std::uint64_t seed, bool have_ends) {
    Files files;
    for (verify::Trace& trace : Simulator(draw_plan(seed), false).run().traces) {
      if (have_ends) add_end(trace);
      files.push_back({.name = trace.header.name,
                       .text = to_text(trace),
                       .is_daemons = trace.header.role == verify::Role::kDaemon});
    }
    return files;
  }

  // Whoever lives in the end is killed, and the driver says so.
  static void add_end(verify::Trace& trace) {
    std::string living;
    for (const verify::Record& record : trace.records) {
      if (const auto* start = std::get_if<verify::record::Start>(&record)) living = start->p;
      if (std::holds_alternative<verify::record::Exit>(record)) living.clear();
      if (std::holds_alternative<verify::record::Crash>(record)) living.clear();
    }
    if (!living.empty()) trace.records.push_back(verify::record::Crash{.p = living});
  }

  static verify::Verdict verdict_on(const Files& files) {
    verify::RunCollector collector;
    for (const File& file : files) {
      collector.add(file.name, verify::parse_traces(file.text, file.name));
    }
    return check(collector.take());
  }

  static std::string names(const Files& files) {
    std::string text;
    for (const File& file : files) {
      const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
      text += " " + file.name + ":" + std::to_string(lines);
    }
    return text;
  }

  static void expect_no_violation(const Loss& loss) {
    for (const std::uint64_t seed : seeds()) {
      const Files whole = files_of(seed, GetParam());
      ASSERT_TRUE(verdict_on(whole).violations.empty()) << seed;
      Random random(seed);
      for (std::uint64_t i = 0; i < kSets; ++i) {
        const Files files = loss(whole, random);
        const verify::Verdict verdict = verdict_on(files);
        EXPECT_TRUE(verdict.violations.empty()) << "seed " << seed << ":" << names(files) << "\n"
                                                << to_text(verdict);
      }
    }
  }
};

std::size_t below(std::mt19937_64& random, std::size_t bound) { return random() % bound; }

void cut_at_line(File& file, std::mt19937_64& random) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < file.text.size(); ++i) {
    if (file.text[i] == '\n') ends.push_back(i + 1);
  }
  file.text.resize(ends[below(random, ends.size())]);
}

void cut_anywhere(File& file, std::mt19937_64& random) {
  file.text.resize(below(random, file.text.size()));
}

Files half_of(Files files, std::mt19937_64& random) {
  std::erase_if(files, [&](const File&) { return random() % 2 == 0; });
  return files;
}

TEST_P(IncompleteTraces, OneMissing) {
  expect_no_violation([](Files files, Random& random) {
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(below(random, files.size())));
    return files;
  });
}

TEST_P(IncompleteTraces, HalfOfThem) { expect_no_violation(half_of); }

TEST_P(IncompleteTraces, HalfOfTheDaemons) {
  expect_no_violation([](Files files, Random& random) {
    std::erase_if(files, [](const File& file) { return !file.is_daemons; });
    return half_of(files, random);
  });
}

TEST_P(IncompleteTraces, HalfOfTheClients) {
  expect_no_violation([](Files files, Random& random) {
    std::erase_if(files, [](const File& file) { return file.is_daemons; });
    return random() % 4 == 0 ? files : half_of(files, random);
  });
}

TEST_P(IncompleteTraces, OneCutBetweenTwoLines) {
  expect_no_violation([](Files files, Random& random) {
    cut_at_line(files[below(random, files.size())], random);
    return files;
  });
}

TEST_P(IncompleteTraces, OneCutAnywhere) {
  expect_no_violation([](Files files, Random& random) {
    cut_anywhere(files[below(random, files.size())], random);
    return files;
  });
}

TEST_P(IncompleteTraces, HalfOfThemAndThoseCutAnywhere) {
  expect_no_violation([](Files files, Random& random) {
    files = half_of(files, random);
    for (File& file : files) {
      if (random() % 2 == 0) cut_anywhere(file, random);
      if (random() % 4 == 0 && file.text.find('\n') != std::string::npos) {
        cut_at_line(file, random);
      }
    }
    return files;
  });
}

INSTANTIATE_TEST_SUITE_P(WithoutAndWithEnds, IncompleteTraces, ::testing::Bool());

}  // namespace
}  // namespace groupcomm::simulation
