// A value that is seldom there.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace groupcomm {

// As std::optional<T>, but takes the room of a pointer where there is none, which counts in values
// of which there are many. What is there is immutable, and shared by copies.
template <typename T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(std::nullopt_t) {}
  Boxed(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  // REQUIRES: has_value().
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.has_value() == b.has_value() && (!a || a.value_ == b.value_ || *a == *b);
  }

 private:
  std::shared_ptr<const T> value_;
};

}  // namespace groupcomm
