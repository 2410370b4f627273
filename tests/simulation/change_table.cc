#include "tests/simulation/change_table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "groupcomm/check.h"
#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

constexpr std::uint64_t kRunsOfMeasure = 10'000;

constexpr std::array<std::string_view, ChangeState::kSteps> kSteps = {"calm", "asking", "promised",
                                                                      "proposing", "accepted"};
constexpr std::array<std::string_view, std::variant_size_v<daemon::Event>> kEvents = {
    "(client)",    "(client lost)", "",          "(refused)",
    "(connected)", "(deadline)",    "(drained)", "(asked to leave)"};

// By state and input: what none or a few of 10,000 runs come to. Who proposes from its record, in
// no view, has no messages to ask for, none that others lack, and mostly no clients.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kHardlyReached = {{
    {"outside proposing", "Nack"},
    {"outside proposing", "Repair"},
    {"outside proposing", "(client lost)"},
}};

std::string input_name(std::size_t input) {
  if (input < kFrameInputs) return std::string(frame_kind_name(input));
  return std::string(kEvents[input - kFrameInputs]);
}

// A frame counts by its kind.
bool is_row(std::size_t input) { return !input_name(input).empty(); }

bool is_hardly_reached(const std::string& state, const std::string& input) {
  return std::any_of(kHardlyReached.begin(), kHardlyReached.end(),
                     [&](const auto& cell) { return cell.first == state && cell.second == input; });
}

}  // namespace

std::size_t change_input(const daemon::Event& event) {
  const auto* received = std::get_if<daemon::PeerFrameReceived>(&event);
  return received != nullptr ? received->frame.body.index() : kFrameInputs + event.index();
}

void ChangeState::on_sent(const protocol::PeerBody& body) {
  if (std::holds_alternative<protocol::Prepare>(body)) step_ = 1;
  if (std::holds_alternative<protocol::State>(body)) step_ = 2;
  if (std::holds_alternative<protocol::Propose>(body)) step_ = 3;
  if (std::holds_alternative<protocol::Accept>(body)) step_ = 4;
}

std::string change_state_name(std::size_t state) {
  const bool is_member = state >= ChangeState::kSteps;
  return (is_member ? "member " : "outside ") + std::string(kSteps[state % ChangeState::kSteps]);
}

std::vector<std::string> missed_cells(std::span<const std::uint64_t> cells, std::uint64_t runs) {
  CHECK_EQ(cells.size(), kChangeCells);
  std::vector<std::string> missed;
  for (std::size_t input = 0; input < kChangeInputs; ++input) {
    for (std::size_t state = 0; state < ChangeState::kStates; ++state) {
      const std::string name = change_state_name(state);
      if (!is_row(input) || is_hardly_reached(name, input_name(input))) continue;
      if (cells[change_cell(state, input)] >= runs / kRunsOfMeasure) continue;
      missed.push_back(name + " " + input_name(input));
    }
  }
  return missed;
}

std::uint64_t print_change_table(std::span<const std::uint64_t> cells, std::uint64_t runs) {
  std::printf("%-17s", "");
  for (std::size_t state = 0; state < ChangeState::kStates; ++state) {
    const std::string name = change_state_name(state);
    std::printf("%11s", (name.substr(0, 1) + ":" + name.substr(name.find(' ') + 1)).c_str());
  }
  std::printf("\n");
  for (std::size_t input = 0; input < kChangeInputs; ++input) {
    if (!is_row(input)) continue;
    std::printf("%-17s", input_name(input).c_str());
    for (std::size_t state = 0; state < ChangeState::kStates; ++state) {
      std::printf("%11llu", static_cast<unsigned long long>(cells[change_cell(state, input)]));
    }
    std::printf("\n");
  }
  const std::vector<std::string> missed = missed_cells(cells, runs);
  for (const std::string& cell : missed) std::printf("no run came to: %s\n", cell.c_str());
  return missed.size();
}

}  // namespace groupcomm::simulation
