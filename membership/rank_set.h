// A set of ranks of one view, in a machine word: it is made and asked for with every event.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <iterator>

#include "groupcomm/check.h"
#include "groupcomm/number.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::membership {

// Like std::set<Rank>, in ascending order; ranks are below kDaemonsMax.
class RankSet {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Rank;
    using difference_type = std::ptrdiff_t;
    using pointer = const Rank*;
    using reference = Rank;

    Iterator() = default;
    explicit Iterator(std::uint64_t left) : left_(left) {}
    Rank operator*() const { return static_cast<Rank>(std::countr_zero(left_)); }
    Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    std::uint64_t left_ = 0;  // the ranks that are still to come
  };
  using value_type = Rank;
  using const_iterator = Iterator;

  RankSet() = default;
  RankSet(std::initializer_list<Rank> ranks) : RankSet(ranks.begin(), ranks.end()) {}
  template <typename It>
  RankSet(It begin, It end) {
    insert(begin, end);
  }

  void insert(Rank rank) { bits_ |= bit(rank); }
  template <typename It>
  void insert(It begin, It end) {
    for (; begin != end; ++begin) insert(*begin);
  }
  void erase(Rank rank) { bits_ &= ~bit(rank); }
  void clear() { bits_ = 0; }
  bool contains(Rank rank) const { return (bits_ & bit(rank)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  Iterator begin() const { return Iterator(bits_); }
  Iterator end() const { return Iterator(0); }
  bool operator==(const RankSet&) const = default;

 private:
  static std::uint64_t bit(Rank rank) {
    CHECK_LT(rank, protocol::kDaemonsMax);
    return std::uint64_t{1} << rank;
  }

  std::uint64_t bits_ = 0;
};

static_assert(protocol::kDaemonsMax <= 64);

}  // namespace groupcomm::membership
