#include <gtest/gtest.h>

#include "tests/daemon/verify/story.h"

namespace groupcomm::verify {
namespace {

// --- D9 ------------------------------------------------------------------------------------------

Story two_sends(Order first, Order second) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, first, kView1).send("a", 2, second, kView1);
  story.deliver("a", "a", 1, first, kView1).deliver("a", "a", 2, second, kView1);
  return story;
}

TEST(Fifo, FailsWhereALaterMessageOvertakes) {
  Story story = two_sends(Order::kFifo, Order::kCausal);
  story.deliver("b", "a", 2, Order::kCausal, kView1).deliver("b", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D9");
}

TEST(Fifo, FailsWhereAMessageIsMissing) {
  Story story = two_sends(Order::kSafe, Order::kFifo);
  story.deliver("b", "a", 2, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "D9");
}

TEST(Fifo, FailsWhereNobodyHasTheMissingMessage) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kFifo, kView1);
  story.send("c", 2, Order::kFifo, kView1).crash("c");
  story.deliver("a", "c", 2, Order::kFifo, kView1).deliver("b", "c", 2, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D17");
}

TEST(Fifo, LetsReliableMessagesGoAnyWay) {
  Story story = two_sends(Order::kReliable, Order::kFifo);
  story.deliver("b", "a", 2, Order::kFifo, kView1).deliver("b", "a", 1, Order::kReliable, kView1);
  EXPECT_EQ(story.violated(), "");
}

TEST(Fifo, CountsOnlyFromTheViewInWhichOneIsAMember) {
  Story story;
  story.view("a", kView1, {"a"}).send("a", 1, Order::kFifo, kView1);
  story.deliver("a", "a", 1, Order::kFifo, kView1).view(kView2, {"a", "b"});
  story.send("a", 2, Order::kFifo, kView2).deliver("a", "a", 2, Order::kFifo, kView2);
  story.deliver("b", "a", 2, Order::kFifo, kView2);
  EXPECT_EQ(story.violated(), "");
}

// Only the dead saw it join: for the others it came with the recovered view.
TEST(Fifo, OwesNothingOfAViewThatOnlyTheDeadHadToOneWhoCameWithTheRecoveredOne) {
  for (const bool says_so : {true, false}) {
    Story story;
    story.view("a", kView1, {"a", "c"}).view("c", kView1, {"a", "c"});
    record::Send send = story.make_send("a", 1, Order::kFifo, kView1);
    send.self_discard = true;
    story.stamp(send).add("a", send).view("c", kView1b, {"a", "c", "b"});
    story.deliver("c", "a", 1, Order::kFifo, kView1b).crash("c");
    for (const char* who : {"a", "b"}) {
      record::View view = story.make_view(who, kView2, {"a", "b"});
      view.recovered = says_so;
      story.add(who, view);
    }
    story.send("a", 2, Order::kFifo, kView2).deliver("a", "a", 2, Order::kFifo, kView2);
    story.deliver("b", "a", 2, Order::kFifo, kView2);
    EXPECT_EQ(story.violated().find("D9") == std::string::npos, says_so);
  }
}

TEST(Fifo, SkipsWhatIsForOthers) {
  Story story;
  story.view(kView1, {"a", "b"});
  record::Send send = story.make_send("a", 1, Order::kFifo, kView1);
  send.to = Story::full("a");
  story.stamp(send).add("a", send).deliver("a", "a", 1, Order::kFifo, kView1);
  story.send("a", 2, Order::kFifo, kView1).deliver("a", "a", 2, Order::kFifo, kView1);
  story.deliver("b", "a", 2, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "");
}

// --- D12 -----------------------------------------------------------------------------------------

Story two_totals(Order order) {
  Story story;
  story.view(kView1, {"a", "b"}).send("a", 1, order, kView1).send("b", 1, order, kView1);
  story.deliver("a", "a", 1, order, kView1).deliver("a", "b", 1, order, kView1);
  return story;
}

