// When to ask for what is missing of a cut, and whom.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "groupcomm/number.h"
#include "groupcomm/time_point.h"
#include "groupcomm/view.h"
#include "ordering/view_ordering.h"

namespace groupcomm::daemon {

// PROTOCOL.md rule F5: an answer comes in several frames, and each of them must not be a reason to
// ask again, or questions and answers multiply. It is asked again when as much has come as an
// answer has at most, when nothing more of it comes, or when none came at all. That a proposal or a
// decision is repeated is no reason, either.
class Refill {
 public:
  static constexpr Duration kPause = std::chrono::milliseconds(30);
  static constexpr Duration kPauseMax = std::chrono::milliseconds(240);
  static constexpr Duration kBetweenFramesMin = std::chrono::milliseconds(5);

  // Nothing is wanted for now. Where the same cut is wanted again, as by the next ballot, it is
  // asked for at once, but progress() goes on: somebody must see that it cannot be had.
  void stop() { due_ = TimePoint::never(); }

  // A frame brought messages of so many bytes; what they were good for, observe() tells.
  void on_frame(std::size_t bytes) { bytes_came_ += bytes; }

  // So many messages are missing in the cut from which the view `next` begins.
  void observe(TimePoint now, const ViewId& next, std::uint64_t gaps) {
    const Duration since = now - std::max(progress_, asked_);
    const bool is_new = view_ != next;
    const bool is_less = !is_new && gaps < gaps_;
    if (is_new || is_less) progress_ = now;
    if (is_new || is_stopped()) {
      view_ = next;
      asked_gaps_ = gaps;
      due_ = now;
      pause_ = Duration{};
    } else if (is_less) {
      bytes_filled_ += bytes_came_;
      const bool is_whole = gaps + ordering::kRepairMessagesMax <= asked_gaps_ ||
                            bytes_filled_ >= ordering::kRepairBytesMax;
      // The next frame of it may take as long as this one, on a slow path.
      due_ = is_whole ? now : now + std::clamp(2 * since, kBetweenFramesMin, kPauseMax);
      pause_ = Duration{};
    }
    gaps_ = gaps;
    bytes_came_ = 0;
  }

  bool is_due(TimePoint now) const { return due_ <= now; }
  // The pause becomes longer where all have been asked in vain.
  void on_asked(TimePoint now, Rank holder) {
    if (pause_ == Duration{}) {
      pause_ = kPause;
    } else if (holder < next_holder_) {
      pause_ = std::min(2 * pause_, kPauseMax);
    }
    asked_ = now;
    due_ = now + pause_;
    asked_gaps_ = gaps_;
    bytes_filled_ = 0;
    next_holder_ = holder + 1;
  }

  // never() where nothing is missing.
  TimePoint due() const { return due_; }
  // When it last became less.
  TimePoint progress() const { return progress_; }

  // Who proposes this view holds the whole cut, and is asked first; then the others in turn.
  void prefer(const ViewId& next, Rank holder) {
    if (view_ != next || is_stopped()) next_holder_ = holder;
  }
  Rank next_holder() const { return next_holder_; }  // or who of the view comes after it

 private:
  bool is_stopped() const { return due_ == TimePoint::never(); }

  TimePoint due_ = TimePoint::never();
  Duration pause_{};
  ViewId view_;
  std::uint64_t gaps_ = 0;
  std::uint64_t asked_gaps_ = 0;  // when it was last asked
  std::size_t bytes_came_ = 0;
  std::size_t bytes_filled_ = 0;  // since it was last asked
  TimePoint progress_;
  TimePoint asked_;
  Rank next_holder_ = 0;
};

}  // namespace groupcomm::daemon
