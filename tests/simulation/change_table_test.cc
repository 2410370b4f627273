#include "tests/simulation/change_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {
namespace {

std::string name_after(ChangeState& state, const protocol::PeerBody& body) {
  state.on_sent(body);
  return change_state_name(state.number());
}

TEST(ChangeState, IsWhatWasSentLast) {
  ChangeState state;
  EXPECT_EQ(name_after(state, protocol::Beacon{}), "outside calm");
  EXPECT_EQ(name_after(state, protocol::State{}), "outside promised");
  EXPECT_EQ(name_after(state, protocol::Accept{}), "outside accepted");
  state.on_installed();
  EXPECT_EQ(name_after(state, protocol::Heartbeat{}), "member calm");
  EXPECT_EQ(name_after(state, protocol::Prepare{}), "member asking");
  EXPECT_EQ(name_after(state, protocol::Propose{}), "member proposing");
  state.on_installed();
  EXPECT_EQ(change_state_name(state.number()), "member calm");
}

TEST(ChangeTable, NamesWhatNoRunCameTo) {
  std::vector<std::uint64_t> cells(kChangeCells, 3);
  EXPECT_TRUE(missed_cells(cells, 30'000).empty());
  EXPECT_FALSE(missed_cells(cells, 40'000).empty());
  ChangeState state;
  state.on_sent(protocol::State{});
  cells[change_cell(state.number(), change_input(daemon::LeaveRequested{}))] = 2;
  EXPECT_EQ(missed_cells(cells, 30'000),
            std::vector<std::string>{"outside promised (asked to leave)"});
}

TEST(ChangeTable, IsNoMeasureOfFewRuns) {
  EXPECT_TRUE(missed_cells(std::vector<std::uint64_t>(kChangeCells), 9'999).empty());
}

TEST(ChangeTable, IsFilledByARun) {
  const Outcome outcome = Simulator(draw_plan(1), /*verbose=*/false).run();
  ChangeState state;
  state.on_installed();
  const std::size_t timer = change_input(daemon::TimerExpired{});
  EXPECT_TRUE(outcome.cells[change_cell(state.number(), timer)]);
  EXPECT_FALSE(outcome.cells.all());
}

}  // namespace
}  // namespace groupcomm::simulation
