// Immutable, reference-counted bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "groupcomm/check.h"

namespace groupcomm {

// A run of bytes and a share in whatever owns them (a received frame, a string, a vector), so that
// a message body is not copied on its way through a daemon. Copies of a Payload share the bytes.
class Payload {
 public:
  Payload() = default;

  // Bytes that stay valid as long as `owner` lives.
  Payload(std::shared_ptr<const void> owner, const std::byte* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}

  static Payload copy_of(std::string_view text) {
    auto owner = std::make_shared<const std::string>(text);
    const auto* data = reinterpret_cast<const std::byte*>(owner->data());
    const std::size_t size = owner->size();
    return Payload(std::move(owner), data, size);
  }
  static Payload copy_of(std::span<const std::byte> bytes) {
    return copy_of(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // A part of these bytes that shares their owner. REQUIRES: offset + size <= this->size().
  Payload slice(std::size_t offset, std::size_t size) const {
    CHECK_LE(offset, size_);
    CHECK_LE(size, size_ - offset);
    return Payload(owner_, data_ + offset, size);
  }

  friend bool operator==(const Payload& a, const Payload& b) { return a.text() == b.text(); }

 private:
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace groupcomm
