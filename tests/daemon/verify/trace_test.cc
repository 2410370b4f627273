#include "daemon/verify/trace.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "daemon/verify/trace_file.h"

namespace groupcomm::verify {
namespace {

std::vector<Record> one_of_each() {
  record::View view{
      .p = "a b@d#1.2~3", .g = "50% = half,\n", .id = "1.2.3/4", .members = {"x", "y,z"}};
  view.primary = false;
  view.joined = {"y,z"};
  view.left = {{.member = "w:=", .reason = "crash"}};
  view.transitional = {"x"};
  view.recovered = true;
  view.uniform = true;
  view.flush = true;
  record::Send send{
      .p = "p", .g = "g", .number = 7, .order = Order::kSafe, .view = "v", .member = true};
  send.self_discard = true;
  send.to = "q";
  send.hash = 0xdeadbeef;
  send.size = 3;
  send.seen = 4;
  send.request = 5;
  send.daemon_number = 6;
  record::Deliver deliver{.p = "p", .g = "g", .view = "v", .sender = "s", .number = 8};
  deliver.order = Order::kReliable;
  deliver.hash = ~std::uint64_t{0};
  deliver.destination = "d";
  return {record::Start{.p = "p"},
          record::Exit{.p = ""},
          record::Crash{.p = "\x7f\x01 "},
          view,
          record::Transition{.p = "p", .g = "g", .transitional = {}},
          record::Block{.p = "p", .g = "g"},
          record::BlockOk{.p = "p", .g = "g", .request = 9},
          send,
          record::Reject{.p = "p", .g = "g", .reason = "blocked"},
          deliver,
          record::Safe{.p = "p", .g = "g", .number = 1},
          record::SendFail{.p = "p", .g = "g", .number = 2},
          record::Suspended{.p = "p", .g = "g"},
          record::Gone{.p = "p", .g = "g", .reason = "left"},
          record::Lead{.p = "p", .g = "g", .view = "v"},
          record::Act{.p = "p", .g = "g", .view = "v"},
          record::Pause{.p = "p"},
          record::Resume{.p = "p"}};
}

TEST(TraceLine, GivesBackEveryKindOfRecord) {
  const std::vector<Record> records = one_of_each();
  ASSERT_EQ(records.size(), std::variant_size_v<Record>);
  for (const Record& record : records) {
    const std::string line = to_line(record);
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    const Result<Record> parsed = parse_line(line);
    ASSERT_TRUE(parsed.ok()) << line << ": " << parsed.error();
    EXPECT_EQ(parsed.value(), record) << line;
  }
}

TEST(TraceLine, LooksAsTheHeaderSays) {
  EXPECT_EQ(to_line(Record(record::Gone{.p = "a@d#1.1", .g = "my room", .reason = "left"})),
            "gone p=a@d#1.1 g=my%20room reason=left");
  EXPECT_EQ(to_line(TraceHeader{.role = Role::kDaemon, .name = "d 1"}),
            "groupcomm-trace 1 role=daemon name=d%201");
}

TEST(TraceLine, TellsTheOptionsOfAGroupOnlyWhereTheyAreSet) {
  record::View view{.p = "p", .g = "g", .id = "v", .members = {"p"}};
  const std::string plain = "view p=p g=g id=v members=p primary=1 joined= left= transitional=";
  EXPECT_EQ(to_line(view), plain);
  view.uniform = true;
  EXPECT_EQ(to_line(view), plain + " uniform=1");
  view.flush = true;
  EXPECT_EQ(to_line(view), plain + " uniform=1 flush=1");
}

TEST(TraceLine, IgnoresUnknownKeys) {
  const Result<Record> parsed = parse_line("start p=x colour=green");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value(), Record(record::Start{.p = "x"}));
}

TEST(TraceLine, RefusesWhatItDoesNotUnderstand) {
  for (const char* line :
       {"", "jump p=x", "start", "start p", "start p=%", "start p=%2", "start p=%zz",
        "start p=a p=b", "safe p=x g=g number=", "safe p=x g=g number=x", "safe p=x g=g number=1x",
        "safe p=x g=g number=99999999999999999999",
        "view p=x g=g id=1 members= primary=2 joined= "
        "left= transitional=",
        "view p=x g=g id=1 members= primary=1 joined= left=crash transitional=",
        "deliver p=x g=g view=v sender=s number=1 order=loud hash=0 size=0"}) {
    EXPECT_FALSE(parse_line(line).ok()) << line;
  }
}

TEST(TraceLine, RefusesHeadersOfOtherFiles) {
  for (const char* line : {"", "groupcomm-trace", "groupcomm-trace 2 role=client name=x",
                           "groupcomm-trace 1", "groupcomm-trace 1 role=cook name=x", "{}"}) {
    EXPECT_FALSE(parse_header(line).ok()) << line;
  }
}

TEST(MemberName, TellsMembershipsOfOneProcessApart) {
  EXPECT_EQ(member_name("a@d#1.2", 1), "a@d#1.2");
  EXPECT_EQ(member_name("a@d#1.2", 12), "a@d#1.2~12");
  EXPECT_EQ(split_member("a@d#1.2"), (std::pair<std::string_view, std::uint32_t>("a@d#1.2", 1)));
  EXPECT_EQ(split_member("a@d#1.2~12"),
            (std::pair<std::string_view, std::uint32_t>("a@d#1.2", 12)));
  EXPECT_EQ(split_member("a~7@d#1.2"),
            (std::pair<std::string_view, std::uint32_t>("a~7@d#1.2", 1)));
}

TEST(PayloadHash, DependsOnBytesAndNotOnParts) {
  const Payload whole = Payload::copy_of("hello world");
  PayloadHash parts;
  parts.add(whole.slice(0, 3).bytes());
  parts.add(whole.slice(3, 0).bytes());
  parts.add(whole.slice(3, 8).bytes());
  EXPECT_EQ(parts.value(), payload_hash(whole.bytes()));
  EXPECT_NE(payload_hash(Payload::copy_of("hello worle").bytes()), payload_hash(whole.bytes()));
}

TEST(PayloadHash, IsTheSameWhereverThePartsBegin) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += static_cast<char>('a' + i % 26);
  const Payload whole = Payload::copy_of(text);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      PayloadHash parts;
      parts.add(whole.slice(0, first).bytes());
      parts.add(whole.slice(first, second - first).bytes());
      parts.add(whole.slice(second, text.size() - second).bytes());
      ASSERT_EQ(parts.value(), payload_hash(whole.bytes())) << first << " " << second;
    }
  }
}

