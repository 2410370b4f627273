// Records to lines and back.
#include <charconv>
#include <map>
#include <type_traits>

#include "daemon/verify/trace.h"

namespace groupcomm::verify {
namespace {

constexpr std::string_view kVersion = "1";

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7F || c == '%' || c == '=' || c == ',';
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (needs_escape(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    } else {
      out += c;
    }
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (needs_escape(text[i])) return std::nullopt;
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string hex(std::uint64_t value) { return to_string(Incarnation{value}); }

// --- one record, field by field ------------------------------------------------------------------
//
// describe() names the fields of each record once; LineWriter and LineReader walk over them.

class LineWriter {
 public:
  explicit LineWriter(std::string_view kind) : line_(kind) {}

  void text(std::string_view key, const std::string& value) {
    begin(key);
    append_escaped(line_, value);
  }
  // A text that most records do not have.
  void rare_text(std::string_view key, const std::string& value) {
    if (!value.empty()) text(key, value);
  }
  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    line_ += std::to_string(value);
  }
  void rare_number(std::string_view key, const std::optional<std::uint64_t>& value) {
    if (value) number(key, *value);
  }
  void hash(std::string_view key, std::uint64_t value) {
    begin(key);
    line_ += hex(value);
  }
  void flag(std::string_view key, bool value) { number(key, value ? 1 : 0); }
  void rare_flag(std::string_view key, bool value) {
    if (value) flag(key, value);
  }
  void order(std::string_view key, Order value) { text(key, to_string(value)); }
  void list(std::string_view key, const std::vector<std::string>& values) {
    begin(key);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) line_ += ',';
      append_escaped(line_, values[i]);
    }
  }
  // Each as "reason:member": no reason holds a colon.
  void left(std::string_view key, const std::vector<record::Left>& values) {
    std::vector<std::string> texts;
    for (const record::Left& one : values) texts.push_back(one.reason + ":" + one.member);
    list(key, texts);
  }

  std::string take() { return std::move(line_); }

 private:
  void begin(std::string_view key) {
    line_ += ' ';
    line_ += key;
    line_ += '=';
  }
  std::string line_;
};

class LineReader {
 public:
  using Fields = std::map<std::string_view, std::string_view, std::less<>>;
  explicit LineReader(Fields fields) : fields_(std::move(fields)) {}

