// The outcome of something that may be refused for an expected reason.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "groupcomm/check.h"

namespace groupcomm {

// What went wrong, in one clear line.
struct Failure {
  std::string message;
  bool operator==(const Failure&) const = default;
};

// Either a value or a Failure.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}            // NOLINT(google-explicit-constructor)
  Result(Failure failure) : content_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(content_); }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  const T& value() const& {
    CHECK(ok());
    return std::get<T>(content_);
  }
  T&& value() && {
    CHECK(ok());
    return std::get<T>(std::move(content_));
  }

  // REQUIRES: !ok().
  const std::string& error() const {
    CHECK(!ok());
    return std::get<Failure>(content_).message;
  }

 private:
  std::variant<T, Failure> content_;
};

}  // namespace groupcomm