TEST(PayloadHash, CountsEachByteAndZerosAtTheEnd) {
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 20; ++size) {
    seen.insert(payload_hash(Payload::copy_of(std::string(size, '\0')).bytes()));
  }
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, '\0');
    text[at] = 'x';
    seen.insert(payload_hash(Payload::copy_of(text).bytes()));
  }
  EXPECT_EQ(seen.size(), 40u);
}

TEST(ViewRecord, NamesMembershipsInBothViews) {
  const auto process = [](std::uint64_t session) {
    return ProcessId{.name = "p", .daemon = "d", .key = {Incarnation{1}, SessionId{session}}};
  };
  GroupView before;
  before.members = {{process(1), 1}, {process(2), 2}};
  GroupView after;
  after.members = {{process(1), 1}, {process(3), 3}};
  after.joined = {process(3)};
  after.left = {{process(2), LeaveReason::kEvicted}};
  after.transitional = {process(1)};
  const record::View record = view_record(process(1), "g", after, &before);
  EXPECT_EQ(record.p, "p@d#0000000000000001.1");
  EXPECT_EQ(record.members,
            (std::vector<std::string>{"p@d#0000000000000001.1", "p@d#0000000000000001.3~3"}));
  EXPECT_EQ(record.joined, (std::vector<std::string>{"p@d#0000000000000001.3~3"}));
  EXPECT_EQ(
      record.left,
      (std::vector<record::Left>{{.member = "p@d#0000000000000001.2~2", .reason = "evicted"}}));
}

TEST(ViewRecord, TellsTheOptionsOfTheMembership) {
  const ProcessId self{.name = "p", .daemon = "d", .key = {Incarnation{1}, SessionId{1}}};
  GroupView view;
  view.members = {{self, 1}};
  const auto with = [&](GroupOptions options) {
    const record::View record = view_record(self, "g", view, nullptr, options);
    return std::pair(record.uniform, record.flush);
  };
  EXPECT_EQ(with({}), std::pair(false, false));
  EXPECT_EQ(with({.uniform = true}), std::pair(true, false));
  EXPECT_EQ(with({.flush = true}), std::pair(false, true));
}

class TraceFile : public ::testing::Test {
 protected:
  TraceFile() : path_(::testing::TempDir() + "trace_test." + std::to_string(::getpid())) {}
  ~TraceFile() override { ::unlink(path_.c_str()); }
  std::string path_;
};

