#include "daemon/ctl/pipe_trace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/verify/check.h"
#include "daemon/verify/trace_set.h"

namespace groupcomm::ctl {
namespace {

namespace record = verify::record;

// A process that is the only member of its groups.
class PipeTraceTest : public ::testing::Test {
 protected:
  PipeTraceTest() {
    EXPECT_EQ(trace.open(path_, "p"), std::nullopt);
    trace.connected(self);
  }
  ~PipeTraceTest() override { ::unlink(path_.c_str()); }

  static GroupView view(std::uint32_t joins, std::uint64_t place) {
    GroupView view;
    view.id.daemon_view.counter = 1;
    view.id.place = OrderNumber{place};
    view.members = {{self, joins}};
    view.transitional = {self};
    if (place == 1) view.joined = {self};
    return view;
  }
  void send(const std::string& group, std::uint64_t request, std::uint64_t number) {
    trace.accepted(group, RequestId{request}, SendNumber{number},
                   trace.asked({group}, Payload::copy_of("x"), {}));
  }

  // What was written so far.
  verify::Run run() { return verify::read_run({path_}); }
  template <typename T>
  std::vector<T> written() {
    const verify::Run all = run();
    std::vector<T> found;
    for (const verify::Record& record : all.traces.front().records) {
      if (const T* one = std::get_if<T>(&record)) found.push_back(*one);
    }
    return found;
  }
  std::string violated() {
    const verify::Verdict verdict = verify::check(run());
    std::string text;
    for (const auto& violation : verdict.violations) text += violation.property + " ";
    return text;
  }

  static inline const ProcessId self{
      .name = "p", .daemon = "d", .key = {Incarnation{1}, SessionId{1}}};
  PipeTrace trace;

 private:
  const std::string path_ = ::testing::TempDir() + "pipe_trace_test." + std::to_string(::getpid());
};

TEST_F(PipeTraceTest, TellsTheOptionsOfEachMembership) {
  using Options = std::pair<bool, bool>;
  trace.joining(RequestId{1}, {.flush = true});
  trace.view("g", RequestId{1}, view(1, 1));
  trace.view("g", RequestId{1}, view(1, 2));
  trace.joining(RequestId{2}, {.uniform = true});  // already, while the first one ends
  trace.view("g", RequestId{1}, view(1, 3));
  trace.gone("g", RequestId{1}, GoneReason::kLeft);
  trace.view("g", RequestId{2}, view(2, 4));
  trace.joining(RequestId{3}, {});
  trace.view("h", RequestId{3}, view(1, 5));
  std::vector<Options> options;
  for (const auto& view : written<record::View>()) options.emplace_back(view.flush, view.uniform);
  EXPECT_EQ(options,
            (std::vector<Options>{{true, false}, {true, false}, {true, false}, {false, true}, {}}));
}

TEST_F(PipeTraceTest, SaysWhatCameBeforeAnAgreementToHoldBack) {
  trace.view("g", RequestId{1}, view(1, 1));
  trace.block("g");
  send("g", 2, 1);
  trace.block_ok("g", RequestId{3});
  EXPECT_EQ(written<record::BlockOk>().front().request, 3u);
  EXPECT_EQ(violated(), "");
  trace.view("g", RequestId{1}, view(1, 2));
  send("g", 4, 2);
  EXPECT_EQ(violated(), "");
}

TEST_F(PipeTraceTest, TellsTheViewThatWasKnownAtTheRequest) {
  trace.view("g", RequestId{1}, view(1, 1));
  const auto asked = trace.asked({"g", "h"}, Payload::copy_of("x"), {});
  trace.view("g", RequestId{1}, view(1, 2));
  trace.accepted("g", RequestId{2}, SendNumber{1}, asked);
  trace.accepted("h", RequestId{2}, SendNumber{1}, asked);
  std::vector<std::string> known;
  for (const auto& send : written<record::Send>()) known.push_back(send.asked_in);
  EXPECT_EQ(known, (std::vector<std::string>{to_string(view(1, 1).id), ""}));
}

TEST_F(PipeTraceTest, EndsInOrderOnlyWhereAllMembershipsAreOver) {
  trace.view("g", RequestId{1}, view(1, 1));
  trace.exited();
  EXPECT_TRUE(written<record::Exit>().empty());
  trace.gone("g", RequestId{1}, GoneReason::kLeft);
  trace.exited();
  EXPECT_EQ(written<record::Exit>().size(), 1u);
}

TEST_F(PipeTraceTest, ShowsASendThatWasAcceptedInSpiteOfTheAgreement) {
  trace.view("g", RequestId{1}, view(1, 1));
  trace.block("g");
  trace.block_ok("g", RequestId{2});
  send("g", 3, 1);
  EXPECT_EQ(violated(), "D8 ");
}

}  // namespace
}  // namespace groupcomm::ctl
