#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

const std::string kD1 = "d#0000000000000001";
const std::string kD2 = "d#0000000000000002";
const std::string kBase1 = "1.0000000000000001.1";
const std::string kBase2 = "2.0000000000000001.1";

// Whether the reasons are right. (All daemons of a story have one name, which M13 finds.)
std::string violated(const Story& story, std::optional<std::set<std::string>> leavers) {
  Run run = story.run(/*converged=*/false);
  run.leavers = std::move(leavers);
  const std::vector<Violation> found = check(run).violations;
  const bool is_wrong = std::any_of(found.begin(), found.end(), [](const Violation& violation) {
    return violation.property == "M10";
  });
  return is_wrong ? "M10" : "";
}

// b leaves a's group within a view of daemons, or with one; a is told this reason.
Story departure(const std::string& view, const std::string& reason) {
  Story story;
  story.view(kView1, {"a", "b"});
  record::View next = story.make_view("a", view, {"a"});
  next.left[0].reason = reason;
  return story.add("a", next);
}

TEST(Departures, ByAWishAreOfThoseWhoWished) {
  const Story story = departure(kView1b, "leave");
  EXPECT_EQ(violated(story, std::nullopt), "");
  EXPECT_EQ(violated(story, {{Story::full("b") + " g"}}), "");
  EXPECT_EQ(violated(story, {{Story::full("b")}}), "");
  EXPECT_EQ(violated(story, {{Story::full("a")}}), "M10");
}

TEST(Departures, AgreeWithWhatTheOneWhoLeftWasTold) {
  const auto told = [](const std::string& reason, const std::string& gone) {
    return violated(departure(kView1b, reason).gone("b", gone), std::nullopt);
  };
  EXPECT_EQ(told("evicted", "evicted"), "");
  EXPECT_EQ(told("evicted", "daemon_lost"), "");
  EXPECT_EQ(told("crash", "daemon_lost"), "");
  EXPECT_EQ(told("leave", "left"), "");
  EXPECT_EQ(told("crash", "evicted"), "M10");
  EXPECT_EQ(told("crash", "left"), "M10");
  EXPECT_EQ(told("evicted", "left"), "M10");
  EXPECT_EQ(told("evicted", "excluded"), "M10");
}

TEST(Departures, ByAWishAreToldToThoseWhoWished) {
  Story story;
  story.view(kView1, {"a", "b"}).gone("b", "left");
  EXPECT_EQ(violated(story, {{Story::full("b") + " g"}}), "");
  EXPECT_EQ(violated(story, {{Story::full("a") + " g"}}), "M10");
}

TEST(Departures, ByExclusionAreThoseOfTheDaemon) {
  const auto told = [](const std::string& daemons) {
    Story story;
    story.daemon_view(kD1, {.id = kBase1, .members = {kD1}, .joined = {kD1}});
    story.view(kView1, {"a"}).gone("a", "excluded");
    Trace& trace = story.daemon(kD1);
    if (daemons == "crash") trace.records.push_back(record::Crash{.p = kD1});
    if (!daemons.empty() && daemons != "crash") {
      trace.records.push_back(
          record::Gone{.p = kD1, .g = std::string(kDaemons), .reason = daemons});
    }
    return violated(story, std::nullopt);
  };
  EXPECT_EQ(told("excluded"), "");
  EXPECT_EQ(told("crash"), "");
  EXPECT_EQ(told("left"), "M10");
  EXPECT_EQ(told(""), "M10");
}

// c is a client of the second daemon, which is in the second view of the first or is not.
std::string with_daemons(const std::string& fate, const std::string& reason) {
  Story story;
  story.daemon_view(kD1, {.id = kBase1, .members = {kD1, kD2}, .joined = {kD1, kD2}});
  record::View second{.id = kBase2, .members = {kD1}};
  if (fate.empty()) second.members = {kD1, kD2};
  if (!fate.empty()) second.left = {{.member = kD2, .reason = fate}};
  story.daemon_view(kD1, second);
  story.view(kView1, {"a", "c"});
  record::View next = story.make_view("a", kView2, {"a"});
  next.left[0].reason = reason;
  story.add("a", next);
  return violated(story, {{kD2}});
}

TEST(Departures, WithADaemonHaveItsReason) {
  EXPECT_EQ(with_daemons("daemon_lost", "daemon_lost"), "");
  EXPECT_EQ(with_daemons("partition", "partition"), "");
  EXPECT_EQ(with_daemons("leave", "leave"), "");
  EXPECT_EQ(with_daemons("leave", "daemon_lost"), "M10");
  EXPECT_EQ(with_daemons("daemon_lost", "crash"), "M10");
}

TEST(Departures, OfDaemonsAreByAWishOfTheirs) {
  for (const bool has_wished : {true, false}) {
    Story story;
    story.daemon_view(kD1, {.id = kBase1, .members = {kD1, kD2}, .joined = {kD1, kD2}});
    story.daemon_view(
        kD1, {.id = kBase2, .members = {kD1}, .left = {{.member = kD2, .reason = "leave"}}});
    EXPECT_EQ(violated(story, {{has_wished ? kD2 : kD1}}), has_wished ? "" : "M10");
  }
}

TEST(Departures, OfDaemonsAreNoCrashesOrEvictions) {
  Story story;
  story.daemon_view(kD1, {.id = kBase1, .members = {kD1, kD2}, .joined = {kD1, kD2}});
  story.daemon_view(
      kD1, {.id = kBase2, .members = {kD1}, .left = {{.member = kD2, .reason = "evicted"}}});
  EXPECT_EQ(violated(story, std::nullopt), "M10");
}

}  // namespace
}  // namespace groupcomm::verify
