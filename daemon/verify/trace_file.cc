#include "daemon/verify/trace_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/verify/history.h"

namespace groupcomm::verify {
namespace {

// What whoever goes on behind a cut line puts there. No record ends with it.
constexpr std::string_view kCutMark = " (cut)";

}  // namespace

Result<std::unique_ptr<FileTraceWriter>> FileTraceWriter::open(const std::string& path,
                                                               const TraceHeader& header,
                                                               OnEnd on_end) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return Failure{path + ": " + std::strerror(errno)};
  std::unique_ptr<FileTraceWriter> writer(new FileTraceWriter(descriptor));
  if (const auto refusal = writer->join_file()) return Failure{path + ": " + *refusal};
  if (const auto failure = writer->write_first(to_line(header))) {
    return Failure{path + ": " + *failure};
  }
  writer->on_end_ = std::move(on_end);
  return writer;
}

// Goes to the beginning of a line behind what the file holds, or says why it cannot be.
std::optional<std::string> FileTraceWriter::join_file() {
  struct stat file {};
  if (fstat(descriptor_, &file) != 0) return std::strerror(errno);
  if (!S_ISREG(file.st_mode)) return std::nullopt;
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return "another process is writing it";
  }
  if (file.st_size == 0) return std::nullopt;
  const std::string magic = std::string(kTraceMagic) + ' ';
  std::array<char, kTraceMagic.size() + 1> begin{};
  const ssize_t size = pread(descriptor_, begin.data(), begin.size(), 0);
  if (size < 0) return std::strerror(errno);
  const std::string_view found(begin.data(), static_cast<std::size_t>(size));
  if (found != magic.substr(0, found.size())) return "is there and is no groupcomm trace";
  char last = 0;
  if (pread(descriptor_, &last, 1, file.st_size - 1) == 1 && last == '\n') return std::nullopt;
  return write_first(std::string(kCutMark));
}

// The line, or why it cannot be: then nothing of it stays.
std::optional<std::string> FileTraceWriter::write_first(std::string line) {
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  std::string failure;
  on_end_ = [&](const std::string& why) { failure = why; };
  write_line(std::move(line));
  if (good_) return std::nullopt;
  [[maybe_unused]] const int shortened = ftruncate(descriptor_, size);
  return failure;
}

FileTraceWriter::~FileTraceWriter() { ::close(descriptor_); }

void FileTraceWriter::write(const Record& record) { write_line(to_line(record)); }

void FileTraceWriter::write_line(std::string line) {
  line += '\n';
  for (std::size_t done = 0; good_ && done < line.size();) {
    const ssize_t n = ::write(descriptor_, line.data() + done, line.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      const std::string why = std::strerror(errno);
      good_ = false;
      end_inside_a_line(done);
      if (on_end_) on_end_(why);
    }
  }
}

// Of a line that does not end a part stands in the file: of this one, or of the one before.
void FileTraceWriter::end_inside_a_line(std::size_t written) {
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  if (written > 0 || size <= 0) return;
  // Where even this fails the file ends with a whole line: nothing more can be done.
  [[maybe_unused]] const int shortened = ftruncate(descriptor_, size - 1);
}

namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_header(std::string_view line) { return line.substr(0, line.find(' ')) == kTraceMagic; }

// Who wrote the record, as far as it says. (A daemon writes what its clients send.)
std::string_view writer_of(const Record& record, Role role) {
  const auto* send = std::get_if<record::Send>(&record);
  if (send != nullptr && role == Role::kDaemon) return daemon_of(send->p);
  const std::string& p =
      std::visit([](const auto& r) -> const std::string& { return r.p; }, record);
  return role == Role::kDaemon ? std::string_view(p) : split_member(p).first;
}

bool is_end(const Record& record) {
  return std::holds_alternative<record::Exit>(record) ||
         std::holds_alternative<record::Crash>(record);
}

// The driver of a run writes these, also of a process that has ended.
bool is_by_driver(const Record& record) {
  return std::holds_alternative<record::Pause>(record) ||
         std::holds_alternative<record::Resume>(record);
}

// Line by line: each header begins a trace.
class TraceParser {
 public:
  explicit TraceParser(const std::string& name) : name_(name) {}

  void read(std::string_view line, bool is_whole) {
    if (is_header(line)) end();
    ++number_;
    if (ends_with(line, kCutMark)) is_whole = false;
    if (is_header(line)) {
      begin(line, is_whole);
    } else if (number_ == 1) {
      leave_out("not a groupcomm trace");
    } else if (is_skipping_) {
      ++skipped_;
    } else if (!is_whole) {
      note("the last line is cut and is left out");
      file_.traces.back().is_cut = true;
    } else {
      add(line);
    }
  }

