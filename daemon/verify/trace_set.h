// The traces of one run, as somebody collected them: some cut short, damaged, given twice, or not
// there at all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/verify/check.h"

namespace groupcomm::verify {

// Reads what can be read, and says in the run's notes what cannot, and whose traces are missing. Of
// two traces of one process the longer one counts where the other is its beginning, else the first.
Run read_run(const std::vector<std::string>& paths);

// The same for files that were read before, each with its name.
class RunCollector {
 public:
  void add(const std::string& name, Result<TraceFile> file);
  Run take();

 private:
  // Whether the trace is to be kept.
  bool add(const std::string& name, Trace trace);

  Run run_;
  std::map<std::string, std::size_t> positions_;  // in the run, by process as its start names it
};

}  // namespace groupcomm::verify
