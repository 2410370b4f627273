#include "daemon/ctl/json_text.h"

#include <array>

namespace groupcomm::ctl {
namespace {

constexpr std::uint64_t kExactNumberMax = 1ull << 53;

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a digit stands for; 64: none.
constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = 64;
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
    values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kBase64Values = make_base64_values();

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) length = 2;
  if (lead >= 0xE0 && lead < 0xF0) length = 3;
  if (lead >= 0xF0 && lead < 0xF5) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    }
  }
  out += '"';
}

void append_base64(std::string& out, std::string_view bytes) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kBase64Digits[group >> 18];
    out += kBase64Digits[group >> 12 & 63];
    out += i + 1 < bytes.size() ? kBase64Digits[group >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kBase64Digits[group & 63] : '=';
  }
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool is_last = i + 4 == text.size();
    std::size_t padding = 0;
    if (is_last && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const bool is_padding = k >= 4 - padding;
      const std::uint32_t value =
          is_padding ? 0 : kBase64Values[static_cast<unsigned char>(text[i + k])];
      if (value > 63) return std::nullopt;
      group = group << 6 | value;
    }
    // Bits that stand for no byte must be 0, so that bytes have one form.
    if ((padding == 1 && (group & 0xFF) != 0) || (padding == 2 && (group & 0xFFFF) != 0)) {
      return std::nullopt;
    }
    bytes += static_cast<char>(group >> 16);
    if (padding < 2) bytes += static_cast<char>(group >> 8 & 0xFF);
    if (padding < 1) bytes += static_cast<char>(group & 0xFF);
  }
  return bytes;
}

JsonObject::JsonObject(std::string& out) : out_(out) { out_ += '{'; }

JsonObject::~JsonObject() { out_ += '}'; }

void JsonObject::add_key(std::string_view key) {
  if (!is_first_) out_ += ',';
  is_first_ = false;
  append_json_string(out_, key);
  out_ += ':';
}

JsonObject& JsonObject::add(std::string_view key, std::string_view text) {
  add_key(key);
  append_json_string(out_, text);
  return *this;
}

JsonObject& JsonObject::add_number(std::string_view key, std::uint64_t number) {
  const std::string text = std::to_string(number);
  return number <= kExactNumberMax ? add_json(key, text) : add(key, text);
}

JsonObject& JsonObject::add_bool(std::string_view key, bool value) {
  return add_json(key, value ? "true" : "false");
}

JsonObject& JsonObject::add_processes(std::string_view key,
                                      const std::vector<ProcessId>& processes) {
  add_key(key);
  out_ += '[';
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (i > 0) out_ += ',';
    append_json_string(out_, to_string(processes[i]));
  }
  out_ += ']';
  return *this;
}

JsonObject& JsonObject::add_json(std::string_view key, std::string_view json) {
  add_key(key);
  out_ += json;
  return *this;
}

JsonObject& JsonObject::add_data(std::string_view bytes) {
  if (is_utf8(bytes)) return add("data", bytes);
  add_key("data_b64");
  out_ += '"';
  append_base64(out_, bytes);
  out_ += '"';
  return *this;
}

}  // namespace groupcomm::ctl
