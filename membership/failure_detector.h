// Who is heard of: suspicions out of silence and link evidence.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/time_point.h"

namespace groupcomm::membership {

// An unreliable failure detector [Chandra, Toueg 1996]: it may be wrong, and no safety rests on
// it. It gives no verdict on membership; ViewChange uses it to decide when to ask and for whom to
// wait (rules D1-D4).
//
// A daemon is heard while frames of it come within a time-out: three times the longest gap of the
// last seconds, but not less than the configured floor and not more than four times it. A refused
// connection proves the death of the process that listened there and counts at once.
class FailureDetector {
 public:
  explicit FailureDetector(Duration floor) : floor_(floor) {}

  void on_heard(TimePoint now, const DaemonId& id);
  // Nothing listens at the daemon's address any more, or a later incarnation does.
  void on_refused(TimePoint now, Incarnation incarnation);
  // The daemon says that it hears us. That it does not is only believed when it has not said so
  // for a time-out: a late frame may be older than the link.
  void on_hears_us(TimePoint now, Incarnation incarnation);
  void forget(Incarnation incarnation) { daemons_.erase(incarnation); }
  // A later incarnation of this daemon is known: what was heard of earlier ones counts no more.
  void forget_earlier(const DaemonId& newest);
  // We ourselves stood still for so long: the silence of others in that time says nothing.
  void excuse(Duration stall);
  // Forgets daemons that have been silent for very long.
  void expire(TimePoint now);

  bool is_heard(TimePoint now, Incarnation incarnation) const;
  // Heard, and it says that it hears us: the link works in both directions.
  bool is_linked(TimePoint now, Incarnation incarnation) const;
  // A refused connection has proved it, and nothing came since that would say otherwise.
  bool is_dead(Incarnation incarnation) const;
  // Why a daemon is not linked, for people to read.
  std::string why_not_linked(TimePoint now, Incarnation incarnation) const;
  std::vector<Incarnation> heard(TimePoint now) const;
  // All incarnations under this name that are heard.
  std::vector<Incarnation> heard_by_name(TimePoint now, const std::string& name) const;
  // It was first heard so lately that a connection which is refused may have been tried before it
  // listened, and says something of its predecessor only.
  bool is_newcomer(TimePoint now, Incarnation incarnation) const;
  // When the next daemon that is heard now will be suspected if it stays silent.
  TimePoint next_deadline(TimePoint now) const;

 private:
  static constexpr std::size_t kGapWindows = 8;  // of one second each

  struct Daemon {
    std::string name;
    TimePoint first;
    TimePoint last;
    std::array<Duration, kGapWindows> longest_gaps{};
    Duration time_out{};  // for as long as those are what they are: it is asked for all the time
    std::int64_t gap_window = 0;
    bool refused = false;
    TimePoint refused_at;
    std::optional<TimePoint> heard_us;  // when it last said that it hears us
  };

  Duration time_out_of(const Daemon& daemon) const;
  bool is_heard(TimePoint now, const Daemon& daemon) const;

  Duration floor_;
  std::map<Incarnation, Daemon> daemons_;
};

}  // namespace groupcomm::membership
