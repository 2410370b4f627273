#include "tests/simulation/kept.h"

#include <gtest/gtest.h>

namespace groupcomm::simulation {
namespace {

constexpr Due kDue = {.clients = 2, .groups = 1, .client_queue_bytes = 800};

protocol::DaemonStatus clean() {
  protocol::DaemonStatus status;
  status.counters = {{"client_requests_queued", 0},
                     {"clients", 2},
                     {"groups", 1},
                     {"messages_retained", 0},
                     {"unstable_bytes", 0}};
  return status;
}

TEST(KeptBeyond, FindsNothingWhereAllIsAsItMustBe) { EXPECT_EQ(kept_beyond(kDue, clean()), ""); }

TEST(KeptBeyond, FindsEachCounterThatIsNotWhatIsDue) {
  for (std::size_t i = 0; i < clean().counters.size(); ++i) {
    protocol::DaemonStatus status = clean();
    ++status.counters[i].second;
    EXPECT_EQ(kept_beyond(kDue, status).find("has " + status.counters[i].first + " "), 0u);
  }
}

TEST(KeptBeyond, MissesEachCounterThatHasAnotherName) {
  for (std::size_t i = 0; i < clean().counters.size(); ++i) {
    protocol::DaemonStatus status = clean();
    const std::string name = std::exchange(status.counters[i].first, "another");
    EXPECT_EQ(kept_beyond(kDue, status), "does not say of " + name);
  }
}

TEST(KeptBeyond, FindsAMemberThatHasNotAcknowledgedAll) {
  protocol::DaemonStatus status = clean();
  protocol::MemberStatus member;
  member.id = {"d1", Incarnation{1}};
  member.unacknowledged = 3;
  status.members.push_back(member);
  EXPECT_EQ(kept_beyond(kDue, status), "waits for d1 to acknowledge 3");
}

TEST(KeptBeyond, FindsAClientForWhichMuchIsWaiting) {
  protocol::DaemonStatus status = clean();
  protocol::ClientStatus client;
  client.waiting_bytes = 100;
  status.clients = {client};
  EXPECT_EQ(kept_beyond(kDue, status), "");
  ++status.clients[0].waiting_bytes;
  EXPECT_NE(kept_beyond(kDue, status).find("has 101 bytes waiting"), std::string::npos);
}

}  // namespace
}  // namespace groupcomm::simulation
