// What all parts of one run share: virtual time, what is to happen, the log and the counters.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "groupcomm/time_point.h"
#include "tests/simulation/change_table.h"
#include "tests/simulation/plan.h"

namespace groupcomm::simulation {

// Something that a process saw and that is no record of its trace: for the transcript only.
struct Note {
  std::string trace;      // its name
  std::size_t after = 0;  // so many of its records
  std::string process;
  std::string text;
};

class Scene {
 public:
  Scene(const Plan& plan, bool verbose) : plan_(plan), verbose_(verbose) {}

  const Plan& plan() const { return plan_; }
  TimePoint now() const { return now_; }

  // Faults are injected and clients send; false once everything is to settle.
  bool is_stormy() const { return stormy_; }
  void calm_down() { stormy_ = false; }

  void at(TimePoint when, std::function<void()> action) {
    queue_.push({when < now_ ? now_ : when, ++sequence_, std::move(action)});
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

  // Lets time pass until `end`.
  void run_until(TimePoint end) {
    while (!queue_.empty() && queue_.top().when <= end) {
      std::function<void()> action = std::move(const_cast<Entry&>(queue_.top()).action);
      now_ = queue_.top().when;
      queue_.pop();
      ++happened_;
      action();
    }
    now_ = end;
  }
  std::uint64_t happened() const { return happened_; }

  // Faults and sends have numbers, so that single ones can be left out of a run.
  bool strikes() { return !plan_.skipped_faults.contains(++faults_); }
  bool sends() { return !plan_.skipped_sends.contains(++sends_); }
  std::uint64_t faults() const { return faults_; }
  std::uint64_t sent() const { return sends_; }

  // Everything that distinguishes two runs goes in here.
  void mix(std::uint64_t value) {
    digest_ = (digest_ ^ value) * 0x9e3779b97f4a7c15;
    digest_ ^= digest_ >> 32;
  }
  std::uint64_t digest() const { return digest_; }

  bool is_verbose() const { return verbose_; }
  // One line of the log. Call it only where is_verbose(): making the text costs.
  void log(const std::string& who, const std::string& what) const {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now_.since_origin);
    std::printf("%4lld.%06lld %-4s %s\n", static_cast<long long>(us.count() / 1'000'000),
                static_cast<long long>(us.count() % 1'000'000), who.c_str(), what.c_str());
  }

  void count(const std::string& what, std::uint64_t n = 1) { counters_[what] += n; }
  std::uint64_t counter(const std::string& what) const {
    const auto found = counters_.find(what);
    return found == counters_.end() ? 0 : found->second;
  }
  // Frames between daemons, by kind.
  void count_kind(std::size_t kind) { ++kinds_[kind]; }
  using Kinds = std::array<std::uint64_t, std::variant_size_v<protocol::PeerBody>>;
  const Kinds& kinds() const { return kinds_; }
  // What comes to a daemon in which state of a view change.
  void count_cell(std::size_t cell) { cells_.set(cell); }
  const ChangeCells& cells() const { return cells_; }
  const std::map<std::string, std::uint64_t>& counters() const { return counters_; }

  // The simulator itself saw something that must not be.
  void complain(std::string what) {
    if (complaints_.size() < 5) complaints_.push_back(std::move(what));
  }
  const std::vector<std::string>& complaints() const { return complaints_; }

  // Only scenarios have transcripts.
  void note(Note note) {
    if (!plan_.cues.empty()) notes_.push_back(std::move(note));
  }
  const std::vector<Note>& notes() const { return notes_; }

 private:
  struct Entry {
    TimePoint when;
    std::uint64_t sequence;
    std::function<void()> action;
    bool operator<(const Entry& other) const {
      return other.when < when || (other.when == when && other.sequence < sequence);
    }
  };

  const Plan& plan_;
  bool verbose_;
  bool stormy_ = true;
  TimePoint now_;
  std::priority_queue<Entry> queue_;
  std::uint64_t sequence_ = 0;
  std::uint64_t happened_ = 0;
  std::uint64_t faults_ = 0;
  std::uint64_t sends_ = 0;
  std::uint64_t digest_ = 0;
  std::map<std::string, std::uint64_t> counters_;
  Kinds kinds_{};
  ChangeCells cells_;
  std::vector<std::string> complaints_;
  std::vector<Note> notes_;
};

}  // namespace groupcomm::simulation
