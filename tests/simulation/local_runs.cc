#include "tests/simulation/local_runs.h"

#include <algorithm>

#include "groupcomm/wire/codec.h"
#include "tests/simulation/describe.h"

namespace groupcomm::simulation {
namespace {

using std::chrono::milliseconds;

constexpr const char* kGroup = "g";
constexpr std::size_t kSideSeedsEnd = 5;

std::string name_of(std::size_t daemon) { return "d" + std::to_string(daemon); }
std::size_t index_of(const std::string& name) { return std::stoul(name.substr(1)); }
std::string address_of(std::size_t daemon) { return "tcp://10.0.0.1:" + std::to_string(daemon); }

template <typename T>
bool is(const protocol::PeerFrame& frame) {
  return std::holds_alternative<T>(frame.body);
}

}  // namespace

LocalRuns::LocalRuns(std::size_t daemons, const std::vector<EarlyMessage>& messages,
                     bool with_beacons, Duration suspect, bool is_side)
    : daemons_(daemons),
      with_beacons_(with_beacons),
      is_side_(is_side),
      suspect_(suspect),
      lives_(daemons),
      told_(daemons) {
  for (std::size_t i = 0; i < daemons; ++i) {
    pasts_.push_back({.daemon = i, .before = static_cast<PastId>(i)});
    lives_[i].at = static_cast<PastId>(i);
  }
  is_side_ ? form_side() : form_view();
  send_early(messages);
}

// Silence is no sign of death here: that is for the search to say. But one that is back, and has
// no part in what was before, may be made to look for others soon.
daemon::DaemonOptions LocalRuns::options(std::size_t daemon, std::uint64_t life) const {
  daemon::DaemonOptions options;
  options.self = {name_of(daemon), Incarnation{life << 8 | daemon}};
  options.address = address_of(daemon);
  // Of a side the first is no seed, and some seeds are elsewhere: so the first two that meet are no
  // quorum yet.
  const std::size_t first_seed = is_side_ && daemon > 0 ? 1 : 0;
  const std::size_t seeds_end = first_seed > 0 ? kSideSeedsEnd : daemons_;
  for (std::size_t i = first_seed; i < seeds_end; ++i) {
    if (i != daemon) options.peers.push_back({name_of(i), address_of(i)});
  }
  options.partitionable = is_side_;
  options.heartbeat = std::chrono::minutes(10);
  options.suspect = life == 1 ? Duration(std::chrono::hours(1)) : suspect_;
  options.deference = {};  // a wait is nothing but another order of what happens
  options.report_all_deliveries = true;
  return options;
}

// --- the beginning -------------------------------------------------------------------------------

void LocalRuns::begin_all() {
  for (std::size_t i = 0; i < daemons_; ++i) {
    lives_[i].now = now_;
    lives_[i].core.emplace(options(i, 1), protocol::DurableRecord{}, now_);
    tell(i, daemon::InputDrained{});
  }
}

void LocalRuns::connect_all() {
  for (std::size_t i = 0; i < daemons_; ++i) {
    for (std::size_t j = 0; j < daemons_; ++j) {
      if (i != j) tell(i, daemon::PeerConnected{name_of(j)});
    }
  }
}

void LocalRuns::form_view() {
  begin_all();
  connect_all();
  run_beginning(std::chrono::seconds(2));
  const SessionId session{1};
  for (std::size_t i = 0; i < daemons_; ++i) {
    const protocol::Hello hello{.version = protocol::kProtocolVersion, .name = "c"};
    const protocol::Join join{.request = RequestId{1}, .group = kGroup, .options = {}};
    tell(i, daemon::ClientFrame{session, {hello}});
    tell(i, daemon::ClientFrame{session, {join}});
    run_beginning(milliseconds(100));
  }
  CHECK_EQ(view_.members.size(), daemons_);
  for (Rank rank = 0; rank < daemons_; ++rank) CHECK_EQ(view_.members[rank].id.name, name_of(rank));
  has_begun_ = true;
}

// Where components meet they look at once whether they may be primary. The search begins there.
void LocalRuns::form_side() {
  begin_all();
  connect_all();
  const auto is_formed = [&] {
    return view_.members.size() == daemons_ &&
           std::all_of(lives_.begin(), lives_.end(),
                       [&](const Life& life) { return life.view == view_.id; });
  };
  while (!is_formed()) CHECK(take_next_of_beginning(TimePoint::never()));
  CHECK(!view_.primary);
  has_begun_ = true;
  for (const FlyingFrame& flying : std::exchange(wire_, {})) {
    if (!is_looked_at(flying.frame)) continue;
    first_frames_.push_back(frame_id(flying.from, flying.to, flying.frame));
  }
}

// A frame, or else a deadline. False: there is none until then.
bool LocalRuns::take_next_of_beginning(TimePoint end) {
  if (!wire_.empty()) {
    const FlyingFrame flying = std::move(wire_.front());
    wire_.pop_front();
    take_frame(lives_[flying.to], flying);
    tell(flying.to, daemon::PeerFrameReceived{flying.frame});
    return true;
  }
  std::size_t next = 0;
  for (std::size_t i = 1; i < daemons_; ++i) {
    if (lives_[i].core->next_deadline() < lives_[next].core->next_deadline()) next = i;
  }
  if (lives_[next].core->next_deadline() > end) return false;
  now_ = std::max(now_, lives_[next].core->next_deadline());
  tell(next, daemon::TimerExpired{});
  return true;
}

void LocalRuns::run_beginning(Duration how_long) {
  const TimePoint end = now_ + how_long;
  while (take_next_of_beginning(end)) {
  }
  now_ = end;
}

void LocalRuns::tell(std::size_t daemon, daemon::Event event) {
  Life& life = lives_[daemon];
  life.now = now_;
  told_[daemon].emplace_back(now_, event);
  step(life, pasts_[daemon], std::move(event));
  CHECK(pasts_[daemon].complaint.empty());
  for (const FrameId id : std::exchange(pasts_[daemon].sent, {})) {
    if (has_begun_) {
      first_frames_.push_back(id);
    } else {
      wire_.push_back(frames_[id]);
    }
  }
}

void LocalRuns::send_early(const std::vector<EarlyMessage>& messages) {
  std::vector<std::uint64_t> requests(daemons_, 1);
  for (const EarlyMessage& message : messages) {
    protocol::Multicast multicast;
    multicast.request = RequestId{++requests[message.daemon]};
    multicast.group = group_key(kGroup);
    multicast.order = message.order;
    multicast.payload = Payload::copy_of("x");
    tell(message.daemon, daemon::ClientFrame{SessionId{1}, {multicast}});
  }
}

// --- one more event ------------------------------------------------------------------------------

std::optional<PastId> LocalRuns::after(PastId before, LocalEvent event) {
  const std::uint64_t key = static_cast<std::uint64_t>(before) << 32 |
                            static_cast<std::uint64_t>(event.what) << 28 | event.argument;
  const auto [known, is_new] = next_.try_emplace(key, before);
  // An event that cannot happen leads nowhere, and stands for itself.
  if (!is_new) return known->second == before ? std::nullopt : std::optional(known->second);
  Past past{.daemon = pasts_[before].daemon, .before = before, .event = event};
  Life life = relive(before);
  const bool has_happened = happen(life, past);
  if (!has_happened) return std::nullopt;
  past.decided = life.decided;
  past.delivered = life.delivered;
  past.accepted = life.accepted;
  past.primaries = life.primaries;
  past.lives_in = life.lives_in;
  const auto id = static_cast<PastId>(pasts_.size());
  life.at = id;
  const std::size_t daemon = past.daemon;
  pasts_.push_back(std::move(past));
  lives_[daemon] = std::move(life);
  next_[key] = id;
  return id;
}

LocalRuns::Life LocalRuns::relive(PastId id) {
  const std::size_t daemon = pasts_[id].daemon;
  Life latest = std::move(lives_[daemon]);
  lives_[daemon].core.reset();
  if (latest.at == id && latest.core) return latest;
  std::vector<PastId> path;
  for (PastId at = id; at != first(daemon); at = pasts_[at].before) path.push_back(at);
  Life life;
  life.now = told_[daemon].front().first;
  life.core.emplace(options(daemon, 1), protocol::DurableRecord{}, life.now);
  Past ignored{.daemon = daemon};
  for (const auto& [time, event] : told_[daemon]) {
    life.now = time;
    if (const auto* received = std::get_if<daemon::PeerFrameReceived>(&event)) {
      take_frame(life, {.from = index_of(received->frame.header.sender.name),
                        .to = daemon,
                        .frame = received->frame});
    }
    step(life, ignored, event);
  }
  for (auto at = path.rbegin(); at != path.rend(); ++at) {
    ignored = {.daemon = daemon, .event = pasts_[*at].event};
    happen(life, ignored);
  }
  return life;
}

// False where the event cannot happen.
bool LocalRuns::happen(Life& life, Past& past) {
  const std::uint32_t argument = past.event.argument;
  switch (past.event.what) {
    case Happening::kFrame:
      take_frame(life, frames_[argument]);
      step(life, past, daemon::PeerFrameReceived{frames_[argument].frame});
      return true;
    case Happening::kTimer:
      if (life.core->next_deadline() == TimePoint::never()) return false;
      life.now = std::max(life.now, life.core->next_deadline());
      step(life, past, daemon::TimerExpired{});
      return true;
    case Happening::kSuspicion:
      step(life, past, daemon::PeerRefused{name_of(argument)});
      return true;
    case Happening::kRestart: restart(life, past); return true;
    case Happening::kFrameAndDeath:
      take_frame(life, frames_[argument]);
      step(life, past, daemon::PeerFrameReceived{frames_[argument].frame}, /*until_record=*/true);
      if (!past.wrote_record) return false;
      restart(life, past);
      return true;
  }
  return false;
}

void LocalRuns::restart(Life& life, Past& past) {
  const std::uint64_t lives = life.lives + 1;
  life = Life{.at = life.at,
              .core = std::nullopt,
              .now = life.now + milliseconds(1),
              .record = life.record,
              .lives = lives,
              .decided = life.decided,
              .delivered = life.delivered,
              .primaries = life.primaries,
              .accepted = life.accepted,
              .is_member = false};
  life.core.emplace(options(past.daemon, lives), life.record, life.now);
  step(life, past, daemon::InputDrained{});
}

// Takes what the core wants done as of now, too: a core that begins wants something at once.
void LocalRuns::step(Life& life, Past& past, daemon::Event event, bool until_record) {
  const auto perform_all = [&] {
    for (const daemon::Effect& effect : life.core->take_effects()) {
      if (std::holds_alternative<daemon::PersistRecord>(effect)) {
        past.wrote_record = true;
        if (until_record) return;
      }
      perform(life, past, effect);
    }
  };
  perform_all();
  life.core->step(life.now, std::move(event));
  life.core->check_invariants();
  perform_all();
  if (past.is_over || (until_record && past.wrote_record)) return;
  life.core->step(life.now, daemon::InputDrained{});
  perform_all();
}

void LocalRuns::perform(Life& life, Past& past, const daemon::Effect& effect) {
  if (const auto* send = std::get_if<daemon::SendToPeers>(&effect)) {
    on_sent(life, past, *send->frame);
    if (has_begun_ && !is_looked_at(*send->frame)) return;
    for (const std::string& peer : send->peers) {
      if (index_of(peer) >= daemons_) continue;
      past.sent.push_back(frame_id(past.daemon, index_of(peer), *send->frame));
    }
  } else if (const auto* persist = std::get_if<daemon::PersistRecord>(&effect)) {
    life.record = persist->record();
    const auto& accepted = persist->record().accepted;
    if (accepted) life.accepted.emplace(accepted->ballot, accepted->value.next.id);
  } else if (const auto* delivery = std::get_if<daemon::DeliverMessage>(&effect)) {
    if (!life.is_member || !delivery->reference.number) return;
    for_each_message(*delivery, [&](const daemon::DeliverMessage& one) {
      life.handed_out.insert(one.reference);
      if (one.delivery.order < Order::kTotal) return;
      life.order +=
          std::to_string(one.reference.sender) + ":" + to_string(one.reference.number) + " ";
    });
  } else if (const auto* install = std::get_if<daemon::InstallView>(&effect)) {
    on_installed(life, past, install->view);
  } else if (std::holds_alternative<daemon::GiveUp>(effect) ||
             std::holds_alternative<daemon::Finished>(effect)) {
    past.is_over = true;
  }
}

// --- what is looked at ---------------------------------------------------------------------------

// The change of the first view; what belongs to a later one is lost, as is all that has no part in
// it.
bool LocalRuns::is_looked_at(const protocol::PeerFrame& frame) const {
  if (is<protocol::Heartbeat>(frame)) return false;
  if (is<protocol::Beacon>(frame)) return with_beacons_;
  if (is<protocol::InstallRequest>(frame)) return true;
  if (const auto* install = std::get_if<protocol::Install>(&frame.body)) {
    return install->value.base == view_.id;
  }
  if (frame.header.view != view_.id) return false;
  const auto* batch = std::get_if<protocol::Batch>(&frame.body);
  return batch == nullptr || !batch->messages.empty() || !batch->places.empty();
}

FrameId LocalRuns::frame_id(std::size_t from, std::size_t to, const protocol::PeerFrame& frame) {
  const std::string key = std::to_string(to) + ">" + std::string(wire::encode(frame).text());
  const auto [known, is_new] = frame_ids_.emplace(key, static_cast<FrameId>(frames_.size()));
  if (is_new) frames_.push_back({.from = from, .to = to, .frame = frame});
  return known->second;
}

void LocalRuns::take_frame(Life& life, const FlyingFrame& incoming) {
  if (!life.is_member) return;
  const auto hold = [&](Rank sender, const std::vector<protocol::MessagePointer>& messages) {
    for (const auto& message : messages) life.held.insert({sender, message->number});
  };
  if (const auto* batch = std::get_if<protocol::Batch>(&incoming.frame.body)) {
    // Rule F2: who promised takes no more of the view, but for what fills the cut.
    const auto rank = static_cast<Rank>(incoming.from);
    if (!life.is_frozen) hold(rank, batch->messages);
  } else if (const auto* repair = std::get_if<protocol::Repair>(&incoming.frame.body)) {
    hold(repair->original, repair->messages);
  } else if (const auto* propose = std::get_if<protocol::Propose>(&incoming.frame.body)) {
    life.cuts[propose->ballot] = propose->value.cut;
  }
}

void LocalRuns::on_sent(Life& life, Past& past, const protocol::PeerFrame& frame) {
  if (const auto* install = std::get_if<protocol::Install>(&frame.body)) {
    const protocol::DaemonView& next = install->value.next;
    if (!has_begun_ || install->value.base != view_.id) return;
    if (!is_side_) return decide(life, past, next);
    if (next.primary) life.primaries.insert(known(next));
    return;
  }
  if (!life.is_member || frame.header.view != view_.id) return;
  if (is<protocol::Prepare>(frame) || is<protocol::State>(frame)) life.is_frozen = true;
  if (const auto* propose = std::get_if<protocol::Propose>(&frame.body)) {
    check_holds(life, past, propose->value.cut);
  } else if (const auto* accept = std::get_if<protocol::Accept>(&frame.body)) {
    check_holds(life, past, life.cuts[accept->ballot]);
  }
}

// Rule F5.
void LocalRuns::check_holds(const Life& life, Past& past,
                            const std::vector<MessageNumber>& cut) const {
  for (Rank rank = 0; rank < cut.size(); ++rank) {
    if (rank == past.daemon) continue;
    for (MessageNumber number{1}; number <= cut[rank]; ++number) {
      if (life.held.contains({rank, number})) continue;
      past.complaint = "F5: " + name_of(past.daemon) + " accepts a cut with message " +
                       to_string(number) + " of " + name_of(rank) + ", which it does not hold";
    }
  }
}

void LocalRuns::on_installed(Life& life, Past& past, const protocol::DaemonView& view) {
  if (!has_begun_) view_ = view;
  life.view = view.id;
  if (view.id <= view_.id) {  // in the beginning
    life.is_frozen = false;
    life.held.clear();
    life.handed_out.clear();
    life.order.clear();
    return;
  }
  if (is_side_) {
    const bool is_next = std::exchange(life.is_member, false);
    if (!is_next || !view.primary) return;
    life.lives_in = known(view);
    life.primaries.insert(life.lives_in);
    return;
  }
  if (view.id.counter != view_.id.counter + 1) {
    life.is_member = false;
    return;
  }
  if (life.is_member) {
    std::string& text = life.delivered.emplace(life.order);
    for (const protocol::MessageReference& reference : life.handed_out) {
      text += " " + std::to_string(reference.sender) + ":" + to_string(reference.number);
    }
  }
  life.is_member = false;
  decide(life, past, view);
}

void LocalRuns::decide(Life& life, Past& past, const protocol::DaemonView& view) {
  const protocol::DaemonView* decided = known(view);
  if (life.decided != nullptr && life.decided != decided) {
    past.complaint = "M3: " + name_of(past.daemon) + " decides two views in one change";
  }
  life.decided = decided;
}

const protocol::DaemonView* LocalRuns::known(const protocol::DaemonView& view) {
  const auto found = std::find(views_.begin(), views_.end(), view);
  return found == views_.end() ? &views_.emplace_back(view) : &*found;
}

std::string LocalRuns::name(std::size_t daemon) const { return name_of(daemon); }

std::string LocalRuns::describe(const Past& past) const {
  const std::string who = name_of(past.daemon);
  switch (past.event.what) {
    case Happening::kFrame:
      return who + " < " + simulation::describe(frames_[past.event.argument].frame);
    case Happening::kTimer: return who + " waits for its next deadline";
    case Happening::kSuspicion: return who + " suspects " + name_of(past.event.argument);
    case Happening::kRestart: return who + " dies and comes back";
    case Happening::kFrameAndDeath:
      return who + " dies before its record is written, and comes back; it was at " +
             simulation::describe(frames_[past.event.argument].frame);
  }
  return who;
}

}  // namespace groupcomm::simulation
