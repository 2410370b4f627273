#include "daemon/host/host_counters.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace groupcomm::daemon {
namespace {

TEST(HostCounters, AreSortedInAmongTheCores) {
  HostCounters counters;
  counters.clients = 5;
  std::vector<std::pair<std::string, std::uint64_t>> list = {{"zz", 1}, {"aa", 2}};
  counters.add_to(list);
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
  EXPECT_EQ(list.front().first, "aa");
  EXPECT_EQ(list.back().first, "zz");
  EXPECT_EQ(std::count(list.begin(), list.end(),
                       std::pair<std::string, std::uint64_t>("host_clients", 5)),
            1);
}

}  // namespace
}  // namespace groupcomm::daemon
