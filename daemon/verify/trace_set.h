// The traces of one run, as somebody collected them: some cut short, damaged, given twice, or not
// there at all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/verify/check.h"

namespace groupcomm::verify {

// Reads what can be read, and says in the run's notes what cannot. Of two files of one process the
// first one counts.
Run read_run(const std::vector<std::string>& paths);

// The same for traces that were read before, each with the name of its file.
class RunCollector {
 public:
  void add(const std::string& name, Result<Trace> trace);
  Run take();

 private:
  struct Source {
    std::string name;
    std::size_t position = 0;  // in the run
  };
  Run run_;
  std::map<std::string, Source> sources_;  // by process, as its start record names it
};

// Whom the traces speak of without a trace of its own being there: one note for each level.
std::vector<std::string> missing_traces(const History& daemons, const History& clients);

}  // namespace groupcomm::verify
