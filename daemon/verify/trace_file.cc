#include "daemon/verify/trace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace groupcomm::verify {

Result<std::unique_ptr<FileTraceWriter>> FileTraceWriter::open(const std::string& path,
                                                               const TraceHeader& header,
                                                               OnEnd on_end) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return Failure{path + ": " + std::strerror(errno)};
  std::unique_ptr<FileTraceWriter> writer(new FileTraceWriter(descriptor));
  std::string failure;
  writer->on_end_ = [&](const std::string& why) { failure = why; };
  writer->write_line(to_line(header));
  if (!writer->good()) return Failure{path + ": " + failure};
  writer->on_end_ = std::move(on_end);
  return writer;
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

Result<Trace> read_trace_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure{path + ": cannot be opened"};
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return Failure{path + ": cannot be read"};
  return parse_trace(text.str(), path);
}

Result<Trace> parse_trace(std::string_view text, const std::string& name) {
  Trace trace;
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++line_number;
    const std::size_t end = text.find('\n', begin);
    const std::string where = name + ":" + std::to_string(line_number) + ": ";
    const bool is_last = end == std::string_view::npos;
    const std::string_view line = text.substr(begin, is_last ? end : end - begin);
    begin = is_last ? text.size() : end + 1;
    if (line_number == 1) {
      auto header = parse_header(line);
      if (!header.ok()) return Failure{where + header.error()};
      trace.header = header.value();
      trace.is_cut = is_last;
      continue;
    }
    if (is_last) {
      trace.notes.push_back(where + "the last line is cut and is left out");
      trace.is_cut = true;
      break;
    }
    auto record = parse_line(line);
    if (!record.ok()) {
      const auto behind =
          std::count(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '\n');
      trace.notes.push_back(where + record.error() + ": this line and the " +
                            std::to_string(behind) + " behind it are left out");
      trace.is_cut = trace.is_damaged = true;
      break;
    }
    trace.records.push_back(std::move(record).value());
  }
  if (line_number == 0) return Failure{name + ": the file is empty"};
  return trace;
}

std::string to_text(const Trace& trace) {
  std::string text = to_line(trace.header) + '\n';
  for (const Record& record : trace.records) text += to_line(record) + '\n';
  return text;
}

}  // namespace groupcomm::verify
