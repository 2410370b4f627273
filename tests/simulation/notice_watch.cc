#include "tests/simulation/notice_watch.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace groupcomm::simulation {

namespace record = verify::record;

void NoticeWatch::on_notice(const record::Safe& notice, const GroupView* view,
                            std::vector<std::size_t> lengths) {
  std::vector<std::string> members;
  for (std::size_t i = 0; view != nullptr && i < view->members.size(); ++i) {
    members.push_back(verify::member_name(view->members[i]));
  }
  notices_.push_back({.process = std::string(verify::split_member(notice.p).first),
                      .group = notice.g,
                      .number = notice.number,
                      .is_member = view != nullptr,
                      .members = std::move(members),
                      .lengths = std::move(lengths)});
}

namespace {

// Where the sender is no member nobody knows what it took for the members, but whoever is one in a
// later view was one all along, if there are no sides of a partition.
bool has_later_view(const verify::Trace& trace, std::size_t from, const record::Deliver& delivery) {
  return std::any_of(trace.records.begin() + static_cast<std::ptrdiff_t>(from), trace.records.end(),
                     [&](const verify::Record& one) {
                       const auto* view = std::get_if<record::View>(&one);
                       return view != nullptr && view->p == delivery.p && view->g == delivery.g;
                     });
}

}  // namespace

std::string NoticeWatch::too_early(const std::vector<const verify::Trace*>& traces,
                                   bool may_part) const {
  using Key = std::tuple<std::string_view, std::string_view, std::uint64_t>;
  std::map<Key, const Notice*> notices;
  for (const Notice& notice : notices_) {
    notices.emplace(Key(notice.process, notice.group, notice.number), &notice);
  }
  if (notices.empty()) return "";
  for (std::size_t client = 0; client < traces.size(); ++client) {
    const std::vector<verify::Record>& records = traces[client]->records;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto* delivery = std::get_if<record::Deliver>(&records[i]);
      if (delivery == nullptr) continue;
      const auto found = notices.find(Key(delivery->sender, delivery->g, delivery->number));
      if (found == notices.end() || i < found->second->lengths[client]) continue;
      const Notice& notice = *found->second;
      const bool is_owed =
          notice.is_member
              ? std::count(notice.members.begin(), notice.members.end(), delivery->p) > 0
              : !may_part && has_later_view(*traces[client], i, *delivery);
      if (!is_owed) continue;
      return delivery->p + " delivered message " + std::to_string(delivery->number) + " of " +
             delivery->sender + " to " + delivery->g +
             " after its sender was told that all members have it";
    }
  }
  return "";
}

}  // namespace groupcomm::simulation
