// What the directory of groups may hold must fit into the frames that carry it (rule G5).
#include <gtest/gtest.h>

#include <string>

#include "groupcomm/wire/codec.h"
#include "membership/group_directory.h"
#include "ordering/view_ordering.h"

namespace groupcomm::daemon {
namespace {

using membership::GroupDirectory;

GroupMember member(std::size_t name_bytes, std::uint64_t session) {
  const ProcessKey key{Incarnation{7}, SessionId{session}};
  return {{std::string(name_bytes, 'p'), std::string(name_bytes, 'd'), key}, 1};
}

// Joins until there is no room; group_of(n) names the group of the n-th join.
template <typename GroupOf>
void fill(GroupDirectory& directory, std::size_t name_bytes, const GroupOf& group_of) {
  for (std::uint64_t n = 1;; ++n) {
    const auto outcome = directory.join({}, group_of(n), {}, member(name_bytes, n));
    if (outcome.change) continue;
    EXPECT_EQ(outcome.refused, RejectReason::kTooBig);
    return;
  }
}

TEST(FrameSizes, AllGroupsFitIntoTheInstallOfAJoiner) {
  for (const std::size_t name_bytes : {1u, 8u, 255u}) {
    GroupDirectory directory;
    fill(directory, name_bytes, [&](std::uint64_t n) {
      const std::string number = std::to_string(n);
      return std::string(name_bytes > number.size() ? name_bytes - number.size() : 0, 'g') + number;
    });
    protocol::PeerFrame frame;
    protocol::Install install;
    install.value.next.members.push_back({{"d", Incarnation{7}}, "tcp://d:1"});
    install.groups = directory.snapshot();
    frame.body = install;
    EXPECT_LE(wire::encode(frame).size(), wire::kFrameBytesMax) << name_bytes;
  }
}

TEST(FrameSizes, TheViewOfAGroupFitsIntoAFrame) {
  for (const std::size_t name_bytes : {1u, 8u, 255u}) {
    // Each join makes a view of all members: most of them are there from the beginning.
    protocol::GroupEntry most{"g", {}, {}, {}};
    for (std::uint64_t n = 0; n < GroupDirectory::kGroupBytesMax / (64 + 2 * name_bytes) - 20;
         ++n) {
      most.members.push_back(member(name_bytes, 1'000'000 + n));
    }
    GroupDirectory directory;
    directory.restore({most});
    fill(directory, name_bytes, [](std::uint64_t) { return std::string("g"); });
    protocol::ViewChanged changed{"g", {}};
    changed.view.members = directory.find("g")->members;
    for (const GroupMember& there : changed.view.members) {
      changed.view.joined.push_back(there.process);
      changed.view.transitional.push_back(there.process);
    }
    const std::vector<protocol::DaemonMessage> messages = {changed};
    EXPECT_LE(wire::encode(messages).size(), wire::kFrameBytesMax) << name_bytes;
  }
}

// E42: the longest order that a view change may have to tell, twice: as it is known, and as it was
// accepted; told by members that have released nothing that another one has not.
TEST(FrameSizes, TheLongestOrderFitsIntoTheAnswerToAPrepare) {
  protocol::State state;
  state.living = true;
  state.held.resize(protocol::kDaemonsMax);
  for (std::size_t i = 0; i < ordering::kWindowsMax; ++i) {
    state.places.push_back({static_cast<Rank>(i % protocol::kDaemonsMax), MessageNumber{i + 1}});
  }
  state.accepted = protocol::AcceptedValue{};
  state.accepted->value.next.members.push_back({{"d", Incarnation{7}}, "tcp://d:1"});
  state.accepted->value.places = state.places;
  protocol::PeerFrame frame;
  frame.body = state;
  EXPECT_LE(wire::encode(frame).size(), wire::kFrameBytesMax);
  static_assert(2 * ordering::TotalOrder::kPlacesMax <= ordering::kWindowsMax);
}

}  // namespace
}  // namespace groupcomm::daemon
