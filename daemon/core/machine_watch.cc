// DaemonCore::Machine: what it thinks of itself after a stall, and of members that send nothing.
#include <algorithm>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

// Messages that were asked for have not come for so many times the time-out.
constexpr int kMuteTimeOuts = 3;
// It counts as not heard for so long: enough for a view without it. Where there can be none, it may
// be needed for the quorum of this one.
constexpr int kSilentTimeOuts = 4;
// So many times the time-out one that was left out for that is not taken back.
constexpr int kBarTimeOuts = 20;
constexpr std::size_t kBarredMax = 256;

}  // namespace

// --- after a stall -------------------------------------------------------------------------------

// Rule D8: this process stood still for longer than the others wait. They may have gone on without
// it, and what it reads now may have been sent before.
void DaemonCore::Machine::begin_doubt() {
  if (!is_living() || membership::is_quorum_of(view_, {rank_})) return;
  PROBE("E37: a daemon has stood still and asks before it delivers");
  doubt_ = heartbeats_made_ + 1;
  confirmed_ = {rank_};
  send_heartbeats();
}

void DaemonCore::Machine::settle_doubt(Rank from, const protocol::Heartbeat& heartbeat) {
  std::uint64_t& newest = heartbeats_heard_[view_.members[from].id.incarnation];
  newest = std::max(newest, heartbeat.number);
  if (!doubt_ || heartbeat.answers.size() != view_.members.size()) return;
  if (heartbeat.answers[rank_] < *doubt_) return;
  confirmed_.insert(from);
  if (membership::is_quorum_of(view_, confirmed_)) doubt_.reset();
}

void DaemonCore::Machine::deliver_all() {
  if (!doubt_) clients_.deliver_all(*ordering_);
}

// --- members that send nothing -------------------------------------------------------------------

// Rule D9: heartbeats are small and frequent, and pass where messages do not.
void DaemonCore::Machine::watch_streams() {
  std::erase_if(barred_, [&](const auto& entry) { return entry.second <= now_; });
  std::erase_if(mute_, [&](const auto& entry) { return entry.second <= now_; });
  if (!is_living() || ordering_->is_frozen()) return;
  ordering_->watch_streams(now_);
  for (Rank rank = 0; rank < view_.members.size(); ++rank) {
    const DaemonId& id = view_.members[rank].id;
    const auto since = ordering_->missing_since(rank);
    const bool is_mute = rank != rank_ && since && now_ - *since > kMuteTimeOuts * options_.suspect;
    const TimePoint until = now_ + kSilentTimeOuts * options_.suspect;
    if (!is_mute || !mute_.emplace(id.incarnation, until).second) continue;
    PROBE("a member is left out whose messages do not come");
    if (barred_.size() >= kBarredMax) barred_.erase(barred_.begin());
    barred_[id.name] = now_ + kBarTimeOuts * options_.suspect;
    report(true, "suspects " + id.name + ": it is heard, but messages that it was asked for have " +
                     "not come for " +
                     std::to_string((now_ - *since) / std::chrono::milliseconds(1)) + " ms");
  }
}

std::vector<Incarnation> DaemonCore::Machine::hears() const {
  std::vector<Incarnation> heard = detector_.heard(now_);
  std::erase_if(heard, [&](Incarnation incarnation) {
    const auto stranger = strangers_.find(incarnation);
    const bool is_barred = is_living() && stranger != strangers_.end() &&
                           !membership::is_in(view_, stranger->second.member.id) &&
                           barred_.contains(stranger->second.member.id.name);
    return is_barred || mute_.contains(incarnation);
  });
  return heard;
}

}  // namespace groupcomm::daemon
