// What a trace that is cut or missing may say blames nobody.
#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

const std::string kD1 = "d#0000000000000001";
const std::string kD2 = "d#0000000000000002";
const std::string kD3 = "d#0000000000000003";
const std::string kBase1 = "1.0000000000000001.1";
const std::string kBase2 = "2.0000000000000001.1";

std::set<std::string> violated(const Run& run) {
  std::set<std::string> properties;
  for (const Violation& violation : check(run).violations) properties.insert(violation.property);
  return properties;
}

bool is_open(const Run& run, const std::string& property) {
  for (const std::string& note : check(run).notes) {
    if (note.find("not decided") == 0 && note.find(" " + property + " (") != std::string::npos) {
      return true;
    }
  }
  return false;
}

Run whole(const Story& story) { return story.run(/*converged=*/false); }

Run without(const Story& story, const std::string& daemon) {
  Run run = whole(story);
  run.missing_daemons.insert(daemon);
  return run;
}

// The end of the trace of that process or daemon is lost.
Run cut(const Story& story, const std::string& p) {
  Run run = whole(story);
  Trace& trace = run.traces.emplace_back();
  trace.header.role = p == Story::full("a") ? Role::kClient : Role::kDaemon;
  trace.records.push_back(record::Start{.p = p});
  trace.is_cut = true;
  return run;
}

TEST(MissingTraces, LeaveOpenWhetherAMemberEverDeliveredWhatWasSafe) {
  Story story;
  story.view(kView1, {"a", "b"}).send("b", 1, Order::kReliable, kView1);
  story.deliver("b", "b", 1, Order::kReliable, kView1);
  story.add("b", record::Safe{.p = Story::full("b"), .g = "g", .number = 1});
  EXPECT_EQ(violated(whole(story)), std::set<std::string>{"D16"});
  EXPECT_EQ(violated(cut(story, Story::full("a"))), std::set<std::string>{});
  EXPECT_TRUE(is_open(cut(story, Story::full("a")), "D16"));
}

// Two that were together go on apart, as only an operator may say; and one of them is back where
// both are counted as one line of views.
TEST(MissingTraces, LeaveOpenWhichLineageAViewIsOf) {
  Story story;
  story.view(kView1, {"a", "c"});
  story.view("a", kView2, {"a"}).view("c", "3.0000000000000002.1/0", {"c"});
  EXPECT_EQ(violated(whole(story)), (std::set<std::string>{"M11", "M13"}));
  EXPECT_EQ(violated(without(story, kD2)), std::set<std::string>{});
  EXPECT_TRUE(is_open(without(story, kD2), "M11"));
  EXPECT_TRUE(is_open(without(story, kD2), "M13"));
}

// Until the forced view, which no trace tells of, all went the same way.
TEST(MissingTraces, LeaveOpenWhereALineageBegan) {
  Story story;
  const auto view = [&](const std::string& p, const std::string& id,
                        const std::vector<std::string>& members, const std::string& lineage) {
    story.daemon_view(p, {.id = id, .members = members, .joined = members, .lineage = lineage});
  };
  view("a#1", "1.1.1", {"a#1", "b#2"}, "old");
  view("b#2", "1.1.1", {"a#1", "b#2"}, "old");
  record::View last{.id = "3.1.1", .members = {"b#2"}, .lineage = "old"};
  last.left = {{.member = "a#1", .reason = "daemon_lost"}};
  story.daemon_view("b#2", last);
  record::View forced{.id = "4.c.1", .members = {"a#1", "c#3"}, .joined = {"a#1", "c#3"}};
  forced.lineage = "new";
  forced.ancestor = "old";
  story.daemon_view("c#3", forced);
  EXPECT_TRUE(violated(whole(story)).contains("M6"));
  EXPECT_TRUE(violated(whole(story)).contains("M13"));
  EXPECT_FALSE(violated(without(story, "x#1")).contains("M13"));
  EXPECT_TRUE(is_open(without(story, "x#1"), "M6"));
  EXPECT_TRUE(is_open(without(story, "x#1"), "M13"));
}

// Only those who came along are told who left.
TEST(MissingTraces, LeaveOpenWhoLeftAPrimaryView) {
  Story story;
  const std::vector<std::string> all = {"a#1", "b#2", "c#3"};
  for (const char* p : {"b#2", "c#3"}) {
    story.daemon_view(p, {.id = "1.1.1", .members = all, .joined = all});
  }
  const std::vector<std::string> next = {"a#1", "d#4"};
  story.daemon_view("d#4", {.id = "2.1.1", .members = next, .joined = next});
  EXPECT_EQ(violated(whole(story)), std::set<std::string>{"M6"});
  EXPECT_EQ(violated(without(story, "a#1")), std::set<std::string>{});
  EXPECT_TRUE(is_open(without(story, "a#1"), "M6"));
}