TEST(TotalOrder, FailsWhereTwoMembersDiffer) {
  for (const Order order : {Order::kTotal, Order::kSafe}) {
    Story story = two_totals(order);
    story.deliver("b", "b", 1, order, kView1).deliver("b", "a", 1, order, kView1);
    EXPECT_EQ(story.violated(), "D12") << to_string(order);
  }
}

TEST(TotalOrder, FailsWhereTheyDifferBeforeAView) {
  Story story = two_totals(Order::kTotal);
  story.deliver("b", "b", 1, Order::kTotal, kView1).deliver("b", "a", 1, Order::kTotal, kView1);
  story.view(kView2, {"a", "b"});
  EXPECT_EQ(story.violated(/*converged=*/false), "D12");
}

TEST(TotalOrder, AsksNothingOfCausalMessages) {
  Story story = two_totals(Order::kCausal);
  story.deliver("b", "b", 1, Order::kCausal, kView1).deliver("b", "a", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(), "");
}

TEST(TotalOrder, AsksNothingOfTheDead) {
  Story story = two_totals(Order::kTotal);
  story.deliver("b", "b", 1, Order::kTotal, kView1).deliver("b", "a", 1, Order::kTotal, kView1);
  story.crash("b").view("a", kView2, {"a"});
  EXPECT_EQ(story.violated(), "");
}

// --- D13 -----------------------------------------------------------------------------------------

// b died after it had delivered its own message only, or first; a goes on.
Story order_at_the_dead(Order order, bool skips) {
  Story story = two_totals(order);
  story.deliver("b", "b", 1, order, kView1);
  if (!skips) story.deliver("b", "a", 1, order, kView1);
  story.crash("b").view("a", kView2, {"a"});
  return story;
}

TEST(StrongOrder, FailsWhereTheDeadSawAnotherOrderOfSafeMessages) {
  EXPECT_EQ(order_at_the_dead(Order::kSafe, /*skips=*/false).violated(), "D13");
  EXPECT_EQ(order_at_the_dead(Order::kSafe, /*skips=*/true).violated(), "D13");
}

TEST(StrongOrder, IsPromisedOfTotalMessagesInUniformGroupsOnly) {
  Story story = order_at_the_dead(Order::kTotal, /*skips=*/true);
  EXPECT_EQ(story.violated(), "");
  EXPECT_EQ(story.make_uniform().violated(), "D13");
}

TEST(StrongOrder, AllowsTheDeadToHaveStoppedEarly) {
  Story story = two_totals(Order::kSafe);
  story.deliver("b", "a", 1, Order::kSafe, kView1).crash("b").view("a", kView2, {"a"});
  EXPECT_EQ(story.violated(), "");
}

// --- D10, D11, D15 -------------------------------------------------------------------------------

// a sends, b answers what it has delivered; nobody but c is left to deliver.
Story question_and_answer(Order question, Order answer) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("a", 1, question, kView1);
  story.deliver("a", "a", 1, question, kView1).deliver("b", "a", 1, question, kView1);
  story.send("b", 1, answer, kView1);
  story.deliver("b", "b", 1, answer, kView1).deliver("a", "b", 1, answer, kView1);
  return story;
}

TEST(CausalOrder, FailsWhereAnAnswerComesBeforeItsQuestion) {
  Story story = question_and_answer(Order::kCausal, Order::kCausal);
  story.deliver("c", "b", 1, Order::kCausal, kView1).deliver("c", "a", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(), "D10");
}

TEST(CausalOrder, IsOwedToThoseWhoAreThrownOutLater) {
  for (const char* reason : {"excluded", "daemon_lost", "evicted", "left"}) {
    Story story = question_and_answer(Order::kCausal, Order::kCausal);
    story.deliver("c", "b", 1, Order::kCausal, kView1).deliver("c", "a", 1, Order::kCausal, kView1);
    EXPECT_EQ(story.gone("c", reason).violated(/*converged=*/false), "D10") << reason;
  }
}

TEST(CausalOrder, FailsWhereTheTotalOrderContradictsCausality) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("a", 1, Order::kCausal, kView1);
  story.deliver("b", "a", 1, Order::kCausal, kView1).send("b", 1, Order::kTotal, kView1);
  story.deliver("c", "b", 1, Order::kTotal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "D10");
}

