// D16: who was told that all members have its message finds that they have.
//
// Traces have no time in common, so that it is only known of a delivery to have come after a notice
// where the one who delivered knew of the notice: by something that was sent since, straight by the
// one who was told or by others who had it from there. (The simulator, which knows the time, looks
// at all deliveries.) Whom a sender that is no member took for one is in no trace: those who were
// in the view of the message, and had not left it when they learnt of the notice, were meant.
#include <algorithm>
#include <utility>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// By sender that was told anything: how many of its notices lie in the past.
using Knowledge = std::vector<std::size_t>;

class NoticeSweep {
 public:
  NoticeSweep(const History& clients, Findings& findings);
  void run();

 private:
  enum class Kind : std::uint8_t { kDeliver, kSend, kNotice };
  struct Event {
    Kind kind = Kind::kDeliver;
    Index message = kNone;
  };
  struct State {
    std::vector<Event> events;
    std::size_t next = 0;
    std::size_t deliveries = 0;
    Knowledge known;
    std::set<Index> delivered;  // of those with a notice
  };

  void place_events(Index process);
  bool advance(Index process);
  void deliver(Index process, State& state, Index message);
  void learn(Index process, State& state, const SafeNotice& notice, Index by);

  const History& clients_;
  Findings& findings_;
  std::map<Index, std::vector<const SafeNotice*>> notices_;  // by process
  std::vector<const std::vector<const SafeNotice*>*> told_;  // by place in a Knowledge
  std::map<Index, std::size_t> places_;                      // by process
  std::set<Index> noticed_;                                  // messages
  std::vector<bool> is_placed_;                              // by message: it has a send event
  std::vector<Knowledge> contexts_;                          // by message; empty: not sent yet
  std::vector<State> states_;                                // by process
};

NoticeSweep::NoticeSweep(const History& clients, Findings& findings)
    : clients_(clients),
      findings_(findings),
      is_placed_(clients.messages().size()),
      contexts_(clients.messages().size()),
      states_(clients.processes().size()) {
  for (const SafeNotice& notice : clients.safe_notices()) {
    notices_[clients.message(notice.message).sender].push_back(&notice);
    noticed_.insert(notice.message);
  }
  for (const auto& [process, notices] : notices_) {
    places_[process] = told_.size();
    told_.push_back(&notices);
  }
  for (Index p = 0; at(p) < states_.size(); ++p) {
    states_[at(p)].known.resize(told_.size());
    if (!told_.empty()) place_events(p);
  }
}

// What was asked for before the next delivery may have been asked for before a notice.
void NoticeSweep::place_events(Index process) {
  std::multimap<std::uint64_t, Event> others;
  for (const Step& step : clients_.process(process).steps) {
    if (!step.is_send) continue;
    const record::Send* send = clients_.message(step.message).client_send;
    if (send == nullptr || !send->seen) continue;
    is_placed_[at(step.message)] = true;
    others.emplace(*send->seen, Event{Kind::kSend, step.message});
  }
  if (const auto told = notices_.find(process); told != notices_.end()) {
    for (const SafeNotice* notice : told->second) {
      others.emplace(notice->seen, Event{Kind::kNotice, notice->message});
    }
  }
  std::vector<Event>& events = states_[at(process)].events;
  auto other = others.begin();
  std::uint64_t delivered = 0;
  for (const Step& step : clients_.process(process).steps) {
    if (step.is_send) continue;
    for (; other != others.end() && other->first <= delivered; ++other) {
      events.push_back(other->second);
    }
    events.push_back({Kind::kDeliver, step.message});
    ++delivered;
  }
  for (; other != others.end(); ++other) events.push_back(other->second);
}

// The process knows of the notice, and has delivered so much.
void NoticeSweep::learn(Index process, State& state, const SafeNotice& notice, Index by) {
  if (state.delivered.contains(notice.message)) return;
  const MessageInfo& message = clients_.message(notice.message);
  const Index sent_in = message.home == kNone ? message.stamped_view : message.home;
  if (sent_in == kNone) return;
  const Membership* membership = clients_.membership_in(sent_in, process);
  if (membership == nullptr || !clients_.is_addressed(message, process)) return;
  // Of a view that only the dead had it may be a member, and have come in with a later one.
  if (std::none_of(membership->stays.begin(), membership->stays.end(),
                   [&](const Stay& stay) { return stay.view == sent_in; })) {
    return;
  }
  if (notice.view != kNone && !clients_.has_member(notice.view, membership->member)) return;
  if (clients_.has_parted(message, *membership)) return;
  if (membership->gone != nullptr && membership->deliveries_before_gone <= state.deliveries) return;
  const record::Send* send = by == kNone ? nullptr : clients_.message(by).client_send;
  const Record sent_since = send == nullptr ? Record() : Record(*send);
  findings_.add("D16",
                clients_.member_name(membership->member) + " knew that " +
                    clients_.message_name(notice.message) +
                    " was said to be safe, and had not delivered it",
                {notice.record, send == nullptr ? nullptr : &sent_since,
                 by == kNone ? nullptr : clients_.message(by).first_delivery});
}

void NoticeSweep::deliver(Index process, State& state, Index message) {
  if (noticed_.contains(message)) state.delivered.insert(message);
  const Knowledge& context = contexts_[at(message)];
  for (std::size_t i = 0; i < context.size(); ++i) {
    for (; state.known[i] < context[i]; ++state.known[i]) {
      learn(process, state, *(*told_[i])[state.known[i]], message);
    }
  }
  ++state.deliveries;
}

// Takes the process's events as far as what it delivers has been sent. Whether it got any further.
bool NoticeSweep::advance(Index process) {
  State& state = states_[at(process)];
  const std::size_t begin = state.next;
  for (; state.next < state.events.size(); ++state.next) {
    const auto [kind, message] = state.events[state.next];
    if (kind == Kind::kSend) {
      contexts_[at(message)] = state.known;
    } else if (kind == Kind::kNotice) {
      const std::size_t place = places_.at(process);
      learn(process, state, *(*told_[place])[state.known[place]++], kNone);
    } else {
      if (is_placed_[at(message)] && contexts_[at(message)].empty()) break;
      deliver(process, state, message);
    }
  }
  return state.next > begin;
}

void NoticeSweep::run() {
  if (told_.empty()) return;
  for (bool moved = true; moved;) {
    moved = false;
    for (Index p = 0; at(p) < states_.size(); ++p) moved = advance(p) || moved;
  }
}

}  // namespace

void check_notices_in_time(const History& clients, Findings& findings) {
  NoticeSweep(clients, findings).run();
}

}  // namespace groupcomm::verify
