// Counters that cannot be mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace groupcomm {

// A 64-bit number of one kind. Numbers of different kinds do not convert into one another.
// 64 bits never wrap: at 10^9 steps a second that would take 584 years (rule P6).
template <typename Tag>
struct Number {
  std::uint64_t value = 0;

  auto operator<=>(const Number&) const = default;

  constexpr Number next() const { return Number{value + 1}; }
  constexpr Number previous() const { return Number{value - 1}; }
  constexpr Number& operator++() {
    ++value;
    return *this;
  }
  constexpr Number plus(std::uint64_t n) const { return Number{value + n}; }
  constexpr explicit operator bool() const { return value != 0; }

  friend std::string to_string(const Number& n) { return std::to_string(n.value); }
};

// Position of a message among all that one daemon stamped in one view; the first is 1, 0 is none.
using MessageNumber = Number<struct MessageNumberTag>;
// Position in the total order of one view; the first is 1, 0 is none.
using OrderNumber = Number<struct OrderNumberTag>;
// Position among the causal, total and safe messages of one daemon in one view; the first is 1.
using CausalNumber = Number<struct CausalNumberTag>;
// A Lamport clock reading in one view; the first stamp is 1.
using LamportStamp = Number<struct LamportStampTag>;
// How many control messages of one group were ordered before, in one view.
using Epoch = Number<struct EpochTag>;
// Position of a message among those that one process had accepted for one group; the first is 1.
using SendNumber = Number<struct SendNumberTag>;
// A client connection of one daemon incarnation; never used again by it. The first is 1.
using SessionId = Number<struct SessionIdTag>;
// A beacon of one daemon incarnation. It rises with the time at which the beacon is sent.
using BeaconNumber = Number<struct BeaconNumberTag>;
// A request of one client, counted by the client; the first is 1.
using RequestId = Number<struct RequestIdTag>;
// The 64-bit fingerprint of a group's name (identity.h). 0 is no group.
using GroupKey = Number<struct GroupKeyTag>;

// Position of a member in its view's list; rank 0 is the longest-lived member.
using Rank = std::uint32_t;

}  // namespace groupcomm

template <typename Tag>
struct std::hash<groupcomm::Number<Tag>> {
  std::size_t operator()(const groupcomm::Number<Tag>& n) const noexcept {
    return static_cast<std::size_t>(n.value);
  }
};
