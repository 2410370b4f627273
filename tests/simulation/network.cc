#include "tests/simulation/network.h"

#include <algorithm>
#include <string>

namespace groupcomm::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// So few losses, per million, must not keep a cluster from settling.
constexpr std::uint64_t kQuietLoss = 20'000;

// More are under way at a time only where each frame makes for more than one. (Sixteen daemons that
// begin together over slow paths have come to 20,179.)
constexpr std::uint64_t kFramesMax = 100'000;

}  // namespace

Network::Network(Scene& scene, Random random, Deliver deliver, Leader leader, Mended mended)
    : scene_(scene),
      random_(random),
      deliver_(std::move(deliver)),
      leader_(std::move(leader)),
      mended_(std::move(mended)),
      nodes_(scene.plan().daemons),
      links_(nodes_ * nodes_) {}

Duration Network::draw_delay() {
  const NetworkPlan& plan = scene_.plan().network;
  if (scene_.is_stormy() && random_.chance(plan.long_delays)) {
    return random_.between(milliseconds(300), seconds(8));
  }
  // Without a long tail in quiet times: nobody is to be suspected then.
  if (!scene_.is_stormy()) return random_.between(plan.delay / 2, plan.delay * 3 / 2);
  return random_.about(plan.delay);
}

void Network::send(std::size_t from, std::size_t to, protocol::Lane lane, const Frame& frame) {
  const NetworkPlan& plan = scene_.plan().network;
  Link& line = link(from, to);
  const std::uint64_t loss = scene_.is_stormy()                ? plan.loss
                             : scene_.plan().settles_with_loss ? std::min(plan.loss, kQuietLoss)
                                                               : 0;
  if (line.cuts > 0 || random_.chance(loss)) {
    scene_.count("frames lost");
    return;
  }
  if (plan.replays > 0 && scene_.is_stormy()) {
    line.recent.push_back(frame);
    if (line.recent.size() > 64) line.recent.pop_front();
    if (random_.chance(plan.replays)) replay_one(from, to, lane);
  }
  const bool is_damaged = scene_.is_stormy() && random_.chance(plan.damages);
  Duration delay = draw_delay();
  if (!passes(line, lane, frame.bytes, delay)) return;
  schedule(from, to, lane, is_damaged ? damaged(frame) : frame, delay);
  if (scene_.is_stormy() && random_.chance(plan.duplicates)) {
    schedule(from, to, lane, frame, draw_delay());
  }
}

