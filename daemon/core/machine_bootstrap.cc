// DaemonCore::Machine: the operator's word that this component may go on (rule R6).
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/machine.h"
#include "groupcomm/probe.h"
#include "membership/rank_set.h"

namespace groupcomm::daemon {
namespace {

// The word holds for so many times the time-out, and a daemon must have run for so long to be
// asked.
constexpr int kWordTimeOuts = 3;
// Of names in an answer.
constexpr std::size_t kListBytesMax = 1000;

using Names = std::vector<std::string>;

Names names_of(const protocol::DaemonView& view, const membership::RankSet& without = {}) {
  Names names;
  for (Rank rank = 0; rank < view.members.size(); ++rank) {
    if (!without.contains(rank)) names.push_back(view.members[rank].id.name);
  }
  return names;
}

std::string in_words(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    if (text.size() + name.size() > kListBytesMax) return text + " and others";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

// Empty: it may be.
std::string DaemonCore::Machine::why_not_forced() const {
  const protocol::DaemonView& base = change_.base();
  const membership::ViewChange::Situation now = situation();
  if (options_.partitionable) {
    return "under the partitionable policy every component goes on by itself";
  }
  if (is_living() && !clients_.is_suspended()) return "there is a view, and it has a quorum";
  if (!change_.rank()) {
    return "this daemon was not in the last view that it knows: ask one that was";
  }
  if (record_is_younger_) {
    return "this daemon has lost its record of the last view: ask one that has it";
  }
  const auto knows_more = [&](const auto& entry) {
    const auto& decided = entry.second.beacon.decided;
    return is_fresh(entry.second) && decided && decided->id.counter > base.id.counter;
  };
  const auto knower = std::find_if(strangers_.begin(), strangers_.end(), knows_more);
  if (knower != strangers_.end()) {
    return knower->second.member.id.name + " knows of a later view: ask that one";
  }
  if (hears_kin()) return "others went on by force: this daemon will follow them";
  if (!now.may_recover) return "others are in a view, or were a moment ago: ask again";
  const auto quorum_since = change_.quorum_since();
  if (quorum_since && now_ - *quorum_since < kWordTimeOuts * options_.suspect) {
    return "a quorum is here: a view will come by itself";
  }
  if (now_ - started_ < kWordTimeOuts * options_.suspect) {
    const auto left = started_ + kWordTimeOuts * options_.suspect - now_;
    return "this daemon has just started, and may not have heard of all: ask again in " +
           std::to_string(left / std::chrono::seconds(1) + 1) + " s";
  }
  return "";
}

void DaemonCore::Machine::consider_bootstrap(const ClientService::BootstrapWish& wish,
                                             bool by_operator) {
  protocol::BootstrapReply reply;
  reply.text = by_operator ? why_not_forced() : "only root and the daemon's user may say so";
  if (!reply.text.empty()) return clients_.answer(wish, std::move(reply));
  const protocol::DaemonView& base = change_.base();
  const membership::RankSet present = situation().present;
  membership::RankSet absent;
  for (Rank rank = 0; rank < base.members.size(); ++rank) {
    if (!present.contains(rank)) absent.insert(rank);
  }
  reply.without = names_of(base, present);
  const std::string here = in_words(names_of(base, absent));
  const std::string missing = in_words(reply.without);
  if (wish.of.without.empty()) {
    reply.possible = true;
    reply.text = "of " +
                 std::string(base.id.counter == 0 ? "the configured daemons" : "the last view") +
                 ", " + here + " would go on without " + missing +
                 ". What only those know would be lost. If they are not dead, and are a quorum, "
                 "they go on, too, and there are two clusters of one name";
    return clients_.answer(wish, std::move(reply));
  }
  if (wish.of.without != reply.without) {
    reply.text = "others are missing now: " + missing;
    return clients_.answer(wish, std::move(reply));
  }
  PROBE("R6: a view is asked for by force");
  report(true, "an operator forces a view of " + here + " without " + missing);
  word_ = Word{base.id, reply.without, now_ + kWordTimeOuts * options_.suspect};
  std::erase_if(forcers_, [&](const auto& other) { return other.session == wish.session; });
  forcers_.push_back(wish);
  change_.ask_afresh(now_);
  run_view_change();
}

std::optional<membership::RankSet> DaemonCore::Machine::given_up() const {
  const protocol::DaemonView& base = change_.base();
  if (!word_ || word_->until <= now_ || word_->base != base.id) return std::nullopt;
  membership::RankSet ranks;
  for (Rank rank = 0; rank < base.members.size(); ++rank) {
    const auto& names = word_->given_up;
    const std::string& name = base.members[rank].id.name;
    if (std::find(names.begin(), names.end(), name) != names.end()) ranks.insert(rank);
  }
  return ranks;
}

// There is a view.
void DaemonCore::Machine::answer_forcers() {
  word_.reset();  // it holds for one view
  protocol::BootstrapReply reply{.request = {}, .possible = true, .without = {}, .text = {}};
  reply.text = "view " + to_string(view_.id) + " of " + in_words(names_of(view_));
  for (const auto& wish : std::exchange(forcers_, {})) clients_.answer(wish, reply);
}

void DaemonCore::Machine::end_word_in_time() {
  if (!word_ || given_up()) return;
  word_.reset();
  protocol::BootstrapReply reply;
  reply.text = "not all that are here have agreed in time";
  for (const auto& wish : std::exchange(forcers_, {})) clients_.answer(wish, reply);
}

}  // namespace groupcomm::daemon
