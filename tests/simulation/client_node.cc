#include "tests/simulation/client_node.h"

#include <algorithm>

#include "groupcomm/probe.h"
#include "groupcomm/wire/codec.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/newer_wire.h"

namespace groupcomm::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
namespace record = verify::record;

namespace {

constexpr const char* kNothing = "nothing";  // yet, of a view by force

}  // namespace

ClientNode::ClientNode(Scene& scene, Random random, ClientSurroundings& surroundings,
                       std::size_t index)
    : scene_(scene),
      random_(random),
      surroundings_(surroundings),
      index_(index),
      name_("c" + std::to_string(index)) {
  for (std::size_t g = 0; g < scene.plan().groups; ++g) {
    groups_.push_back(group_name(scene.plan(), g));
  }
  for (const std::string& group : groups_) {
    if (random_.percent(65) && scene.plan().cues.empty()) wanted_.insert(group);
  }
  speaks_newer_ =
      Random(scene.plan().seed ^ (index + 1) * 0xc11e47).chance(scene.plan().client.newer_wire);
  trace_.header = {.role = verify::Role::kClient, .name = name_};
  core_ = std::make_unique<ClientCore>(name_);
}

void ClientNode::start() {
  if (up_) return;
  scene_.count("client starts");
  ++generation_;
  up_ = true;
  paused_ = false;
  broken_ = false;
  core_ = std::make_unique<ClientCore>(name_);
  try_to_connect();
  think();
}

void ClientNode::end_process(const verify::Record& last_record) {
  if (!process_.empty()) record(last_record);
  process_.clear();
  views_.clear();
  wishes_.clear();
  odd_joins_.clear();
  odd_.clear();
  queries_.clear();
  watching_.reset();
  watched_.clear();
  if (told_of_bootstrap_ == kNothing) told_of_bootstrap_.clear();
  asked_.clear();
  notices_.clear();
  ended_.clear();
  blocked_.clear();
  suspended_.clear();
  vain_.clear();
  met_.clear();
  fresh_.clear();
  inbox_.clear();
  seen_ = 0;
  const std::vector<Call> calls = std::exchange(calls_, {});
  if (!calls.empty()) surroundings_.call_again(index_, calls);
}

void ClientNode::crash() {
  if (!up_) return;
  if (scene_.is_verbose()) scene_.log(name_, "CRASH");
  scene_.count("client crashes");
  end_process(record::Crash{.p = process_});
  ++generation_;
  up_ = false;
  drain_scheduled_ = false;
  detach();
}

void ClientNode::detach() {
  if (attached_) surroundings_.disconnect(index_);
  attached_ = false;
  broken_ = false;
}

void ClientNode::pause() {
  if (!up_ || paused_) return;
  if (scene_.is_verbose()) scene_.log(name_, "PAUSE");
  scene_.count("client pauses");
  paused_ = true;
  if (!process_.empty()) record(record::Pause{.p = process_});
}

void ClientNode::resume() {
  if (!up_ || !paused_) return;
  if (scene_.is_verbose()) scene_.log(name_, "RESUME");
  paused_ = false;
  if (!process_.empty()) record(record::Resume{.p = process_});
  std::deque<Payload> waiting = std::move(inbox_);
  inbox_.clear();
  for (const Payload& bytes : waiting) on_bytes(bytes);
  if (broken_) {
    broken_ = false;
    on_disconnected();
  } else {
    drain();
  }
}

void ClientNode::say_bye() {
  if (!up_ || paused_ || !core_->connected()) return;
  if (scene_.is_verbose()) scene_.log(name_, "BYE");
  scene_.count("clients that left");
  farewells_.insert(to_string(*core_->process()));
  core_->bye();
  flush();
  // What was on its way to the client is still read.
  scene_.after(milliseconds(50), [this, generation = generation_] {
    if (generation != generation_ || !attached_) return;
    if (paused_) resume();
    if (!attached_) return;
    detach();
    core_->on_disconnected("bye");
    drain();
  });
}

void ClientNode::settle() {
  resume();
  start();
}

void ClientNode::try_to_connect() {
  if (!up_ || attached_) return;
  if (!paused_ && surroundings_.connect(index_)) {
    attached_ = true;
    core_->on_connecting();
    flush();
    return;
  }
  scene_.after(random_.about(milliseconds(50)), [this, generation = generation_] {
    if (generation == generation_) try_to_connect();
  });
}