TEST(CausalOrder, FailsWhereATotalAnswerComesBeforeItsTotalQuestion) {
  Story story = question_and_answer(Order::kTotal, Order::kTotal);
  story.deliver("c", "b", 1, Order::kTotal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "D15");
}

TEST(CausalOrder, FailsWhereTheCauseIsLost) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("c", 1, Order::kCausal, kView1);
  story.send("c", 2, Order::kCausal, kView1).crash("c");
  story.deliver("a", "c", 2, Order::kCausal, kView1);
  EXPECT_NE(story.violated(/*converged=*/false).find("D17"), std::string::npos);
}

TEST(CausalOrder, FailsWhereTheCauseIsMissing) {
  Story story = question_and_answer(Order::kCausal, Order::kCausal);
  story.deliver("c", "b", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "D10");
}

TEST(CausalOrder, FailsOverAChain) {
  Story story = question_and_answer(Order::kCausal, Order::kCausal);
  story.deliver("c", "a", 1, Order::kCausal, kView1).deliver("c", "b", 1, Order::kCausal, kView1);
  story.send("c", 1, Order::kCausal, kView1).deliver("c", "c", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "");
  // a delivers the third message, but the first only afterwards.
  Story late;
  late.view(kView1, {"a", "b", "c", "e"}).send("a", 1, Order::kCausal, kView1);
  late.deliver("b", "a", 1, Order::kCausal, kView1).send("b", 1, Order::kCausal, kView1);
  late.deliver("c", "a", 1, Order::kCausal, kView1).deliver("c", "b", 1, Order::kCausal, kView1);
  late.send("c", 1, Order::kCausal, kView1);
  late.deliver("e", "b", 1, Order::kCausal, kView1);
  EXPECT_EQ(late.violated(/*converged=*/false), "D10");
}

TEST(CausalOrder, AsksNothingOfFifoMessages) {
  Story story = question_and_answer(Order::kFifo, Order::kCausal);
  story.deliver("c", "b", 1, Order::kCausal, kView1).deliver("c", "a", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "");
  Story other = question_and_answer(Order::kCausal, Order::kFifo);
  other.deliver("c", "b", 1, Order::kFifo, kView1).deliver("c", "a", 1, Order::kCausal, kView1);
  EXPECT_EQ(other.violated(), "");
}

TEST(CausalOrder, AsksNothingOfWhatCameBetweenQuestionAndAcceptance) {
  Story story;
  story.view(kView1, {"a", "b", "c"}).send("a", 1, Order::kCausal, kView1);
  story.deliver("a", "a", 1, Order::kCausal, kView1);
  const record::Send asked_before = story.make_send("b", 1, Order::kCausal, kView1);
  story.deliver("b", "a", 1, Order::kCausal, kView1).stamp(asked_before).add("b", asked_before);
  story.deliver("b", "b", 1, Order::kCausal, kView1).deliver("a", "b", 1, Order::kCausal, kView1);
  story.deliver("c", "b", 1, Order::kCausal, kView1).deliver("c", "a", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(), "");
}

// Like deliver and send, in a second group of the same members.
Story& in_other_group(Story& story, const std::string& who, Record record) {
  std::visit(
      [](auto& r) {
        if constexpr (requires { r.g; }) r.g = "h";
      },
      record);
  return story.add(who, record);
}

Story two_groups() {
  Story story;
  for (const char* who : {"a", "b", "c"}) {
    story.view(who, kView1, {"a", "b", "c"});
    record::View view = std::get<record::View>(story.client(who).records.back());
    in_other_group(story, who, view);
  }
  story.send("a", 1, Order::kCausal, kView1).deliver("b", "a", 1, Order::kCausal, kView1);
  record::Send answer = story.make_send("b", 1, Order::kCausal, kView1);
  answer.g = "h";
  story.stamp(answer).add("b", answer);
  return story;
}

