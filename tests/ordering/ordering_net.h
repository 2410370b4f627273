// Several ViewOrderings of one view, joined by links that a test can hold, reorder and lose.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ordering/view_ordering.h"

namespace groupcomm::ordering {

// Every member logs what it delivers: "text" for data, with its chunks joined before it; "+g" and
// "-g" for a join and a leave of group g; a transitional delivery begins with "~".
class OrderingNet {
 public:
  using Log = std::vector<std::string>;

  struct Node {
    ViewOrdering ordering;
    Log log;
    std::vector<Delivery> deliveries;
  };

  OrderingNet(std::size_t size, Engine engine) {
    for (Rank rank = 0; rank < size; ++rank) {
      OrderingOptions options;
      options.self = rank;
      options.view_size = size;
      options.engine = engine;
      add(options);
    }
  }
  explicit OrderingNet(std::vector<OrderingOptions> members) {
    for (const OrderingOptions& options : members) add(options);
  }

  std::size_t size() const { return nodes_.size(); }
  ViewOrdering& at(Rank rank) { return nodes_[rank]->ordering; }
  const Log& log(Rank rank) const { return nodes_[rank]->log; }
  const std::vector<Delivery>& deliveries(Rank rank) const { return nodes_[rank]->deliveries; }
  TimePoint now() const { return now_; }

  // --- sending
  struct What {
    Order order = Order::kTotal;
    std::string text;
    std::uint64_t session = 1;
    std::vector<std::uint64_t> groups{1};
    bool uniform = false;
    std::uint32_t chunks = 0;
    protocol::MessageKind kind = protocol::MessageKind::kData;
  };
  MessageNumber send(Rank rank, What what) {
    auto message = std::make_shared<protocol::StampedMessage>();
    message->kind = what.kind;
    message->order = what.order;
    message->uniform = what.uniform;
    message->chunks = what.chunks;
    message->session = SessionId{what.session};
    message->destination.group = GroupKey{what.groups[0]};
    for (std::size_t i = 1; i < what.groups.size(); ++i) {
      message->more_destinations.push_back(
          {.group = GroupKey{what.groups[i]}, .epoch = {}, .number = {}});
    }
    message->payload = Payload::copy_of(what.text);
    const MessageNumber number = at(rank).stamp(std::move(message));
    at(rank).settle();
    collect(rank);
    return number;
  }
  MessageNumber send(Rank rank, Order order, const std::string& text) {
    What what;
    what.order = order;
    what.text = text;
    return send(rank, what);
  }
  MessageNumber join(Rank rank, std::uint64_t group) {
    What what;
    what.kind = protocol::MessageKind::kJoin;
    what.session = 99;
    what.groups = {group};
    return send(rank, what);
  }
  MessageNumber leave(Rank rank, std::vector<std::uint64_t> groups) {
    What what;
    what.kind = protocol::MessageKind::kLeave;
    what.session = 99;
    what.groups = std::move(groups);
    return send(rank, what);
  }

  // --- links. A batch that was told waits on each link until it is passed on or lost.
  // Puts all news of a member on its links. False: there were none.
  bool tell(Rank from) {
    auto batch = at(from).take_batch();
    if (!batch) return false;
    do {
      const auto shared = std::make_shared<const protocol::Batch>(std::move(*batch));
      for (Rank to = 0; to < size(); ++to) {
        if (to != from) links_[{from, to}].push_back(shared);
      }
      batch = at(from).has_unsent() ? at(from).take_batch() : std::nullopt;
    } while (batch);
    return true;
  }
  // Nothing passes from one to the other by settle() until released.
  void hold(Rank from, Rank to) { held_.insert({from, to}); }
  void release(Rank from, Rank to) { held_.erase({from, to}); }
  void release_all() { held_.clear(); }
  // Passes on all that waits on a link, held or not. False: nothing did.
  bool pass(Rank from, Rank to) {
    bool passed = false;
    while (pass_at(from, to, 0)) passed = true;
    return passed;
  }
  bool pass_at(Rank from, Rank to, std::size_t position) {
    auto& link = links_[{from, to}];
    if (position >= link.size()) return false;
    const auto batch = link[position];
    link.erase(link.begin() + static_cast<std::ptrdiff_t>(position));
    EXPECT_TRUE(at(to).fits(from, *batch));
    at(to).on_batch(from, *batch);
    collect(to);
    return true;
  }
  // How far one is, which no link loses.
  void hear_of(Rank from, Rank to) {
    at(to).on_progress(from, at(from).progress());
    collect(to);
  }
  // What waits on a link is passed on last first.
  void pass_reversed(Rank from, Rank to) {
    auto& link = links_[{from, to}];
    while (!link.empty()) pass_at(from, to, link.size() - 1);
  }
  void repeat(Rank from, Rank to) {
    auto& link = links_[{from, to}];
    if (!link.empty()) link.push_back(link.front());
  }
  void lose(Rank from, Rank to) { links_[{from, to}].clear(); }
  void lose_first(Rank from, Rank to) {
    auto& link = links_[{from, to}];
    if (!link.empty()) link.pop_front();
  }
  std::size_t waiting(Rank from, Rank to) { return links_[{from, to}].size(); }

