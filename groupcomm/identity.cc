#include "groupcomm/identity.h"

#include <charconv>

namespace groupcomm {
namespace {

// The length of the UTF-8 sequence that starts `text`, or 0 where it is not valid UTF-8
// (overlong forms, surrogates and values above U+10FFFF included).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

Result<std::uint64_t> parse_number(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Failure{"not a number: " + std::string(digits)};
  }
  return value;
}

}  // namespace

std::string to_string(Incarnation incarnation) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[(incarnation.value >> (4 * i)) & 0xF];
  }
  return text;
}

std::string to_string(const DaemonId& id) { return id.name + "#" + to_string(id.incarnation); }

std::string to_string(const ProcessId& id) {
  return id.name + "@" + id.daemon + "#" + to_string(id.key.daemon) + "." +
         std::to_string(id.key.session.value);
}

Result<ProcessId> parse_process_id(std::string_view text) {
  const Failure bad{"not a process name of the form name@daemon#incarnation: " + std::string(text)};
  const std::size_t hash = text.rfind('#');
  if (hash == std::string_view::npos || hash == 0) return bad;
  const std::size_t at = text.rfind('@', hash);
  const std::size_t dot = text.find('.', hash);
  if (at == std::string_view::npos || at == 0 || dot != hash + 17) return bad;
  const auto incarnation = parse_number(text.substr(hash + 1, 16), 16);
  const auto session = parse_number(text.substr(dot + 1), 10);
  if (!incarnation.ok() || !session.ok()) return bad;
  return ProcessId{.name = std::string(text.substr(0, at)),
                   .daemon = std::string(text.substr(at + 1, hash - at - 1)),
                   .key = {Incarnation{incarnation.value()}, SessionId{session.value()}}};
}

std::string why_bad_name(std::string_view name) {
  if (name.empty()) return "a name must not be empty";
  if (name.size() > kNameBytesMax) return "a name must not be longer than 255 bytes";
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t length = utf8_length(name.substr(i));
    if (length == 0) return "a name must be UTF-8";
    const auto lead = static_cast<unsigned char>(name[i]);
    const bool is_c1 = lead == 0xC2 && static_cast<unsigned char>(name[i + 1]) < 0xA0;
    if (lead < 0x20 || lead == 0x7F || is_c1) return "a name must not hold control characters";
    i += length;
  }
  return "";
}

std::string why_bad_daemon_name(std::string_view name) {
  if (name.empty()) return "a name must not be empty";
  if (name.size() > kNameBytesMax) return "a name must not be longer than 255 bytes";
  if (name.front() == '.') return "a name must not start with '.'";
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
    if (!good) return "a name may hold only letters, digits, '.', '-' and '_'";
  }
  return "";
}

GroupKey group_key(std::string_view group_name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, then the finalizer of MurmurHash3
  for (const char c : group_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  return GroupKey{hash == 0 ? 1 : hash};
}

}  // namespace groupcomm
