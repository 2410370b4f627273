// What the application at a client's node does: it joins and leaves, sends, and acts as a leader.
#include <algorithm>

#include "groupcomm/probe.h"
#include "tests/simulation/client_node.h"

namespace groupcomm::simulation {

using std::chrono::milliseconds;
namespace record = verify::record;

namespace {

constexpr std::size_t kCallsKept = 16;

}  // namespace

void ClientNode::think() {
  const Duration pause =
      scene_.is_stormy() ? random_.about(scene_.plan().client.think) : milliseconds(100);
  scene_.after(pause, [this, generation = generation_] {
    if (generation != generation_) return;
    if (!paused_) act();
    think();
  });
}

void ClientNode::play(const ScriptedAct& act) {
  const std::string& what = act.what;
  if (what == "crash") return crash();
  if (what == "start") return start();
  if (what == "pause") return pause();
  if (what == "resume") return resume();
  if (what == "bye") return say_bye();
  const bool is_all = act.group == "*";
  for (const std::string& group : groups_) {
    if (!is_all && group != act.group) continue;
    if (what == "join") wanted_.insert(group);
    if (what == "leave") wanted_.erase(group);
    if (what == "join" || what == "leave") wish(group, what == "leave");
  }
  if (what == "bootstrap") {
    ask_for_bootstrap();
    return;
  }
  if (what == "dither") dithers_ = true;
  if (what == "answer") hold_back(act.group);
  if (what == "act") play_act(act.group);
  if (what == "send" || what == "ask") {
    for (std::size_t i = 0; i < act.times; ++i) play_send(act);
  } else {
    tend_memberships();
  }
  flush();
}

void ClientNode::play_send(const ScriptedAct& act) {
  const auto parsed = parse_order(act.order);
  CHECK(parsed.ok());
  std::string text = name_ + ":" + std::to_string(++payloads_);
  text.resize(std::max(text.size(), act.bytes), '.');
  last_payload_ = Payload::copy_of(text);
  const SendOptions options = {.order = parsed.value(), .notify_safe = act.what == "ask"};
  multicast({act.group}, last_payload_, options);
}

// As the leader that it takes itself for.
void ClientNode::play_act(const std::string& group) {
  const auto view = views_.find(group);
  if (view == views_.end() || view->second.my_rank != 0) return note(group, "cannot act");
  record(record::Act{.p = member_name(group), .g = group, .view = to_string(view->second.id)});
  const bool is_taken = surroundings_.act_as_leader(group, view->second);
  note(group, is_taken ? "acts" : "its act is refused");
}

void ClientNode::note(const std::string& group, const std::string& text) {
  scene_.note({.trace = name_,
               .after = trace_.records.size(),
               .process = (process_.empty() ? name_ : member_name(group)) + " " + group,
               .text = text});
}

void ClientNode::act() {
  if (!core_->connected()) return;
  if (scene_.is_stormy() && !scene_.plan().cues.empty()) return;
  const ClientPlan& plan = scene_.plan().client;
  if (scene_.is_stormy()) {
    if (random_.chance(plan.churn)) {
      change_wishes();
    } else if (plan.storms > 0 && random_.chance(plan.storms)) {
      storm();
    } else if (plan.queries > 0 && random_.chance(plan.queries)) {
      ask_something();
    } else if (random_.chance(plan.bursts)) {
      send_burst();
    } else {
      send_one();
    }
  }
  act_as_leader();
  tend_memberships();
  flush();
}

// What only a leader may do, with the view's id as its token. Of views that are not primary there
// are several at once.
void ClientNode::act_as_leader() {
  for (const auto& [group, view] : views_) {
    if (view.my_rank != 0 || !view.primary || ended_.contains(group)) continue;
    record(record::Act{.p = member_name(group), .g = group, .view = to_string(view.id)});
    surroundings_.act_as_leader(group, view);
  }
}

// Leaves and joins again and again, without waiting for an answer.
void ClientNode::storm() {
  if (!up_ || paused_ || !core_->connected()) return;
  scene_.count("storms of joins and leaves");
  const std::uint64_t count = random_.between(2, 12);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string& group = random_.pick(groups_);
    wanted_.insert(group);
    wish(group, /*is_leave=*/random_.percent(50));
  }
  flush();
}

void ClientNode::wish(const std::string& group, bool is_leave) {
  const bool is_leaving = std::any_of(wishes_.begin(), wishes_.end(),
                                      [&](const auto& wish) { return wish.second == "-" + group; });
  GroupOptions options = options_of(group);
  const std::uint64_t odd = scene_.is_stormy() ? scene_.plan().client.other_options : 0;
  // (Nobody relies on it that a group is not uniform.)
  const bool is_odd = !is_leave && !options.uniform && odd > 0 && random_.chance(odd);
  options.uniform = options.uniform || is_odd;
  const Queued queued = is_leave ? core_->leave(group) : core_->join(group, options);
  if (!queued.ok()) return;
  if (is_odd) odd_joins_.insert(queued.request);
  if (is_odd) scene_.count("joins with other options");
  if (!is_leave && is_leaving) PROBE("E19: a process joins again before its leave took effect");
  if (is_leave) farewells_.insert(to_string(*core_->process()) + " " + group);
  wishes_[queued.request] = (is_leave ? "-" : "+") + group;
  surroundings_.on_wish(index_);
  if (!is_leave) met_[group] = surroundings_.members_besides(index_, group);
}

void ClientNode::change_wishes() {
  const std::string& group = random_.pick(groups_);
  if (!wanted_.insert(group).second) wanted_.erase(group);
}