  // Passes on everything, and what follows from it, but for held links.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (Rank from = 0; from < size(); ++from) {
        moved = tell(from) || moved;
        for (Rank to = 0; to < size(); ++to) {
          if (to == from || held_.contains({from, to})) continue;
          moved = pass(from, to) || moved;
        }
      }
    }
  }

  // Time passes; what is missing is asked for and repeated over links that are not held.
  void repair_for(Duration duration) {
    const TimePoint end = now_ + duration;
    for (; now_ < end; now_ = now_ + std::chrono::milliseconds(5)) {
      for (Rank rank = 0; rank < size(); ++rank) {
        at(rank).observe(now_);
        for (const auto& question : at(rank).take_nacks(now_)) ask(rank, question);
      }
      settle();
    }
  }

  // --- flush, as the daemons of `survivors` do it among themselves (rules F2-F7)
  void flush(const std::vector<Rank>& survivors) {
    std::vector<FlushState> states;
    for (const Rank rank : survivors) {
      at(rank).freeze();
      states.push_back(at(rank).flush_state());
    }
    const auto cut = cut_of(states);
    const auto [first_place, places] = places_of(states);
    for (const Rank rank : survivors) refill(rank, survivors, cut);
    for (const Rank rank : survivors) {
      EXPECT_TRUE(at(rank).finish(cut, first_place, places));
      collect(rank);
    }
  }
  std::vector<MessageNumber> cut_of(const std::vector<FlushState>& states) const {
    std::vector<MessageNumber> cut(size());
    for (const FlushState& state : states) {
      for (Rank rank = 0; rank < size(); ++rank) cut[rank] = std::max(cut[rank], state.held[rank]);
    }
    return cut;
  }
  void refill(Rank rank, const std::vector<Rank>& holders, const std::vector<MessageNumber>& cut) {
    at(rank).want(cut);
    for (const Rank holder : holders) {
      const auto missing = at(rank).missing_for(cut);
      if (missing.empty() || holder == rank) continue;
      for (const auto& repair : at(holder).on_nack({missing, {}, {}}).repairs) {
        at(rank).on_refill(repair.original, repair.messages);
      }
    }
  }

 private:
  using Link = std::pair<Rank, Rank>;

  void add(const OrderingOptions& options) {
    nodes_.push_back(std::make_unique<Node>(Node{ViewOrdering(options), {}, {}}));
  }

  void collect(Rank rank) {
    for (Delivery& delivery : at(rank).take_deliveries()) {
      const protocol::StampedMessage& message = *delivery.message;
      if (message.kind == protocol::MessageKind::kClosing) continue;
      std::string entry = delivery.transitional ? "~" : "";
      const auto group = std::to_string(message.destination.group.value);
      if (message.kind == protocol::MessageKind::kJoin) entry += "+" + group;
      if (message.kind == protocol::MessageKind::kLeave) entry += "-" + group;
      for (const Payload& chunk : delivery.chunks) entry += chunk.text();
      entry += message.payload.text();
      nodes_[rank]->log.push_back(std::move(entry));
      nodes_[rank]->deliveries.push_back(std::move(delivery));
    }
  }

  void ask(Rank asker, const ViewOrdering::Question& question) {
    if (held_.contains({asker, question.to}) || held_.contains({question.to, asker})) return;
    const ViewOrdering::Answer answer = at(question.to).on_nack(question.nack);
    for (const protocol::Repair& repair : answer.repairs) {
      EXPECT_TRUE(at(asker).fits(repair.original, repair.messages));
      at(asker).on_repair(repair.original, repair.messages);
    }
    if (!answer.places.empty()) {
      protocol::Batch batch;
      batch.first_place = answer.first_place;
      batch.places = answer.places;
      batch.progress = at(question.to).progress();
      at(asker).on_batch(question.to, batch);
    }
    collect(asker);
  }

  // The longest run of places that the states know together.
  static std::pair<OrderNumber, std::vector<MessageReference>> places_of(
      const std::vector<FlushState>& states) {
    std::map<OrderNumber, MessageReference> known;
    for (const FlushState& state : states) {
      for (std::size_t i = 0; i < state.places.size(); ++i) {
        const auto [it, is_new] = known.emplace(state.first_place.plus(i), state.places[i]);
        EXPECT_EQ(it->second, state.places[i]);
      }
    }
    if (known.empty()) return {OrderNumber{1}, {}};
    std::vector<MessageReference> places;
    for (const auto& [place, reference] : known) {
      if (place != known.begin()->first.plus(places.size())) break;
      places.push_back(reference);
    }
    return {known.begin()->first, places};
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<Link, std::deque<std::shared_ptr<const protocol::Batch>>> links_;
  std::set<Link> held_;
  TimePoint now_{std::chrono::seconds(1)};
};

}  // namespace groupcomm::ordering
