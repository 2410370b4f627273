#include "daemon/ctl/bench_report.h"

#include <algorithm>
#include <cstdio>

namespace groupcomm::ctl {
namespace {

using Json = nlohmann::ordered_json;

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[index];
}

// Replaces the single times by what is asked of them.
void sum_up_times(Json& member) {
  const auto times = member.at("us").get<std::vector<double>>();
  member.erase("us");
  if (times.empty()) return;
  member["samples"] = times.size();
  for (const auto& [name, share] :
       {std::pair{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"max_us", 1.0}}) {
    member[name] = percentile(times, share);
  }
}

std::string line_of(const Json& member, bool latency) {
  char line[256];
  const std::string process = member.at("process");
  if (latency) {
    const bool is_self = member.at("node") == 1;
    std::snprintf(line, sizeof line, "%-40.40s %-7s %8.0f %8.0f %8.0f %8.0f\n", process.c_str(),
                  is_self ? "self" : "remote", member.value("p50_us", 0.0),
                  member.value("p90_us", 0.0), member.value("p99_us", 0.0),
                  member.value("max_us", 0.0));
  } else {
    std::snprintf(line, sizeof line, "%-40.40s %12llu %12llu %10.3f %12.0f\n", process.c_str(),
                  static_cast<unsigned long long>(member.at("sent")),
                  static_cast<unsigned long long>(member.at("delivered")),
                  member.at("seconds").get<double>(), member.at("rate").get<double>());
  }
  return line;
}

}  // namespace

Json bench_report(const BenchWork& work, std::vector<Json> members) {
  double slowest = members.front().at("rate");
  for (Json& member : members) {
    slowest = std::min(slowest, member.at("rate").get<double>());
    member.erase("failure");
    sum_up_times(member);
  }
  Json report = {{"order", to_string(work.order)},
                 {"size", work.size},
                 {"senders", work.senders},
                 {"window", work.window},
                 {"members", members}};
  if (!work.latency) report["slowest"] = slowest;
  return report;
}

std::string bench_table(const Json& report, bool latency) {
  char head[256];
  if (latency) {
    std::snprintf(head, sizeof head, "%-40s %-7s %8s %8s %8s %8s\n", "process", "", "p50 us",
                  "p90 us", "p99 us", "max us");
  } else {
    std::snprintf(head, sizeof head, "%-40s %12s %12s %10s %12s\n", "process", "sent", "delivered",
                  "seconds", "messages/s");
  }
  std::string text = head;
  for (const Json& member : report.at("members")) text += line_of(member, latency);
  return text;
}

}  // namespace groupcomm::ctl
