#include "daemon/core/daemon_core.h"

#include "daemon/core/machine.h"

namespace groupcomm::daemon {

DaemonCore::DaemonCore(DaemonOptions options, protocol::DurableRecord record, TimePoint now)
    : machine_(std::make_unique<Machine>(std::move(options), std::move(record), now)) {}

DaemonCore::~DaemonCore() = default;
DaemonCore::DaemonCore(DaemonCore&&) noexcept = default;
DaemonCore& DaemonCore::operator=(DaemonCore&&) noexcept = default;

void DaemonCore::step(TimePoint now, Event event) { machine_->step(now, std::move(event)); }

std::vector<Effect> DaemonCore::take_effects() { return machine_->take_effects(); }

TimePoint DaemonCore::next_deadline() const { return machine_->next_deadline(); }

protocol::DaemonStatus DaemonCore::status(TimePoint now) const { return machine_->status(now); }

void DaemonCore::check_invariants() const { machine_->check_invariants(); }

}  // namespace groupcomm::daemon
