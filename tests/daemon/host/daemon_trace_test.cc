#include "daemon/host/daemon_trace.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

class Lines final : public verify::TraceWriter {
 public:
  explicit Lines(std::vector<verify::Record>& records) : records_(records) {}
  void write(const verify::Record& record) override { records_.push_back(record); }

 private:
  std::vector<verify::Record>& records_;
};

const DaemonId kA{"a", Incarnation{0xa}};
const DaemonId kB{"b", Incarnation{0xb}};
const DaemonId kC{"c", Incarnation{0xc}};

InstallView install(std::uint64_t counter, const std::vector<DaemonId>& members) {
  InstallView effect;
  effect.view.id.counter = counter;
  for (const DaemonId& id : members) effect.view.members.push_back({id, "tcp://h:1"});
  return effect;
}

class DaemonTraces : public testing::Test {
 protected:
  template <typename Record>
  Record last() {
    return std::get<Record>(records_.back());
  }
  std::vector<verify::Record> records_;
  DaemonTrace trace_{std::make_unique<Lines>(records_)};
};

TEST_F(DaemonTraces, TellWhoJoinedAndWhoCameAlong) {
  trace_.on_begin(kA);
  trace_.on_install(install(1, {kA, kB}));
  const auto first = last<verify::record::View>();
  EXPECT_EQ(first.p, to_string(kA));
  EXPECT_EQ(first.members, (std::vector{to_string(kA), to_string(kB)}));
  EXPECT_EQ(first.joined, (std::vector{to_string(kA), to_string(kB)}));
  EXPECT_EQ(first.transitional, (std::vector{to_string(kA)}));

  InstallView second = install(2, {kA, kC});
  second.left = {{kB, LeaveReason::kDaemonLost}};
  trace_.on_install(second);
  const auto next = last<verify::record::View>();
  EXPECT_EQ(next.joined, (std::vector{to_string(kC)}));
  EXPECT_EQ(
      next.left,
      (std::vector{verify::record::Left{to_string(kB), to_string(LeaveReason::kDaemonLost)}}));
  EXPECT_EQ(next.transitional, (std::vector{to_string(kA)}));
}

TEST_F(DaemonTraces, TellAMessageToSeveralGroupsOnce) {
  trace_.on_begin(kA);
  trace_.on_install(install(1, {kA, kB}));
  DeliverMessage effect;
  effect.reference = {1, MessageNumber{5}};
  trace_.on_deliver(effect);
  const std::size_t records = records_.size();
  effect.reference.number = MessageNumber{};
  trace_.on_deliver(effect);
  EXPECT_EQ(records_.size(), records);
}

TEST_F(DaemonTraces, HashTheWholePayloadOfADelivery) {
  trace_.on_begin(kA);
  trace_.on_install(install(1, {kA, kB}));
  DeliverMessage effect;
  effect.reference = {1, MessageNumber{5}};
  effect.chunks = {Payload::copy_of("first ")};
  effect.delivery.payload = Payload::copy_of("last");
  effect.delivery.order = Order::kSafe;
  trace_.on_deliver(effect);
  const auto record = last<verify::record::Deliver>();
  EXPECT_EQ(record.sender, to_string(kB));
  EXPECT_EQ(record.number, 5u);
  EXPECT_EQ(record.order, Order::kSafe);
  EXPECT_EQ(record.size, 10u);
  EXPECT_EQ(record.hash, verify::payload_hash(Payload::copy_of("first last").bytes()));
}

TEST_F(DaemonTraces, RecordASendWhereItIsStamped) {
  trace_.on_begin(kA);
  StampMessage effect;
  effect.sender = {"p", "a", {kA.incarnation, SessionId{3}}};
  effect.group = "room";
  effect.number = SendNumber{7};
  effect.daemon_number = MessageNumber{9};
  effect.to = ProcessKey{kB.incarnation, SessionId{2}};
  effect.parts = {Payload::copy_of("x"), Payload::copy_of("y")};
  trace_.on_stamp(effect);
  const auto record = last<verify::record::Send>();
  EXPECT_EQ(record.p, to_string(effect.sender));
  EXPECT_EQ(record.g, "room");
  EXPECT_EQ(record.number, 7u);
  EXPECT_EQ(record.daemon_number, 9u);
  EXPECT_EQ(record.to, "000000000000000b.2");
  EXPECT_EQ(record.size, 2u);
}

TEST_F(DaemonTraces, EndAnIncarnationAndBeginTheNext) {
  trace_.on_begin(kA);
  trace_.on_install(install(1, {kA}));
  trace_.on_give_up();
  EXPECT_EQ(last<verify::record::Exit>().p, to_string(kA));
  const DaemonId again{"a", Incarnation{0xaa}};
  trace_.on_begin(again);
  trace_.on_install(install(3, {again}));
  EXPECT_EQ(last<verify::record::View>().joined, (std::vector{to_string(again)}));
  trace_.on_finished();
  EXPECT_EQ(last<verify::record::Exit>().p, to_string(again));
}

}  // namespace
}  // namespace groupcomm::daemon
