#include "daemon/host/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace groupcomm::daemon {

const std::vector<std::string>& log_level_names() {
  static const std::vector<std::string> names = {"debug", "info", "warning", "error", "off"};
  return names;
}

Log::Log(const std::string& level)
    : logger_(std::make_unique<spdlog::logger>("groupcommd",
                                               std::make_shared<spdlog::sinks::stderr_sink_st>())) {
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger_->set_level(spdlog::level::from_str(level));
  logger_->flush_on(spdlog::level::debug);
}

Log::~Log() = default;

bool Log::is_debugging() const { return logger_->should_log(spdlog::level::debug); }

void Log::debug(std::string_view text) { logger_->debug("{}", text); }
void Log::info(std::string_view text) { logger_->info("{}", text); }
void Log::warning(std::string_view text) { logger_->warn("{}", text); }
void Log::error(std::string_view text) { logger_->error("{}", text); }

}  // namespace groupcomm::daemon