// A path that is too narrow makes frames wait for those before them, and drops what would wait for
// more than a second.
bool Network::passes(Link& line, protocol::Lane lane, const Payload& bytes, Duration& delay) {
  const std::uint64_t capacity = scene_.is_stormy() ? scene_.plan().network.capacity : 0;
  if (capacity == 0) return true;
  TimePoint& busy = line.busy_until[static_cast<std::size_t>(lane)];
  busy = std::max(busy, scene_.now());
  const Duration wait = busy - scene_.now();
  if (wait > seconds(1)) {
    scene_.count("frames over a path's capacity");
    return false;
  }
  busy = busy + std::chrono::nanoseconds(bytes.size() * 1'000'000'000 / capacity);
  delay += wait;
  return true;
}

void Network::schedule(std::size_t from, std::size_t to, protocol::Lane lane, Frame frame,
                       Duration delay) {
  Link& line = link(from, to);
  TimePoint when = scene_.now() + delay;
  if (under_way_ == kFramesMax) {
    return scene_.complain("frames multiply: " + std::to_string(under_way_) +
                           " are under way, and d" + std::to_string(from) + " sends one more");
  }
  ++under_way_;
  if (when < line.clogged_until) when = line.clogged_until + delay;
  if (!scene_.plan().network.reorders) {
    TimePoint& last = line.last_arrival[static_cast<std::size_t>(lane)];
    when = std::max(when, last);
    last = when;
  }
  if (scene_.is_stormy()) drained_at_ = std::max(drained_at_, when);
  scene_.at(when, [this, from, to, frame = std::move(frame), sent = scene_.now()] {
    --under_way_;
    const Link& way = link(from, to);
    if (sent < way.lost_from || way.lost_until < sent) return deliver_(to, frame);
    scene_.count("frames lost with their sender");
  });
}

void Network::lose_recent(std::size_t from, std::size_t to, Duration for_so_long) {
  Link& line = link(from, to);
  line.lost_until = scene_.now();
  line.lost_from = TimePoint{std::max(Duration{}, scene_.now().since_origin - for_so_long)};
}

void Network::replay_one(std::size_t from, std::size_t to, protocol::Lane lane) {
  const Link& line = link(from, to);
  scene_.count("frames replayed");
  const Frame& old = line.recent[random_.below(line.recent.size())];
  const bool is_late = random_.chance(scene_.plan().network.late_replays);
  schedule(from, to, lane, old,
           is_late ? random_.between(seconds(10), seconds(90))
                   : random_.between(milliseconds(100), seconds(10)));
}

// (What is cut off may be nothing.)
Network::Frame Network::damaged(const Frame& frame) {
  scene_.count("frames damaged");
  std::string copy(frame.bytes.text());
  if (copy.empty() || random_.percent(30)) {
    copy.resize(random_.below(copy.size() + 1));
  } else {
    const std::size_t place = random_.below(copy.size());
    copy[place] = static_cast<char>(copy[place] ^ (1 << random_.below(8)));
  }
  return {.bytes = Payload::copy_of(copy),
          .is_readable = frame.is_readable && copy == frame.bytes.text()};
}

// Who is on the one side of a partition of this shape: one node, a half, the leader, or anybody.
std::vector<bool> Network::draw_side(std::uint64_t shape, std::size_t one) {
  std::vector<bool> side(nodes_);
  const std::size_t leader = leader_().value_or(one);
  for (std::size_t i = 0; i < nodes_; ++i) {
    switch (shape) {
      case 0: side[i] = i == one; break;
      case 1: side[i] = i < nodes_ / 2; break;
      case 2: side[i] = i == leader; break;
      default: side[i] = random_.percent(50);
    }
  }
  return side;
}

// Which directed links a partition cuts: between two sides, one pair, all but a ring, or two halves
// that only one bridge connects; in both directions, in one, or in the other.
Network::Pairs Network::draw_cut() {
  const std::uint64_t any = random_.below(kCutShapes);
  const std::uint64_t meant = scene_.plan().network.cut_shape;
  const std::uint64_t shape = meant == 0 ? any : meant - 1;
  const std::uint64_t ways = random_.below(4);  // 0 and 1: both; 2 and 3: one
  const std::size_t one = random_.below(nodes_);
  const std::size_t other = random_.below(nodes_);
  const std::vector<bool> side = draw_side(shape, one);
  Pairs pairs;
  for (std::size_t a = 0; a < nodes_; ++a) {
    for (std::size_t b = 0; b < nodes_; ++b) {
      bool is_hit = side[a] && !side[b];
      if (shape == kOnePair) is_hit = a == one && b == other;
      if (shape == 5) is_hit = a < b && b - a > 1 && b - a < nodes_ - 1;
      if (shape == 6) is_hit = is_hit && a != one && b != one;
      if (!is_hit || a == b) continue;
      if (ways != 2) pairs.emplace_back(a, b);
      if (ways != 3) pairs.emplace_back(b, a);
    }
  }
  return pairs;
}

void Network::cut(const Pairs& pairs, Duration how_long) {
  if (pairs.empty() || !scene_.strikes()) return;
  scene_.count("cuts");
  for (const auto& [from, to] : pairs) ++link(from, to).cuts;
  if (scene_.is_verbose()) {
    std::string text = "CUT";
    for (const auto& [from, to] : pairs) {
      text += " d" + std::to_string(from) + ">d" + std::to_string(to);
    }
    scene_.log("net", text);
  }
  scene_.after(how_long, [this, pairs, era = era_] {
    if (era != era_) return;
    for (const auto& [from, to] : pairs) {
      if (--link(from, to).cuts == 0) mended_(from, to);
    }
    if (scene_.is_verbose()) scene_.log("net", "cut of " + std::to_string(pairs.size()) + " ends");
  });
}

void Network::isolate(std::size_t node) {
  Pairs pairs;
  const std::uint64_t ways = random_.below(3);
  for (std::size_t i = 0; i < nodes_; ++i) {
    if (i == node) continue;
    if (ways != 1) pairs.emplace_back(node, i);
    if (ways != 2) pairs.emplace_back(i, node);
  }
  cut(pairs, random_.about(scene_.plan().network.cut_for));
}

void Network::begin_faults() {
  if (nodes_ < 2) return;
  if (scene_.plan().network.cut_every > Duration{}) cut_again();
  if (scene_.plan().network.clog_every > Duration{}) clog_again();
}

void Network::cut_again() {
  scene_.after(random_.about(scene_.plan().network.cut_every), [this] {
    if (!scene_.is_stormy()) return;
    const Pairs pairs = draw_cut();
    cut(pairs, random_.about(scene_.plan().network.cut_for));
    cut_again();
  });
}

void Network::clog(std::size_t from, std::size_t to, TimePoint until) {
  link(from, to).clogged_until = until;
}

// Half of the nodes are clogged one after the other, and released in another order.
void Network::swizzle() {
  for (std::size_t node = 0; node < nodes_; ++node) {
    if (random_.percent(50)) continue;
    const Duration begin = random_.about(scene_.plan().network.clog_for);
    const Duration end = begin + random_.about(scene_.plan().network.clog_for);
    scene_.after(begin, [this, node, until = scene_.now() + end] {
      if (!scene_.is_stormy()) return;
      for (std::size_t i = 0; i < nodes_; ++i) {
        clog(node, i, until);
        clog(i, node, until);
      }
    });
  }
}

void Network::clog_again() {
  scene_.after(random_.about(scene_.plan().network.clog_every), [this] {
    if (!scene_.is_stormy()) return;
    const TimePoint until = scene_.now() + random_.about(scene_.plan().network.clog_for);
    const std::size_t from = random_.below(nodes_);
    const std::size_t to = random_.below(nodes_);
    // One link, all links from one node, all links to one node, or many nodes in turn.
    const std::uint64_t shape = random_.below(4);
    clog_again();
    if (!scene_.strikes()) return;
    scene_.count("clogs");
    if (scene_.is_verbose()) scene_.log("net", "clog of shape " + std::to_string(shape));
    if (shape == 3) return swizzle();
    for (std::size_t i = 0; i < nodes_; ++i) {
      if (shape == 1 || i == to) clog(from, i, until);
      if (shape == 2) clog(i, from, until);
    }
  });
}

void Network::heal() {
  ++era_;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& line = links_[i];
    if (line.cuts > 0) mended_(i / nodes_, i % nodes_);
    line.cuts = 0;
    line.clogged_until = TimePoint{};
    // What is still on its way no longer holds up what comes.
    line.last_arrival[0] = TimePoint{};
    line.last_arrival[1] = TimePoint{};
    line.busy_until[0] = TimePoint{};
    line.busy_until[1] = TimePoint{};
    line.recent.clear();
  }
  if (scene_.is_verbose()) scene_.log("net", "HEALED");
}

}  // namespace groupcomm::simulation
