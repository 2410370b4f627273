// The configuration file, with any text: options, or one line that says what is wrong. Options that
// were read are written and read again without a change.
#include <cstdint>
#include <string_view>

#include "daemon/host/config_file.h"
#include "groupcomm/check.h"

namespace {

void run(std::string_view text) {
  using namespace groupcomm::daemon;
  Options defaults;  // what a host's environment would give
  defaults.core.self.name = "a";
  defaults.socket = "/s";
  const auto options = parse_config(text, "fuzz", defaults);
  if (!options.ok()) {
    CHECK(!options.error().empty());
    CHECK(options.error().find('\n') == std::string::npos);
    return;
  }
  const std::string written = to_toml(options.value());
  const auto again = parse_config(written, "fuzz", defaults);
  CHECK(again.ok());
  CHECK(to_toml(again.value()) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
