// The daemon's trace: effects as records of groupcomm_verify.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/core/effect.h"
#include "daemon/verify/trace.h"

namespace groupcomm::daemon {

// Each call writes its record before it returns.
class DaemonTrace {
 public:
  explicit DaemonTrace(std::unique_ptr<verify::TraceWriter> writer) : writer_(std::move(writer)) {}

  // An incarnation begins.
  void on_begin(const DaemonId& self);
  void on_install(const InstallView& effect);
  void on_deliver(const DeliverMessage& effect);
  void on_stamp(const StampMessage& effect);
  // The incarnation is over: it was excluded, or it left.
  void on_give_up();
  void on_finished();

 private:
  void write_delivery(const DeliverMessage& effect);

  std::unique_ptr<verify::TraceWriter> writer_;
  std::string self_;
  std::string view_id_;
  std::vector<std::string> members_;  // of the current view, by rank
};

}  // namespace groupcomm::daemon
