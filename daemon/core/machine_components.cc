// DaemonCore::Machine: components of a partition that go on apart, and come together again, under
// the partitionable policy (rules Q1-Q7).
#include <algorithm>
#include <utility>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/partition_policy.h"
#include "membership/rank_set.h"
#include "membership/view_fits.h"
#include "membership/view_lookup.h"

namespace groupcomm::daemon {
namespace {

using membership::contains;
using membership::is_in;
using membership::Joiner;
using membership::Origin;
using protocol::DaemonMember;
using protocol::DaemonView;
using protocol::ViewChangeValue;

// A quiet component waits for so many times the time-out, and then serves for so many before it
// tries again.
constexpr int kQuietTimeOuts = 3;
constexpr int kServeTimeOuts = 4;
// A member of which no frame of this view comes for so many times the time-out is in another one.
constexpr int kElsewhereTimeOuts = 2;
// A component whose views are counted so near to the end is left alone.
constexpr std::uint64_t kViewsLeft = 1024;

}  // namespace

// Rule Q7: a daemon begins in a view of its own, and is quiet there until it has looked around.
void DaemonCore::Machine::begin_alone() {
  const protocol::DurableRecord& record = change_.record();
  std::uint64_t newest = record.decided.id.counter;
  if (record.claim) {
    newest = std::max(newest, record.claim->last.id.counter);
    for (const DaemonView& attempt : record.claim->attempts) {
      newest = std::max(newest, attempt.id.counter);
    }
  }
  if (record.accepted) newest = std::max(newest, record.accepted->value.next.id.counter);
  ViewChangeValue value;
  value.base = record.decided.id;
  value.next = {.id = {std::min(newest + 1, membership::kCountMax), options_.self.incarnation, 0},
                .lineage = record.decided.lineage,
                .members = {{options_.self, options_.address}},
                .primary = false,
                .ancestors = record.decided.ancestors};
  value.quiet = true;
  value.claim = membership::claim_at_leaving(record);
  effects_.push_back(InstallView{value.next, {}, false, false});
  enter_view(value);
}

// --- who is here ---------------------------------------------------------------------------------

// Rule Q6: it lives in this view, and not in another one in which it is heard just as well.
bool DaemonCore::Machine::is_here(const DaemonMember& member) const {
  if (!options_.partitionable) return true;
  if (elsewhere_.contains(member.id.incarnation)) return false;
  const auto heard = heard_here_.find(member.id.incarnation);
  const TimePoint last = heard == heard_here_.end() ? installed_at_ : heard->second;
  return now_ - last <= kElsewhereTimeOuts * options_.suspect;
}

// A member of our view says which view it is in.
void DaemonCore::Machine::learn_where_it_is(const DaemonId& member, const DaemonView& its_view) {
  if (its_view.id <= view_.id) return;  // it has not installed ours yet, or the beacon is old
  if (is_in(its_view, options_.self)) {
    send({member.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
  } else if (elsewhere_.insert(member.incarnation).second) {
    PROBE("Q6: a member has gone on without us");
  }
}

// --- other components ----------------------------------------------------------------------------

// All members of another view, where each of them says that it is in it, lives, and hears all of
// ours, as ours hear it. Nothing else can be taken in whole.
std::vector<Joiner> DaemonCore::Machine::component(const DaemonView& view) const {
  std::vector<Joiner> members;
  if (!membership::are_disjoint(view, view_)) return members;
  if (view.id.counter + kViewsLeft > membership::kCountMax) return members;  // rule P6
  for (const DaemonMember& member : view.members) {
    const auto found = strangers_.find(member.id.incarnation);
    if (found == strangers_.end() || !lives(found->second)) return {};
    if (barred_.contains(member.id.name)) return {};  // rule D9
    const Stranger& stranger = found->second;
    if (!stranger.beacon.decided || stranger.beacon.decided->id != view.id) return {};
    members.push_back({stranger.member, stranger.beacon.hears});
    if (!is_heard_by_all(members.back())) return {};
  }
  return members;
}

bool DaemonCore::Machine::is_heard_by_all(const Joiner& joiner) const {
  membership::RankSet all;
  for (Rank rank = 0; rank < view_.members.size(); ++rank) all.insert(rank);
  return is_heard_by_all_present(joiner, all);
}

// The views of those who are heard outside, by id.
std::map<ViewId, const DaemonView*> DaemonCore::Machine::views_around() const {
  std::map<ViewId, const DaemonView*> views;
  for (const auto& [incarnation, stranger] : strangers_) {
    const auto& decided = stranger.beacon.decided;
    if (decided && is_in(*decided, stranger.member.id)) views.emplace(decided->id, &*decided);
  }
  return views;
}

// Rule Q4: the component that is to take this one in, if there is one.
bool DaemonCore::Machine::has_leader_around() const {
  if (view_.primary) return false;
  const auto views = views_around();
  return std::any_of(views.begin(), views.end(), [&](const auto& entry) {
    return membership::leads(*entry.second, view_) && !component(*entry.second).empty();
  });
}

// Whether a component waits quietly is told by its members: they say that they do not serve.
bool DaemonCore::Machine::is_quiet(const std::vector<Joiner>& members) const {
  return std::all_of(members.begin(), members.end(), [&](const Joiner& joiner) {
    return !strangers_.at(joiner.member.id.incarnation).beacon.active;
  });
}

// Rule Q5: members of quiet components that this one is to take in, and whose groups are known.
std::vector<Joiner> DaemonCore::Machine::arrivals() const {
  std::vector<Joiner> arriving;
  if (is_following()) return arriving;
  std::size_t places = protocol::kDaemonsMax - view_.members.size();
  std::size_t bytes = clients_.directory().bytes();
  for (const auto& [id, view] : views_around()) {
    if (!membership::leads(view_, *view)) continue;
    std::vector<Joiner> members = component(*view);
    const auto origin = origins_.find(id);
    if (members.empty() || !is_quiet(members) || origin == origins_.end()) continue;
    // All groups of a view must fit into one frame (rule G5): so they come one after another, or
    // not.
    const std::size_t more = membership::GroupDirectory::bytes_taken(origin->second->groups);
    if (members.size() > places || bytes + more > membership::GroupDirectory::kBytesMax) {
      PROBE("Q5: there is no room for a component");
      continue;
    }
    places -= members.size();
    bytes += more;
    // Who stands last is looked at first.
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      member->origin = origin->second;
      arriving.push_back(std::move(*member));
    }
  }
  return arriving;
}

// Their groups are asked for before anybody is frozen for them.
void DaemonCore::Machine::ask_for_origins() {
  const auto views = views_around();
  std::erase_if(origins_, [&](const auto& entry) { return !views.contains(entry.first); });
  if (is_following()) return;
  for (const auto& [id, view] : views) {
    if (!membership::leads(view_, *view) || origins_.contains(id)) continue;
    const std::vector<Joiner> members = component(*view);
    if (members.empty() || !is_quiet(members)) continue;
    const DaemonId& somebody = members.front().member.id;
    if (!installs_asked_.take(now_, somebody.incarnation)) continue;
    send({somebody.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
  }
}

// --- quiet ---------------------------------------------------------------------------------------

bool DaemonCore::Machine::is_following() const {
  return options_.partitionable && now_ >= serve_until_ && has_leader_around();
}

// Rule Q5: what a quiet component waits for may never come.
void DaemonCore::Machine::watch_components() {
  if (!options_.partitionable) return;
  if (is_following()) followed_ = now_;
  if (quiet_since_ && now_ - *quiet_since_ > kQuietTimeOuts * options_.suspect) {
    PROBE("Q5: a quiet component waited in vain");
    serve_until_ = now_ + kServeTimeOuts * options_.suspect;
  }
  ask_for_origins();
}

bool DaemonCore::Machine::is_quiet_due(bool follows) const {
  if (!options_.partitionable) return false;
  if (!quiet_since_) return follows;
  return !follows && (now_ < serve_until_ || now_ - followed_ > options_.suspect);
}

void DaemonCore::Machine::begin_quiet(const ViewChangeValue& value) {
  if (!value.quiet) quiet_since_.reset();
  if (value.quiet && !quiet_since_) quiet_since_ = now_;
  if (!value.arrivals.empty()) serve_until_ = TimePoint{};
  followed_ = now_;
  heard_here_.clear();
  elsewhere_.clear();
  forgone_.clear();
}

// --- decisions -----------------------------------------------------------------------------------

void DaemonCore::Machine::on_install(const protocol::FrameHeader& header,
                                     const protocol::Install& install) {
  const ViewChangeValue& value = install.value;
  if (leaving_ && is_in(view_, header.sender)) went_on_.insert(header.sender.incarnation);
  if (value.base == view_.id) return on_decided_here(value);
  const auto is_ours = [&](const protocol::Arrival& arrival) {
    return arrival.from == view_.id && contains(arrival.daemons, options_.self.incarnation);
  };
  if (std::any_of(value.arrivals.begin(), value.arrivals.end(), is_ours)) {
    if (!refuse_unless(quiet_since_ && is_in(value.next, options_.self))) return;
    if (install.groups) return install_as_arrival(value, *install.groups);
    send({header.sender.name}, protocol::Lane::kControl, view_.id, protocol::InstallRequest{});
    return;
  }
  const auto stranger = strangers_.find(header.sender.incarnation);
  const bool is_asked_for = install.groups && value.quiet && stranger != strangers_.end() &&
                            stranger->second.beacon.decided == value.next;
  if (!is_asked_for) return;
  origins_[value.next.id] = std::make_shared<const Origin>(Origin{value.next, *install.groups});
  run_view_change();
}

void DaemonCore::Machine::on_decided_here(const ViewChangeValue& value) {
  if (is_in(value.next, options_.self)) {
    if (!refuse_unless(!value.cut.empty()) || forgone_.contains(value.next.id)) return;
    if (deciding_ && deciding_->next.id >= value.next.id) return;
    if (change_.has_outvoted(value)) {
      PROBE("Q3: a decision comes late that was outvoted");
      return;
    }
    frozen_messages();
    deciding_ = value;
    return fill_cut();
  }
  if (leaving_) return on_excluded(value);
  // Its own round is over in any case, also where it knew that they would go on.
  bool is_news = change_.has_decided();
  for (const DaemonMember& member : value.next.members) {
    if (!is_in(view_, member.id)) continue;
    is_news = elsewhere_.insert(member.id.incarnation).second || is_news;
  }
  if (!is_news) return;
  PROBE("Q6: others went on without us");
  change_.ask_afresh(now_);
  run_view_change();
}

// Messages of the decided cut do not come: the others are gone. It goes on without them, as one who
// never heard of the decision, but for what has to be outvoted.
void DaemonCore::Machine::forgo_decision() {
  PROBE("Q6: a decision is given up whose messages do not come");
  const ViewChangeValue value = *std::exchange(deciding_, std::nullopt);
  report(true, "view " + to_string(value.next.id) + " was decided, but messages of view " +
                   to_string(view_.id) + " cannot be had: goes on without those who have them");
  forgone_.insert(value.next.id);
  change_.forgo(value);
  for (const DaemonMember& member : value.next.members) {
    if (member.id != options_.self) elsewhere_.insert(member.id.incarnation);
  }
  refill_.stop();
  change_.ask_afresh(now_);
}

// In a quiet view nothing was sent, so nothing is left to be delivered.
void DaemonCore::Machine::install_as_arrival(const ViewChangeValue& value,
                                             const std::vector<protocol::GroupEntry>& groups) {
  PROBE("Q5: a component is taken in");
  CHECK(quiet_since_.has_value());
  ViewChangeValue mine = value;
  mine.left.clear();
  for (const DaemonMember& member : view_.members) {
    if (is_in(value.next, member.id)) continue;
    mine.left.push_back({member.id, LeaveReason::kPartition});
  }
  effects_.push_back(InstallView{value.next, mine.left, value.recovered, value.forced});
  clients_.on_taken_in(value, groups);
  retired_.reset();
  enter_view(value);
}

}  // namespace groupcomm::daemon