void ClientNode::on_bytes(const Payload& bytes) {
  if (!up_ || !attached_) return;
  if (paused_) {
    inbox_.push_back(bytes);
    return;
  }
  auto messages = wire::decode_daemon_messages(bytes);
  CHECK(messages.ok());
  if (scene_.is_verbose()) {
    for (const auto& message : messages.value()) scene_.log(name_, "< " + describe(message));
  }
  const auto outcome = core_->on_daemon_messages(std::move(messages).value());
  if (!outcome.ok()) {
    scene_.complain(name_ + " found that its daemon broke the protocol: " + outcome.error());
    detach();
    core_->on_disconnected("protocol error");
  } else if (!core_->is_open()) {
    detach();
  }
  if (!scene_.plan().cues.empty() || random_.percent(80)) {
    drain();
  } else {
    schedule_drain();
  }
}

void ClientNode::schedule_drain() {
  if (drain_scheduled_) return;
  drain_scheduled_ = true;
  scene_.after(random_.between(microseconds(10), milliseconds(20)),
               [this, generation = generation_] {
                 if (generation != generation_) return;
                 drain_scheduled_ = false;
                 if (!paused_) drain();
               });
}

void ClientNode::drain() {
  const std::uint64_t generation = generation_;
  for (const Upcall& upcall : core_->take_upcalls()) {
    if (scene_.is_verbose()) scene_.log(name_, "^ " + describe(upcall));
    scene_.mix(index_ << 8 | upcall.index());
    std::visit([this](const auto& u) { on_upcall(u); }, upcall);
    if (generation != generation_) return;
  }
  core_->on_upcalls_told();
  flush();
}

void ClientNode::flush() {
  const auto messages = core_->take_outgoing();
  if (messages.empty() || !attached_) return;
  if (scene_.is_verbose()) {
    for (const auto& message : messages) scene_.log(name_, "> " + describe(message));
  }
  const bool is_newer = speaks_newer_ && random_.percent(50);
  if (is_newer) scene_.count("messages of an unknown kind to daemons");
  surroundings_.send_to_daemon(index_,
                               is_newer ? with_unknown_message(messages) : wire::encode(messages));
}

void ClientNode::on_disconnected() {
  if (!up_ || !attached_) return;
  if (paused_) {
    broken_ = true;
    return;
  }
  detach();
  core_->on_disconnected("connection lost");
  drain();
}

std::string ClientNode::unsettled() const {
  if (!up_) return "is down";
  if (!core_->connected()) return "is not connected";
  if (!asked_.empty()) {
    return "has " + std::to_string(asked_.size()) + " sends neither accepted nor refused, first " +
           to_string(asked_.begin()->first);
  }
  if (!notices_.empty()) {
    return "waits for " + std::to_string(notices_.size()) + " safe notices, first for " +
           notices_.begin()->first + " " + std::to_string(notices_.begin()->second);
  }
  for (const std::string& group : groups_) {
    const bool is_member = core_->view(group) != nullptr;
    if (is_member && odd_.contains(group)) return "is in " + group + " as in another group";
    if (is_member && !wanted_.contains(group)) return "is still in " + group;
    if (!is_member && wanted_.contains(group)) return "is not in " + group;
  }
  if (!queries_.empty()) return "has a query without an answer";
  if (told_of_bootstrap_ == kNothing) return "is told nothing of a view by force";
  return wishes_.empty() ? "" : "has a join or leave without an answer";
}

namespace {

// It holds back, or has sent one already that is not answered.
bool may_stand_for(RejectReason reason) {
  return reason == RejectReason::kNoPrimary || reason == RejectReason::kBlocked ||
         reason == RejectReason::kWouldBlock;
}

}  // namespace

void ClientNode::try_in_vain() {
  not_refused_.clear();
  if (!core_->connected()) return;
  for (const std::string& group : groups_) {
    if (core_->view(group) != nullptr && !suspended_.contains(group)) {
      not_refused_ = "was not told that its view of " + group + " is suspended";
    }
    const Queued queued = core_->multicast({group}, Payload(), {});
    if (queued.ok()) {
      vain_.insert(queued.request);
    } else if (!may_stand_for(*queued.refused)) {
      not_refused_ = "may not send to " + group + ": " + to_string(*queued.refused);
    }
  }
  flush();
}

std::string ClientNode::not_refused() const {
  if (!not_refused_.empty()) return not_refused_;
  if (!vain_.empty()) return "has sends that were not refused for want of a primary view";
  if (!asked_.empty()) return "has sends neither accepted nor refused";
  return "";
}

std::string ClientNode::kept() const {
  if (core_->has_upcalls()) return "has something to tell its application";
  return core_->has_credit() ? "" : "has a send window that is full";
}

// --- what the application is told ----------------------------------------------------------------

std::string ClientNode::member_name(const std::string& group) const {
  const auto found = views_.find(group);
  if (found == views_.end()) return process_;
  return verify::member_name(found->second.members[found->second.my_rank]);
}

