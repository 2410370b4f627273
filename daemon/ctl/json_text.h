// JSON as groupcommctl writes it: one object a line, fields in a fixed order, straight into the
// output buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/payload.h"

namespace groupcomm::ctl {

// The bytes of the well-formed UTF-8 sequence that `text` begins with, or 0.
std::size_t utf8_sequence_length(std::string_view text);
// Well-formed UTF-8, the empty text included.
bool is_utf8(std::string_view text);

// Appends `text` in quotes. REQUIRES: is_utf8(text).
void append_json_string(std::string& out, std::string_view text);

// RFC 4648 base64 with padding.
void append_base64(std::string& out, std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

// Builds one object at the end of `out`. Numbers above 2^53 become strings, since readers of JSON
// may not keep them.
class JsonObject {
 public:
  explicit JsonObject(std::string& out);
  // Ends the object.
  ~JsonObject();
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  JsonObject& add(std::string_view key, std::string_view text);
  JsonObject& add_number(std::string_view key, std::uint64_t number);
  JsonObject& add_bool(std::string_view key, bool value);
  JsonObject& add_processes(std::string_view key, const std::vector<ProcessId>& processes);
  // Already JSON.
  JsonObject& add_json(std::string_view key, std::string_view json);
  // "data" where the bytes are UTF-8, else "data_b64".
  JsonObject& add_data(std::string_view bytes);

 private:
  void add_key(std::string_view key);

  std::string& out_;
  bool is_first_ = true;
};

}  // namespace groupcomm::ctl
