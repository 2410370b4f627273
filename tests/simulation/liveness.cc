// The second phase of a run: faults stop within a core, and what is left must agree in time.
#include <algorithm>
#include <iterator>

#include "tests/simulation/kept.h"
#include "tests/simulation/settings.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// So long nothing may change any more once everything has settled.
constexpr Duration kQuiet = seconds(3);
// What the core does again and again takes up to twenty time-outs of the failure detector.
constexpr int kLongQuietTimeOuts = 25;
// So long a frame may be under way that is not replayed.
constexpr Duration kUnderWayMax = seconds(10);

}  // namespace

Duration Simulator::quiet() const {
  if (!plan_.long_quiet) return kQuiet;
  return std::max<Duration>(kQuiet, kLongQuietTimeOuts * plan_.options.suspect);
}

std::optional<std::size_t> Simulator::leader() const {
  for (const auto& daemon : daemons_) {
    if (!daemon->is_up() || daemon->is_paused()) continue;
    const protocol::DaemonStatus status = daemon->status();
    if (status.primary && !status.members.empty()) return index_of(status.members[0].id.name);
  }
  return std::nullopt;
}

void Simulator::calm_down() {
  if (scene_.is_verbose()) scene_.log("sim", "CALM");
  choose_core();
  scene_.calm_down();
  network_->heal();
  Duration start = seconds(10);
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (!core_.contains(i)) {
      settle_fate(i);
      continue;
    }
    daemons_[i]->resume();
    // Those who went on by force come first, and the others one by one where they do not look for
    // them (docs/OPERATIONS.md).
    const bool waits = given_up_.contains(i) && given_up_.size() < daemons_.size();
    scene_.after(waits ? start : Duration{}, [this, i] { start_daemon(i); });
    if (waits && plan_.strangers > 0) start += seconds(5);
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i]->settle();
  for (const auto& daemon : daemons_) installs_at_calm_.push_back(daemon->installs());
  gave_up_at_calm_ = scene_.counter("daemons that gave up");
  const TimePoint sent{std::max(Duration{}, scene_.now().since_origin - kUnderWayMax)};
  for (const auto& daemon : daemons_) {
    const std::uint64_t begun = daemon->begun_since(sent);
    if (begun > 1) ghosts_at_calm_ += begun - 1;
  }
}

// Mostly a majority of the configured daemons, at times fewer.
void Simulator::choose_core() {
  const std::size_t all = daemons_.size();
  if (!plan_.random_core || all < 2) return;
  const std::size_t least = further_.percent(75) ? all / 2 + 1 : 1;
  const std::size_t size = least >= all ? all - 1 : further_.between(least, all - 1);
  while (core_.size() > size) {
    auto lost = core_.begin();
    std::advance(lost, static_cast<std::ptrdiff_t>(further_.below(core_.size())));
    core_.erase(lost);
  }
  scene_.count("runs with a core");
}

// For ever down, standing still, deaf, mute, or connected with some only.
void Simulator::settle_fate(std::size_t outsider) {
  DaemonNode& node = *daemons_[outsider];
  enum Fate { kDown, kPaused, kDeaf, kMute, kHalfConnected, kConnectedAnyhow };
  static constexpr const char* kFates[] = {"down", "paused",         "deaf",
                                           "mute", "half connected", "connected anyhow"};
  const auto fate = static_cast<Fate>(further_.below(std::size(kFates)));
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (i == outsider || core_.contains(i)) continue;
    if (fate != kConnectedAnyhow || !connected_anyhow_.contains(i))
      network_->cut_for_good(outsider, i);
  }
  if (scene_.is_verbose()) scene_.log("sim", node.name() + " stays " + kFates[fate]);
  scene_.count(std::string("outsiders ") + kFates[fate]);
  if (fate == kDown) return node.crash();
  if (fate == kPaused) return node.pause();
  has_half_connected_ = true;
  node.resume();
  start_daemon(outsider);
  if (fate == kConnectedAnyhow) return connect_anyhow(outsider);
  if (fate == kHalfConnected && core_.size() >= 3) {
    // Two of the core do not hear it. If it is in the view they may be kept out of it (rule V2).
    may_keep_others_out_ = true;
    auto near = core_.begin();
    for (int i = 0; i < 2; ++i, ++near) {
      network_->cut_for_good(outsider, *near);
      network_->cut_for_good(*near, outsider);
    }
    return;
  }
  for (const std::size_t i : core_) {
    if (fate == kDeaf) network_->cut_for_good(i, outsider);
    if (fate != kDeaf) network_->cut_for_good(outsider, i);
  }
}

