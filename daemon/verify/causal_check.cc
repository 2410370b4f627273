// D10, D11, D15 and D17: nothing is delivered before what it may have been caused by. And D9 over
// groups: nothing overtakes what its sender sent before it to another group.
//
// The checker computes its own notion of causality, from what each application had delivered when
// it asked for a send, and compares it with the order of deliveries. Carriers of causality are
// deliveries and own sends of causal, total and safe messages; views are not.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// For each stream (sender, group), how many of its messages lie in the causal past.
using Context = std::vector<std::uint32_t>;

// The same of the streams of one sender, for its own messages.
using Predecessors = std::map<std::uint32_t, std::uint32_t>;

void merge(Context& into, const Context& from) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], from[i]);
}

class CausalSweep {
 public:
  CausalSweep(const History& history, Findings& findings);
  void run();

 private:
  struct ProcessState {
    std::vector<Step> steps;  // deliveries and sends, sends where the application asked for them
    std::size_t next = 0;
    std::size_t deliveries = 0;  // before the next step
    Context past;
    std::vector<std::uint32_t> checked;  // by stream: so many are delivered where they are owed
    std::vector<std::uint32_t> checked_fifo;
    Predecessors sent;
  };

  void place_sends(Index process);
  std::vector<Index> sends_of(const ProcessInfo& info) const;
  bool advance(Index process);
  void send(ProcessState& state, Index message);
  void deliver(Index process, ProcessState& state, const Step& step);
  void require(Index process, const Step& step, const Context& causes);
  void require_predecessors(Index process, const Step& step);
  void report(Index process, const Step& step, Index earlier, const std::string& property);
  bool is_owed(Index process, const Step& step, const MessageInfo& cause) const;
  bool is_fifo(Index message) const {
    const auto order = history_.order_of(history_.message(message));
    return order && *order >= Order::kFifo;
  }
  bool is_carrier(Index message) const {
    const auto order = history_.order_of(history_.message(message));
    return order && *order >= Order::kCausal;
  }
  bool is_same_request(Index a, Index b) const;
  std::string broken_property(const MessageInfo& cause, const MessageInfo& effect) const;

  const History& history_;
  Findings& findings_;
  std::vector<const std::vector<Index>*> streams_;
  std::vector<std::uint32_t> stream_of_;      // by message
  std::vector<std::uint32_t> place_of_;       // by message: from 1, inside its stream
  std::vector<Context> contexts_;             // by message; empty: not sent yet
  std::vector<Predecessors> predecessors_;    // by message
  std::vector<bool> is_placed_;               // by message: its sender's steps have the send
  std::vector<ProcessState> states_;          // by process
  std::vector<std::vector<bool>> delivered_;  // by process, then message
};

CausalSweep::CausalSweep(const History& history, Findings& findings)
    : history_(history),
      findings_(findings),
      stream_of_(history.messages().size()),
      place_of_(history.messages().size()),
      contexts_(history.messages().size()),
      predecessors_(history.messages().size()),
      is_placed_(history.messages().size()),
      states_(history.processes().size()),
      delivered_(history.processes().size()) {
  for (const auto& [key, stream] : history.streams()) {
    for (std::size_t i = 0; i < stream.size(); ++i) {
      stream_of_[at(stream[i])] = static_cast<std::uint32_t>(streams_.size());
      place_of_[at(stream[i])] = static_cast<std::uint32_t>(i + 1);
    }
    streams_.push_back(&stream);
  }
  for (Index p = 0; at(p) < states_.size(); ++p) {
    states_[at(p)].past.resize(streams_.size());
    states_[at(p)].checked.resize(streams_.size());
    states_[at(p)].checked_fifo.resize(streams_.size());
    delivered_[at(p)].resize(history.messages().size());
    place_sends(p);
  }
}

// The process's sends in the order of its requests. Its daemon saw all of them.
std::vector<Index> CausalSweep::sends_of(const ProcessInfo& info) const {
  if (info.daemon_traced) return info.daemon_sends;
  std::vector<Index> sends;
  for (const Step& step : info.steps) {
    if (step.is_send) sends.push_back(step.message);
  }
  return sends;
}

