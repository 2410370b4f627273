// groupcommd: the daemon of one host.

#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "daemon/host/daemon_host.h"
#include "daemon/host/options.h"

int main(int argument_count, char** arguments) {
  using namespace groupcomm::daemon;  // NOLINT(google-build-using-namespace)
  const std::vector<std::string> texts(arguments + 1, arguments + argument_count);
  const auto parsed = parse_command_line(texts, read_environment());
  if (const auto* print = std::get_if<PrintAndExit>(&parsed)) {
    (print->code == 0 ? std::cout : std::cerr) << print->text;
    return print->code;
  }
  return run_daemon(std::get<Options>(parsed));
}