// With each of the core, and of those like it, in both directions, one or none.
void Simulator::connect_anyhow(std::size_t outsider) {
  may_keep_others_out_ = true;
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    if (!core_.contains(i) && !connected_anyhow_.contains(i)) continue;
    const std::uint64_t link = further_.below(8);
    if (link < 3) network_->cut_for_good(outsider, i);
    if (link == 0 || link == 1 || link == 3) network_->cut_for_good(i, outsider);
  }
  connected_anyhow_.insert(outsider);
}

std::string Simulator::unsettled_daemons() const {
  const bool is_partitionable = plan_.options.partitionable;
  if (may_keep_others_out_) {
    return leader() || is_partitionable ? "" : "nobody is in a primary view";
  }
  // Without a quorum the core goes on all the same, and nobody takes that for primary (M6).
  const bool needs_primary =
      !is_partitionable || core_.size() == daemons_.size() || core_outvotes_all();
  std::optional<ViewId> view;
  for (const std::size_t i : core_) {
    const DaemonNode& daemon = *daemons_[i];
    if (!daemon.is_up()) return daemon.name() + " is down";
    if (daemon.is_leaving()) return daemon.name() + " is leaving";
    const protocol::DaemonStatus status = daemon.status();
    if (status.phase != "regular") return daemon.name() + " is " + status.phase;
    if (!status.view) return daemon.name() + " is in no view";
    if (!status.primary && needs_primary) return daemon.name() + " is in no primary view";
    if (!view) view = status.view;
    if (*view != *status.view) return daemon.name() + " is in a view of its own";
    for (const auto& member : status.members) {
      if (member.state == "suspected") return daemon.name() + " suspects " + member.id.name;
      if (core_.contains(index_of(member.id.name))) continue;
      return daemon.name() + " has " + member.id.name + " in its view, which is not there";
    }
    if (status.members.size() != core_.size()) return daemon.name() + " misses a daemon";
  }
  return "";
}

std::string Simulator::unsettled_groups() const {
  std::map<std::string, GroupViewId> views;
  std::map<std::string, std::size_t> wanting;
  const auto is_inside = [&](std::size_t client) {
    return core_.contains(client % daemons_.size());
  };
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!is_inside(i)) continue;
    for (const std::string& group : clients_[i]->wanted()) ++wanting[group];
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!is_inside(i)) continue;
    const ClientNode& client = *clients_[i];
    for (const std::string& group : client.wanted()) {
      const GroupView* view = client.view(group);
      for (std::size_t j = 0; j < clients_.size(); ++j) {
        const std::optional<GroupViewId> watched = clients_[j]->watched(group);
        if (is_inside(j) && watched && *watched != view->id) {
          return clients_[j]->name() + " watches another view of " + group;
        }
      }
      const auto [first, is_new] = views.emplace(group, view->id);
      if (!is_new && first->second != view->id) {
        return client.name() + " is in another view of " + group;
      }
      if (view->members.size() == wanting[group]) continue;
      return client.name() + " sees " + std::to_string(view->members.size()) + " members in " +
             group + ", wanted by " + std::to_string(wanting[group]);
    }
  }
  return "";
}

std::string Simulator::unsettled() const {
  std::string why = unsettled_daemons();
  if (may_keep_others_out_) return why;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!core_.contains(i % daemons_.size())) continue;
    if (!why.empty()) return why;
    why = clients_[i]->unsettled();
    if (!why.empty()) why = clients_[i]->name() + " " + why;
  }
  return why.empty() ? unsettled_groups() : why;
}

