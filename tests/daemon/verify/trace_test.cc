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
  send.asked_in = "v1";
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
  for (const char* line : {"", "jump p=x", "start", "start p", "start p=%", "start p=%2",
                           "start p=%zz", "start p=a p=b", "start p=a=b", "start p=a\r",
                           "safe p=x g=g number=", "safe p=x g=g number=x",
                           "safe p=x g=g number=1x", "safe p=x g=g number=99999999999999999999",
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

class TraceFiles : public ::testing::Test {
 protected:
  TraceFiles() : path_(::testing::TempDir() + "trace_test." + std::to_string(::getpid())) {}
  ~TraceFiles() override { ::unlink(path_.c_str()); }
  std::string path_;
};

TEST_F(TraceFiles, IsReadAsItWasWritten) {
  const TraceHeader header{.role = Role::kDaemon, .name = "d"};
  // As one process could have written them.
  std::vector<Record> records = one_of_each();
  std::erase_if(records, [](const Record& record) {
    return std::visit([](const auto& r) { return r.p != "p"; }, record);
  });
  records.push_back(record::Exit{.p = "p"});
  {
    auto writer = FileTraceWriter::open(path_, header);
    ASSERT_TRUE(writer.ok()) << writer.error();
    for (const Record& record : records) writer.value()->write(record);
    EXPECT_TRUE(writer.value()->good());
  }
  const Result<TraceFile> file = read_traces(path_);
  ASSERT_TRUE(file.ok()) << file.error();
  EXPECT_EQ(file.value().notes, std::vector<std::string>{});
  ASSERT_EQ(file.value().traces.size(), 1u);
  const Trace& trace = file.value().traces.front();
  EXPECT_EQ(trace.header, header);
  EXPECT_EQ(trace.records, records);
  EXPECT_FALSE(trace.is_cut);
  EXPECT_EQ(trace.file, path_);
  EXPECT_EQ(trace.lines.front(), 2u);
  EXPECT_EQ(trace.lines.back(), 1 + trace.records.size());
}

TEST_F(TraceFiles, HoldATraceForEachTimeThatTheyWereOpened) {
  for (const char* p : {"p#1", "p#2"}) {
    auto writer = FileTraceWriter::open(path_, {.role = Role::kDaemon, .name = "p"});
    ASSERT_TRUE(writer.ok()) << writer.error();
    writer.value()->write(record::Start{.p = p});
    if (p == std::string("p#2")) writer.value()->write(record::Exit{.p = p});
  }
  const Result<TraceFile> file = read_traces(path_);
  ASSERT_TRUE(file.ok()) << file.error();
  ASSERT_EQ(file.value().traces.size(), 2u);
  EXPECT_EQ(file.value().traces[0].records, std::vector<Record>{record::Start{.p = "p#1"}});
  EXPECT_TRUE(file.value().traces[0].is_cut);
  EXPECT_EQ(file.value().traces[1].records.size(), 2u);
  EXPECT_EQ(file.value().traces[1].lines, (std::vector<std::uint32_t>{4, 5}));
  EXPECT_FALSE(file.value().traces[1].is_cut);
  EXPECT_FALSE(file.value().is_damaged);
  EXPECT_EQ(file.value().notes,
            std::vector<std::string>{path_ + ":2: ends without `exit` or `crash`: the process was "
                                             "killed, or lines are missing"});
}

// A number of which a part was written is another number.
TEST_F(TraceFiles, GoOnBehindALineThatIsCut) {
  std::ofstream(path_) << "groupcomm-trace 1 role=daemon name=p\nstart p=p#1\n"
                       << "safe p=p#1 g=g number=1";
  ASSERT_TRUE(FileTraceWriter::open(path_, {.role = Role::kDaemon, .name = "p"}).ok());
  const Result<TraceFile> file = read_traces(path_);
  ASSERT_TRUE(file.ok()) << file.error();
  ASSERT_EQ(file.value().traces.size(), 2u);
  EXPECT_EQ(file.value().traces[0].records.size(), 1u);
  EXPECT_FALSE(file.value().is_damaged);
  EXPECT_EQ(file.value().notes.front(), path_ + ":3: the last line is cut and is left out");
}

TEST_F(TraceFiles, AreNotWrittenByTwoAtOnce) {
  const auto first = FileTraceWriter::open(path_, {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(FileTraceWriter::open(path_, {}).error(), path_ + ": another process is writing it");
}

TEST_F(TraceFiles, AreNotWhatElseIsThere) {
  for (const char* text : {"port = 1\n", "x", "groupcomm-traces"}) {
    std::ofstream(path_) << text;
    EXPECT_EQ(FileTraceWriter::open(path_, {}).error(),
              path_ + ": is there and is no groupcomm trace");
    std::ifstream file(path_);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
  }
  EXPECT_EQ(read_traces(::testing::TempDir()).error(), ::testing::TempDir() + ": is a folder");
}

TEST_F(TraceFiles, SaysWhyItCannotBeOpened) {
  const auto writer = FileTraceWriter::open("/no/such/folder/trace", {});
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.error().find("/no/such/folder/trace"), std::string::npos);
  EXPECT_FALSE(read_traces("/no/such/folder/trace").ok());
}

// A disk that is full, as a bound on the size of files: behind this byte, and so many records
// later.
TEST_F(TraceFiles, SaysOnceThatItCannotBeWrittenAndEndsInsideALine) {
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
    const Result<TraceFile> file = read_traces(path_);
    ASSERT_TRUE(file.ok()) << file.error();
    EXPECT_EQ(file.value().traces.front().records.size(), odd == 0 ? 1u : 2u);
    EXPECT_TRUE(file.value().traces.front().is_cut);
    EXPECT_EQ(file.value().notes.size(), 1u);
    std::move(writer).value().reset();
    with_bound(header + 2 * line + odd + 3,
               [&] { EXPECT_FALSE(FileTraceWriter::open(path_, {}).ok()); });
    EXPECT_EQ(read_traces(path_).value().notes, file.value().notes);
    ::unlink(path_.c_str());
  }
  with_bound(3, [&] { EXPECT_FALSE(FileTraceWriter::open(path_, {}).ok()); });
}

Trace only(const Result<TraceFile>& file) {
  EXPECT_TRUE(file.ok());
  EXPECT_EQ(file.value().traces.size(), 1u);
  return file.value().traces.front();
}

TEST(ParseTraces, LeavesOutACutLastLineAndSaysSo) {
  for (const char* end : {"exit p=", "exit p= (cut)\n"}) {
    const auto file = parse_traces(
        std::string("groupcomm-trace 1 role=client name=a\nstart p=x\n") + end, "file.trace");
    EXPECT_EQ(only(file).records.size(), 1u);
    EXPECT_TRUE(only(file).is_cut);
    EXPECT_FALSE(file.value().is_damaged);
    EXPECT_EQ(file.value().notes,
              std::vector<std::string>{"file.trace:3: the last line is cut and is left out"});
  }
}

TEST(ParseTraces, DoesNotTakeATraceWithoutItsEndForAWholeOne) {
  const std::string begin = "groupcomm-trace 1 role=client name=a\nstart p=x\n";
  for (const char* end : {"exit p=x\n", "crash p=x\n", "exit p=x\nresume p=x\n"}) {
    const auto file = parse_traces(begin + end, "file");
    EXPECT_FALSE(only(file).is_cut) << end;
    EXPECT_EQ(file.value().notes, std::vector<std::string>{}) << end;
  }
  for (const char* end : {"", "suspended p=x g=g\n", "exit p=x\nstart p=y\n"}) {
    const auto file = parse_traces(begin + end, "file");
    EXPECT_TRUE(only(file).is_cut) << end;
    EXPECT_FALSE(file.value().is_damaged) << end;
    ASSERT_EQ(file.value().notes.size(), 1u) << end;
    EXPECT_NE(file.value().notes.front().find(": ends without `exit` or `crash`"),
              std::string::npos);
  }
}

TEST(ParseTraces, LeavesOutWhatComesFromABadLineOnAndSaysSo) {
  const auto file = parse_traces(
      "groupcomm-trace 1 role=client name=a\nstart p=x\nrubbish\nexit p=x\nexit p=x\n", "file");
  EXPECT_EQ(only(file).records, (std::vector<Record>{record::Start{.p = "x"}}));
  EXPECT_TRUE(only(file).is_cut);
  EXPECT_TRUE(file.value().is_damaged);
  EXPECT_EQ(file.value().notes,
            std::vector<std::string>{
                "file:3: unknown kind \"rubbish\": this line and the 2 behind it are left out"});
}

// As where lines of two files came into one, or the beginning of one is lost.
TEST(ParseTraces, LeaveOutWhatIsOfAnotherProcessFromThereOn) {
  const std::string client = "groupcomm-trace 1 role=client name=a\n";
  const std::string daemon = "groupcomm-trace 1 role=daemon name=d#1\n";
  const std::string send =
      "send p=a@d#1.1 g=g number=1 order=fifo view=v member=1 hash=0 size=0 daemon_number=1\n";
  const std::pair<std::string, std::string> cases[] = {
      {client + "suspended p=x g=g\n", "file:2: of x, which has not begun here"},
      {client + "start p=x\nsuspended p=y#1~2 g=g\n", "file:3: of y#1 in the trace of x"},
      {client + "start p=x\nexit p=x\nsuspended p=x g=g\n", "file:4: of x, which has ended"},
      {daemon + "start p=d#1\nstart p=d#2\n", "file:3: of d#2 before the end of d#1"},
      {daemon + "start p=d#2\n" + send, "file:3: of d#1 in the trace of d#2"},
      {daemon + "start p=d#2\ncrash p=d#1\n", "file:3: of d#1 in the trace of d#2"}};
  for (const auto& [text, why] : cases) {
    const auto file = parse_traces(text + "exit p=x\n", "file");
    EXPECT_TRUE(file.value().is_damaged) << text;
    EXPECT_TRUE(only(file).is_cut) << text;
    EXPECT_EQ(file.value().notes,
              std::vector<std::string>{why + ": this line and the 1 behind it are left out"});
  }
  const std::string whole[] = {
      client +
          "start p=x#1\nsuspended p=x#1~2 g=g\nexit p=x#1\nresume p=x#1\nstart p=x#2\n"
          "exit p=x#2\n",
      daemon + "start p=d#1\n" + send + "exit p=d#1\n"};
  for (const std::string& text : whole) {
    EXPECT_EQ(parse_traces(text, "file").value().notes, std::vector<std::string>{}) << text;
  }
}

TEST(ParseTraces, GoesOnWithTheNextTraceOfAFile) {
  const std::string one = "groupcomm-trace 1 role=client name=a\nstart p=x\nexit p=x\n";
  const std::string other = "groupcomm-trace 1 role=daemon name=d\nstart p=d\nexit p=d\n";
  const auto both = parse_traces(one + other, "file");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both.value().traces.size(), 2u);
  EXPECT_EQ(both.value().notes, std::vector<std::string>{});

  const std::string later = "groupcomm-trace 9 role=client name=a\nstart p=y\n";
  const std::pair<std::string, std::string> cases[] = {
      {"tail of one that is lost\nexit p=x\n" + other, "file:1: not a groupcomm trace"},
      {later + other, "file:1: unknown version of the trace format: 9"},
      {one + later + other, "file:4: unknown version of the trace format: 9"},
      {"groupcomm-trace 1 ro (cut)\n\n" + other, "file:1: the header is cut"}};
  for (const auto& [text, why] : cases) {
    const auto file = parse_traces(text, "file");
    ASSERT_TRUE(file.ok()) << text;
    EXPECT_EQ(to_text(file.value().traces.back()), other);
    EXPECT_TRUE(file.value().is_damaged);
    EXPECT_EQ(file.value().notes,
              std::vector<std::string>{why + ": this line and the 1 behind it are left out"});
  }
}

TEST(ParseTraces, RefusesWhatIsNoTraceOfThisVersion) {
  EXPECT_EQ(parse_traces("", "file").error(), "file: the file is empty");
  EXPECT_EQ(parse_traces("hello\n", "file").error(), "file:1: not a groupcomm trace");
  EXPECT_EQ(parse_traces("groupcomm-trace 2 role=client name=a\nstart p=x\n", "file").error(),
            "file:1: unknown version of the trace format: 2");
  EXPECT_FALSE(parse_traces(std::string(5000, '\0'), "file").ok());
  EXPECT_EQ(parse_traces("groupcomm-trace", "file").error(), "file:1: the header is cut");
  EXPECT_EQ(parse_traces("groupcomm-trace 1 role=cl", "file").error(), "file:1: the header is cut");
  EXPECT_EQ(parse_traces("groupcomm-trace\n", "file").error(),
            "file:1: the header names no version");
}

}  // namespace
}  // namespace groupcomm::verify