TEST(MissingTraces, LeaveOpenWhetherADaemonInstalledTheViewOfAGroup) {
  Story story;
  story.daemon_view(kD1, {.id = kBase1, .members = {kD1}, .joined = {kD1}});
  story.view("c", "1.0000000000000002.1/1", {"c"});
  EXPECT_EQ(violated(whole(story)), std::set<std::string>{"M14"});
  EXPECT_EQ(violated(without(story, kD2)), std::set<std::string>{});
  EXPECT_TRUE(is_open(without(story, kD2), "M14"));
}

// Who came to the second view from elsewhere knows nothing of those who were in the first.
TEST(MissingTraces, LeaveOpenWhatADaemonLost) {
  Story story;
  story.view(kView1, {"a", "c"});
  story.daemon_view(kD1, {.id = kBase1, .members = {kD1, kD2}, .joined = {kD1, kD2}});
  story.daemon_view(kD3, {.id = kBase2, .members = {kD1, kD3}, .joined = {kD1, kD3}});
  record::View next = story.make_view("a", kView2, {"a"});
  next.left[0].reason = "daemon_lost";
  story.add("a", next);
  EXPECT_TRUE(violated(whole(story)).contains("M10"));
  EXPECT_FALSE(violated(cut(story, kD1)).contains("M10"));
  EXPECT_TRUE(is_open(cut(story, kD1), "M10"));
}

TEST(MissingTraces, LeaveOpenWhatADaemonAcceptedAtTheEnd) {
  Story story;
  story.view(kView1, {"a", "c"}).deliver("a", "c", 1, Order::kFifo, kView1);
  story.gone("c", "left").add("c", record::Exit{.p = Story::full("c")});
  EXPECT_EQ(violated(whole(story)), std::set<std::string>{"D1"});
  EXPECT_EQ(violated(without(story, kD2)), std::set<std::string>{});
  EXPECT_TRUE(is_open(without(story, kD2), "D1"));
}

// The same among daemons: what one stamped last may be behind the end of its trace.
TEST(MissingTraces, LeaveOpenWhatADaemonStamped) {
  Story story;
  for (const std::string& p : {kD1, kD2}) {
    story.daemon(p).records.push_back(record::Start{.p = p});
    story.daemon(p).header.name = "d";  // as daemons write it
    story.daemon_view(p, {.id = kBase1, .members = {kD1, kD2}, .joined = {kD1, kD2}});
  }
  record::Deliver deliver{.p = kD1, .g = std::string(kDaemons), .view = kBase1, .sender = kD2};
  deliver.number = 1;
  story.daemon(kD1).records.push_back(deliver);
  const auto has_d1 = [&](const verify::Run& run) { return violated(run).contains("D1"); };
  EXPECT_TRUE(has_d1(whole(story)));
  verify::Run run = whole(story);
  for (Trace& trace : run.traces) {
    trace.is_cut = std::get<record::Start>(trace.records.front()).p == kD2;
  }
  EXPECT_FALSE(has_d1(run));
  EXPECT_TRUE(is_open(run, "D1"));
}

// Where all who had a leave in common died, the others deliver elsewhere and come to a recovered
// view, of which no trace tells here, and to the one behind it.
TEST(MissingTraces, LeaveOpenWhetherAViewWasRecovered) {
  for (const bool is_told : {false, true}) {
    Story story;
    story.view(kView1, {"a", "c", "b"}).send("c", 1, Order::kReliable, kView1);
    story.view("a", kView1b, {"a", "c"});
    story.deliver("a", "c", 1, Order::kReliable, kView1b).crash("a");
    story.add("b", record::Transition{
                       .p = Story::full("b"), .g = "g", .transitional = {Story::full("b")}});
    story.deliver("b", "c", 1, Order::kReliable, kView1).view("b", kView3, {"b"});
    if (is_told) story.daemon_view(kD3, {.id = kBase2, .members = {kD3}, .joined = {kD3}});
    story.daemon_view(kD3, {.id = "3.0000000000000001.1", .members = {kD3}, .joined = {kD3}});
    EXPECT_EQ(violated(without(story, kD1)).contains("D5"), is_told);
  }
}

}  // namespace
}  // namespace groupcomm::verify
