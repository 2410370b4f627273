#include "membership/failure_detector.h"

#include <algorithm>

namespace groupcomm::membership {
namespace {

constexpr Duration kNewcomer = std::chrono::milliseconds(200);

// Frames that were under way when the process died still arrive for so long.
constexpr Duration kInFlight = std::chrono::milliseconds(200);
constexpr Duration kForgetAfter = std::chrono::minutes(10);

std::int64_t gap_window_of(TimePoint now) { return now.since_origin / std::chrono::seconds(1); }

}  // namespace

void FailureDetector::on_heard(TimePoint now, const DaemonId& id) {
  const auto [it, is_new] = daemons_.try_emplace(id.incarnation);
  Daemon& daemon = it->second;
  if (is_new) {
    daemon.name = id.name;
    daemon.first = now;
    daemon.last = now;
    daemon.gap_window = gap_window_of(now);
  }
  for (; daemon.gap_window < gap_window_of(now); ++daemon.gap_window) {
    if (gap_window_of(now) - daemon.gap_window > static_cast<std::int64_t>(kGapWindows)) {
      daemon.gap_window = gap_window_of(now) - static_cast<std::int64_t>(kGapWindows);
    }
    daemon.longest_gaps[static_cast<std::size_t>(daemon.gap_window + 1) % kGapWindows] = {};
  }
  Duration& longest =
      daemon.longest_gaps[static_cast<std::size_t>(daemon.gap_window) % kGapWindows];
  longest = std::max(longest, now - daemon.last);
  daemon.time_out = time_out_of(daemon);
  daemon.last = std::max(daemon.last, now);
  if (daemon.refused && now - daemon.refused_at > kInFlight) daemon.refused = false;
}

void FailureDetector::on_refused(TimePoint now, Incarnation incarnation) {
  const auto it = daemons_.find(incarnation);
  if (it == daemons_.end()) return;
  it->second.refused = true;
  it->second.refused_at = now;
}

void FailureDetector::on_hears_us(TimePoint now, Incarnation incarnation) {
  const auto it = daemons_.find(incarnation);
  if (it != daemons_.end()) it->second.heard_us = now;
}

void FailureDetector::forget_earlier(const DaemonId& newest) {
  std::erase_if(daemons_, [&](const auto& entry) {
    return entry.second.name == newest.name && entry.first < newest.incarnation;
  });
}

void FailureDetector::excuse(Duration stall) {
  for (auto& [incarnation, daemon] : daemons_) {
    daemon.last = daemon.last + stall;
    if (daemon.heard_us) daemon.heard_us = *daemon.heard_us + stall;
  }
}

void FailureDetector::expire(TimePoint now) {
  std::erase_if(daemons_,
                [&](const auto& entry) { return now - entry.second.last > kForgetAfter; });
}

Duration FailureDetector::time_out_of(const Daemon& daemon) const {
  const Duration longest =
      *std::max_element(daemon.longest_gaps.begin(), daemon.longest_gaps.end());
  return std::clamp(3 * longest, floor_, 4 * floor_);
}

bool FailureDetector::is_heard(TimePoint now, const Daemon& daemon) const {
  return !daemon.refused && now - daemon.last < daemon.time_out;
}

bool FailureDetector::is_heard(TimePoint now, Incarnation incarnation) const {
  const auto it = daemons_.find(incarnation);
  return it != daemons_.end() && is_heard(now, it->second);
}

bool FailureDetector::is_linked(TimePoint now, Incarnation incarnation) const {
  const auto it = daemons_.find(incarnation);
  if (it == daemons_.end() || !is_heard(now, it->second) || !it->second.heard_us) return false;
  return now - *it->second.heard_us < it->second.time_out;
}

bool FailureDetector::is_dead(Incarnation incarnation) const {
  const auto it = daemons_.find(incarnation);
  return it != daemons_.end() && it->second.refused;
}

std::string FailureDetector::why_not_linked(TimePoint now, Incarnation incarnation) const {
  const auto since = [now](TimePoint time) {
    return std::to_string((now - time) / std::chrono::milliseconds(1)) + " ms";
  };
  const auto it = daemons_.find(incarnation);
  if (it == daemons_.end()) return "nothing was ever heard of it";
  const Daemon& daemon = it->second;
  if (daemon.refused) return "its process is gone";
  if (!is_heard(now, daemon)) return "nothing was heard of it for " + since(daemon.last);
  if (!daemon.heard_us) return "it never said that it hears this daemon";
  return "it has not said for " + since(*daemon.heard_us) + " that it hears this daemon";
}

std::vector<Incarnation> FailureDetector::heard(TimePoint now) const {
  std::vector<Incarnation> heard;
  for (const auto& [incarnation, daemon] : daemons_) {
    if (is_heard(now, daemon)) heard.push_back(incarnation);
  }
  return heard;
}

std::vector<Incarnation> FailureDetector::heard_by_name(TimePoint now,
                                                        const std::string& name) const {
  std::vector<Incarnation> heard;
  for (const auto& [incarnation, daemon] : daemons_) {
    if (daemon.name == name && is_heard(now, daemon)) heard.push_back(incarnation);
  }
  return heard;
}

bool FailureDetector::is_newcomer(TimePoint now, Incarnation incarnation) const {
  const auto it = daemons_.find(incarnation);
  return it != daemons_.end() && now - it->second.first < kNewcomer;
}

TimePoint FailureDetector::next_deadline(TimePoint now) const {
  TimePoint deadline = TimePoint::never();
  for (const auto& [incarnation, daemon] : daemons_) {
    if (is_heard(now, daemon)) deadline = std::min(deadline, daemon.last + daemon.time_out);
  }
  return deadline;
}

}  // namespace groupcomm::membership
