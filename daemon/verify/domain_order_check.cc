// D12 over groups: all total and safe messages of a view of daemons have one order, and who is in
// several groups sees it.
#include <algorithm>
#include <deque>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// What one process delivered in one view of daemons, in its order.
using Sequence = std::vector<DeliveryInfo>;

// Looks for an order of messages that fits all sequences.
class CommonOrder {
 public:
  explicit CommonOrder(std::size_t messages) : places_(messages, kNone) {}

  void check(const std::vector<Sequence>& sequences, Findings& findings) {
    for (const Sequence& sequence : sequences) add(sequence);
    if (const Node* node = first_in_cycle()) report(*node, findings);
    for (const Node& node : nodes_) places_[at(node.message)] = kNone;
    nodes_.clear();
  }

 private:
  struct Edge {
    Index before = kNone;  // node
    const Record* first = nullptr;
    const Record* second = nullptr;
  };
  struct Node {
    Index message = kNone;
    std::vector<Edge> edges_in;
    std::vector<Index> next;
    std::size_t open = 0;  // edges from nodes that have no place yet
  };

  Index node_of(Index message) {
    Index& place = places_[at(message)];
    if (place == kNone) {
      place = static_cast<Index>(nodes_.size());
      nodes_.push_back({.message = message, .edges_in = {}, .next = {}});
    }
    return place;
  }

  void add(const Sequence& sequence) {
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      const Index node = node_of(sequence[i].message);
      if (i == 0) continue;
      const Index before = node_of(sequence[i - 1].message);
      nodes_[at(before)].next.push_back(node);
      nodes_[at(node)].edges_in.push_back(
          {.before = before, .first = sequence[i - 1].record, .second = sequence[i].record});
      ++nodes_[at(node)].open;
    }
  }

  // Takes away, again and again, what nothing comes before. What is left has a cycle before it.
  const Node* first_in_cycle() {
    std::deque<Index> ready;
    for (Index i = 0; at(i) < nodes_.size(); ++i) {
      if (nodes_[at(i)].open == 0) ready.push_back(i);
    }
    std::size_t placed = 0;
    for (; !ready.empty(); ready.pop_front(), ++placed) {
      for (const Index next : nodes_[at(ready.front())].next) {
        if (--nodes_[at(next)].open == 0) ready.push_back(next);
      }
    }
    if (placed == nodes_.size()) return nullptr;
    return &*std::find_if(nodes_.begin(), nodes_.end(), [](const Node& n) { return n.open > 0; });
  }

  const Edge& open_edge_into(const Node& node) const {
    return *std::find_if(node.edges_in.begin(), node.edges_in.end(),
                         [&](const Edge& edge) { return nodes_[at(edge.before)].open > 0; });
  }

  void report(const Node& begin, Findings& findings) const {
    std::vector<const Edge*> path;
    std::vector<std::size_t> steps(nodes_.size());
    const Node* node = &begin;
    while (steps[static_cast<std::size_t>(node - nodes_.data())] == 0) {
      path.push_back(&open_edge_into(*node));
      steps[static_cast<std::size_t>(node - nodes_.data())] = path.size();
      node = &nodes_[at(path.back()->before)];
    }
    std::vector<const Record*> records;
    const std::size_t first = steps[static_cast<std::size_t>(node - nodes_.data())] - 1;
    for (std::size_t i = first; i < path.size(); ++i) {
      records.insert(records.end(), {path[i]->first, path[i]->second});
    }
    findings.add("D12", "those who went on together delivered messages in no common order",
                 records);
  }

  std::vector<Index> places_;  // by message: its node
  std::vector<Node> nodes_;
};

// By view of daemons and what the process comes to next: those who went on together.
using Ways = std::map<std::pair<std::string_view, std::string_view>, std::vector<Sequence>>;

class DomainOrder {
 public:
  explicit DomainOrder(const History& history)
      : history_(history), records_(history.messages().size()) {
    for (const Membership& membership : history.memberships()) {
      by_process_[membership.process].push_back(&membership);
    }
  }

  Ways ways() {
    Ways ways;
    for (const auto& [process, memberships] : by_process_) {
      std::fill(records_.begin(), records_.end(), nullptr);
      std::map<std::string_view, std::string_view> next;
      for (const Membership* membership : memberships) note(*membership, next);
      std::map<std::string_view, Sequence> by_base;
      for (const Step& step : history_.process(process).steps) {
        const Record* record = step.is_send ? nullptr : records_[at(step.message)];
        if (record == nullptr) continue;
        const auto& delivery = std::get<record::Deliver>(*record);
        by_base[daemon_view_of(delivery.view)].push_back({step.message, record});
      }
      for (const auto& way : next) ways[way].push_back(std::move(by_base[way.first]));
    }
    return ways;
  }

 private:
  // Into `next`: to where the process came from a view of daemons, as far as the membership shows
  // it; "" where it is there to the end. Who has left its groups may have parted from the others.
  void note(const Membership& membership, std::map<std::string_view, std::string_view>& next) {
    std::string_view before;
    for (const Stay& stay : membership.stays) {
      const std::string_view base = daemon_view_of(history_.view_name(stay.view));
      if (!before.empty() && base != before) next.emplace(before, base);
      before = base;
      for (const DeliveryInfo& delivery : stay.deliveries) {
        const Order order = std::get<record::Deliver>(*delivery.record).order;
        if (order >= Order::kTotal) records_[at(delivery.message)] = delivery.record;
      }
    }
    const bool stays = membership.gone == nullptr && history_.has_settled(membership.process);
    if (stays) next.emplace(before, "");
  }

  const History& history_;
  std::map<Index, std::vector<const Membership*>> by_process_;
  std::vector<const Record*> records_;  // by message: the process's delivery of it
};

}  // namespace

void check_domain_order(const History& clients, Findings& findings) {
  CommonOrder order(clients.messages().size());
  for (const auto& [way, sequences] : DomainOrder(clients).ways()) {
    if (sequences.size() > 1) order.check(sequences, findings);
  }
}

}  // namespace groupcomm::verify
