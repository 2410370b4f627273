#include "tests/simulation/judge.h"

#include <gtest/gtest.h>

namespace groupcomm::simulation {
namespace {

namespace record = verify::record;

std::uint64_t digest_of(const std::string& member, std::uint64_t number) {
  Plan plan;
  Scene scene(plan, /*verbose=*/false);
  verify::Trace trace;
  trace.header = {.role = verify::Role::kClient, .name = "c0"};
  trace.records.push_back(record::Start{.p = "c0"});
  trace.records.push_back(record::Safe{.p = member, .g = "g0", .number = number});
  mix_trace(scene, trace);
  return scene.digest();
}

TEST(Digest, DiffersWhereAClientIsToldAnotherThing) {
  EXPECT_EQ(digest_of("c0", 1), digest_of("c0", 1));
  EXPECT_NE(digest_of("c0", 1), digest_of("c0", 2));
  EXPECT_NE(digest_of("c0", 1), digest_of("c1", 1));
}

}  // namespace
}  // namespace groupcomm::simulation
