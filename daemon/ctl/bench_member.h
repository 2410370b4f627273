// One member of a measurement: one thread, which dispatches all that is pending, and else waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/ctl/bench_room.h"

namespace groupcomm::ctl {

// Times in microseconds, each from the send to the delivery here.
struct BenchLatencies {
  std::uint16_t node = 0;
  std::vector<double> us;
};

struct BenchResult {
  std::string process = {};
  std::string failure = {};  // not empty: it counts for nothing, nor does the whole run
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  double seconds = 0;      // from the first delivery to the last
  double cpu_seconds = 0;  // of this process
  BenchLatencies latencies = {};
};

// How a member reaches the others.
class BenchLink {
 public:
  virtual ~BenchLink() = default;

  virtual std::string process() const = 0;
  virtual bool is_connected() const = 0;
  // Dispatches all that is pending. Where nothing is, waits for at most so long.
  virtual void poll(std::chrono::milliseconds wait) = 0;
  // What is sent between these two may leave together.
  virtual void begin_burst() {}
  virtual void end_burst() {}
};

// Does the work in these groups.
BenchResult run_bench_member(const BenchWork& work, BenchLink& link,
                             const std::vector<std::unique_ptr<BenchRoom>>& rooms);

}  // namespace groupcomm::ctl
