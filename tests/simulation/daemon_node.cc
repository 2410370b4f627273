#include "tests/simulation/daemon_node.h"

#include <algorithm>

#include "groupcomm/probe.h"
#include "groupcomm/wire/codec.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/newer_wire.h"

namespace groupcomm::simulation {

using std::chrono::microseconds;
namespace record = verify::record;

DaemonNode::DaemonNode(Scene& scene, Random random, DaemonSurroundings& surroundings,
                       std::size_t index, std::vector<daemon::PeerAddress> peers)
    : scene_(scene),
      random_(random),
      surroundings_(surroundings),
      index_(index),
      name_("d" + std::to_string(index)),
      address_("tcp://10.0.0." + std::to_string(index + 1) + ":4870"),
      configured_(std::move(peers)) {
  const DaemonPlan& plan = scene.plan().daemon;
  // Drawn apart, so that a run without these faults goes the same way.
  Random further = Random(scene.plan().seed ^ (index + 1) * 0x9e3779b9);
  if (plan.clock_drift > 0) {
    drift_ = static_cast<std::int64_t>(further.below(2 * plan.clock_drift + 1)) -
             static_cast<std::int64_t>(plan.clock_drift);
  }
  speaks_newer_ = further.chance(plan.newer_wire);
}

TimePoint DaemonNode::local_now() const {
  const auto ns = scene_.now().since_origin.count();
  return TimePoint{Duration(ns + ns * drift_ / 1'000'000)};
}

// The first moment at which the node's clock has reached `local`.
TimePoint DaemonNode::from_local(TimePoint local) const {
  const auto ns = local.since_origin.count();
  return drift_ == 0 ? local : TimePoint{Duration(ns * 1'000'000 / (1'000'000 + drift_) + 1)};
}

std::optional<protocol::DaemonView> DaemonNode::decided() const {
  const auto record = durable();
  // (Else it knows its configuration only.)
  if (!record || record->decided.id.counter == 0) return std::nullopt;
  return record->decided;
}

std::optional<protocol::DurableRecord> DaemonNode::durable() const {
  if (record_bytes_.empty()) return std::nullopt;
  return wire::decode_durable_record(record_bytes_).value();
}

void DaemonNode::set_past(std::size_t members) {
  const DaemonPlan& plan = scene_.plan().daemon;
  const auto incarnation_of = [&](std::size_t i) {
    return Incarnation{plan.incarnation_base + i + 1};
  };
  protocol::DurableRecord past;
  past.decided.id = {plan.view_base, incarnation_of(0), 1};
  past.decided.lineage = incarnation_of(0);
  past.decided.primary = true;
  for (std::size_t i = 0; i < members; ++i) {
    const auto peer = std::find_if(configured_.begin(), configured_.end(), [&](const auto& other) {
      return other.name == "d" + std::to_string(i);
    });
    past.decided.members.push_back(
        i == index_ ? protocol::DaemonMember{{name_, incarnation_of(i)}, address_}
                    : protocol::DaemonMember{{peer->name, incarnation_of(i)}, peer->address});
  }
  past.promised = {
      .round = plan.round_base, .proposer = 0, .incarnation = past.decided.id.proposer};
  past.since = incarnation_of(index_);
  record_bytes_ = wire::encode(past);
}

void DaemonNode::start() {
  CHECK(!is_up());
  scene_.count("daemon starts");
  begin_incarnation();
}

void DaemonNode::begin_incarnation() {
  ++generation_;
  paused_ = false;
  inbox_.clear();
  peers_.clear();
  sessions_.clear();
  last_session_ = scene_.plan().daemon.session_base;
  timer_at_ = TimePoint::never();
  drain_scheduled_ = false;
  view_.reset();
  change_ = {};
  begun_.push_back(scene_.now());
  suspended_ = false;
  delivers_early_ = false;

  daemon::DaemonOptions options = scene_.plan().options;
  const std::uint64_t before = id_.incarnation.value;
  id_ = {.name = name_, .incarnation = draw_incarnation()};
  if (before != 0 && before >> 63 != id_.incarnation.value >> 63) {
    PROBE("E25: incarnations rise over 2^63");
  }
  options.self = id_;
  options.address = address_;
  options.peers = configured_;
  protocol::DurableRecord durable;
  if (!record_bytes_.empty()) {
    auto decoded = wire::decode_durable_record(record_bytes_);
    CHECK(decoded.ok());
    durable = std::move(decoded).value();
  }
  if (scene_.is_verbose()) scene_.log(name_, "START " + to_string(id_));
  verify::Trace& trace = traces_.emplace_back();
  trace.header = {.role = verify::Role::kDaemon, .name = to_string(id_)};
  record(record::Start{.p = to_string(id_)});
  core_.emplace(std::move(options), std::move(durable), local_now());
  perform(core_->take_effects());
  if (is_up()) schedule_timer();
}

// As hosts draw them, rising: milliseconds above. The rest tells incarnations apart, or is the same
// for several daemons, as random bits may be (rule P5; sides of a partition cannot know of it).
Incarnation DaemonNode::draw_incarnation() const {
  const DaemonPlan& plan = scene_.plan().daemon;
  const auto time =
      std::chrono::duration_cast<std::chrono::milliseconds>(scene_.now().since_origin).count() +
      1000000;
  const bool are_alike = plan.incarnations_alike && !scene_.plan().options.partitionable;
  const std::int64_t drawn_at = are_alike ? time / 1000 * 1000 : time;
  const std::uint64_t low = are_alike ? generation_ : index_ << 15 | generation_;
  const std::uint64_t drawn =
      (static_cast<std::uint64_t>(drawn_at) << 20 | low) + plan.incarnation_base;
  return Incarnation{std::max(drawn, id_.incarnation.value + 1)};
}

void DaemonNode::end_process(const verify::Record& last_record) {
  record(last_record);
  surroundings_.watch().on_ended(id_);
  core_.reset();
  ++generation_;
  surroundings_.daemon_ended(index_);
}

void DaemonNode::crash() {
  if (!is_up()) return;
  if (scene_.is_verbose()) scene_.log(short_name(), "CRASH");
  scene_.count("daemon crashes");
  scene_.mix(0xdead + index_);
  surroundings_.watch().on_crashed(id_);
  surroundings_.daemon_crashes(index_);
  end_process(record::Crash{.p = to_string(id_)});
}

void DaemonNode::pause() {
  if (!is_up() || paused_) return;
  if (scene_.is_verbose()) scene_.log(short_name(), "PAUSE");
  scene_.count("daemon pauses");
  paused_ = true;
  surroundings_.watch().on_paused(id_);
  record(record::Pause{.p = to_string(id_)});
}

void DaemonNode::resume() {
  if (!is_up() || !paused_) return;
  paused_ = false;
  surroundings_.watch().on_resumed(id_);
  record(record::Resume{.p = to_string(id_)});
  if (scene_.is_verbose()) scene_.log(short_name(), "RESUME");
  const std::uint64_t generation = generation_;
  std::deque<daemon::Event> waiting = std::move(inbox_);
  inbox_.clear();
  // A host finds its timer overdue, or frames to read, first: either may come.
  if (core_->next_deadline() <= local_now() && random_.percent(50)) {
    waiting.push_front(daemon::TimerExpired{});
  }
  for (daemon::Event& event : waiting) {
    if (generation != generation_) return;
    if (paused_) {
      inbox_.push_back(std::move(event));
    } else {
      step(std::move(event));
    }
  }
  if (generation == generation_ && !paused_) schedule_timer();
}

void DaemonNode::ask_to_leave() {
  if (!is_up()) return;
  scene_.count("daemon leaves");
  farewells_.insert(to_string(id_));
  on_event(daemon::LeaveRequested{});
}

SessionId DaemonNode::accept_client() {
  CHECK(is_up());
  const SessionId session{++last_session_};
  if (session.value == 1ull << 32) PROBE("E25: sessions rise over 2^32");
  sessions_.insert(session);
  return session;
}

void DaemonNode::on_client_bytes(SessionId session, const Payload& bytes) {
  if (!is_up() || !sessions_.contains(session)) return;
  auto messages = wire::decode_client_messages(bytes);
  CHECK(messages.ok());
  on_event(daemon::ClientFrame{
      .session = session, .messages = std::move(messages).value(), .from_operator = true});
}

void DaemonNode::on_client_lost(SessionId session) {
  if (!is_up() || sessions_.erase(session) == 0) return;
  on_event(daemon::ClientLost{.session = session});
}

bool DaemonNode::on_peer_bytes(const Payload& bytes) {
  CHECK(is_up());
  auto frame = wire::decode_peer_frame(bytes);
  if (!frame.ok()) {
    scene_.count("frames refused by the codec");
    if (scene_.is_verbose()) scene_.log(short_name(), "< bad frame: " + frame.error());
    return false;
  }
  if (!paused_) surroundings_.watch().on_received(id_, frame.value());
  on_event(daemon::PeerFrameReceived{.frame = std::move(frame).value()});
  return true;
}

void DaemonNode::on_event(daemon::Event event) {
  if (!is_up()) return;
  if (!paused_) return step(std::move(event));
  // What waits in a paused process's socket buffers is bounded, too.
  if (inbox_.size() < 20'000) inbox_.push_back(std::move(event));
}

void DaemonNode::step(daemon::Event event) {
  scene_.mix(static_cast<std::uint64_t>(scene_.now().since_origin.count()));
  scene_.mix(index_ << 8 | event.index());
  if (scene_.is_verbose() && !std::holds_alternative<daemon::InputDrained>(event)) {
    scene_.log(short_name(), "< " + describe(event));
  }
  const bool is_drain = std::holds_alternative<daemon::InputDrained>(event);
  const std::uint64_t generation = generation_;
  scene_.count_cell(change_cell(change_.number(), change_input(event)));
  core_->step(local_now(), std::move(event));
  if (scene_.plan().checks_each_step) core_->check_invariants();
  perform(core_->take_effects());
  if (generation != generation_) return;
  if (!is_drain) schedule_drain();
  schedule_timer();
}

void DaemonNode::schedule_drain() {
  if (drain_scheduled_) return;
  drain_scheduled_ = true;
  // Mostly nothing else is there to be read; at times more comes in the meantime.
  const Duration delay =
      random_.percent(60) ? Duration{} : random_.between(microseconds(1), microseconds(300));
  scene_.after(delay, [this, generation = generation_] {
    if (generation != generation_) return;
    drain_scheduled_ = false;
    on_event(daemon::InputDrained{});
  });
}

void DaemonNode::schedule_timer() {
  const TimePoint local_deadline = core_->next_deadline();
  if (local_deadline == TimePoint::never()) return;
  const TimePoint deadline = from_local(local_deadline);
  if (deadline >= timer_at_) return;
  Duration late{};
  if (scene_.is_stormy() && scene_.plan().daemon.timers_late > Duration{} && random_.percent(10)) {
    late = random_.between(Duration{}, scene_.plan().daemon.timers_late);
  }
  timer_at_ = std::max(deadline, scene_.now()) + late;
  scene_.at(timer_at_, [this, generation = generation_, when = timer_at_] {
    if (generation != generation_ || when != timer_at_) return;
    timer_at_ = TimePoint::never();
    if (paused_) return;
    if (core_->next_deadline() <= local_now()) {
      step(daemon::TimerExpired{});
    } else {
      schedule_timer();
    }
  });
}

void DaemonNode::perform(std::vector<daemon::Effect> effects) {
  Outgoing outgoing;
  handed_.clear();
  const std::uint64_t generation = generation_;
  std::size_t stop = effects.size();
  if (effects.size() > 1 && scene_.is_stormy() &&
      random_.chance(scene_.plan().daemon.crash_midway) && scene_.strikes()) {
    stop = random_.below(effects.size());
  }
  for (std::size_t i = 0; i < effects.size(); ++i) {
    if (i == stop) {
      scene_.count("crashes between two effects");
      if (random_.percent(50)) send_outgoing(outgoing);
      crash();
      return;
    }
    if (scene_.is_verbose()) scene_.log(short_name(), "> " + describe(effects[i]));
    scene_.mix(effects[i].index());
    perform_one(effects[i], outgoing);
    // A fault that the frame triggered may have killed the process.
    if (generation != generation_) return;
    if (const auto* over = std::get_if<daemon::GiveUp>(&effects[i])) {
      CHECK(!over->contradiction);  // nobody lies here
      send_outgoing(outgoing);
      end_step();
      scene_.count("daemons that gave up");
      surroundings_.watch().on_excluded(id_);
      record(record::Gone{.p = to_string(id_),
                          .g = std::string(verify::kDaemons),
                          .reason = to_string(GoneReason::kExcluded)});
      end_process(record::Exit{.p = to_string(id_)});
      begin_incarnation();
      return;
    }
    if (std::holds_alternative<daemon::Finished>(effects[i])) {
      send_outgoing(outgoing);
      scene_.count("daemons that left");
      record(record::Gone{.p = to_string(id_),
                          .g = std::string(verify::kDaemons),
                          .reason = to_string(GoneReason::kLeft)});
      end_process(record::Exit{.p = to_string(id_)});
      return;
    }
  }
  send_outgoing(outgoing);
  end_step();
}

// What is left of a suspended view is delivered together with the next one, and never before it.
void DaemonNode::end_step() {
  if (!delivers_early_) return;
  scene_.complain("M15: " + to_string(id_) + " delivers in a view that is suspended");
  delivers_early_ = false;
}

void DaemonNode::perform_one(const daemon::Effect& effect, Outgoing& outgoing) {
  if (const auto* send = std::get_if<daemon::SendToPeers>(&effect)) {
    change_.on_sent(send->frame->body);
    Payload bytes = wire::encode(*send->frame);
    if (speaks_newer_) bytes = with_unknown_field(bytes);
    scene_.mix(bytes.size());
    const std::uint64_t generation = generation_;
    for (const std::string& peer : send->peers) {
      if (!peers_.contains(peer)) continue;
      surroundings_.send_to_peer(index_, peer, send->lane, *send->frame, bytes);
      if (generation != generation_) return;
    }
  } else if (const auto* connect = std::get_if<daemon::ConnectPeer>(&effect)) {
    peers_.insert(connect->name);
    surroundings_.connect_peer(index_, connect->name);
  } else if (const auto* disconnect = std::get_if<daemon::DisconnectPeer>(&effect)) {
    peers_.erase(disconnect->name);
  } else if (const auto* to_client = std::get_if<daemon::SendToClient>(&effect)) {
    if (std::holds_alternative<protocol::Suspended>(to_client->message)) suspended_ = true;
    if (sessions_.contains(to_client->session)) {
      outgoing[to_client->session].push_back(to_client->message);
    }
  } else if (const auto* delivery = std::get_if<daemon::DeliverMessage>(&effect)) {
    deliver(*delivery, outgoing);
  } else if (const auto* close = std::get_if<daemon::CloseClient>(&effect)) {
    send_outgoing(outgoing);
    if (sessions_.erase(close->session) > 0) surroundings_.close_session(index_, close->session);
  } else if (const auto* persist = std::get_if<daemon::PersistRecord>(&effect)) {
    record_bytes_ = wire::encode(persist->record());
    scene_.mix(record_bytes_.size());
  } else if (const auto* installed = std::get_if<daemon::InstallView>(&effect)) {
    install(*installed);
  } else if (const auto* stamped = std::get_if<daemon::StampMessage>(&effect)) {
    stamp(*stamped);
  }
}

void DaemonNode::send_outgoing(Outgoing& outgoing) {
  for (const auto& [session, messages] : outgoing) {
    const bool is_newer = speaks_newer_ && random_.percent(20);
    surroundings_.send_to_client(
        index_, session, is_newer ? with_unknown_message(messages) : wire::encode(messages));
  }
  outgoing.clear();
}

namespace {

std::pair<std::uint64_t, std::uint64_t> hash_and_size(const std::vector<Payload>& parts,
                                                      const Payload* last) {
  verify::PayloadHash hash;
  std::uint64_t size = 0;
  for (const Payload& part : parts) {
    hash.add(part.bytes());
    size += part.size();
  }
  if (last != nullptr) {
    hash.add(last->bytes());
    size += last->size();
  }
  return {hash.value(), size};
}

}  // namespace

void DaemonNode::deliver(const daemon::DeliverMessage& delivery, Outgoing& outgoing) {
  for (const SessionId session : delivery.sessions) {
    if (!sessions_.contains(session)) continue;
    auto& messages = outgoing[session];
    for (const Payload& chunk : delivery.chunks) {
      messages.push_back(protocol::DeliverChunk{.payload = chunk});
    }
    messages.push_back(delivery.delivery);
  }
  // A message to several groups is delivered to each; its reference stands with the first.
  if (!delivery.reference.number) return;
  if (!view_ || delivery.reference.sender >= view_->members.size()) {
    return scene_.complain(name_ + " delivered a message whose sender is in no view of its own");
  }
  delivers_early_ = delivers_early_ || suspended_;
  if (!delivery.delivery.run.empty()) PROBE("deliveries are told as a run");
  for_each_message(delivery, [&](const daemon::DeliverMessage& one) { record_delivery(one); });
}

void DaemonNode::record_delivery(const daemon::DeliverMessage& delivery) {
  const auto [hash, size] = hash_and_size(delivery.chunks, &delivery.delivery.payload);
  scene_.mix(hash);
  handed_.push_back({.order = delivery.delivery.order, .hash = hash});
  surroundings_.watch().on_delivered(id_, delivery.reference, delivery.delivery.order);
  record(record::Deliver{.p = to_string(id_),
                         .g = std::string(verify::kDaemons),
                         .view = to_string(view_->id),
                         .sender = to_string(view_->members[delivery.reference.sender].id),
                         .number = delivery.reference.number.value,
                         .order = delivery.delivery.order,
                         .hash = hash,
                         .size = size,
                         .destination = to_string(delivery.delivery.group)});
}

void DaemonNode::install(const daemon::InstallView& install) {
  scene_.count("daemon views");
  ++installs_;
  change_.on_installed();
  suspended_ = false;
  delivers_early_ = false;
  if (install.recovered) scene_.count("daemon views recovered");
  record::View view;
  view.p = to_string(id_);
  view.g = verify::kDaemons;
  view.id = to_string(install.view.id);
  view.primary = install.view.primary;
  view.recovered = install.recovered;
  view.forced = install.forced;
  view.lineage = to_string(install.view.lineage);
  if (!install.view.ancestors.empty()) view.ancestor = to_string(install.view.ancestors.back());
  std::set<std::string> before;
  if (view_) {
    for (const protocol::DaemonMember& member : view_->members) before.insert(to_string(member.id));
  }
  for (const protocol::DaemonMember& member : install.view.members) {
    view.members.push_back(to_string(member.id));
    if (!before.contains(view.members.back())) view.joined.push_back(view.members.back());
  }
  for (const protocol::DepartedDaemon& left : install.left) {
    view.left.push_back({.member = to_string(left.id), .reason = to_string(left.reason)});
  }
  for (const protocol::DepartedDaemon& left : install.left) {
    const auto is_successor = [&](const protocol::DaemonMember& member) {
      return member.id.name == left.id.name;
    };
    if (std::any_of(install.view.members.begin(), install.view.members.end(), is_successor)) {
      PROBE("E19: a daemon and its successor change places in one view");
    }
  }
  surroundings_.watch().on_installed(id_, install, handed_);
  view_ = install.view;
  record(view);
}

void DaemonNode::stamp(const daemon::StampMessage& stamp) {
  scene_.count("messages stamped");
  if (suspended_) {
    scene_.complain("M15: " + to_string(id_) + " accepts a message in a view that is suspended");
  }
  const auto [hash, size] = hash_and_size(stamp.parts, nullptr);
  record::Send send;
  send.p = to_string(stamp.sender);
  send.g = stamp.group;
  send.number = stamp.number.value;
  send.order = stamp.order;
  send.view = to_string(stamp.view);
  send.member = stamp.member;
  send.self_discard = stamp.self_discard;
  if (stamp.to) {
    send.to = to_string(stamp.to->daemon) + "." + to_string(stamp.to->session);
  }
  send.hash = hash;
  send.size = size;
  send.daemon_number = stamp.daemon_number.value;
  record(send);
}

}  // namespace groupcomm::simulation
