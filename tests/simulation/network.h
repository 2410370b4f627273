// The links between daemons: they lose, repeat, reorder, delay, damage and cut.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/peer_frames.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

class Network {
 public:
  static constexpr std::uint64_t kCutShapes = 7;
  static constexpr std::uint64_t kOnePair = 4;

  // A frame under way.
  struct Frame {
    Payload bytes;
    bool is_readable = true;  // not damaged, and no codec need refuse it
  };
  // Called when a frame arrives.
  using Deliver = std::function<void(std::size_t to, const Frame& frame)>;

  // The daemon that leads at the moment, if any.
  using Leader = std::function<std::optional<std::size_t>()>;

  // Called when a link that was cut is whole again.
  using Mended = std::function<void(std::size_t from, std::size_t to)>;

  Network(Scene& scene, Random random, Deliver deliver, Leader leader, Mended mended);

  void send(std::size_t from, std::size_t to, protocol::Lane lane, const Frame& frame);
  bool is_cut(std::size_t from, std::size_t to) const { return link(from, to).cuts > 0; }

  // Cuts in random shapes, clogs in random places, until the scene calms down.
  void begin_faults();
  // Cuts links, each in one direction, for a while.
  using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;
  void cut(const Pairs& pairs, Duration how_long);
  // Cuts one node off, both ways or one way, for a while.
  void isolate(std::size_t node);
  // By then all has arrived that was sent so far in the storm, also what comes late on purpose.
  TimePoint drained_at() const { return drained_at_; }
  // Cuts one direction of a link, until heal().
  void cut_for_good(std::size_t from, std::size_t to) { ++link(from, to).cuts; }
  // What was sent here for so long, and has not arrived, never does.
  void lose_recent(std::size_t from, std::size_t to, Duration for_so_long);
  // All links are whole from here on.
  void heal();

 private:
  struct Link {
    int cuts = 0;  // how many faults cut it at the moment
    TimePoint clogged_until;
    TimePoint last_arrival[2];                 // by lane, for links that keep order
    TimePoint busy_until[2];                   // by lane: what was sent before takes so long
    std::deque<Frame> recent;                  // may be replayed
    TimePoint lost_from = TimePoint::never();  // what was sent from here on,
    TimePoint lost_until;                      // and up to here, is lost
  };

  Link& link(std::size_t from, std::size_t to) { return links_[from * nodes_ + to]; }
  const Link& link(std::size_t from, std::size_t to) const { return links_[from * nodes_ + to]; }
  void schedule(std::size_t from, std::size_t to, protocol::Lane lane, Frame frame, Duration delay);
  Duration draw_delay();
  Frame damaged(const Frame& frame);
  void replay_one(std::size_t from, std::size_t to, protocol::Lane lane);
  bool passes(Link& line, protocol::Lane lane, const Payload& bytes, Duration& delay);
  std::vector<bool> draw_side(std::uint64_t shape, std::size_t one);
  Pairs draw_cut();
  void cut_again();
  void clog_again();
  void clog(std::size_t from, std::size_t to, TimePoint until);
  void swizzle();

  Scene& scene_;
  Random random_;
  Deliver deliver_;
  Leader leader_;
  Mended mended_;
  std::size_t nodes_;
  TimePoint drained_at_;
  std::uint64_t under_way_ = 0;  // frames
  std::vector<Link> links_;
  std::uint64_t era_ = 0;  // counts heals: a cut of an earlier era does not end again
};

}  // namespace groupcomm::simulation
