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
         "\n" + more + "exit p=" + kDaemon + "\n";
}
std::string with_end(const std::string& text, const std::string& process) {
  return text + "exit p=" + process + "\n";
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
    collector.add(name, parse_traces(text, name));
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

// The one may be damaged where the other is whole.
TEST_F(RunCollectorTest, TakesTheLongerOneOfTwoTracesOfOneProcess) {
  const std::string whole = with_end(client(kAlice, view(kAlice, {kAlice})), kAlice);
  const std::string part = client(kAlice) + "rubbish\n";
  for (const bool is_whole_first : {false, true}) {
    add("d", daemon_text());
    if (is_whole_first) add("whole", whole);
    add("part", part);
    if (!is_whole_first) add("whole", whole);
    const Verdict found = verdict();
    EXPECT_EQ(found.damaged_traces, 1u);
    EXPECT_EQ(found.clients.memberships, 1u);
    EXPECT_EQ(found.notes.size(), 2u);
    EXPECT_TRUE(has_note(found, "part:3: unknown kind \"rubbish\": this line and the 0 behind it"));
    EXPECT_TRUE(has_note(found, "part: is the beginning of whole"));
  }
}

TEST_F(RunCollectorTest, CountsADamagedCopyAsDamaged) {
  add("a", client(kAlice));
  add("copy", client(kAlice) + "rubbish\n");
  const Verdict found = verdict();
  EXPECT_EQ(found.damaged_traces, 1u);
  EXPECT_TRUE(has_note(found, "copy:3: unknown kind \"rubbish\""));
  EXPECT_TRUE(has_note(found, "copy: is the same as a"));
}

TEST_F(RunCollectorTest, LeavesOutATraceOfTheOtherRole) {
  const auto turned = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  add("a", turned(client(kAlice), "role=client", "role=daemon"));
  add("d", turned(daemon_text(), "role=daemon", "role=client"));
  const Verdict found = verdict();
  EXPECT_EQ(found.damaged_traces, 2u);
  EXPECT_EQ(found.violations, std::vector<Violation>{});
  EXPECT_TRUE(has_note(found, "a:2: " + std::string(kAlice) +
                                  " is no daemon, as the header says that it is: it is left out"));
  EXPECT_TRUE(has_note(found, "d:2: " + std::string(kDaemon) + " is no client"));
}

TEST_F(RunCollectorTest, SaysWhereTheRecordsOfAViolationStand) {
  add("d", daemon_text(stamped(kAlice, 1)));
  add("a", client(kAlice, view(kAlice, {kAlice}) + delivered(kAlice, kAlice, 1) +
                              delivered(kAlice, kAlice, 1)));
  std::vector<Violation> found = verdict().violations;
  std::erase_if(found, [](const Violation& one) { return one.property != "D2"; });
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found.front().records.size(), 2u);
  EXPECT_EQ(found.front().records[0].rfind("a:4: deliver p=", 0), 0u) << found.front().records[0];
  EXPECT_EQ(found.front().records[1].rfind("a:5: deliver p=", 0), 0u) << found.front().records[1];
}

// A checker's copy of a record, too.
TEST_F(RunCollectorTest, SaysWhereARecordStandsOfWhichACopyIsShown) {
  add("d", daemon_text(stamped(kAlice, 1)));
  std::string lie = stamped(kAlice, 1);
  lie.replace(lie.find("hash=0"), 6, "hash=f");
  add("a", client(kAlice, view(kAlice, {kAlice}) + lie + delivered(kAlice, kAlice, 1)));
  const std::vector<Violation> found = verdict().violations;
  ASSERT_FALSE(found.empty());
  for (const Violation& one : found) {
    for (const std::string& record : one.records) {
      EXPECT_TRUE(record.rfind("a:", 0) == 0 || record.rfind("d:", 0) == 0) << record;
    }
  }
}

TEST_F(RunCollectorTest, LeavesOutASecondFileOfOneProcessThatSaysOtherThings) {
  add("a", client(kAlice, view(kAlice, {kAlice})));
  add("other", client(kAlice, view(kAlice, {kAlice, kBob})));
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
  add("a", with_end(client(kAlice, view(kAlice, {kAlice})), kAlice));
  add("d", daemon_text());
  EXPECT_EQ(verdict().notes, std::vector<std::string>{});
}

