// What comes to a daemon at which point of a view change: a table of states and inputs, in which
// the runs of many seeds show what they have tried. It is seen from outside, and changes nothing.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/event.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::simulation {

// The rows: frames by their kind, then the other events, each by its place in its variant.
inline constexpr std::size_t kFrameInputs = std::variant_size_v<protocol::PeerBody>;
inline constexpr std::size_t kChangeInputs = kFrameInputs + std::variant_size_v<daemon::Event>;
std::size_t change_input(const daemon::Event& event);

// The columns: where one daemon stands, as what it has sent last tells.
class ChangeState {
 public:
  static constexpr std::size_t kSteps = 5;
  static constexpr std::size_t kStates = 2 * kSteps;  // in no view, and as a member

  void on_sent(const protocol::PeerBody& body);
  void on_installed() {
    is_member_ = true;
    step_ = 0;
  }
  std::size_t number() const { return (is_member_ ? kSteps : 0) + step_; }

 private:
  bool is_member_ = false;
  std::size_t step_ = 0;
};
std::string change_state_name(std::size_t state);

inline constexpr std::size_t kChangeCells = ChangeState::kStates * kChangeInputs;
using ChangeCells = std::bitset<kChangeCells>;
constexpr std::size_t change_cell(std::size_t state, std::size_t input) {
  return input * ChangeState::kStates + state;
}

// Which cells too few of so many runs came to, each by its names; those that are listed as hardly
// reached are left out. Fewer than 10,000 runs are no measure.
std::vector<std::string> missed_cells(std::span<const std::uint64_t> cells, std::uint64_t runs);

// Prints in how many runs each cell was reached, and which in too few. Returns how many these are.
std::uint64_t print_change_table(std::span<const std::uint64_t> cells, std::uint64_t runs);

}  // namespace groupcomm::simulation
