// D16, in simulated time: who is told that all members have a message finds that they have it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/verify/trace_file.h"
#include "groupcomm/view.h"

namespace groupcomm::simulation {

class NoticeWatch {
 public:
  // `view`: the sender's, nullptr where it is no member. `lengths`: of the traces of all clients.
  void on_notice(const verify::record::Safe& notice, const GroupView* view,
                 std::vector<std::size_t> lengths);

  // The first delivery that came too late, or nothing. `traces` in the same order. Of a sender that
  // is no member nobody can tell whom it took for one.
  std::string too_early(const std::vector<const verify::Trace*>& traces) const;

 private:
  struct Notice {
    std::string process;
    std::string group;
    std::uint64_t number = 0;
    std::vector<std::string> members;  // as it knows them
    std::vector<std::size_t> lengths;
  };
  std::vector<Notice> notices_;
};

}  // namespace groupcomm::simulation
