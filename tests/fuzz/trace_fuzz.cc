// Traces, with any text, as `groupcommctl verify` takes them: records, or one line that says what
// is wrong. Records that were read are written and read again without a change, several files make
// one run, and the checkers come to a verdict on whatever they say.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/verify/check.h"
#include "daemon/verify/trace_file.h"
#include "daemon/verify/trace_set.h"
#include "groupcomm/check.h"

namespace {

using namespace groupcomm::verify;

// Between two traces of one run. No record holds it.
constexpr std::string_view kNextTrace = "\n====\n";

void check_round_trip(const Trace& trace) {
  const std::string written = to_text(trace);
  const auto again = parse_traces(written, "again");
  CHECK(again.ok());
  CHECK(to_text(again.value().traces.front()) == written);
}

void run(std::string_view text) {
  RunCollector collector;
  for (std::size_t number = 0; !text.empty(); ++number) {
    const std::string name = "fuzz" + std::to_string(number);
    const std::size_t end = text.find(kNextTrace);
    auto file = parse_traces(text.substr(0, end), name);
    text = end == std::string_view::npos ? "" : text.substr(end + kNextTrace.size());
    if (file.ok()) {
      for (const Trace& trace : file.value().traces) check_round_trip(trace);
    }
    collector.add(name, std::move(file));
  }
  Run traces = collector.take();
  static_cast<void>(to_text(check(traces)));
  traces.converged = true;
  static_cast<void>(check(traces));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