  Result<TraceFile> take() {
    end();
    if (number_ == 0) return Failure{name_ + ": the file is empty"};
    if (file_.traces.empty()) return Failure{refusal_};
    return std::move(file_);
  }

 private:
  void begin(std::string_view line, bool is_whole) {
    auto header = is_whole ? parse_header(line) : Failure{"the header is cut"};
    if (!header.ok()) return leave_out(header.error());
    file_.traces.push_back({.header = header.value(), .records = {}, .file = name_, .lines = {}});
    is_skipping_ = false;
    process_.clear();
    has_ended_ = false;
  }

  void add(std::string_view line) {
    Trace& trace = file_.traces.back();
    auto record = parse_line(line);
    const std::string wrong = record.ok() ? why_misplaced(record.value()) : record.error();
    if (!wrong.empty()) {
      trace.is_cut = true;
      return leave_out(wrong);
    }
    trace.records.push_back(std::move(record).value());
    trace.lines.push_back(number_);
  }

  // Lines of another process, or of one that has not begun here or has ended: the file is mixed up.
  std::string why_misplaced(const Record& record) {
    const Role role = file_.traces.back().header.role;
    if (const auto* start = std::get_if<record::Start>(&record)) {
      // (A client that did not wait for the end of its memberships has not told its own.)
      const bool is_other = !process_.empty() && process_ != start->p;
      if (role == Role::kDaemon && is_other && !has_ended_)
        return "of " + start->p + " before the end of " + process_;
      process_ = start->p;
      has_ended_ = false;
      return "";
    }
    const std::string_view writer = writer_of(record, role);
    if (writer.empty()) return "";
    if (process_.empty()) return "of " + std::string(writer) + ", which has not begun here";
    if (writer != process_) return "of " + std::string(writer) + " in the trace of " + process_;
    if (has_ended_ && !is_by_driver(record)) return "of " + process_ + ", which has ended";
    has_ended_ = has_ended_ || is_end(record);
    return "";
  }

  void leave_out(const std::string& why) {
    is_skipping_ = true;
    skipped_ = 0;
    refusal_ = where() + why;
  }

  // Behind the last line of a trace.
  void end() {
    if (is_skipping_) {
      if (refusal_.empty()) return;
      file_.notes.push_back(refusal_ + ": this line and the " + std::to_string(skipped_) +
                            " behind it are left out");
      file_.is_damaged = true;
      return;
    }
    Trace& trace = file_.traces.back();
    if (trace.is_cut || has_ended(trace)) return;
    note("ends without `exit` or `crash`: the process was killed, or lines are missing");
    trace.is_cut = true;
  }

  static bool has_ended(const Trace& trace) {
    for (auto record = trace.records.rbegin(); record != trace.records.rend(); ++record) {
      if (std::holds_alternative<record::Start>(*record)) return false;
      if (std::holds_alternative<record::Exit>(*record)) return true;
      if (std::holds_alternative<record::Crash>(*record)) return true;
    }
    return false;
  }

  std::string where() const { return name_ + ":" + std::to_string(number_) + ": "; }
  void note(const std::string& what) { file_.notes.push_back(where() + what); }

  std::string name_;
  TraceFile file_;
  std::uint32_t number_ = 0;  // of the line
  bool is_skipping_ = true;   // until the next header
  std::uint32_t skipped_ = 0;
  std::string refusal_;  // why lines are left out
  std::string process_;  // that has begun last in this trace
  bool has_ended_ = false;
};

}  // namespace

Result<TraceFile> read_traces(const std::string& path) {
  if (std::filesystem::is_directory(path)) return Failure{path + ": is a folder"};
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure{path + ": cannot be opened"};
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return Failure{path + ": cannot be read"};
  return parse_traces(text.str(), path);
}

Result<TraceFile> parse_traces(std::string_view text, const std::string& name) {
  TraceParser parser(name);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    parser.read(text.substr(begin, end - begin), end < text.size());
    begin = end + 1;
  }
  return parser.take();
}

std::string to_text(const Trace& trace) {
  std::string text = to_line(trace.header) + '\n';
  for (const Record& record : trace.records) text += to_line(record) + '\n';
  return text;
}

}  // namespace groupcomm::verify
