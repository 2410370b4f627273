#include "daemon/ctl/line_reader.h"

#include <unistd.h>

#include <cerrno>

namespace groupcomm::ctl {
namespace {

constexpr std::size_t kReadBytes = 64u << 10;

}  // namespace

void LineReader::read_some() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kReadBytes);
  ssize_t got = 0;
  do {
    got = read(descriptor_, buffer_.data() + old_size, kReadBytes);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(old_size + (got > 0 ? static_cast<std::size_t>(got) : 0));
  const bool try_again = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  at_end_ = got <= 0 && !try_again;
}

std::optional<std::string_view> LineReader::next_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      const bool is_too_long = searched_ - begin_ > line_bytes_max_;
      const bool is_last = at_end_ && searched_ > begin_;
      if (!is_too_long && !is_last) return std::nullopt;
      const std::string_view line = std::string_view(buffer_).substr(begin_, line_bytes_max_);
      begin_ = searched_;
      const bool was_skipping = is_skipping_;
      is_skipping_ = !is_last;
      if (was_skipping) return std::nullopt;
      return line;
    }
    std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = searched_ = end + 1;
    if (is_skipping_) {
      is_skipping_ = false;
      continue;
    }
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
}

}  // namespace groupcomm::ctl
