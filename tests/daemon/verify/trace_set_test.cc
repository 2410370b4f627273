#include "daemon/verify/trace_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

constexpr const char* kDaemon = "d#000000000000000a";
constexpr const char* kAlice = "alice@d#000000000000000a.1";
constexpr const char* kBob = "bob@d#000000000000000a.2";

std::string client(const std::string& process, const std::string& more = "") {
  return "groupcomm-trace 1 role=client name=x\nstart p=" + process + "\n" + more;
}
std::string daemon_text(const std::string& more = "") {
  return "groupcomm-trace 1 role=daemon name=" + std::string(kDaemon) + "\nstart p=" + kDaemon +
         "\n" + more;
}
std::string view(const std::string& process, const std::vector<std::string>& members) {
  record::View view{.p = process, .g = "g", .id = "1.a.1/1", .members = members};
  view.joined = {process};
  return to_line(view) + "\n";
}
std::string stamped(const std::string& process, std::uint64_t number) {
  return to_line(Record(record::Send{.p = process,
                                     .g = "g",
                                     .number = number,
                                     .view = "1.a.1/1",
                                     .member = true,
                                     .daemon_number = number})) +
         "\n";
}
std::string delivered(const std::string& process, const std::string& sender, std::uint64_t number) {
  return to_line(Record(record::Deliver{
             .p = process, .g = "g", .view = "1.a.1/1", .sender = sender, .number = number})) +
         "\n";
}

class RunCollectorTest : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& text) {
    collector.add(name, parse_trace(text, name));
  }
  Verdict verdict() { return check(collector.take()); }

  RunCollector collector;
};

bool has_note(const Verdict& verdict, const std::string& part) {
  return std::any_of(verdict.notes.begin(), verdict.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

TEST_F(RunCollectorTest, ChecksTheRestWhereAFileIsNoTrace) {
  add("picture", "\x89PNG\r\n");
  add("a", client(kAlice));
  add("late", "groupcomm-trace 9 role=client name=x\n");
  const Verdict found = verdict();
  EXPECT_EQ(found.damaged_traces, 2u);
  EXPECT_EQ(found.clients.processes, 1u);
  EXPECT_TRUE(has_note(found, "picture:1: not a groupcomm trace: the file is left out"));
  EXPECT_TRUE(has_note(found, "late:1: unknown version of the trace format: 9"));
}

TEST_F(RunCollectorTest, CountsAFileThatIsGivenTwiceOnce) {
  add("a", client(kAlice, view(kAlice, {kAlice})));
  add("copy", client(kAlice, view(kAlice, {kAlice})));
  const Verdict found = verdict();
  EXPECT_EQ(found.damaged_traces, 0u);
  EXPECT_EQ(found.violations, std::vector<Violation>{});
  EXPECT_TRUE(has_note(found, "copy: is the same as a (" + std::string(kAlice) + ")"));
}

TEST_F(RunCollectorTest, LeavesOutASecondFileOfOneProcessThatSaysOtherThings) {
  add("a", client(kAlice, view(kAlice, {kAlice})));
  add("other", client(kAlice));
  const Verdict found = verdict();
  EXPECT_EQ(found.damaged_traces, 1u);
  EXPECT_EQ(found.clients.memberships, 1u);
  EXPECT_TRUE(has_note(found, "other: is of the same process as a"));
}

TEST_F(RunCollectorTest, SaysWhoseTracesAreMissing) {
  add("a", client(kAlice, view(kAlice, {kAlice, kBob})));
  const Verdict found = verdict();
  EXPECT_EQ(found.violations, std::vector<Violation>{});
  EXPECT_TRUE(has_note(found, "no trace of 1 daemons: " + std::string(kDaemon)));
  EXPECT_TRUE(has_note(found, "no trace of 1 clients: " + std::string(kBob)));
}

TEST_F(RunCollectorTest, MissesNothingWhereAllIsThere) {
  add("a", client(kAlice, view(kAlice, {kAlice})));
  add("d", daemon_text());
  EXPECT_EQ(verdict().notes, std::vector<std::string>{});
}

// What a trace does not say where it is cut may be what was cut off.
TEST_F(RunCollectorTest, BlamesNobodyForWhatADamagedTraceDoesNotSay) {
  const std::string alice = client(
      kAlice, view(kAlice, {kAlice}) + delivered(kAlice, kAlice, 1) + delivered(kAlice, kAlice, 2));
  add("a", alice);
  add("d", daemon_text(stamped(kAlice, 1)));
  EXPECT_FALSE(verdict().violations.empty());
  add("a", alice);
  add("d", daemon_text(stamped(kAlice, 1) + "garbage\n" + stamped(kAlice, 2)));
  const Verdict found = verdict();
  EXPECT_EQ(found.violations, std::vector<Violation>{});
  EXPECT_EQ(found.damaged_traces, 1u);
  EXPECT_TRUE(has_note(found, "d:4: unknown kind \"garbage\""));
}

}  // namespace
}  // namespace groupcomm::verify