TEST_F(TraceFile, IsReadAsItWasWritten) {
  const TraceHeader header{.role = Role::kDaemon, .name = "d"};
  {
    auto writer = FileTraceWriter::open(path_, header);
    ASSERT_TRUE(writer.ok()) << writer.error();
    for (const Record& record : one_of_each()) writer.value()->write(record);
    EXPECT_TRUE(writer.value()->good());
  }
  const Result<Trace> trace = read_trace_file(path_);
  ASSERT_TRUE(trace.ok()) << trace.error();
  EXPECT_EQ(trace.value().header, header);
  EXPECT_EQ(trace.value().records, one_of_each());
  EXPECT_TRUE(trace.value().notes.empty());
}

TEST_F(TraceFile, SaysWhyItCannotBeOpened) {
  const auto writer = FileTraceWriter::open("/no/such/folder/trace", {});
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.error().find("/no/such/folder/trace"), std::string::npos);
  EXPECT_FALSE(read_trace_file("/no/such/folder/trace").ok());
}

// A disk that is full, as a bound on the size of files: behind this byte, and so many records
// later.
TEST_F(TraceFile, SaysOnceThatItCannotBeWrittenAndEndsInsideALine) {
  const auto with_bound = [](rlim_t bytes, const std::function<void()>& act) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit bound{.rlim_cur = bytes, .rlim_max = before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &bound), 0);
    act();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
  };
  const std::size_t header = to_line(TraceHeader{.role = Role::kDaemon, .name = "d"}).size() + 1;
  const Record record = record::Start{.p = "p"};
  const std::size_t line = to_line(record).size() + 1;
  for (const std::size_t odd : {std::size_t{0}, std::size_t{1}, line - 1}) {
    std::vector<std::string> told;
    auto writer = FileTraceWriter::open(path_, {.role = Role::kDaemon, .name = "d"},
                                        [&](const std::string& why) { told.push_back(why); });
    ASSERT_TRUE(writer.ok()) << writer.error();
    with_bound(header + 2 * line + odd, [&] {
      for (int i = 0; i < 4; ++i) writer.value()->write(record);
    });
    writer.value()->write(record);  // there is room again
    EXPECT_FALSE(writer.value()->good());
    EXPECT_EQ(told.size(), 1u);
    const Result<Trace> trace = read_trace_file(path_);
    ASSERT_TRUE(trace.ok()) << trace.error();
    EXPECT_EQ(trace.value().records.size(), odd == 0 ? 1u : 2u);
    EXPECT_TRUE(trace.value().is_cut);
  }
  with_bound(3, [&] { EXPECT_FALSE(FileTraceWriter::open(path_, {}).ok()); });
}

TEST(ParseTrace, LeavesOutACutLastLineAndSaysSo) {
  const auto trace =
      parse_trace("groupcomm-trace 1 role=client name=a\nstart p=x\nexit p=", "file.trace");
  ASSERT_TRUE(trace.ok());
  EXPECT_EQ(trace.value().records.size(), 1u);
  ASSERT_EQ(trace.value().notes.size(), 1u);
  EXPECT_EQ(trace.value().notes.front().rfind("file.trace:3: ", 0), 0u);
}

TEST(ParseTrace, LeavesOutWhatComesFromABadLineOnAndSaysSo) {
  const auto trace = parse_trace(
      "groupcomm-trace 1 role=client name=a\nstart p=x\nrubbish\nexit p=x\nexit p=x\n", "file");
  ASSERT_TRUE(trace.ok());
  EXPECT_EQ(trace.value().records, (std::vector<Record>{record::Start{.p = "x"}}));
  EXPECT_TRUE(trace.value().is_damaged);
  ASSERT_EQ(trace.value().notes.size(), 1u);
  EXPECT_EQ(trace.value().notes.front(),
            "file:3: unknown kind \"rubbish\": this line and the 2 behind it are left out");
}

TEST(ParseTrace, RefusesWhatIsNoTraceOfThisVersion) {
  EXPECT_EQ(parse_trace("", "file").error(), "file: the file is empty");
  EXPECT_EQ(parse_trace("hello\n", "file").error(), "file:1: not a groupcomm trace");
  EXPECT_EQ(parse_trace("groupcomm-trace 2 role=client name=a\nstart p=x\n", "file").error(),
            "file:1: unknown version of the trace format: 2");
  EXPECT_FALSE(parse_trace(std::string(5000, '\0'), "file").ok());
  EXPECT_FALSE(parse_trace("groupcomm-trace", "file").ok());
}

}  // namespace
}  // namespace groupcomm::verify