void ClientNode::on_upcall(const upcall::Connected& u) {
  process_ = to_string(u.process);
  seen_ = 0;
  record(record::Start{.p = process_});
  tend_memberships();
}

void ClientNode::on_upcall(const upcall::ViewInstalled& u) {
  scene_.count("group views");
  if (!views_.contains(u.group) && odd_joins_.erase(end_wish("+" + u.group)) > 0) {
    scene_.count("groups with other options");
    odd_.insert(u.group);
  }
  if (u.view.my_rank >= u.view.members.size()) {
    return scene_.complain(name_ + " got a view with a rank outside of its members");
  }
  const auto previous = views_.find(u.group);
  record(verify::view_record(*core_->process(), u.group, u.view,
                             previous == views_.end() ? nullptr : &previous->second));
  look_whom_it_meets(previous == views_.end() ? nullptr : &previous->second, u.group, u.view);
  views_[u.group] = u.view;
  core_->on_view_told(u.group, u.view.id);
  ended_.erase(u.group);
  blocked_.erase(u.group);
  suspended_.erase(u.group);
  if (u.view.my_rank != 0) return;
  record(record::Lead{.p = member_name(u.group), .g = u.group, .view = to_string(u.view.id)});
}

// Those who were members when it asked to join may have died since, all of them: before it has a
// view or right after its first one.
void ClientNode::look_whom_it_meets(const GroupView* previous, const std::string& group,
                                    const GroupView& view) {
  const std::vector<std::string> met = std::exchange(met_[group], {});
  const bool was_new = fresh_.erase(group) > 0;
  if (previous == nullptr) fresh_.insert(group);
  if (view.members.size() > 1) return;
  const auto has_died = [](const Departed& left) { return left.reason != LeaveReason::kLeave; };
  const bool have_died = previous == nullptr
                             ? !met.empty() && surroundings_.has_died(met)
                             : was_new && std::any_of(view.left.begin(), view.left.end(), has_died);
  if (have_died && surroundings_.members_besides(index_, group).empty()) {
    PROBE("E30: the last members of a group die while another one joins");
  }
}

// Requests are served in their order: the oldest such one has come true.
RequestId ClientNode::end_wish(const std::string& what) {
  const auto oldest = std::find_if(wishes_.begin(), wishes_.end(),
                                   [&](const auto& wish) { return wish.second == what; });
  if (oldest == wishes_.end()) return {};
  const RequestId request = oldest->first;
  wishes_.erase(oldest);
  return request;
}

void ClientNode::on_upcall(const upcall::Transition& u) {
  ended_.insert(u.group);
  record::Transition transition{.p = member_name(u.group), .g = u.group, .transitional = {}};
  for (const ProcessId& p : u.transitional) transition.transitional.push_back(to_string(p));
  record(transition);
}

void ClientNode::on_upcall(const upcall::Delivered& u) {
  for_each_message(u, [&](const Message& message) { on_delivered(u, message); });
}

void ClientNode::on_delivered(const upcall::Delivered& u, const Message& message) {
  scene_.count("deliveries");
  ++seen_;
  const bool is_own = to_string(message.sender) == process_;
  if (is_own) {
    std::erase_if(calls_, [&](const Call& call) {
      return call.group == u.group && call.number == message.number.value;
    });
  }
  const auto here = views_.find(u.group);
  if (is_own && message.order == Order::kSafe && here != views_.end() &&
      here->second.members.size() == 1) {
    PROBE("E35: a safe message of one who is alone");
  }
  record(record::Deliver{.p = member_name(u.group),
                         .g = u.group,
                         .view = to_string(u.view),
                         .sender = to_string(message.sender),
                         .number = message.number.value,
                         .order = message.order,
                         .hash = verify::payload_hash(message.payload.bytes()),
                         .size = message.payload.size(),
                         .destination = ""});
}

void ClientNode::on_upcall(const upcall::Accepted& u) {
  scene_.count("sends accepted");
  const auto found = asked_.find(u.request);
  if (found == asked_.end()) {
    return scene_.complain(name_ + " was told that an unknown send was accepted");
  }
  Asked& asked = found->second;
  const auto view = views_.find(u.group);
  record::Send send;
  send.p = process_;
  send.g = u.group;
  send.number = u.number.value;
  send.order = asked.options.order;
  send.view = view == views_.end() ? "" : to_string(view->second.id);
  send.member = view != views_.end();
  send.self_discard = asked.options.self_discard;
  if (asked.options.to) send.to = to_string(*asked.options.to);
  send.hash = asked.hash;
  send.size = asked.size;
  send.seen = asked.seen;
  send.request = u.request.value;
  const auto asked_in = asked.views.find(u.group);
  if (asked_in != asked.views.end()) send.asked_in = asked_in->second;
  record(send);
  if (asked.options.notify_safe) notices_.emplace(u.group, u.number.value);
  if (asked.beside_answer) PROBE("E16: what was sent between a block and its answer is accepted");
  if (asked.call) {
    asked.call->number = u.number.value;
    keep_call(std::move(*asked.call));
  }
  if (--asked.groups_left == 0) asked_.erase(found);
}

