// A queue whose elements are found by their position.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "groupcomm/check.h"

namespace groupcomm::ordering {

// As std::deque, for what comes and goes in order and is looked up in between: an element is found
// by a mask instead of a division, and nothing is allocated once the queue has been as long as it
// gets. Its memory stays. References end where it grows.
template <typename T>
class Ring {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // REQUIRES: index < size().
  T& operator[](std::size_t index) { return slots_[(head_ + index) & mask()]; }
  const T& operator[](std::size_t index) const { return slots_[(head_ + index) & mask()]; }
  // REQUIRES: !empty().
  T& front() { return slots_[head_]; }
  const T& front() const { return slots_[head_]; }

  void push_back(T value) {
    if (size_ == slots_.size()) grow(size_ + 1);
    slots_[(head_ + size_++) & mask()] = std::move(value);
  }
  void pop_front() {
    CHECK(!empty());
    slots_[head_] = T();
    head_ = (head_ + 1) & mask();
    --size_;
  }
  void pop_back() {
    CHECK(!empty());
    (*this)[--size_] = T();
  }

  // What is new is T().
  void resize(std::size_t size) {
    while (size_ > size) pop_back();
    if (size > slots_.size()) grow(size);
    size_ = size;
  }

 private:
  std::size_t mask() const { return slots_.size() - 1; }

  void grow(std::size_t least) {
    std::size_t capacity = slots_.empty() ? 8 : slots_.size();
    while (capacity < least) capacity *= 2;
    std::vector<T> slots(capacity);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    head_ = 0;
  }

  std::vector<T> slots_;  // a power of two of them, or none
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace groupcomm::ordering
