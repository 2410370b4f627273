// Trace files: writing them so that they survive a SIGKILL, and reading them back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/verify/trace.h"

namespace groupcomm::verify {

// Appends each record to a file with one write(2): what was written before the process is killed
// is in the file, and at most the last line is cut.
class FileTraceWriter final : public TraceWriter {
 public:
  // Creates or empties the file and writes the header. Where a later record cannot be written (the
  // disk is full), on_end is told why, once; neither it nor what follows is in the file then, whose
  // last line is cut, so that nobody takes it for all that the process saw.
  using OnEnd = std::function<void(const std::string& why)>;
  static Result<std::unique_ptr<FileTraceWriter>> open(const std::string& path,
                                                       const TraceHeader& header,
                                                       OnEnd on_end = {});
  ~FileTraceWriter() override;
  FileTraceWriter(const FileTraceWriter&) = delete;
  FileTraceWriter& operator=(const FileTraceWriter&) = delete;

  void write(const Record& record) override;

  // False from the first write on that failed.
  bool good() const { return good_; }

 private:
  explicit FileTraceWriter(int descriptor) : descriptor_(descriptor) {}
  void write_line(std::string line);
  void end_inside_a_line(std::size_t written);

  int descriptor_;
  OnEnd on_end_;
  bool good_ = true;
};

// What one process wrote, in its order.
struct Trace {
  TraceHeader header;
  std::vector<Record> records;
  std::vector<std::string> notes;  // "FILE:LINE: what was left out and why"
  // Records are missing at its end that the process had written: it may have done and been told
  // more. (A file that ends with a whole line is taken to be all that the process wrote.)
  bool is_cut = false;
  bool is_damaged = false;  // cut, and not only inside its last line
};

// A Failure where the file cannot be read or is no trace of this version. From the first line on
// that is bad, the rest is left out.
Result<Trace> read_trace_file(const std::string& path);

// The same for text that is already in memory; `name` stands for the file in messages.
Result<Trace> parse_trace(std::string_view text, const std::string& name);

// The inverse.
std::string to_text(const Trace& trace);

}  // namespace groupcomm::verify