void ClientNode::on_upcall(const upcall::Rejected& u) {
  scene_.count("rejected: " + to_string(u.reason));
  if (u.reason == RejectReason::kNoPrimary) vain_.erase(u.request);
  const auto asked = asked_.find(u.request);
  if (asked != asked_.end()) {
    if (u.reason == RejectReason::kGone) {
      PROBE("E46: a connection ends before a send has its answer");
      if (asked->second.call) keep_call(std::move(*asked->second.call));
    }
    asked_.erase(asked);
    record(record::Reject{.p = process_, .g = u.group, .reason = to_string(u.reason)});
  }
  wishes_.erase(u.request);
  odd_joins_.erase(u.request);
}

void ClientNode::on_upcall(const upcall::SendFailed& u) {
  notices_.erase({u.group, u.number.value});
  record(record::SendFail{.p = process_, .g = u.group, .number = u.number.value});
}

bool ClientNode::ask_for_bootstrap() {
  if (!up_ || paused_ || !core_->connected()) return false;
  told_of_bootstrap_ = kNothing;
  asked_in_storm_ = scene_.is_stormy();
  core_->bootstrap({});
  flush();
  return true;
}

void ClientNode::on_upcall(const upcall::BootstrapAnswered& u) {
  told_of_bootstrap_ = u.text;
  if (u.possible && !u.without.empty()) {
    const bool is_over = asked_in_storm_ && !scene_.is_stormy();
    if (is_over || (asked_in_storm_ && !surroundings_.may_give_up(index_, u.without))) return;
    told_of_bootstrap_ = kNothing;
    core_->bootstrap(u.without);
    return flush();
  }
  scene_.count(u.possible ? "views by force" : "not forced: " + u.text.substr(0, 30));
}

void ClientNode::on_upcall(const upcall::Safe& u) {
  scene_.count("safe notices");
  if (notices_.erase({u.group, u.number.value}) == 0) {
    scene_.complain(name_ + " was told of a safe send that it did not ask about");
  }
  const record::Safe notice{.p = member_name(u.group), .g = u.group, .number = u.number.value};
  record(notice);
  const auto view = views_.find(u.group);
  surroundings_.on_notice(notice, view == views_.end() ? nullptr : &view->second);
}

void ClientNode::on_upcall(const upcall::Suspended& u) {
  scene_.count("suspensions");
  suspended_.insert(u.group);
  ended_.insert(u.group);
  record(record::Suspended{.p = member_name(u.group), .g = u.group});
}

void ClientNode::on_upcall(const upcall::Block& u) {
  scene_.count("blocks");
  record(record::Block{.p = member_name(u.group), .g = u.group});
  blocked_.insert(u.group);
  if (dithers_) return;
  const ClientPlan& plan = scene_.plan().client;
  if (scene_.is_stormy() && random_.chance(plan.no_answers)) {
    scene_.count("blocks without an answer");
    return;
  }
  if (!scene_.is_stormy() || !random_.chance(plan.late_answers)) return hold_back(u.group);
  // It goes on sending meanwhile, as it may.
  scene_.after(random_.between(microseconds(10), milliseconds(600)),
               [this, group = u.group, generation = generation_] {
                 if (generation != generation_ || paused_) return;
                 hold_back(group);
                 flush();
               });
}

void ClientNode::hold_back(const std::string& group) {
  const Queued agreed = core_->block_ok(group);
  if (!agreed.ok()) return;
  blocked_.erase(group);
  record(record::BlockOk{.p = member_name(group), .g = group, .request = agreed.request.value});
}

void ClientNode::on_upcall(const upcall::Gone& u) {
  scene_.count("gone: " + to_string(u.reason));
  end_wish("-" + u.group);
  record(record::Gone{.p = member_name(u.group), .g = u.group, .reason = to_string(u.reason)});
  views_.erase(u.group);
  core_->on_gone_told(u.group);
  ended_.erase(u.group);
  blocked_.erase(u.group);
  suspended_.erase(u.group);
  odd_.erase(u.group);
}

void ClientNode::on_upcall(const upcall::Disconnected&) {
  end_process(record::Exit{.p = process_});
  try_to_connect();
}

}  // namespace groupcomm::simulation