void CausalSweep::place_sends(Index process) {
  const ProcessInfo& info = history_.process(process);
  const std::vector<Index> sends = sends_of(info);
  for (const Index message : sends) is_placed_[at(message)] = true;

  ProcessState& state = states_[at(process)];
  std::uint64_t delivered = 0;
  std::uint64_t seen = 0;
  std::size_t next = 0;
  // A send without `seen` is taken to follow the one before it at once: that may miss a cause, but
  // never makes one up.
  const auto place_until = [&](std::uint64_t limit) {
    for (; next < sends.size(); ++next) {
      const record::Send* client = history_.message(sends[next]).client_send;
      if (client != nullptr && client->seen) seen = std::max(seen, *client->seen);
      if (seen > limit) return;
      state.steps.push_back({.is_send = true, .message = sends[next], .membership = kNone});
    }
  };
  place_until(0);
  for (const Step& step : info.steps) {
    if (step.is_send) continue;
    state.steps.push_back(step);
    place_until(++delivered);
  }
  place_until(~std::uint64_t{0});
}

bool CausalSweep::is_same_request(Index a, Index b) const {
  const record::Send* x = history_.message(a).client_send;
  const record::Send* y = history_.message(b).client_send;
  if (x != nullptr && y != nullptr && x->request) return x->request == y->request;
  x = history_.message(a).daemon_send;
  y = history_.message(b).daemon_send;
  return x != nullptr && y != nullptr && x->daemon_number && x->daemon_number == y->daemon_number &&
         daemon_view_of(x->view) == daemon_view_of(y->view);
}

void CausalSweep::send(ProcessState& state, Index message) {
  // The messages of one request to several groups have the same past.
  const bool has_sibling = state.next > 0 && state.steps[state.next - 1].is_send &&
                           is_same_request(state.steps[state.next - 1].message, message);
  contexts_[at(message)] =
      has_sibling ? contexts_[at(state.steps[state.next - 1].message)] : state.past;
  predecessors_[at(message)] =
      has_sibling ? predecessors_[at(state.steps[state.next - 1].message)] : state.sent;
  std::uint32_t& sent = state.sent[stream_of_[at(message)]];
  sent = std::max(sent, place_of_[at(message)]);
  if (is_carrier(message)) {
    std::uint32_t& own = state.past[stream_of_[at(message)]];
    own = std::max(own, place_of_[at(message)]);
  }
}

// Whether the member must have delivered the cause before the message of `step`.
bool CausalSweep::is_owed(Index process, const Step& step, const MessageInfo& cause) const {
  if (!history_.is_addressed(cause, process)) return false;
  if (cause.home == kNone) {
    // Nobody delivered it: it is lost, and what depends on it must be lost, too. Only inside one
    // group is it plain from the traces that the member was there.
    const Membership& membership = history_.memberships()[at(step.membership)];
    return cause.group == membership.group && history_.is_owed(cause, membership) &&
           !history_.has_parted(cause, membership);
  }
  if (!history_.has_process(cause.home, process)) return false;
  const Membership* membership = history_.membership_in(cause.home, process);
  if (membership == nullptr) return false;
  const bool is_elsewhere = cause.home != history_.message(step.message).home;
  if (is_elsewhere && history_.has_parted(cause, *membership)) return false;
  // Its join, of which only the dead knew that it had its place, became part of a later view.
  const std::vector<Stay>& stays = membership->stays;
  const bool was_there = std::any_of(stays.begin(), stays.end(),
                                     [&](const Stay& stay) { return stay.view == cause.home; });
  if (!was_there && history_.is_recovered(stays.front().view)) return false;
  // Whoever had been thrown out of the one group is owed nothing there; and who had left it with
  // the dead, of which nobody else may know.
  const bool is_over = membership->gone != nullptr &&
                       membership->deliveries_before_gone <= states_[at(process)].deliveries;
  if (!is_over) return true;
  return std::get<record::Gone>(*membership->gone).reason == "left" &&
         !history_.is_lost_before_recovery(*membership, membership->stays.size() - 1);
}

