// Trace files: writing them so that they survive a SIGKILL, and reading them back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/verify/trace.h"

namespace groupcomm::verify {

// Appends each record to a file with one write(2): what was written before the process is killed
// is in the file, and at most the last line is cut.
class FileTraceWriter final : public TraceWriter {
 public:
  // Creates the file, or goes on behind what it holds, and writes the header: a process that is
  // started again with the same file has all its lives in it. Refused is a file that is no trace,
  // or that another process is writing. Where a later record cannot be written (the disk is full),
  // on_end is told why, once; neither it nor what follows is in the file then, whose last line is
  // cut, so that nobody takes it for all that the process saw.
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
  std::optional<std::string> join_file();
  std::optional<std::string> write_first(std::string line);
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
  // Records may be missing at its end that the process had written: it may have done and been told
  // more. Nothing tells a process that was killed from a file that was cut between two lines.
  bool is_cut = false;
  std::string file;                  // empty: from memory
  std::vector<std::uint32_t> lines;  // of the records in that file
};

// A file, with one trace for each time that a process opened it.
struct TraceFile {
  std::vector<Trace> traces;
  std::vector<std::string> notes;  // "FILE:LINE: what was left out and why"
  bool is_damaged = false;         // something is left out, and not only inside a last line
};

// A Failure where the file cannot be read or holds no trace of this version. From the first line of
// a trace on that is bad, its rest is left out.
Result<TraceFile> read_traces(const std::string& path);

// The same for text that is already in memory; `name` stands for the file in messages.
Result<TraceFile> parse_traces(std::string_view text, const std::string& name);

// The inverse.
std::string to_text(const Trace& trace);

}  // namespace groupcomm::verify