// The newest view that anybody in the core knows to be decided.
std::optional<protocol::DaemonView> Simulator::newest_in_core() const {
  std::optional<protocol::DaemonView> newest;
  for (const std::size_t i : core_) {
    const auto decided = daemons_[i]->decided();
    if (decided && (!newest || newest->id < decided->id)) newest = decided;
  }
  return newest;
}

// Of that view, by the names in its record; of the configured seeds where nobody knows of any.
bool Simulator::core_has_quorum() const {
  const std::optional<protocol::DaemonView> newest = newest_in_core();
  std::size_t present = 0;
  if (!newest) {
    const std::size_t seeds = daemons_.size() - plan_.strangers;
    for (const std::size_t i : core_) present += i < seeds ? 1 : 0;
    return 2 * present > seeds || (2 * present == seeds && core_.contains(0));
  }
  // A record is as old as its daemon here, so that nobody's vote is refused (rule R5).
  const auto votes = [&](const protocol::DaemonMember& member) {
    return core_.contains(index_of(member.id.name));
  };
  for (const auto& member : newest->members) present += votes(member) ? 1 : 0;
  const std::size_t all = newest->members.size();
  const bool has_first = votes(newest->members.front());
  return 2 * present == all ? has_first : 2 * present > all;
}

// Under the partitionable policy: the core holds a quorum, by name and record, of the last primary
// view that it knows of, and of each that may have come about since (rule Q3).
bool Simulator::core_outvotes_all() const {
  std::vector<protocol::DurableRecord> records;
  protocol::DaemonView last;
  std::vector<protocol::DaemonView> attempts;
  for (const std::size_t i : core_) {
    const auto record = daemons_[i]->durable();
    if (!record) return false;
    const protocol::PrimaryClaim claim = record->claim.value_or(protocol::PrimaryClaim{});
    const protocol::DaemonView& mine = record->decided.primary ? record->decided : claim.last;
    if (last.id < mine.id) last = mine;
    attempts.insert(attempts.end(), claim.attempts.begin(), claim.attempts.end());
    if (record->accepted && record->accepted->value.next.primary) {
      attempts.push_back(record->accepted->value.next);
    }
    records.push_back(*record);
  }
  if (last.id.counter == 0) return false;
  const auto has_quorum_of = [&](const protocol::DaemonView& view) {
    std::size_t present = 0;
    bool has_first = false;
    for (const protocol::DaemonMember& member : view.members) {
      const std::size_t daemon = index_of(member.id.name);
      const auto place = core_.find(daemon);
      if (place == core_.end()) continue;
      const auto& record = records[static_cast<std::size_t>(std::distance(core_.begin(), place))];
      if (member.id.incarnation < record.since) continue;
      ++present;
      has_first = has_first || member.id == view.members.front().id;
    }
    return 2 * present > view.members.size() || (2 * present == view.members.size() && has_first);
  };
  return has_quorum_of(last) &&
         std::all_of(attempts.begin(), attempts.end(), [&](const protocol::DaemonView& attempt) {
           return attempt.id.counter <= last.id.counter || has_quorum_of(attempt);
         });
}

std::string Simulator::wrongly_primary() const {
  for (const std::size_t i : core_) {
    if (daemons_[i]->is_up() && daemons_[i]->status().primary) {
      return daemons_[i]->name() + " is in a primary view without a quorum";
    }
  }
  return "";
}

// Frames from and to outsiders that were under way count for a while. With one that may keep others
// out nothing tells when the last change is over, and a late frame may let it in once more.
bool Simulator::is_too_early(TimePoint calm, TimePoint changed) const {
  if (may_keep_others_out_) {
    return scene_.now() < std::max(changed, network_->drained_at()) + seconds(40);
  }
  return core_.size() < daemons_.size() && scene_.now() < calm + seconds(15);
}