  void text(std::string_view key, std::string& value) {
    if (const auto raw = required(key)) value = unescaped(key, *raw);
  }
  void rare_text(std::string_view key, std::string& value) {
    if (fields_.contains(key)) text(key, value);
  }
  void number(std::string_view key, std::uint64_t& value) { integer(key, 10, value); }
  void rare_number(std::string_view key, std::optional<std::uint64_t>& value) {
    if (fields_.contains(key)) number(key, value.emplace());
  }
  void hash(std::string_view key, std::uint64_t& value) { integer(key, 16, value); }
  void flag(std::string_view key, bool& value) {
    std::uint64_t bit = 0;
    number(key, bit);
    if (bit > 1) fail("key \"" + std::string(key) + "\" is neither 0 nor 1");
    value = bit == 1;
  }
  void rare_flag(std::string_view key, bool& value) {
    if (fields_.contains(key)) flag(key, value);
  }
  void order(std::string_view key, Order& value) {
    std::string name;
    text(key, name);
    if (!error_.empty()) return;
    const Result<Order> parsed = parse_order(name);
    if (parsed.ok()) {
      value = parsed.value();
    } else {
      fail(parsed.error());
    }
  }
  void list(std::string_view key, std::vector<std::string>& values) {
    const auto raw = required(key);
    if (!raw || raw->empty()) return;
    for (std::size_t begin = 0; begin <= raw->size();) {
      const std::size_t end = std::min(raw->find(',', begin), raw->size());
      values.push_back(unescaped(key, raw->substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  void left(std::string_view key, std::vector<record::Left>& values) {
    std::vector<std::string> texts;
    list(key, texts);
    for (const std::string& text : texts) {
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) return fail("no reason in \"" + text + "\"");
      values.push_back({.member = text.substr(colon + 1), .reason = text.substr(0, colon)});
    }
  }

  const std::string& error() const { return error_; }

 private:
  std::optional<std::string_view> required(std::string_view key) {
    const auto found = fields_.find(key);
    if (found != fields_.end()) return found->second;
    fail("key \"" + std::string(key) + "\" is missing");
    return std::nullopt;
  }
  std::string unescaped(std::string_view key, std::string_view raw) {
    if (auto text = unescape(raw)) return *std::move(text);
    fail("bad escape in key \"" + std::string(key) + "\"");
    return {};
  }
  void integer(std::string_view key, int base, std::uint64_t& value) {
    const auto raw = required(key);
    if (!raw) return;
    const auto [end, error] = std::from_chars(raw->data(), raw->data() + raw->size(), value, base);
    if (error != std::errc() || end != raw->data() + raw->size()) {
      fail("key \"" + std::string(key) + "\" is not a number");
    }
  }
  void fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
  }

  Fields fields_;
  std::string error_;
};

// Records with no more than who, or who and where.
template <typename R>
concept OnlyProcess = std::same_as<std::remove_const_t<R>, record::Start> ||
    std::same_as<std::remove_const_t<R>, record::Exit> ||
    std::same_as<std::remove_const_t<R>, record::Crash> ||
    std::same_as<std::remove_const_t<R>, record::Pause> ||
    std::same_as<std::remove_const_t<R>, record::Resume>;

template <typename Line, typename R>
void describe(Line& line, R& r) {
  using T = std::remove_const_t<R>;
  line.text("p", r.p);
  if constexpr (!OnlyProcess<R>) line.text("g", r.g);
  if constexpr (std::is_same_v<T, record::View>) {
    line.text("id", r.id);
    line.list("members", r.members);
    line.flag("primary", r.primary);
    line.list("joined", r.joined);
    line.left("left", r.left);
    line.list("transitional", r.transitional);
    line.rare_flag("recovered", r.recovered);
    line.rare_flag("forced", r.forced);
    line.rare_text("lineage", r.lineage);
    line.rare_text("ancestor", r.ancestor);
    line.rare_flag("uniform", r.uniform);
    line.rare_flag("flush", r.flush);
  } else if constexpr (std::is_same_v<T, record::Transition>) {
    line.list("transitional", r.transitional);
  } else if constexpr (std::is_same_v<T, record::BlockOk>) {
    line.rare_number("request", r.request);
  } else if constexpr (std::is_same_v<T, record::Lead> || std::is_same_v<T, record::Act>) {
    line.text("view", r.view);
  } else if constexpr (std::is_same_v<T, record::Send>) {
    line.number("number", r.number);
    line.order("order", r.order);
    line.text("view", r.view);
    line.flag("member", r.member);
    line.rare_flag("self_discard", r.self_discard);
    line.rare_text("to", r.to);
    line.hash("hash", r.hash);
    line.number("size", r.size);
    line.rare_number("seen", r.seen);
    line.rare_number("request", r.request);
    line.rare_text("asked_in", r.asked_in);
    line.rare_number("daemon_number", r.daemon_number);
  } else if constexpr (std::is_same_v<T, record::Deliver>) {
    line.text("view", r.view);
    line.text("sender", r.sender);
    line.number("number", r.number);
    line.order("order", r.order);
    line.hash("hash", r.hash);
    line.number("size", r.size);
    line.rare_text("destination", r.destination);
  } else if constexpr (std::is_same_v<T, record::Safe> || std::is_same_v<T, record::SendFail>) {
    line.number("number", r.number);
  } else if constexpr (std::is_same_v<T, record::Reject> || std::is_same_v<T, record::Gone>) {
    line.text("reason", r.reason);
  }
}

// By position in the variant.
constexpr std::string_view kKinds[] = {"start", "exit",     "crash",     "view",   "transition",
                                       "block", "block_ok", "send",      "reject", "deliver",
                                       "safe",  "sendfail", "suspended", "gone",   "lead",
                                       "act",   "pause",    "resume"};
static_assert(std::size(kKinds) == std::variant_size_v<Record>);

template <std::size_t I = 0>
std::optional<Record> make_record(std::string_view kind) {
  if constexpr (I < std::variant_size_v<Record>) {
    if (kKinds[I] == kind) return Record(std::in_place_index<I>);
    return make_record<I + 1>(kind);
  } else {
    return std::nullopt;
  }
}

// "KIND key=value ..." in its parts.
Result<std::pair<std::string_view, LineReader::Fields>> split_line(std::string_view line) {
  const std::size_t kind_end = std::min(line.find(' '), line.size());
  LineReader::Fields fields;
  for (std::size_t begin = kind_end; begin < line.size();) {
    ++begin;
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    const std::string_view field = line.substr(begin, end - begin);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) {
      return Failure{"no '=' in \"" + std::string(field) + "\""};
    }
    if (!fields.emplace(field.substr(0, equals), field.substr(equals + 1)).second) {
      return Failure{"twice the same key in \"" + std::string(field) + "\""};
    }
    begin = end;
  }
  return std::pair(line.substr(0, kind_end), std::move(fields));
}

}  // namespace

std::string to_line(const Record& record) {
  return std::visit(
      [&](const auto& r) {
        LineWriter line(kKinds[record.index()]);
        describe(line, r);
        return line.take();
      },
      record);
}

Result<Record> parse_line(std::string_view line) {
  auto parts = split_line(line);
  if (!parts.ok()) return Failure{parts.error()};
  std::optional<Record> record = make_record(parts.value().first);
  if (!record) return Failure{"unknown kind \"" + std::string(parts.value().first) + "\""};
  LineReader reader(parts.value().second);
  std::visit([&](auto& r) { describe(reader, r); }, *record);
  if (!reader.error().empty()) return Failure{reader.error()};
  return *std::move(record);
}

std::string to_line(const TraceHeader& header) {
  LineWriter line(std::string(kTraceMagic) + " " + std::string(kVersion));
  line.text("role", header.role == Role::kDaemon ? "daemon" : "client");
  line.text("name", header.name);
  return line.take();
}

Result<TraceHeader> parse_header(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (line.substr(0, space) != kTraceMagic) return Failure{"not a groupcomm trace"};
  if (space == std::string_view::npos) return Failure{"the header names no version"};
  const std::string_view rest = line.substr(space + 1);
  auto parts = split_line(rest);
  if (!parts.ok()) return Failure{parts.error()};
  if (parts.value().first != kVersion) {
    return Failure{"unknown version of the trace format: " + std::string(parts.value().first)};
  }
  LineReader reader(parts.value().second);
  TraceHeader header;
  std::string role;
  reader.text("role", role);
  reader.rare_text("name", header.name);
  if (!reader.error().empty()) return Failure{reader.error()};
  if (role != "daemon" && role != "client") return Failure{"unknown role \"" + role + "\""};
  header.role = role == "daemon" ? Role::kDaemon : Role::kClient;
  return header;
}

}  // namespace groupcomm::verify