std::string CausalSweep::broken_property(const MessageInfo& cause,
                                         const MessageInfo& effect) const {
  if (cause.first_delivery == nullptr) return "D17";
  if (cause.group != effect.group) return "D11";
  const bool is_total =
      history_.order_of(cause) >= Order::kTotal && history_.order_of(effect) >= Order::kTotal;
  return is_total ? "D15" : "D10";
}

void CausalSweep::require(Index process, const Step& step, const Context& causes) {
  ProcessState& state = states_[at(process)];
  for (std::size_t s = 0; s < causes.size(); ++s) {
    for (; state.checked[s] < causes[s]; ++state.checked[s]) {
      const Index cause = (*streams_[s])[state.checked[s]];
      if (delivered_[at(process)][at(cause)] || !is_carrier(cause)) continue;
      const MessageInfo& info = history_.message(cause);
      if (!is_owed(process, step, info)) continue;
      report(process, step, cause, broken_property(info, history_.message(step.message)));
    }
  }
}

void CausalSweep::require_predecessors(Index process, const Step& step) {
  ProcessState& state = states_[at(process)];
  for (const auto& [stream, count] : predecessors_[at(step.message)]) {
    for (; state.checked_fifo[stream] < count; ++state.checked_fifo[stream]) {
      const Index earlier = (*streams_[stream])[state.checked_fifo[stream]];
      if (delivered_[at(process)][at(earlier)] || !is_fifo(earlier)) continue;
      const MessageInfo& info = history_.message(earlier);
      if (!is_owed(process, step, info)) continue;
      report(process, step, earlier, info.first_delivery == nullptr ? "D17" : "D9");
    }
  }
}

void CausalSweep::report(Index process, const Step& step, Index earlier,
                         const std::string& property) {
  const MessageInfo& cause = history_.message(earlier);
  const MessageInfo& effect = history_.message(step.message);
  const Record cause_send = *cause.send();
  const Record effect_send = *effect.send();
  findings_.add(
      property,
      history_.process_name(process) + " delivered " + history_.message_name(step.message) +
          (property == "D9" ? " before what its sender sent earlier, " : " before its cause, ") +
          history_.message_name(earlier),
      {&cause_send, &effect_send, cause.first_delivery, effect.first_delivery});
}

void CausalSweep::deliver(Index process, ProcessState& state, const Step& step) {
  if (is_fifo(step.message) && is_placed_[at(step.message)]) require_predecessors(process, step);
  const Context& causes = contexts_[at(step.message)];
  if (is_carrier(step.message) && !causes.empty()) {
    require(process, step, causes);
    merge(state.past, causes);
    std::uint32_t& own = state.past[stream_of_[at(step.message)]];
    own = std::max(own, place_of_[at(step.message)]);
  }
  delivered_[at(process)][at(step.message)] = true;
  ++state.deliveries;
}

// Takes the process's steps as far as what it delivers has been sent. Whether it got any further.
bool CausalSweep::advance(Index process) {
  ProcessState& state = states_[at(process)];
  const std::size_t begin = state.next;
  for (; state.next < state.steps.size(); ++state.next) {
    const Step& step = state.steps[state.next];
    if (step.is_send) {
      send(state, step.message);
      continue;
    }
    if (is_placed_[at(step.message)] && contexts_[at(step.message)].empty()) break;
    deliver(process, state, step);
  }
  return state.next > begin;
}

void CausalSweep::run() {
  if (streams_.empty()) return;
  for (bool moved = true; moved;) {
    moved = false;
    for (Index p = 0; at(p) < states_.size(); ++p) moved = advance(p) || moved;
  }
  for (Index p = 0; at(p) < states_.size(); ++p) {
    const ProcessState& state = states_[at(p)];
    if (state.next == state.steps.size()) continue;
    const Record send = *history_.message(state.steps[state.next].message).send();
    findings_.add("D1", history_.process_name(p) + " delivered a message that was sent only later",
                  {&send, history_.message(state.steps[state.next].message).first_delivery});
    return;  // whoever waits for this one is stuck, too
  }
}

}  // namespace

void check_causal_order(const History& history, Findings& findings) {
  CausalSweep(history, findings).run();
}

}  // namespace groupcomm::verify
