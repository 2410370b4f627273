// Lines out of a descriptor, without waiting.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace groupcomm::ctl {

// Reads as much as there is at a time and hands out whole lines.
class LineReader {
 public:
  // A line may have the largest payload, each byte escaped to six.
  static constexpr std::size_t kLineBytesMax = 400u << 20;

  explicit LineReader(int descriptor, std::size_t line_bytes_max = kLineBytesMax)
      : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

  // Reads once. REQUIRES: the descriptor is readable, or reading may wait.
  void read_some();

  // The next whole line without its end, valid until the next read_some. At the end of the input
  // the last line may lack the line feed. A line that is too long gives its beginning, once.
  std::optional<std::string_view> next_line();

  // Everything was read; lines may still wait.
  bool at_end() const { return at_end_; }

 private:
  int descriptor_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;     // of what was not handed out
  std::size_t searched_ = 0;  // no line feed before this
  bool is_skipping_ = false;  // the rest of a line that is too long
  bool at_end_ = false;
};

}  // namespace groupcomm::ctl
