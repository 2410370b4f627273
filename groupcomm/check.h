// Assertions that stay on in release builds.
//
// A failed CHECK means a bug of ours. The process stops: a crashed daemon is a case that the
// protocol handles, a wrong view is not. Errors that can be caused from outside (bad bytes, a full
// queue, a peer that left) are never checked this way; they are a Result<T> or an event.
#pragma once

#include <concepts>
#include <string>

namespace groupcomm {

// Prints "FILE:LINE: CHECK failed: EXPRESSION (OPERANDS)" on standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               const std::string& operands);

namespace check_detail {

// How an operand of a failed CHECK is printed: numbers as numbers, texts as texts, values with a
// to_string() as that text, everything else as "?".
template <typename T>
std::string show(const T& value) {
  if constexpr (std::convertible_to<T, std::string>) {
    return std::string(value);
  } else if constexpr (requires { std::to_string(value); }) {
    return std::to_string(value);
  } else if constexpr (requires { to_string(value); }) {
    return to_string(value);
  } else {
    return "?";
  }
}

}  // namespace check_detail
}  // namespace groupcomm

#define GROUPCOMM_CHECK(condition)                                              \
  do {                                                                          \
    if (!(condition)) [[unlikely]] {                                            \
      ::groupcomm::check_failed(__FILE__, __LINE__, #condition, std::string()); \
    }                                                                           \
  } while (false)

#define GROUPCOMM_CHECK_OP(a, op, b)                                                     \
  do {                                                                                   \
    const auto& check_a = (a);                                                           \
    const auto& check_b = (b);                                                           \
    if (!(check_a op check_b)) [[unlikely]] {                                            \
      ::groupcomm::check_failed(__FILE__, __LINE__, #a " " #op " " #b,                   \
                                ::groupcomm::check_detail::show(check_a) + " against " + \
                                    ::groupcomm::check_detail::show(check_b));           \
    }                                                                                    \
  } while (false)

#define CHECK(condition) GROUPCOMM_CHECK(condition)
#define CHECK_EQ(a, b) GROUPCOMM_CHECK_OP(a, ==, b)
#define CHECK_NE(a, b) GROUPCOMM_CHECK_OP(a, !=, b)
#define CHECK_LT(a, b) GROUPCOMM_CHECK_OP(a, <, b)
#define CHECK_LE(a, b) GROUPCOMM_CHECK_OP(a, <=, b)
#define CHECK_IMPLIES(a, b) GROUPCOMM_CHECK(!(a) || (b))
