#include "daemon/host/event_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/host/clock.h"
#include "daemon/host/describe.h"

namespace groupcomm::daemon {
namespace {

// Frames of each socket in one turn.
constexpr int kFramesPerTurn = 64;
// Turns before InputDrained under a load that never ends: the larger, the better messages are
// batched; the smaller, the sooner they go out.
constexpr int kTurnsPerDrain = 4;
// How long a daemon that was asked to stop may take to leave its view.
constexpr Duration kLeaveTimeMax = std::chrono::seconds(5);

}  // namespace

EventLoop::EventLoop(const Parts& parts, DaemonOptions options)
    : parts_(parts),
      options_(std::move(options)),
      performer_(EffectPerformer::Parts{parts.clients, parts.peers, parts.records, parts.trace,
                                        parts.counters, parts.log}) {
  sources_ = parts_.peers.sources();
  for (const Source& source : parts_.clients.sources()) sources_.push_back(source);
  sources_.push_back(parts_.signals.source());
  for (std::size_t i = 0; i < sources_.size(); ++i) readiness_.add(sources_[i].descriptor, i);
}

bool EventLoop::is_any_ready() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.is_ready != nullptr && *source.is_ready;
  });
}

void EventLoop::note_ready(const std::vector<std::uint64_t>& tags) {
  for (const std::uint64_t tag : tags) {
    if (bool* is_ready = sources_[tag].is_ready) *is_ready = true;
  }
}

int EventLoop::run() {
  now_ = monotonic_now();
  if (!begin()) return 2;
  bool has_waited = false;
  while (!exit_code_) {
    bool busy = true;
    for (int turn = 0; busy && turn < kTurnsPerDrain && !exit_code_; ++turn) {
      if (turn > 0 || !has_waited) note_ready(readiness_.poll());
      busy = take_turn();
    }
    if (exit_code_) break;
    if (std::exchange(stepped_, false)) {
      step(InputDrained{});
      stepped_ = false;
    }
    performer_.flush();
    // A send may have taken the word of new input for itself, whose descriptor then stays silent.
    has_waited = !busy && !is_any_ready() && !exit_code_;
    if (has_waited) note_ready(readiness_.wait(now_, next_deadline()));
  }
  performer_.flush();
  return *exit_code_;
}

Result<protocol::DurableRecord> EventLoop::load() {
  Incarnation previous = options_.self.incarnation;
  protocol::DurableRecord record;
  if (parts_.records != nullptr) {
    auto loaded = parts_.records->load();
    if (!loaded.ok()) return loaded;
    record = std::move(loaded).value();
    const auto last = parts_.records->load_incarnation();
    if (!last.ok()) return Failure{last.error()};
    previous = std::max(previous, last.value());
  }
  options_.self.incarnation = draw_incarnation(previous);
  if (parts_.records != nullptr) {
    const auto saved = parts_.records->save_incarnation(options_.self.incarnation);
    if (!saved.ok()) return Failure{saved.error()};
  }
  return record;
}

bool EventLoop::begin() {
  auto record = load();
  if (!record.ok()) {
    parts_.log.error(record.error());
    return false;
  }
  if (parts_.trace != nullptr) parts_.trace->on_begin(options_.self);
  parts_.log.info("begins as " + to_string(options_.self) + " in cluster " + options_.cluster);
  core_ = std::make_unique<DaemonCore>(options_, std::move(record).value(), now_);
  timer_ = CoreTimer{};
  stepped_ = true;
  on_outcome(performer_.perform(core_->take_effects(), now_));
  return true;
}

void EventLoop::step(Event event) {
  if (parts_.log.is_debugging()) parts_.log.debug("event " + describe(event));
  core_->step(now_, std::move(event));
  stepped_ = true;
  on_outcome(performer_.perform(core_->take_effects(), now_));
}

void EventLoop::on_outcome(EffectPerformer::Outcome outcome) {
  switch (outcome) {
    case EffectPerformer::Outcome::kGoOn: return;
    case EffectPerformer::Outcome::kFinished: return end(0);
    case EffectPerformer::Outcome::kFailed: return end(1);
    case EffectPerformer::Outcome::kGiveUp: break;
  }
  performer_.flush();
  parts_.clients.close_all(now_);
  // One that was asked to leave need not come back.
  if (stop_by_ != TimePoint::never()) return end(0);
  if (!begin()) end(1);
}

bool EventLoop::take_turn() {
  now_ = monotonic_now();
  bool busy = read_signals();
  while (auto event = parts_.peers.take_link_event(now_)) {
    step(std::move(*event));
    if (exit_code_) return true;
  }
  busy |= read_peers();
  if (!exit_code_) busy |= read_clients();
  if (exit_code_ || !timer_.take_expired(now_, core_->next_deadline())) return busy;
  step(TimerExpired{});
  return true;
}

bool EventLoop::read_peers() {
  for (int frames = 0; frames < kFramesPerTurn; ++frames) {
    auto event = parts_.peers.take_frame();
    if (!event) return frames > 0;
    step(std::move(*event));
    if (exit_code_) break;
  }
  return true;
}

bool EventLoop::read_clients() {
  parts_.clients.poll(now_);
  for (int frames = 0; frames < kFramesPerTurn; ++frames) {
    auto event = parts_.clients.take_event();
    if (!event) return frames > 0;
    if (const auto* lost = std::get_if<ClientLost>(&*event)) performer_.drop(lost->session);
    step(std::move(*event));
    if (exit_code_) break;
  }
  return true;
}

bool EventLoop::read_signals() {
  if (now_ >= stop_by_) {
    parts_.log.error("could not leave the view in time, and ends all the same");
    end(1);
    return true;
  }
  const int count = parts_.signals.take();
  for (int i = 0; i < count; ++i) {
    if (stop_by_ != TimePoint::never()) {
      parts_.log.error("was told twice to end, and ends without leaving the view");
      end(1);
      return true;
    }
    parts_.log.info("was told to end, and leaves its view");
    stop_by_ = now_ + kLeaveTimeMax;
    step(LeaveRequested{});
    if (exit_code_) return true;
  }
  return count > 0;
}

TimePoint EventLoop::next_deadline() const {
  return std::min({timer_.due(core_->next_deadline()), parts_.peers.next_deadline(),
                   parts_.clients.next_deadline(), stop_by_});
}

}  // namespace groupcomm::daemon
