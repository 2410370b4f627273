// The links between daemons: they lose, repeat, reorder, delay, damage and cut.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/peer_frames.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

class Network {
 public:
  // `deliver(to, bytes)` is called when a frame arrives.
  using Deliver = std::function<void(std::size_t to, const Payload& bytes)>;

  Network(Scene& scene, Random random, Deliver deliver);

  void send(std::size_t from, std::size_t to, protocol::Lane lane, const Payload& bytes);
  bool is_cut(std::size_t from, std::size_t to) const { return link(from, to).cuts > 0; }

  // Cuts in random shapes, clogs in random places, until the scene calms down.
  void begin_faults();
  // Cuts one node off, both ways or one way, for a while.
  void isolate(std::size_t node);
  // All links are whole from here on.
  void heal();

 private:
  struct Link {
    int cuts = 0;  // how many faults cut it at the moment
    TimePoint clogged_until;
    TimePoint last_arrival[2];   // by lane, for links that keep order
    std::deque<Payload> recent;  // may be replayed
  };
  using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

  Link& link(std::size_t from, std::size_t to) { return links_[from * nodes_ + to]; }
  const Link& link(std::size_t from, std::size_t to) const { return links_[from * nodes_ + to]; }
  void schedule(std::size_t from, std::size_t to, protocol::Lane lane, const Payload& bytes,
                Duration delay);
  Duration draw_delay();
  Payload damaged(const Payload& bytes);
  void replay_one(std::size_t from, std::size_t to, protocol::Lane lane);
  Pairs draw_cut();
  void cut(const Pairs& pairs, Duration how_long);
  void cut_again();
  void clog_again();

  Scene& scene_;
  Random random_;
  Deliver deliver_;
  std::size_t nodes_;
  std::vector<Link> links_;
  std::uint64_t era_ = 0;  // counts heals: a cut of an earlier era does not end again
};

}  // namespace groupcomm::simulation