void ClientNode::tend_memberships() {
  for (const std::string& group : groups_) {
    const bool is_pending = std::any_of(wishes_.begin(), wishes_.end(), [&](const auto& wish) {
      return wish.second.substr(1) == group;
    });
    // An application may also change its mind before it has an answer.
    if (is_pending && !random_.percent(2)) continue;
    const bool is_member = core_->view(group) != nullptr;
    const bool is_odd = odd_.contains(group) && (!scene_.is_stormy() || random_.percent(5));
    if (is_member == wanted_.contains(group) && !is_odd) continue;
    wish(group, /*is_leave=*/is_member);
  }
}

GroupOptions ClientNode::options_of(const std::string& group) const {
  const auto place = std::find(groups_.begin(), groups_.end(), group) - groups_.begin();
  const std::size_t first_flush = groups_.size() - scene_.plan().flush_groups;
  return {.flush = static_cast<std::size_t>(place) >= first_flush,
          .uniform = static_cast<std::size_t>(place) < scene_.plan().uniform_groups};
}

void ClientNode::send_burst() {
  if (!up_ || paused_ || !core_->connected()) return;
  const std::uint64_t count = random_.between(5, 60);
  for (std::uint64_t i = 0; i < count && send_one(); ++i) {
  }
  flush();
}

std::vector<std::string> ClientNode::choose_groups() {
  const ClientPlan& plan = scene_.plan().client;
  const bool is_open = random_.chance(plan.open_sends);
  std::vector<std::string> candidates;
  for (const std::string& group : groups_) {
    if (is_open || core_->view(group) != nullptr) candidates.push_back(group);
  }
  if (candidates.empty()) return {};
  std::size_t count = 1;
  if (random_.chance(plan.multi_sends)) count = random_.between(1, candidates.size());
  while (candidates.size() > count) {
    candidates.erase(candidates.begin() +
                     static_cast<std::ptrdiff_t>(random_.below(candidates.size())));
  }
  return candidates;
}

SendOptions ClientNode::choose_options(const std::vector<std::string>& groups) {
  const ClientPlan& plan = scene_.plan().client;
  SendOptions options;
  options.order = random_.pick(plan.orders);
  options.self_discard = random_.chance(plan.self_discards);
  options.notify_safe = random_.chance(plan.safe_notices);
  const GroupView* view = core_->view(groups.front());
  if (groups.size() == 1 && view != nullptr && random_.chance(plan.to_one)) {
    options.to = random_.pick(view->members).process;
    options.self_discard = false;
  }
  return options;
}

Payload ClientNode::make_payload() {
  const ClientPlan& plan = scene_.plan().client;
  if (random_.percent(3)) return Payload();
  std::string text = name_ + ":" + std::to_string(++payloads_);
  std::size_t size = random_.percent(90) ? random_.below(100) : random_.below(4000);
  if (random_.chance(plan.large)) size = random_.between(60'000, 200'000);
  if (text.size() < size) text.resize(size, static_cast<char>('a' + payloads_ % 26));
  return Payload::copy_of(text);
}

bool ClientNode::send_one() {
  const std::vector<std::string> groups = choose_groups();
  if (groups.empty()) return false;
  const SendOptions options = choose_options(groups);
  const Payload payload = make_payload();
  if (!scene_.sends()) return true;
  return multicast(groups, payload, options);
}

bool ClientNode::multicast(const std::vector<std::string>& groups, const Payload& payload,
                           const SendOptions& options) {
  const Queued queued = core_->multicast(groups, payload, options);
  if (!queued.ok()) {
    scene_.count("refused: " + to_string(*queued.refused));
    note(groups.front(), "refused " + to_string(*queued.refused));
    return false;
  }
  const auto is_blocked = [&](const std::string& group) { return blocked_.contains(group); };
  asked_[queued.request] = {.options = options,
                            .hash = verify::payload_hash(payload.bytes()),
                            .size = payload.size(),
                            .seen = seen_,
                            .views = views_known(groups),
                            .groups_left = groups.size(),
                            .beside_answer = std::any_of(groups.begin(), groups.end(), is_blocked),
                            .call = call_of(groups, payload, options)};
  return true;
}

std::map<std::string, std::string> ClientNode::views_known(
    const std::vector<std::string>& groups) const {
  std::map<std::string, std::string> known;
  for (const std::string& group : groups) {
    const auto view = views_.find(group);
    if (view != views_.end()) known[group] = to_string(view->second.id);
  }
  return known;
}

bool ClientNode::send(const std::string& group, Order order, const Payload& payload) {
  if (!up_ || paused_ || !core_->connected()) return false;
  const bool is_queued = multicast({group}, payload, {.order = order});
  flush();
  return is_queued;
}

// Where another client would send it again.
std::optional<Call> ClientNode::call_of(const std::vector<std::string>& groups,
                                        const Payload& payload, const SendOptions& options) const {
  const bool is_ordered = options.order == Order::kTotal || options.order == Order::kSafe;
  if (scene_.plan().client.calls_again == 0 || groups.size() > 1 || payload.size() == 0) return {};
  if (!is_ordered || options.to || options.self_discard) return {};
  return Call{.group = groups.front(), .number = 0, .order = options.order, .payload = payload};
}

void ClientNode::keep_call(Call call) {
  if (calls_.size() == kCallsKept) calls_.erase(calls_.begin());
  calls_.push_back(std::move(call));
}

}  // namespace groupcomm::simulation
