// Traces, with any text: records, or one line that says what is wrong. Records that were read are
// written and read again without a change, and the checkers come to a verdict on whatever they say.
#include <cstdint>
#include <string_view>

#include "daemon/verify/check.h"
#include "daemon/verify/trace_file.h"
#include "groupcomm/check.h"

namespace {

// Between two traces of one run. No record holds it.
constexpr std::string_view kNextTrace = "\n====\n";

void run(std::string_view text) {
  using namespace groupcomm::verify;
  Run traces;
  while (!text.empty()) {
    const std::size_t end = text.find(kNextTrace);
    const auto file = parse_traces(text.substr(0, end), "fuzz");
    text = end == std::string_view::npos ? "" : text.substr(end + kNextTrace.size());
    if (!file.ok()) continue;
    for (const Trace& trace : file.value().traces) {
      const std::string written = to_text(trace);
      const auto again = parse_traces(written, "fuzz");
      CHECK(again.ok());
      CHECK(to_text(again.value().traces.front()) == written);
      traces.traces.push_back(trace);
    }
  }
  static_cast<void>(to_text(check(traces)));
  traces.converged = true;
  static_cast<void>(check(traces));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
