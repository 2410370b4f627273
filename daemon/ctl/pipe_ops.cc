#include "daemon/ctl/pipe_ops.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/ctl/json_text.h"

namespace groupcomm::ctl {
namespace {

using nlohmann::json;

// Reads the fields of one command and remembers the first thing that is wrong.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  std::string id() const {
    const auto found = object_.find("id");
    return found == object_.end() ? "null" : found->dump();
  }

  std::optional<std::string> optional_text(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    fail(key, "a text");
    return std::nullopt;
  }

  std::string text(const char* key) {
    if (auto value = optional_text(key)) return *std::move(value);
    fail(key, "a text");
    return {};
  }

  bool flag(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) return false;
    if (found->is_boolean()) return found->get<bool>();
    fail(key, "true or false");
    return false;
  }

  // A text, or a list of texts.
  std::vector<std::string> texts(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_array()) return {text(key)};
    std::vector<std::string> values;
    for (const json& value : *found) {
      if (value.is_string()) {
        values.push_back(value.get<std::string>());
      } else {
        fail(key, "a text or a list of texts");
      }
    }
    if (values.empty()) fail(key, "a text or a list of texts");
    return values;
  }

  void fail(const char* key, const char* expected) {
    if (!failure_) failure_ = Failure{"\"" + std::string(key) + "\" must be " + expected};
  }

  const std::optional<Failure>& failure() const { return failure_; }

 private:
  const json& object_;
  std::optional<Failure> failure_;
};

// The beginning of a line, not cut inside a character.
std::string excerpt(std::string_view line) {
  constexpr std::size_t kBytesMax = 80;
  if (line.size() <= kBytesMax) return std::string(line);
  std::size_t size = kBytesMax;
  while (size > 0 && (static_cast<unsigned char>(line[size]) & 0xC0) == 0x80) --size;
  return std::string(line.substr(0, size)) + "...";
}

PipeOp parse_join(Fields& fields) {
  JoinOp op{.group = fields.text("group"), .options = {}, .id = fields.id()};
  if (const auto sync = fields.optional_text("sync")) {
    if (*sync != "flush") fields.fail("sync", "\"flush\"");
    op.options.flush = true;
  }
  op.options.uniform = fields.flag("uniform");
  return op;
}

Payload parse_data(Fields& fields) {
  const auto data = fields.optional_text("data");
  const auto encoded = fields.optional_text("data_b64");
  if (data.has_value() == encoded.has_value()) {
    fields.fail("data", "there, or else \"data_b64\"");
    return {};
  }
  if (data) return Payload::copy_of(*data);
  const auto bytes = decode_base64(*encoded);
  if (!bytes) fields.fail("data_b64", "base64");
  return bytes ? Payload::copy_of(*bytes) : Payload();
}

PipeOp parse_send(Fields& fields) {
  SendOp op;
  op.groups = fields.texts("group");
  op.id = fields.id();
  if (const auto name = fields.optional_text("order")) {
    const auto order = parse_order(*name);
    if (order.ok()) op.order = order.value();
    if (!order.ok()) fields.fail("order", "reliable, fifo, causal, total or safe");
  }
  op.payload = parse_data(fields);
  op.to = fields.optional_text("to");
  op.self_discard = fields.flag("self_discard");
  op.notify_safe = fields.flag("notify_safe");
  return op;
}

Result<PipeOp> parse_named(const std::string& name, Fields& fields) {
  if (name == "join") return parse_join(fields);
  if (name == "send") return parse_send(fields);
  if (name == "quit") return PipeOp(QuitOp{});
  if (name == "leave") {
    return PipeOp(LeaveOp{.group = fields.text("group"), .id = fields.id()});
  }
  if (name == "block_ok") {
    return PipeOp(BlockOkOp{.group = fields.text("group"), .id = fields.id()});
  }
  return Failure{"unknown op \"" + name + "\": use join, leave, send, block_ok or quit"};
}

}  // namespace

Result<PipeOp> parse_pipe_op(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (object.is_discarded()) return Failure{"not JSON: " + excerpt(line)};
  if (!object.is_object()) return Failure{"not a JSON object: " + excerpt(line)};
  Fields fields(object);
  const std::string name = fields.text("op");
  if (fields.failure()) return *fields.failure();
  auto op = parse_named(name, fields);
  if (fields.failure()) return *fields.failure();
  return op;
}

}  // namespace groupcomm::ctl
