#include "tests/simulation/edge_watch.h"

#include <algorithm>

#include "groupcomm/probe.h"
#include "membership/view_lookup.h"

namespace groupcomm::simulation {

using protocol::FrameHeader;

namespace {

constexpr std::uint64_t kManyWishes = 64;
constexpr std::uint64_t kFarAhead = 10;  // messages of one daemon
constexpr std::size_t kManyPlaces = 1000;

bool is_member(const std::vector<DaemonId>& members, Incarnation who) {
  return std::any_of(members.begin(), members.end(),
                     [&](const DaemonId& member) { return member.incarnation == who; });
}

bool is_ordered(Order order) { return order == Order::kTotal || order == Order::kSafe; }

OrderNumber last_place(const protocol::State& state) {
  return OrderNumber{state.first_place.value + state.places.size() - 1};
}

}  // namespace

const EdgeWatch::Whole* EdgeWatch::view_of(Incarnation who) const {
  const auto current = current_.find(who);
  if (current == current_.end()) return nullptr;
  const auto view = views_.find(current->second);
  return view == views_.end() ? nullptr : &view->second;
}

// --- what is sent --------------------------------------------------------------------------------

void EdgeWatch::on_sent(const protocol::PeerFrame& frame) {
  std::visit([&](const auto& body) { on_body(frame.header, body); }, frame.body);
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Batch& batch) {
  std::set<SessionId>& halves = halves_[header.sender.incarnation];
  MessageNumber& newest = views_[header.view].newest;
  for (const protocol::MessagePointer& message : batch.messages) {
    newest = std::max(newest, message->number);
    if (message->kind == protocol::MessageKind::kChunk && message->payload.size() > 0) {
      halves.insert(message->session);
    } else {
      halves.erase(message->session);
    }
  }
  if (batch.places.empty()) return;
  Whole& view = views_[header.view];
  for (std::size_t i = 0; i < batch.places.size(); ++i) {
    view.places.try_emplace(batch.places[i], batch.first_place.plus(i));
  }
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Nack& nack) {
  Change& change = changes_[header.view];
  if (change.is_over || change.highest == protocol::Ballot{}) return;
  for (const protocol::MissingMessages& missing : nack.missing) {
    change.lacking.emplace_back(header.sender.incarnation, missing);
  }
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Prepare& prepare) {
  Change& change = changes_[header.view];
  change.highest = std::max(change.highest, prepare.ballot);
  judge_frozen(header.sender, change, prepare.ballot);
}

// Who has answered one ballot, and whose proposer does nothing any more, is in another one now.
void EdgeWatch::judge_frozen(const DaemonId& who, const Change& change,
                             const protocol::Ballot& ballot) const {
  const auto first = change.states.find(who.incarnation);
  if (first == change.states.end() || first->second.ballot == ballot) return;
  const Incarnation proposer = first->second.ballot.incarnation;
  if (is_dead(proposer) || paused_.contains(proposer)) {
    PROBE("E45: who froze for one that does nothing any more is in another ballot");
  }
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::State& state) {
  if (state.places.size() >= kManyPlaces) {
    PROBE("E42: an answer to a ballot tells of a thousand places");
  }
  Change& change = changes_[header.view];
  const auto [first, is_first] = change.states.try_emplace(header.sender.incarnation, state);
  judge_frozen(header.sender, change, state.ballot);
  if (!is_first || !state.living || !has_sequencer_) return;
  const Whole& view = views_[header.view];
  if (view.members.empty() || !is_dead(view.members.front().incarnation)) return;
  const auto known = view.known.find(header.sender.incarnation);
  if (known != view.known.end() && known->second > last_place(state)) {
    PROBE("E44: places are known behind one that was lost with the sequencer");
  }
}

EdgeWatch::Arrival& EdgeWatch::arrival_of(const protocol::ViewChangeValue& value) {
  const auto [arrival, is_new] = arrivals_.try_emplace(value.next.id);
  if (!is_new) return arrival->second;
  const Whole& base = views_[value.base];
  for (const protocol::DaemonMember& member : value.next.members) {
    const Incarnation incarnation = member.id.incarnation;
    if (!is_member(base.members, incarnation)) {
      arrival->second.joiners.insert(incarnation);
    } else if (arrival->second.donor == Incarnation{}) {
      arrival->second.donor = incarnation;
    }
  }
  return arrival->second;
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Propose& propose) {
  Change& change = changes_[header.view];
  change.proposals.try_emplace(propose.ballot, propose.value);
  change.accepts[propose.ballot].insert(header.sender.name);  // its own word counts
  change.accepted[header.sender.name] = propose.ballot;
  arrival_of(propose.value);
  const bool is_by_another = change.decider && *change.decider != header.sender.incarnation;
  if (is_by_another && is_dead(*change.decider)) {
    PROBE("E10: what one decided who has died is proposed again");
  }
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Accept& accept) {
  Change& change = changes_[header.view];
  change.accepts[accept.ballot].insert(header.sender.name);
  change.accepted[header.sender.name] = accept.ballot;
}

void EdgeWatch::on_body(const FrameHeader& header, const protocol::Install& install) {
  Change& change = changes_[install.value.base];
  if (!change.decider) change.decider = header.sender.incarnation;
  arrival_of(install.value).is_decided = true;
}

// --- what arrives --------------------------------------------------------------------------------

// Of one that wants in: it may have died since, or come when a value without it is accepted.
void EdgeWatch::on_beacon(const DaemonId& by, const DaemonId& from) const {
  const auto current = current_.find(by.incarnation);
  if (current == current_.end()) return;
  const Whole& view = views_.at(current->second);
  if (is_member(view.members, from.incarnation)) return;
  if (ended_.contains(from.incarnation)) {
    PROBE("E21: one that has ended asks to join");
    return;
  }
  const auto found = changes_.find(current->second);
  if (found == changes_.end() || found->second.is_over || found->second.accepted.empty()) return;
  PROBE("E6: a daemon asks to join when a view without it is accepted");
}

void EdgeWatch::on_received(const DaemonId& by, const protocol::PeerFrame& frame) {
  const auto* beacon = std::get_if<protocol::Beacon>(&frame.body);
  if (beacon != nullptr && !beacon->active) on_beacon(by, frame.header.sender);
  if (const auto* batch = std::get_if<protocol::Batch>(&frame.body)) {
    if (!batch->places.empty()) {
      OrderNumber& known = views_[frame.header.view].known[by.incarnation];
      known = std::max(known, batch->first_place.plus(batch->places.size() - 1));
    }
    const auto current = current_.find(by.incarnation);
    const bool is_late =
        current != current_.end() && frame.header.view.counter + 2 <= current->second.counter;
    if (is_late && !batch->messages.empty()) PROBE("E22: a message comes two views late");
  }
  const auto* install = std::get_if<protocol::Install>(&frame.body);
  if (install == nullptr) return;
  const auto change = changes_.find(install->value.base);
  if (change == changes_.end()) return;
  const auto accepted = change->second.accepted.find(by.name);
  if (accepted == change->second.accepted.end()) return;
  const auto value = change->second.proposals.find(accepted->second);
  if (value != change->second.proposals.end() && value->second.next.id != install->value.next.id) {
    PROBE("E12: who accepted one value learns that another was decided");
    // Where all sides go on; else a view has those only whose answers it rests on, with what they
    // had accepted.
    if (membership::is_in(install->value.next, by)) {
      PROBE("E12: who accepted one value moves along to another");
    }
  }
}

void EdgeWatch::on_delivered(const DaemonId& by, const protocol::MessageReference& reference,
                             Order order) {
  if (!has_sequencer_ || !is_ordered(order)) return;
  const auto current = current_.find(by.incarnation);
  if (current == current_.end()) return;
  Whole& view = views_[current->second];
  if (!view.members.empty() && view.members.front() == by) view.last = reference;
}

// --- views ---------------------------------------------------------------------------------------

// What the dead sequencer had delivered, but no other had a place for; or could not deliver.
void EdgeWatch::judge_sequencer(Whole& left) {
  if (left.is_judged || left.members.size() < 2) return;
  const Incarnation sequencer = left.members.front().incarnation;
  if (!is_dead(sequencer)) return;
  left.is_judged = true;
  OrderNumber newest;
  for (const auto& [message, place] : left.places) newest = std::max(newest, place);
  const auto found = left.places.find(left.last);
  const OrderNumber delivered = found == left.places.end() ? OrderNumber{} : found->second;
  std::size_t knowing_newest = 0;
  std::size_t knowing = 0;
  bool is_known = false;  // to one that lives
  for (const auto& [member, known] : left.known) {
    if (member == sequencer) continue;
    if (known >= newest) ++knowing_newest;
    if (delivered == OrderNumber{} || known < delivered) continue;
    ++knowing;
    is_known = is_known || !is_dead(member);
  }
  if (newest > delivered && knowing_newest == 0) {
    PROBE("E1: a sequencer dies before it delivers what only it has placed");
  }
  if (!left.last.number || is_known) return;
  if (knowing == 0) {
    PROBE("E1: a sequencer dies with an order that nobody else has");
  } else {
    PROBE("E2: a sequencer dies, and with it all that have its order");
  }
}

// Who asks for a message whose place came to it, while another has the message and no place for it.
void EdgeWatch::judge_states(const Whole& left, const Change& change) {
  for (const auto& [who, missing] : change.lacking) {
    const auto known = left.known.find(who);
    if (known == left.known.end()) continue;
    const auto [sender, range] = missing;
    const auto end = left.places.upper_bound({sender, range.last});
    for (auto it = left.places.lower_bound({sender, range.first}); it != end; ++it) {
      const auto& [message, place] = *it;
      if (known->second < place) continue;
      for (const auto& [other, state] : change.states) {
        if (other == who || !state.living || sender >= state.held.size()) continue;
        if (state.held[sender] < message.number || place <= last_place(state)) continue;
        PROBE("E3: in a flush one has the place and another the message");
        return;
      }
    }
  }
}

void EdgeWatch::judge_links(const daemon::InstallView& install) const {
  for (const protocol::DepartedDaemon& left : install.left) {
    if (is_dead(left.id.incarnation) || paused_.contains(left.id.incarnation)) continue;
    bool has_link = false;
    bool lacks_link = false;
    for (const protocol::DaemonMember& member : install.view.members) {
      const bool is_unheard = is_cut_(left.id.name, member.id.name);
      const bool is_deaf = is_cut_(member.id.name, left.id.name);
      if (is_unheard != is_deaf) PROBE("E14: who is left out is heard in one direction only");
      has_link = has_link || (!is_unheard && !is_deaf);
      lacks_link = lacks_link || is_unheard || is_deaf;
    }
    if (has_link && lacks_link) PROBE("E15: who is left out has links to some of the members");
  }
}

// Of those who leave nobody has died or asked to.
void EdgeWatch::judge_halves(const Whole& left, const daemon::InstallView& install) const {
  if (left.members.empty() || 2 * install.left.size() != left.members.size()) return;
  const auto is_alive = [&](const protocol::DepartedDaemon& departed) {
    const Incarnation who = departed.id.incarnation;
    return departed.reason != LeaveReason::kLeave && !is_dead(who) && !paused_.contains(who);
  };
  if (!std::all_of(install.left.begin(), install.left.end(), is_alive)) return;
  const auto& members = install.view.members;
  const auto is_first = [&](const protocol::DaemonMember& member) {
    return member.id == left.members.front();
  };
  if (std::any_of(members.begin(), members.end(), is_first)) {
    PROBE("E8: of two halves that of rank 0 goes on");
  }
}

// Accepts count that were sent when the proposer was dead already.
void EdgeWatch::judge_orphans(const Whole& left, const Change& change) {
  for (const protocol::Ballot& ballot : change.orphans) {
    const auto accepts = change.accepts.find(ballot);
    if (accepts == change.accepts.end()) continue;
    const std::size_t accepted = accepts->second.size();
    // Of two halves that of rank 0 is a quorum.
    const bool has_first = !left.members.empty() && accepts->second.contains(left.members[0].name);
    const bool is_minority = 2 * accepted + (has_first ? 1 : 0) <= left.members.size();
    if (accepted > 1 && is_minority) {
      PROBE("E11: a proposer dies whose value a minority has accepted");
    }
  }
}

void EdgeWatch::judge_flushed(const std::vector<Handed>& handed) const {
  for (const Handed& message : handed) {
    if (!is_ordered(message.order)) continue;
    PROBE("E34: a message of the total order is delivered in a flush");
    if (!called_again_.contains(message.hash)) continue;
    PROBE("E32: a call is in the cut of a flush, and is sent again");
    if (expired_.contains(message.hash)) {
      PROBE("E33: a call is in the cut of a flush, is sent again, and expires");
    }
  }
}

// Members of one view come from two.
void EdgeWatch::judge_meeting(Arrival& arrival, const ViewId& base) {
  if (!arrival.bases.insert(base).second) return;
  for (const ViewId& other : arrival.bases) {
    if (other == base) continue;
    if (other.counter == base.counter) PROBE("E26: two sides meet whose views had one number");
    const std::uint64_t one = views_[base].newest.value;
    const std::uint64_t another = views_[other].newest.value;
    if (std::max(one, another) > std::min(one, another) + kFarAhead) {
      PROBE("E27: two sides meet of which one is far ahead");
    }
  }
}

void EdgeWatch::on_installed(const DaemonId& by, const daemon::InstallView& install,
                             const std::vector<Handed>& handed) {
  const ViewId& next = install.view.id;
  const auto base = current_.find(by.incarnation);
  if (base != current_.end()) {
    Change& change = changes_[base->second];
    if (!change.decider) change.decider = by.incarnation;
    if (*change.decider != by.incarnation && ++change.followers == 1 && is_dead(*change.decider)) {
      PROBE("E10: who decided has died before anybody else installs the view");
    }
    if (!change.is_over) {
      change.is_over = true;
      judge_sequencer(views_[base->second]);
      judge_states(views_[base->second], change);
      judge_links(install);
      judge_halves(views_[base->second], install);
      judge_orphans(views_[base->second], change);
    }
    judge_flushed(handed);
  }
  if (next.counter >> 31 != 0) PROBE("E25: a view is installed after 2^31 others");
  Whole& view = views_[next];
  if (view.members.empty()) {
    for (const auto& member : install.view.members) view.members.push_back(member.id);
  }
  Arrival& arrival = arrivals_[next];
  if (base != current_.end()) judge_meeting(arrival, base->second);
  current_[by.incarnation] = next;
  arrival.is_decided = true;
  for (auto& [view_id, other] : arrivals_) other.joiners.erase(by.incarnation);
  if (std::any_of(arrival.joiners.begin(), arrival.joiners.end(),
                  [&](Incarnation joiner) { return is_dead(joiner); })) {
    PROBE("E7: a view is installed with a joiner that has died");
  }
}

// --- deaths and links ----------------------------------------------------------------------------

void EdgeWatch::on_proposer_died(const DaemonId& who, Change& change) {
  if (change.proposals.empty() || change.decider) return;
  const protocol::Ballot& ballot = change.proposals.rbegin()->first;
  if (ballot.incarnation == who.incarnation) change.orphans.insert(ballot);
}

// The donor sends the groups as it installs the view, and again where a joiner asks.
bool EdgeWatch::is_telling(Incarnation who, const ViewId& next, const Arrival& arrival) const {
  const auto current = current_.find(who);
  if (arrival.donor != who || current == current_.end() || current->second != next) return false;
  return std::any_of(arrival.joiners.begin(), arrival.joiners.end(),
                     [&](Incarnation joiner) { return !ended_.contains(joiner); });
}

void EdgeWatch::on_crashed(const DaemonId& who) {
  dead_.insert(who.incarnation);
  for (const auto& [next, arrival] : arrivals_) {
    if (!arrival.is_decided || arrival.joiners.empty()) continue;
    if (arrival.joiners.contains(who.incarnation)) {
      PROBE("E7: a joiner dies that is in a decided view");
    } else if (is_telling(who.incarnation, next, arrival)) {
      PROBE("E29: who tells a joiner of the groups dies before it has them");
    }
  }
  const auto current = current_.find(who.incarnation);
  if (current == current_.end()) return;
  if (!halves_[who.incarnation].empty()) PROBE("E39: a daemon dies with half a large message sent");
  const Whole& view = views_[current->second];
  Change& change = changes_[current->second];
  on_proposer_died(who, change);
  if (change.is_over || change.highest == protocol::Ballot{}) return;
  change.deadly.insert(change.highest);
  if (change.deadly.size() > 1) PROBE("E13: members die in two attempts at one view");
  const auto living =
      std::count_if(view.members.begin(), view.members.end(),
                    [&](const DaemonId& member) { return !is_dead(member.incarnation); });
  if (living == 1 && view.members.size() > 2)
    PROBE("E13: one is left alone by a death in an attempt");
}

void EdgeWatch::on_paused(const DaemonId& who) {
  paused_.insert(who.incarnation);
  const auto current = current_.find(who.incarnation);
  if (current != current_.end()) paused_in_[who.incarnation] = current->second;
}

void EdgeWatch::on_excluded(const DaemonId& who) {
  const Whole* view = view_of(who.incarnation);
  const auto paused_in = paused_in_.find(who.incarnation);
  if (view == nullptr || paused_in == paused_in_.end()) return;
  const bool is_first = !view->members.empty() && view->members.front() == who;
  if (is_first && paused_in->second == current_[who.incarnation]) {
    PROBE("E9: who led stood still, was excluded, and goes on");
  }
}

void EdgeWatch::on_mended(const DaemonId& from, const DaemonId& to) {
  const auto one = current_.find(from.incarnation);
  const auto other = current_.find(to.incarnation);
  if (one == current_.end() || other == current_.end() || one->second != other->second) return;
  const auto change = changes_.find(one->second);
  if (change != changes_.end() && !change->second.is_over && !change->second.states.empty()) {
    PROBE("E28: a link is whole again while its view is being left");
  }
}

void EdgeWatch::on_wish(const DaemonId& at) {
  const auto current = current_.find(at.incarnation);
  if (current == current_.end()) return;
  const auto change = changes_.find(current->second);
  if (change == changes_.end() || change->second.is_over) return;
  if (change->second.highest == protocol::Ballot{}) return;
  if (++change->second.wishes == kManyWishes) {
    PROBE("E38: 64 joins and leaves are asked for in one flush");
  }
}

// --- the end -------------------------------------------------------------------------------------

namespace {

// What non-members sent in the last view of a daemon that crashed.
struct OpenSends {
  std::string view;
  std::set<std::uint64_t> numbers;
};

OpenSends open_sends(const verify::Trace& trace) {
  OpenSends open;
  for (const verify::Record& record : trace.records) {
    if (const auto* view = std::get_if<verify::record::View>(&record)) {
      open = {.view = view->id, .numbers = {}};
    } else if (const auto* send = std::get_if<verify::record::Send>(&record)) {
      if (!send->member && send->daemon_number) open.numbers.insert(*send->daemon_number);
    }
  }
  return open;
}

}  // namespace

void EdgeWatch::on_end(const std::vector<verify::Trace>& traces) {
  std::map<std::string, OpenSends> lost;  // by daemon
  for (const verify::Trace& trace : traces) {
    if (trace.header.role != verify::Role::kDaemon || trace.records.empty()) continue;
    if (!std::holds_alternative<verify::record::Crash>(trace.records.back())) continue;
    OpenSends open = open_sends(trace);
    if (!open.numbers.empty()) lost[trace.header.name] = std::move(open);
  }
  if (lost.empty()) return;
  for (const verify::Trace& trace : traces) {
    for (const verify::Record& record : trace.records) {
      const auto* deliver = std::get_if<verify::record::Deliver>(&record);
      if (deliver == nullptr || deliver->g != verify::kDaemons) continue;
      const auto found = lost.find(deliver->sender);
      if (found == lost.end() || found->second.view != deliver->view) continue;
      if (trace.header.name == deliver->sender) continue;
      found->second.numbers.erase(deliver->number);
    }
  }
  for (const auto& [daemon, open] : lost) {
    if (!open.numbers.empty())
      PROBE("E36: a message from outside is accepted and dies with its daemon");
  }
}

}  // namespace groupcomm::simulation