bool Simulator::settle(Outcome& outcome) {
  const TimePoint begin = scene_.now();
  TimePoint end = begin + plan_.settle_bound;
  if (may_keep_others_out_) end = std::max(end, network_->drained_at() + plan_.settle_bound);
  TimePoint without_quorum = TimePoint::never();
  std::uint64_t accepted = 0;
  std::uint64_t installs = core_installs();
  TimePoint changed = begin;
  while (scene_.now() < end) {
    scene_.run_until(scene_.now() + milliseconds(250));
    // Nobody sends anything new, but a window of one may be long in working off what there is.
    const std::uint64_t accepted_now = scene_.counter("sends accepted");
    if (accepted_now != accepted) end = std::max(end, scene_.now() + plan_.settle_bound);
    accepted = accepted_now;
    if (core_installs() != installs) changed = scene_.now();
    installs = core_installs();
    if (!is_too_early(begin, changed) && unsettled().empty()) {
      outcome.settled_after = scene_.now() - begin;
      return stay_settled(outcome);
    }
    if (core_has_quorum() || may_keep_others_out_ || plan_.options.partitionable) {
      without_quorum = TimePoint::never();
    } else if (without_quorum == TimePoint::never()) {
      without_quorum = scene_.now();
    } else if (scene_.now() - without_quorum > seconds(40)) {
      return settle_without_quorum(outcome);
    }
  }
  if (may_keep_others_out_ && !core_has_quorum()) return false;
  outcome.verdict += "L1 violated: in " + std::to_string(plan_.settle_bound / seconds(1)) +
                     " quiet seconds things did not settle: " + unsettled() + "\n";
  return false;
}

// Nothing may go on, and everybody must know it.
bool Simulator::settle_without_quorum(Outcome& outcome) {
  scene_.count("cores without a quorum");
  const std::uint64_t views = scene_.counter("daemon views");
  std::string why = wrongly_primary();
  scene_.run_until(scene_.now() + quiet());
  if (why.empty()) why = wrongly_primary();
  if (why.empty()) why = not_refused();
  if (!why.empty()) outcome.verdict += "L9 violated: " + why + "\n";
  if (scene_.counter("daemon views") != views) {
    outcome.verdict += "L9 violated: a view was installed without a quorum\n";
  }
  return outcome.verdict.empty() && may_force() ? settle_by_force(outcome) : false;
}

// Who is in no primary view is told so, and whatever it sends is refused for that.
std::string Simulator::not_refused() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (core_.contains(i % daemons_.size())) clients_[i]->try_in_vain();
  }
  scene_.run_until(scene_.now() + seconds(1));
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!core_.contains(i % daemons_.size())) continue;
    if (const std::string why = clients_[i]->not_refused(); !why.empty()) {
      return clients_[i]->name() + " " + why;
    }
  }
  return "";
}

// As operators are told: those outside must not go on by themselves, nor have done so.
bool Simulator::may_force() const {
  const auto newest = newest_in_core();
  return !has_half_connected_ &&
         std::all_of(daemons_.begin(), daemons_.end(), [&](const auto& daemon) {
           const auto decided = daemon->decided();
           return !decided || (newest && decided->id <= newest->id);
         });
}

bool Simulator::settle_by_force(Outcome& outcome) {
  const TimePoint begin = scene_.now();
  outcome.verdict += force(core_, /*may_die=*/false);
  if (!leader()) {
    scene_.count("cores that could not be forced");
    return false;
  }
  scene_.count("cores that were forced");
  while (scene_.now() < begin + plan_.settle_bound) {
    scene_.run_until(scene_.now() + milliseconds(250));
    if (!unsettled().empty()) continue;
    outcome.settled_after = scene_.now() - begin;
    return stay_settled(outcome);
  }
  outcome.verdict +=
      "L9 violated: after a view was forced things did not settle: " + unsettled() + "\n";
  return false;
}

// Outsiders may form views of their own, and take their time.
std::uint64_t Simulator::core_installs() const {
  std::uint64_t installs = 0;
  for (const std::size_t i : core_) installs += daemons_[i]->installs();
  return installs;
}

