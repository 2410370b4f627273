#include "daemon/host/record_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/host/temporary_folder.h"

namespace groupcomm::daemon {
namespace {

protocol::DurableRecord some_record(std::uint64_t counter) {
  protocol::DurableRecord record;
  record.decided.id.counter = counter;
  record.decided.lineage = Incarnation{7};
  record.decided.members = {{{"a", Incarnation{1}}, "tcp://a:1"}};
  record.promised.round = 4;
  return record;
}

TEST(RecordStore, GivesAnEmptyRecordAtFirst) {
  const TemporaryFolder folder;
  const auto store = RecordStore::open(folder.path("deep/state"));
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store.value().load().value(), protocol::DurableRecord{});
}

TEST(RecordStore, GivesBackWhatWasSavedLast) {
  const TemporaryFolder folder;
  {
    auto store = RecordStore::open(folder.path("s")).value();
    ASSERT_TRUE(store.save(some_record(1)).ok());
    ASSERT_TRUE(store.save(some_record(2)).ok());
  }
  const auto store = RecordStore::open(folder.path("s")).value();
  EXPECT_EQ(store.load().value(), some_record(2));
}

TEST(RecordStore, IgnoresAnUnfinishedSave) {
  const TemporaryFolder folder;
  auto store = RecordStore::open(folder.path("s")).value();
  ASSERT_TRUE(store.save(some_record(1)).ok());
  folder.write("s/record.tmp", "half a rec");
  EXPECT_EQ(store.load().value(), some_record(1));
  ASSERT_TRUE(store.save(some_record(2)).ok());
  EXPECT_EQ(store.load().value(), some_record(2));
}

TEST(RecordStore, NeverTakesADamagedRecordForAnEmptyOne) {
  const TemporaryFolder folder;
  auto store = RecordStore::open(folder.path("s")).value();
  ASSERT_TRUE(store.save(some_record(1)).ok());
  std::string bytes = folder.read("s/record");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  for (const std::string& damaged : {bytes, bytes.substr(0, bytes.size() / 2), std::string()}) {
    folder.write("s/record", damaged);
    const auto record = store.load();
    ASSERT_FALSE(record.ok());
    EXPECT_NE(record.error().find("record is damaged"), std::string::npos) << record.error();
  }
}

TEST(RecordStore, ReportsASaveThatFails) {
  const TemporaryFolder folder;
  auto store = RecordStore::open(folder.path("s")).value();
  ASSERT_EQ(mkdir(folder.path("s/record.tmp").c_str(), 0700), 0);
  EXPECT_FALSE(store.save(some_record(1)).ok());
}

TEST(RecordStore, KeepsTheLastIncarnation) {
  const TemporaryFolder folder;
  auto store = RecordStore::open(folder.path("s")).value();
  EXPECT_EQ(store.load_incarnation().value(), Incarnation{});
  ASSERT_TRUE(store.save_incarnation(Incarnation{0xfedcba9876543210}).ok());
  EXPECT_EQ(store.load_incarnation().value(), Incarnation{0xfedcba9876543210});
  for (const char* damaged :
       {"", "x", "12", "12 34\n", "11112222333344445\n", "ffffffffffffffff\n"}) {
    folder.write("s/incarnation", damaged);
    EXPECT_FALSE(store.load_incarnation().ok()) << damaged;
  }
}

TEST(RecordStore, BelongsToOneProcess) {
  const TemporaryFolder folder;
  const auto store = RecordStore::open(folder.path("s"));
  ASSERT_TRUE(store.ok());
  const auto second = RecordStore::open(folder.path("s"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(), "another groupcommd uses the state directory " + folder.path("s") +
                                " (pid " + std::to_string(getpid()) + ")");
}

TEST(RecordStore, NeedsADirectoryThatCanBeMade) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "");
  EXPECT_FALSE(RecordStore::open(file + "/state").ok());
}

}  // namespace
}  // namespace groupcomm::daemon
