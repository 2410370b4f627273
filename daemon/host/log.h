// The daemon's log: one line each on standard error, "time level text".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spdlog {
class logger;
}

namespace groupcomm::daemon {

// The names that --log-level takes, from the most talkative to none.
const std::vector<std::string>& log_level_names();

class Log {
 public:
  // REQUIRES: `level` is one of log_level_names().
  explicit Log(const std::string& level);
  ~Log();

  // Whether debug lines are wanted: making one costs more than leaving it out.
  bool is_debugging() const;

  void debug(std::string_view text);
  void info(std::string_view text);
  void warning(std::string_view text);
  void error(std::string_view text);

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace groupcomm::daemon