bool Simulator::stay_settled(Outcome& outcome) {
  // What was accepted last may still be on its way, and nothing may change any more.
  const std::uint64_t views = core_installs();
  scene_.run_until(scene_.now() + quiet() / 2);
  // Frames may be answered that come a minute and a half late: a few runs wait for the last of
  // them.
  const bool is_drained = network_->drained_at() <= scene_.now() || further_.percent(8);
  if (is_drained) scene_.run_until(std::max(scene_.now(), network_->drained_at() + seconds(1)));
  const Scene::Kinds kinds = scene_.kinds();
  scene_.run_until(scene_.now() + quiet() / 2);
  std::string why = unsettled();
  if (core_installs() != views) {
    outcome.verdict += "L1 violated: the view changed again after everything had settled\n";
  } else if (!why.empty()) {
    outcome.verdict += "L1 violated: everything had settled, but then " + why + "\n";
  } else if (may_keep_others_out_) {
    return false;  // those who are kept out are owed nothing
  } else if (why = kept_resources(); !why.empty()) {
    outcome.verdict += "L7 violated: " + why + "\n";
  } else if (why = is_drained ? noise(kinds, quiet() / 2) : ""; !why.empty()) {
    outcome.verdict += "L8 violated: " + why + "\n";
  }
  return outcome.verdict.empty();
}

// Each view takes away somebody who cannot be reached or does not live any more, or lets in one of
// the core, and none does so twice; but for one that was under way. Of those who died lately
// something may be under way still: so they come in, and are found dead. Components meet in three
// steps: one is quiet, the two are one, and look whether that is primary (Q3, Q5). Who was forced
// into another lineage begins anew.
std::string Simulator::too_many_views() const {
  const std::uint64_t steps = plan_.options.partitionable ? 3 : 1;
  const std::uint64_t lineages = scene_.counter("views by force") > 0 ? 2 : 1;
  std::uint64_t bound =
      lineages * (1 + daemons_.size() + steps * core_.size()) + 2 * ghosts_at_calm_;
  // Who finds after its view has come that another has drawn the same incarnation (P5) leaves
  // again.
  if (plan_.daemon.incarnations_alike) {
    bound += 2 * (scene_.counter("daemons that gave up") - gave_up_at_calm_);
  }
  for (const std::size_t i : core_) {
    const std::uint64_t views = daemons_[i]->installs() - installs_at_calm_[i];
    if (views <= bound) continue;
    return daemons_[i]->name() + " installed " + std::to_string(views) + " views in quiet times";
  }
  return "";
}

// What somebody still keeps although all has been delivered.
std::string Simulator::kept_resources() const {
  std::map<std::size_t, std::uint64_t> clients;  // by daemon
  std::set<std::string> groups;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!core_.contains(i % daemons_.size())) continue;
    if (const std::string why = clients_[i]->kept(); !why.empty()) {
      return clients_[i]->name() + " " + why;
    }
    ++clients[i % daemons_.size()];
    groups.insert(clients_[i]->wanted().begin(), clients_[i]->wanted().end());
  }
  for (const std::size_t i : core_) {
    const Due due{.clients = clients[i],
                  .groups = groups.size(),
                  .client_queue_bytes = plan_.options.client_queue_bytes};
    const std::string why = kept_beyond(due, daemons_[i]->status());
    if (!why.empty()) return daemons_[i]->name() + " " + why;
  }
  return "";
}

// What was sent in a quiet time beyond signs of life.
std::string Simulator::noise(const Scene::Kinds& before, Duration window) const {
  if (has_half_connected_ || plan_.settles_with_loss) return "";
  std::uint64_t signs_of_life = 0;
  for (std::size_t kind = 0; kind < before.size(); ++kind) {
    const std::uint64_t sent = scene_.kinds()[kind] - before[kind];
    const std::string_view name = frame_kind_name(kind);
    if (name == "Heartbeat" || name == "Beacon") {
      signs_of_life += sent;
    } else if (sent > 0) {
      return std::to_string(sent) + " frames " + std::string(name) + " in a quiet time";
    }
  }
  const std::size_t pairs = core_.size() * daemons_.size();
  const auto beats = static_cast<std::uint64_t>(window / plan_.options.heartbeat) + 2;
  if (signs_of_life <= 2 * pairs * beats) return "";
  return std::to_string(signs_of_life) + " signs of life in a quiet time";
}

}  // namespace groupcomm::simulation
