// ViewChange objects that leave one view together, in memory and in virtual time.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "membership/rank_set.h"
#include "membership/view_change.h"
#include "tests/membership/views.h"

namespace groupcomm::membership {

// Stands in for the owner of a ViewChange: tells it who is there, holds its messages, pulls cuts at
// once, keeps its record, and takes note of what it saw decided.
class ViewChangeNet {
 public:
  struct Node {
    std::size_t daemon = 0;
    std::uint64_t life = 1;
    std::unique_ptr<ViewChange> change;
    protocol::DurableRecord record;
    ViewChange::Messages messages;
    bool leaving = false;
    bool suspended = false;
    std::optional<RankSet> given_up;
    bool can_pull = true;
    std::vector<protocol::ViewChangeValue> decided;
  };
  struct Frame {
    std::size_t from;
    std::size_t to;
    protocol::PeerBody body;
  };
  // True: the frame passes.
  using Filter = std::function<bool(const Frame&)>;

  // Members that all live in one view. `is_side`: of a partition, so that the view is not primary.
  static ViewChangeNet living(std::size_t size, bool is_side = false) {
    ViewChangeNet net;
    net.base_ = view_of(size);
    net.base_.primary = !is_side;
    for (std::size_t i = 0; i < size; ++i) {
      Node& node = net.add(i, 1, {.decided = genesis_of(size), .promised = {}, .accepted = {}});
      node.change->begin(net.base_, /*living=*/true, net.now_);
      node.messages.living = true;
      node.messages.held.resize(size);
      node.messages.first_place = OrderNumber{1};
      net.drain(node);
    }
    return net;
  }
  // Daemons outside any view, with these records.
  static ViewChangeNet outside(const protocol::DaemonView& base,
                               const std::map<std::size_t, protocol::DurableRecord>& records,
                               std::uint64_t life) {
    ViewChangeNet net;
    net.base_ = base;
    for (const auto& [i, record] : records) net.add(i, life, record);
    return net;
  }
  static ViewChangeNet genesis(std::size_t size, std::set<std::size_t> started) {
    std::map<std::size_t, protocol::DurableRecord> records;
    for (const std::size_t i : started) {
      records[i] = {.decided = genesis_of(size), .promised = {}, .accepted = {}};
    }
    return outside(genesis_of(size), records, 1);
  }

  std::size_t size() const { return base_.members.size(); }
  Node& node(std::size_t i) { return nodes_.at(i); }
  ViewChange& change(std::size_t i) { return *nodes_.at(i).change; }
  TimePoint now() const { return now_; }

  // --- faults
  void kill(std::size_t i) { nodes_.erase(i); }
  void cut(std::size_t a, std::size_t b) {
    cuts_.insert({a, b});
    cuts_.insert({b, a});
  }
  // Nothing passes in this direction, and the sender knows it.
  void cut_one_way(std::size_t from, std::size_t to) { cuts_.insert({from, to}); }
  void heal() { cuts_.clear(); }
  void heal(std::size_t a, std::size_t b) {
    cuts_.erase({a, b});
    cuts_.erase({b, a});
  }
  void set_filter(Filter filter) { filter_ = std::move(filter); }
  // True: the frame comes in the next round, behind others.
  void set_lateness(std::function<bool()> is_late) { is_late_ = std::move(is_late); }
  void restart(std::size_t i, std::uint64_t life) {
    const protocol::DurableRecord record = nodes_.at(i).record;
    nodes_.erase(i);
    add(i, life, record);
  }
  void start(std::size_t i, const protocol::DurableRecord& record) { add(i, 1, record); }
  void set_joiner(const Joiner& joiner) { joiners_ = {joiner}; }

  // --- time
  void run_for(Duration duration) {
    const TimePoint end = now_ + duration;
    for (;; now_ = now_ + std::chrono::milliseconds(10)) {
      for (std::size_t i = 0; i < base_.members.size(); ++i) {
        if (nodes_.contains(i)) tick(nodes_.at(i));
      }
      deliver();
      if (now_ >= end) return;
    }
  }
  // Nothing but frames that are under way.
  void deliver() {
    std::deque<Frame> late;
    while (!wire_.empty()) {
      Frame frame = std::move(wire_.front());
      wire_.pop_front();
      if (is_late_ && is_late_()) {
        late.push_back(std::move(frame));
        continue;
      }
      if (!nodes_.contains(frame.to) || cuts_.contains({frame.from, frame.to})) continue;
      if (!nodes_.contains(frame.from) || (filter_ && !filter_(frame))) continue;
      dispatch(nodes_.at(frame.to), nodes_.at(frame.from), frame.body);
    }
    wire_ = std::move(late);
  }
  // The operator's word.
  void force(std::size_t i, RankSet without) {
    node(i).given_up = std::move(without);
    change(i).ask_afresh(now_);
  }
  void begin_ballot(std::size_t i) {
    Node& node = nodes_.at(i);
    node.change->begin_ballot(now_, situation(node), node.messages);
    drain(node);
  }

  // What anybody saw decided; they must agree.
  std::optional<protocol::ViewChangeValue> decided() const {
    std::optional<protocol::ViewChangeValue> found;
    for (const auto& [i, node] : nodes_) {
      for (const auto& value : node.decided) {
        EXPECT_EQ(found.value_or(value), value) << "another value at " << i;
        found = value;
      }
    }
    return found;
  }
  std::vector<DaemonId> decided_members() const {
    const auto value = decided();
    return value ? ids_in(value->next) : std::vector<DaemonId>{};
  }
  std::size_t frames(std::size_t i, const std::string& kind) const {
    const auto it = sent_.find({i, kind});
    return it == sent_.end() ? 0 : it->second;
  }