record::Deliver answer_at(const std::string& who) {
  record::Deliver delivery{
      .p = Story::full(who), .g = "h", .view = kView1, .sender = Story::full("b")};
  delivery.number = 1;
  delivery.order = Order::kCausal;
  delivery.hash = 1;
  delivery.size = 1;
  return delivery;
}

TEST(CausalOrderAcrossGroups, FailsWhereTheOtherGroupIsFaster) {
  Story story = two_groups();
  story.add("c", answer_at("c")).deliver("c", "a", 1, Order::kCausal, kView1);
  EXPECT_EQ(story.violated(/*converged=*/false), "D11");
}

// a sends to one group and then to the other; c delivers the second one first, or alone.
TEST(FifoAcrossGroups, FailsWhereTheOtherGroupIsFaster) {
  for (const bool is_late : {true, false}) {
    for (const Order order : {Order::kFifo, Order::kReliable}) {
      Story story;
      for (const char* who : {"a", "c"}) {
        story.view(who, kView1, {"a", "c"});
        in_other_group(story, who, story.client(who).records.back());
      }
      story.send("a", 1, order, kView1).deliver("a", "a", 1, order, kView1);
      record::Send second = story.make_send("a", 1, order, kView1);
      second.g = "h";
      story.stamp(second).add("a", second);
      record::Deliver delivery = answer_at("c");
      delivery.sender = Story::full("a");
      delivery.order = order;
      story.add("c", delivery);
      if (is_late) story.deliver("c", "a", 1, order, kView1);
      EXPECT_EQ(story.violated(/*converged=*/false), order == Order::kFifo ? "D9" : "");
    }
  }
}

// a sends to one group and b to the other; both are in both.
TEST(TotalOrderAcrossGroups, FailsWhereMembersOfBothSeeTwoOrders) {
  for (const bool is_same : {true, false}) {
    Story story;
    for (const char* who : {"a", "b"}) {
      story.view(who, kView1, {"a", "b"});
      in_other_group(story, who, story.client(who).records.back());
    }
    story.send("a", 1, Order::kTotal, kView1);
    record::Send other = story.make_send("b", 1, Order::kTotal, kView1);
    other.g = "h";
    story.stamp(other).add("b", other);
    const auto deliver_other = [&](const std::string& who) {
      record::Deliver delivery = answer_at(who);
      delivery.order = Order::kTotal;
      story.add(who, delivery);
    };
    story.deliver("a", "a", 1, Order::kTotal, kView1);
    deliver_other("a");
    if (!is_same) deliver_other("b");
    story.deliver("b", "a", 1, Order::kTotal, kView1);
    if (is_same) deliver_other("b");
    EXPECT_EQ(story.violated(), is_same ? "" : "D12");
  }
}

// Three groups of two members each, with one message each: no two members differ.
TEST(TotalOrderAcrossGroups, FailsWhereThreeSeeACircle) {
  for (const bool is_circle : {true, false}) {
    Story story;
    const std::map<std::string, std::vector<std::string>> groups = {
        {"f", {"a", "b"}}, {"g", {"b", "c"}}, {"h", {"c", "a"}}};
    for (const auto& [group, members] : groups) {
      for (const std::string& who : members) {
        Story other;  // of which nothing is known in the other groups
        record::View view = other.make_view(who, kView1, members);
        view.joined = view.members;
        view.g = group;
        story.add(who, view);
      }
      record::Send send = story.make_send(members.front(), 1, Order::kTotal, kView1);
      send.g = group;
      story.stamp(send).add(members.front(), send);
    }
    const auto deliver = [&](const std::string& who, const std::string& group) {
      record::Deliver delivery = answer_at(who);
      delivery.g = group;
      delivery.sender = Story::full(groups.at(group).front());
      delivery.order = Order::kTotal;
      story.add(who, delivery);
    };
    deliver("a", is_circle ? "h" : "f");
    deliver("a", is_circle ? "f" : "h");
    for (const char* group : {"f", "g"}) deliver("b", group);
    for (const char* group : {"g", "h"}) deliver("c", group);
    EXPECT_EQ(story.violated(), is_circle ? "D12" : "");
  }
}

