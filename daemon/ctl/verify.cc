// groupcommctl verify
#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/output.h"
#include "daemon/verify/check.h"
#include "daemon/verify/trace_set.h"

namespace groupcomm::ctl {

int VerifyCommand::run() const {
  const verify::Verdict verdict = verify::check(verify::read_run(traces));
  std::string text = verify::to_text(verdict);
  if (!text.empty() && text.back() != '\n') text += '\n';
  write_out(text);
  if (verdict.violations.empty() && verdict.damaged_traces == 0) return 0;
  if (verdict.violations.empty()) {
    throw CommandFailed{std::to_string(verdict.damaged_traces) + " of " +
                        std::to_string(traces.size()) +
                        " files could not be checked, or not in full"};
  }
  const verify::Violation& first = verdict.violations.front();
  throw CommandFailed{first.property + " is violated: " + first.sentence};
}

}  // namespace groupcomm::ctl
