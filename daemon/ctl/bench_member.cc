#include "daemon/ctl/bench_member.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

namespace groupcomm::ctl {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kBurstMax = 64;
constexpr milliseconds kWait{100};
constexpr std::uint32_t kWarmUp = 200;  // messages before those whose times count
constexpr std::size_t kBackgroundBytes = 1024;

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// So many seconds from now.
Clock::time_point after(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

class Member {
 public:
  Member(const BenchWork& work, BenchLink& link,
         const std::vector<std::unique_ptr<BenchRoom>>& rooms)
      : work_(work),
        link_(link),
        rooms_(rooms),
        process_(link.process()),
        give_up_(after(work.seconds + work.give_up_seconds)) {}

  BenchResult run() {
    wait_until([&] { return all(&BenchRoom::is_complete); });
    const double cpu_before = cpu_seconds();
    if (goes_on()) work_.latency ? take_times() : send_for_a_while();
    wait_until([&] {
      bool is_done = true;
      for (const auto& room : rooms_) is_done = room->finish() && is_done;
      return is_done;
    });
    BenchResult result = summary();
    result.cpu_seconds = cpu_seconds() - cpu_before;
    return result;
  }

 private:
  bool all(bool (BenchRoom::*is_so)() const) const {
    return std::all_of(rooms_.begin(), rooms_.end(),
                       [&](const auto& room) { return ((*room).*is_so)(); });
  }
  bool goes_on() const {
    return link_.is_connected() && Clock::now() < give_up_ &&
           std::all_of(rooms_.begin(), rooms_.end(),
                       [](const auto& room) { return room->failure().empty(); });
  }
  template <typename Condition>
  void wait_until(Condition is_so) {
    while (!is_so() && goes_on()) link_.poll(kWait);
  }

  // --- throughput ---

  void send_for_a_while() {
    const auto end = after(work_.seconds);
    while (Clock::now() < end && goes_on()) {
      link_.poll(send_burst(work_.size) > 0 ? milliseconds(0) : milliseconds(10));
    }
  }

  // To one group after another: as many as window and credit allow, but no more than kBurstMax.
  int send_burst(std::size_t size) {
    link_.begin_burst();
    const std::uint64_t sent_max = std::min(kBurstMax, window_left());
    std::uint64_t sent = 0;
    for (std::size_t silent = 0; sent < sent_max && silent < rooms_.size();) {
      BenchRoom& room = *rooms_[turn_++ % rooms_.size()];
      const bool has_sent = room.is_sender() && room.send(size);
      silent = has_sent ? 0 : silent + 1;
      sent += has_sent;
    }
    link_.end_burst();
    return static_cast<int>(sent);
  }

  // How many more may be under way. It looks at all rooms, so a burst asks it once.
  std::uint64_t window_left() const {
    if (work_.window == 0) return UINT64_MAX;
    std::uint64_t under_way = 0;
    for (const auto& room : rooms_) under_way += room->sent() - room->own_delivered();
    return work_.window - std::min(work_.window, under_way);
  }

  // --- latency ---

  void take_times() {
    BenchRoom& room = *rooms_.front();
    room.on_data = [&](const BenchHeader& header, std::uint64_t now_ns) {
      if (header.node != 1 || header.sequence < kWarmUp) return;
      times_.us.push_back(static_cast<double>(now_ns - header.sent_ns) / 1000);
    };
    if (room.node() == 1) {
      send_and_wait(room);
    } else if (work_.has_background()) {
      send_background(room);
    }
  }

  void send_and_wait(BenchRoom& room) {
    for (std::uint32_t i = 0; i < kWarmUp + work_.samples && goes_on(); ++i) {
      wait_until([&] { return room.send(work_.size); });
      wait_until([&] { return room.own_delivered() > i; });
      pause();
    }
  }

  // Takes in what others send meanwhile.
  void pause() {
    const auto end = after(work_.pause_ms / 1000);
    for (auto now = Clock::now(); now < end && goes_on(); now = Clock::now()) {
      link_.poll(std::chrono::ceil<milliseconds>(end - now));
    }
  }

  void send_background(BenchRoom& room) {
    if (work_.is_background_saturating) {
      while (!room.has_first_ended() && goes_on()) {
        link_.poll(send_burst(work_.size) > 0 ? milliseconds(0) : milliseconds(10));
      }
      return;
    }
    const std::chrono::duration<double> gap(1 / static_cast<double>(work_.background_rate));
    auto due = Clock::now();
    while (!room.has_first_ended() && goes_on()) {
      if (Clock::now() >= due && room.send(kBackgroundBytes)) {
        due += std::chrono::duration_cast<Clock::duration>(gap);
      }
      const auto left = std::chrono::ceil<milliseconds>(due - Clock::now());
      link_.poll(std::max(left, milliseconds(0)));
    }
  }

  // --- what came of it ---

  BenchResult summary() {
    BenchResult result{.process = process_};
    std::uint64_t first = UINT64_MAX;
    std::uint64_t last = 0;
    for (const auto& room : rooms_) {
      if (result.failure.empty()) result.failure = room->failure();
      result.sent += room->sent();
      result.delivered += room->delivered();
      if (room->delivered() > 0) first = std::min(first, room->first_ns());
      last = std::max(last, room->last_ns());
    }
    if (result.delivered > 0) result.seconds = static_cast<double>(last - first) / 1e9;
    if (result.failure.empty() && !link_.is_connected()) {
      result.failure = "the daemon is gone";
    } else if (result.failure.empty() && Clock::now() >= give_up_) {
      result.failure =
          all(&BenchRoom::is_complete) ? "it did not end in time" : "not all members came in time";
    }
    times_.node = rooms_.empty() ? std::uint16_t{0} : rooms_.front()->node();
    std::sort(times_.us.begin(), times_.us.end());
    result.latencies = std::move(times_);
    return result;
  }

  const BenchWork& work_;
  BenchLink& link_;
  const std::vector<std::unique_ptr<BenchRoom>>& rooms_;
  std::string process_;
  Clock::time_point give_up_;
  std::size_t turn_ = 0;
  BenchLatencies times_;
};

}  // namespace

BenchResult run_bench_member(const BenchWork& work, BenchLink& link,
                             const std::vector<std::unique_ptr<BenchRoom>>& rooms) {
  return Member(work, link, rooms).run();
}

}  // namespace groupcomm::ctl