  ViewChange::Situation situation(const Node& node) const {
    ViewChange::Situation situation;
    for (Rank rank = 0; rank < base_.members.size(); ++rank) {
      const auto it = nodes_.find(rank);
      const bool is_there = it != nodes_.end() && !cuts_.contains({node.daemon, rank});
      if (is_there) {
        situation.present.insert(rank);
        situation.hears.push_back(incarnation_of(rank, it->second.life));
        if (it->second.leaving) situation.leaving.insert(rank);
      }
      if (node.change->is_living() && (!is_there || it->second.life != 1)) {
        situation.lost.insert(rank);
        if (it != nodes_.end() && is_heard_by_another(node, rank)) {
          situation.heard_elsewhere.insert(rank);
        }
      }
    }
    for (const Joiner& joiner : joiners_) {
      situation.hears.push_back(joiner.member.id.incarnation);
      situation.joiner_is_due = node.change->is_living();
    }
    situation.joiners = joiners_;
    situation.leaving_self = node.leaving;
    situation.suspended = node.suspended;
    situation.given_up = node.given_up;
    return situation;
  }

 private:
  Node& add(std::size_t i, std::uint64_t life, const protocol::DurableRecord& record) {
    Node& node = nodes_[i];
    node.daemon = i;
    node.life = life;
    node.record = record;
    ViewChange::Options options;
    options.self = daemon_member(i, life);
    options.partitionable = !base_.primary;
    node.change = std::make_unique<ViewChange>(options, record, now_);
    return node;
  }

  bool is_heard_by_another(const Node& node, Rank rank) const {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
      const std::size_t other = entry.first;
      return other != node.daemon && other != rank && !cuts_.contains({node.daemon, other}) &&
             !cuts_.contains({other, rank});
    });
  }

  void tick(Node& node) {
    const ViewChange::Situation now = situation(node);
    node.change->on_tick(now_, now);
    if (node.decided.empty() && node.change->is_ballot_due(now_, now)) {
      node.change->begin_ballot(now_, now, node.messages);
    }
    drain(node);
  }

  void drain(Node& node) {
    while (const protocol::ViewChangeValue* wanted = node.change->wanted()) {
      if (!node.can_pull) break;
      pulled_.insert({node.daemon, wanted->next.id});
      node.change->on_cut_held(now_);
      node.change->on_tick(now_, situation(node));
    }
    if (node.change->take_record_changed()) node.record = node.change->record();
    for (auto& outbound : node.change->take_outbound()) {
      for (const std::string& name : outbound.to) {
        const std::size_t to = std::stoul(name.substr(1));
        ++sent_[{node.daemon, kind_of(outbound.body)}];
        wire_.push_back({node.daemon, to, outbound.body});
      }
    }
    if (auto decided = node.change->take_decided()) node.decided.push_back(*decided);
  }

  void dispatch(Node& node, const Node& from, const protocol::PeerBody& body) {
    const DaemonId sender = daemon_id(from.daemon, from.life);
    const auto rank = static_cast<Rank>(from.daemon);
    const ViewChange::Situation now = situation(node);
    ViewChange& change = *node.change;
    if (const auto* prepare = std::get_if<protocol::Prepare>(&body)) {
      change.on_prepare(now_, sender, rank, *prepare, now, node.messages);
    } else if (const auto* state = std::get_if<protocol::State>(&body)) {
      change.on_state(now_, sender, rank, *state, now);
    } else if (const auto* refused = std::get_if<protocol::BallotRefused>(&body)) {
      change.on_refused(now_, *refused, now);
    } else if (const auto* propose = std::get_if<protocol::Propose>(&body)) {
      change.on_propose(now_, rank, *propose);
    } else if (const auto* accept = std::get_if<protocol::Accept>(&body)) {
      change.on_accept(now_, rank, *accept, now);
    }
    drain(node);
  }

 public:
  static std::string kind_of(const protocol::PeerBody& body) {
    if (std::holds_alternative<protocol::Prepare>(body)) return "PREPARE";
    if (std::holds_alternative<protocol::State>(body)) return "STATE";
    if (std::holds_alternative<protocol::BallotRefused>(body)) return "REFUSED";
    if (std::holds_alternative<protocol::Propose>(body)) return "PROPOSE";
    if (std::holds_alternative<protocol::Accept>(body)) return "ACCEPT";
    return "?";
  }
  // The cut of the view with this id was pulled by the daemon.
  bool has_pulled(std::size_t i, const ViewId& id) const { return pulled_.contains({i, id}); }

 private:
  TimePoint now_{std::chrono::seconds(10)};
  protocol::DaemonView base_;
  std::map<std::size_t, Node> nodes_;
  std::deque<Frame> wire_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  Filter filter_;
  std::function<bool()> is_late_;
  std::vector<Joiner> joiners_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> sent_;
  std::set<std::pair<std::size_t, ViewId>> pulled_;
};

// Loses the frames of this kind that one daemon sends, but for those to some.
inline ViewChangeNet::Filter lose(std::size_t from, const std::string& kind,
                                  const std::set<std::size_t>& but_to = {}) {
  return [=](const ViewChangeNet::Frame& frame) {
    return frame.from != from || ViewChangeNet::kind_of(frame.body) != kind ||
           but_to.contains(frame.to);
  };
}

}  // namespace groupcomm::membership
