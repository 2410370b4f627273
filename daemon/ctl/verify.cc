// groupcommctl verify
#include <utility>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/output.h"
#include "daemon/verify/check.h"
#include "daemon/verify/trace_file.h"

namespace groupcomm::ctl {

int VerifyCommand::run() const {
  verify::Run run;
  for (const std::string& path : traces) {
    auto trace = verify::read_trace_file(path);
    if (!trace.ok()) throw CommandFailed{trace.error()};
    run.traces.push_back(std::move(trace).value());
  }
  const verify::Verdict verdict = verify::check(run);
  std::string text = verify::to_text(verdict);
  if (!text.empty() && text.back() != '\n') text += '\n';
  write_out(text);
  if (verdict.violations.empty()) return 0;
  const verify::Violation& first = verdict.violations.front();
  throw CommandFailed{first.property + " is violated: " + first.sentence};
}

}  // namespace groupcomm::ctl
