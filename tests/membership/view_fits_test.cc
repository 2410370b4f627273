#include "membership/view_fits.h"

#include <gtest/gtest.h>

#include "tests/membership/views.h"

namespace groupcomm::membership {
namespace {

using protocol::Arrival;
using protocol::DaemonView;
using protocol::PrimaryClaim;
using protocol::ViewChangeValue;

GroupMember member_at(std::size_t daemon, std::uint64_t session = 1) {
  return {{"client", daemon_name(daemon), {incarnation_of(daemon), SessionId{session}}}, 1};
}

// From the side d0, d1, which is not primary, to a view with d2 and d3 that arrive.
class ArrivalFits : public ::testing::Test {
 protected:
  ArrivalFits() {
    base = view_of(2, 7);
    base.primary = false;
    value.base = base.id;
    value.next = view_of(4, 10);
    value.next.primary = false;
    value.claim = PrimaryClaim{view_of(5, 3), {}};
    Arrival arrival{.from = {9, Incarnation{5}, 1},
                    .daemons = {incarnation_of(2), incarnation_of(3)},
                    .groups = {}};
    arrival.groups.push_back({"room", {}, {}, {member_at(2), member_at(3)}});
    value.arrivals = {arrival};
  }
  bool fits_now() const { return fits(value, base); }

  DaemonView base;
  ViewChangeValue value;
};

TEST_F(ArrivalFits, AsItShouldBe) { EXPECT_TRUE(fits_now()); }

TEST_F(ArrivalFits, NobodyWhoIsNotInTheNextView) {
  value.arrivals[0].daemons.push_back(incarnation_of(4));
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NobodyTwice) {
  value.arrivals.push_back(value.arrivals[0]);
  value.arrivals[1].from.counter = 8;
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NobodyOutOfNowhere) {
  value.arrivals[0].daemons.clear();
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NoViewThatIsAsLateAsTheNext) {
  value.arrivals[0].from.counter = 10;
  EXPECT_FALSE(fits_now());
  value.arrivals[0].from.counter = 0;
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NoMembersOfOtherDaemons) {
  value.arrivals[0].groups[0].members.push_back(member_at(0));
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NoMemberOrGroupTwice) {
  value.arrivals[0].groups[0].members.push_back(member_at(2));
  EXPECT_FALSE(fits_now());
  value.arrivals[0].groups[0].members.pop_back();
  value.arrivals[0].groups.push_back(value.arrivals[0].groups[0]);
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NothingThatIsNotPrimaryWithoutAClaim) {
  value.claim.reset();
  EXPECT_FALSE(fits_now());
}

TEST_F(ArrivalFits, NoClaimOfViewsThatWereNeverPrimary) {
  value.claim->last.primary = false;
  EXPECT_FALSE(fits_now());
  value.claim->last.primary = true;
  value.claim->attempts = {view_of(3, 9)};
  EXPECT_TRUE(fits_now());
  value.claim->attempts[0].primary = false;
  EXPECT_FALSE(fits_now());
}

TEST(ViewFits, NeedsALineageToBePrimary) {
  DaemonView view = view_of(2);
  EXPECT_TRUE(fits(view));
  view.lineage = {};
  EXPECT_FALSE(fits(view));
  view.primary = false;
  EXPECT_TRUE(fits(view));
}

// --- records (rule P3) ---------------------------------------------------------------------------

class RecordFits : public ::testing::Test {
 protected:
  RecordFits() {
    record.decided = view_of(3, 7);
    record.promised = {5, 0, incarnation_of(0)};
    record.accepted.emplace();
    record.accepted->ballot = {4, 1, incarnation_of(1)};
    record.accepted->value.base = record.decided.id;
    record.accepted->value.next = view_of(2, 8);
  }
  protocol::DurableRecord record;
};

TEST_F(RecordFits, AsItShouldBe) {
  EXPECT_TRUE(fits(record));
  record.accepted.reset();
  EXPECT_TRUE(fits(record));
  EXPECT_TRUE(fits(protocol::DurableRecord{})) << "of a daemon that never was in a view";
}

TEST_F(RecordFits, NoBallotBeyondAllReach) {
  record.promised.round = kCountMax;
  EXPECT_TRUE(fits(record));
  ++record.promised.round;
  EXPECT_FALSE(fits(record));
}

TEST_F(RecordFits, NoViewWithADaemonTwice) {
  record.accepted.reset();
  record.decided.members[2] = record.decided.members[0];
  EXPECT_FALSE(fits(record));
}

TEST_F(RecordFits, NoClaimOfAViewThatWasNotPrimary) {
  record.claim = PrimaryClaim{view_of(5, 3), {}};
  EXPECT_TRUE(fits(record));
  record.claim->last.primary = false;
  EXPECT_FALSE(fits(record));
}

TEST_F(RecordFits, NothingThatWasAcceptedAboveThePromise) {
  record.accepted->ballot.round = 6;
  EXPECT_FALSE(fits(record));
}

TEST_F(RecordFits, NothingThatWasAcceptedAndDoesNotFollowTheView) {
  record.accepted->value.next = view_of(2, 9);
  EXPECT_FALSE(fits(record));
  record.accepted->value.next = view_of(2, 8);
  record.accepted->value.base.counter = 6;
  EXPECT_FALSE(fits(record));
}

}  // namespace
}  // namespace groupcomm::membership