TEST_F(RunCollectorTest, SaysThatTracesAreOfSeveralRuns) {
  const std::string carol = "carol@e#000000000000000b.1";
  const auto daemon_view = [](const std::string& p, const std::string& lineage) {
    record::View view{.p = p, .g = std::string(kDaemons), .id = "1.a.1", .members = {p}};
    view.lineage = lineage;
    return to_line(view) + "\n";
  };
  for (const bool have_met : {true, false}) {
    add("d", daemon_text(daemon_view(kDaemon, "old")));
    add("e", "groupcomm-trace 1 role=daemon name=e\nstart p=e#000000000000000b\n" +
                 daemon_view("e#000000000000000b", have_met ? "old" : "new"));
    add("c", client(carol, view(carol, {carol})));
    EXPECT_EQ(has_note(verdict(),
                       "the traces are of 2 parts that never met, as of several runs "
                       "or clusters: d; c e"),
              !have_met);
  }
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

// --- options of groups: what traces tell of them -------------------------------------------------

constexpr const char* kView1 = "1.000000000000000a.1/1";
constexpr const char* kView2 = "2.000000000000000a.1/0";

std::string first_view(const std::string& process, const std::string& options) {
  return "view p=" + process + " g=g id=" + kView1 + " members=" + kAlice + "," + kBob +
         " primary=1 joined=" + kAlice + "," + kBob + " left= transitional=" + process + options +
         "\n";
}
std::string view_of_bob(const std::string& options) {
  return "block p=" + std::string(kBob) + " g=g\ntransition p=" + std::string(kBob) +
         " g=g transitional=" + kBob + "\nview p=" + kBob + " g=g id=" + kView2 +
         " members=" + kBob + " primary=1 joined= left=crash:" + kAlice + " transitional=" + kBob +
         options + "\n";
}
constexpr const char* kMessage = " number=1 order=total view=1.000000000000000a.1/1";
std::string message_at(const std::string& process) {
  return "deliver p=" + process + " g=g sender=" + kAlice + kMessage + " hash=1 size=1\n";
}

// Alice delivers a total message and dies; Bob goes on without it.
TEST_F(RunCollectorTest, FindsAMessageThatAMemberOfAUniformGroupLacks) {
  for (const char* options : {" uniform=1", " uniform=1 flush=1", " flush=1", ""}) {
    add("d", daemon_text("send p=" + std::string(kAlice) + " g=g" + kMessage +
                         " member=1 hash=1 size=1 daemon_number=1\n"));
    add("a", client(kAlice, first_view(kAlice, options) + message_at(kAlice)));
    add("b", client(kBob, first_view(kBob, options) + view_of_bob(options)));
    std::string found;
    for (const Violation& violation : verdict().violations) found += violation.property + " ";
    EXPECT_EQ(found, std::string(options).find("uniform") != std::string::npos ? "D16 " : "")
        << options;
  }
}

// Bob delivers what Alice sent in the first view only in the second one.
TEST_F(RunCollectorTest, FindsAMessageThatAFlushGroupDeliversInALaterView) {
  for (const char* options : {" flush=1", " uniform=1", ""}) {
    const auto view = [&](const std::string& process, int place, const char* joined) {
      return "view p=" + process + " g=g id=1.000000000000000a.1/" + std::to_string(place) +
             " members=" + kAlice + " primary=1 joined=" + joined +
             " left= transitional=" + kAlice + options + "\n";
    };
    add("d", daemon_text("send p=" + std::string(kAlice) + " g=g" + kMessage +
                         " member=1 hash=1 size=1 daemon_number=1\n"));
    add("a", client(kAlice, view(kAlice, 1, kAlice) + view(kAlice, 2, "") + "deliver p=" + kAlice +
                                " g=g sender=" + kAlice + " number=1 order=total view=" +
                                "1.000000000000000a.1/2 hash=1 size=1\n"));
    bool is_found = false;
    for (const Violation& found : verdict().violations) is_found |= found.property == "D4";
    EXPECT_EQ(is_found, std::string(options) == " flush=1") << options;
  }
}

TEST_F(RunCollectorTest, FindsMembersThatNameOtherOptions) {
  for (const char* options : {" uniform=1", " flush=1", ""}) {
    add("d", daemon_text());
    add("a", client(kAlice, first_view(kAlice, "")));
    add("b", client(kBob, first_view(kBob, options)));
    std::string found;
    for (const Violation& violation : verdict().violations) found += violation.property + " ";
    EXPECT_EQ(found, *options == '\0' ? "" : "M3 ") << options;
  }
}

// A group ends with its last member; the name may come back with other options.
TEST_F(RunCollectorTest, TakesOptionsForThoseOfAMembershipAndNotOfAName) {
  const std::string again = std::string(kBob) + "~2";
  add("d", daemon_text("send p=" + std::string(kAlice) + " g=g" + kMessage +
                       " member=1 hash=1 size=1 daemon_number=1\n"));
  add("a", client(kAlice, first_view(kAlice, "") + message_at(kAlice)));
  add("b", client(kBob, first_view(kBob, "") + view_of_bob("") + "gone p=" + kBob +
                            " g=g reason=left\nview p=" + again +
                            " g=g id=2.000000000000000a.1/2 members=" + again +
                            " primary=1 joined=" + again + " left= transitional=" + again +
                            " uniform=1 flush=1\n"));
  EXPECT_EQ(verdict().violations, std::vector<Violation>{});
}

}  // namespace
}  // namespace groupcomm::verify