// Who left all groups may have been on another side of a partition when the view of daemons ended.
TEST(TotalOrderAcrossGroups, AsksNothingOfWhoLeftWithoutSayingWhereItCameTo) {
  for (const bool has_left : {true, false}) {
    Story story;
    for (const char* who : {"a", "b"}) {
      story.view(who, kView1, {"a", "b"});
      in_other_group(story, who, story.client(who).records.back());
    }
    story.send("a", 1, Order::kTotal, kView1);
    record::Send other = story.make_send("b", 1, Order::kTotal, kView1);
    other.g = "h";
    story.stamp(other).add("b", other);
    const auto deliver_other = [&](const std::string& who) {
      record::Deliver delivery = answer_at(who);
      delivery.order = Order::kTotal;
      story.add(who, delivery);
    };
    story.deliver("a", "a", 1, Order::kTotal, kView1);
    deliver_other("a");
    deliver_other("b");
    story.deliver("b", "a", 1, Order::kTotal, kView1);
    if (has_left) {
      story.gone("b", "left");
      in_other_group(story, "b", story.client("b").records.back());
    }
    EXPECT_EQ(story.violated(), has_left ? "" : "D12");
  }
}

TEST(CausalOrderAcrossGroups, IsContentWithTheRightOrder) {
  Story story = two_groups();
  story.deliver("c", "a", 1, Order::kCausal, kView1).add("c", answer_at("c"));
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(CausalOrderAcrossGroups, AsksNothingOfWhoIsNotInBoth) {
  Story story = two_groups();
  story.gone("c", "excluded").add("c", answer_at("c"));
  EXPECT_EQ(story.violated(/*converged=*/false), "");
}

TEST(CausalOrderAcrossGroups, IsOwedToWhoIsThrownOutOfOneLater) {
  Story story = two_groups();
  story.add("c", answer_at("c")).gone("c", "excluded");
  EXPECT_EQ(story.violated(/*converged=*/false), "D11");
}

TEST(Integrity, FailsWhereADeliveryComesBeforeItsCauseInTime) {
  // Each of two members has delivered the other's message before it asked for its own.
  Story story;
  story.view(kView1, {"a", "b"});
  story.deliver("a", "b", 1, Order::kFifo, kView1).deliver("b", "a", 1, Order::kFifo, kView1);
  story.send("a", 1, Order::kFifo, kView1).send("b", 1, Order::kFifo, kView1);
  story.deliver("a", "a", 1, Order::kFifo, kView1).deliver("b", "b", 1, Order::kFifo, kView1);
  EXPECT_EQ(story.violated(), "D1");
}

// --- reports -------------------------------------------------------------------------------------

TEST(Verdict, SaysWhatIsWrongWithItsRecords) {
  Story story = two_totals(Order::kTotal);
  story.deliver("b", "b", 1, Order::kTotal, kView1).deliver("b", "a", 1, Order::kTotal, kView1);
  const std::string text = to_text(check(story.run()));
  EXPECT_NE(text.find("D12 violated: "), std::string::npos) << text;
  EXPECT_NE(text.find("    deliver p="), std::string::npos) << text;
  EXPECT_NE(text.find("2 clients"), std::string::npos) << text;
}

TEST(Verdict, IsTheSameForTracesThatWentThroughText) {
  Story story = two_totals(Order::kTotal);
  story.deliver("b", "b", 1, Order::kTotal, kView1).deliver("b", "a", 1, Order::kTotal, kView1);
  verify::Run run = story.run();
  for (Trace& trace : run.traces) {
    trace.records.insert(trace.records.begin(), record::Start{.p = Story::full(trace.header.name)});
  }
  const Verdict before = check(run);
  for (Trace& trace : run.traces) {
    trace = parse_traces(to_text(trace), "").value().traces.front();
  }
  EXPECT_EQ(check(run).violations, before.violations);
}

TEST(Verdict, StopsReportingOnePropertyAfterAWhile) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.add("D6", "again");
  EXPECT_EQ(findings.violations().size(), kViolationsPerProperty);
}

}  // namespace
}  // namespace groupcomm::verify
