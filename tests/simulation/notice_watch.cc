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
                      .members = std::move(members),
                      .lengths = std::move(lengths)});
}

std::string NoticeWatch::too_early(const std::vector<const verify::Trace*>& traces) const {
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
      const std::vector<std::string>& members = found->second->members;
      if (std::find(members.begin(), members.end(), delivery->p) == members.end()) continue;
      return delivery->p + " delivered message " + std::to_string(delivery->number) + " of " +
             delivery->sender + " to " + delivery->g +
             " after its sender was told that all members have it";
    }
  }
  return "";
}

}  // namespace groupcomm::simulation
