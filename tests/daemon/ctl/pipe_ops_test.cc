#include "daemon/ctl/pipe_ops.h"

#include <gtest/gtest.h>

namespace groupcomm::ctl {
namespace {

template <typename T>
T parsed(std::string_view line) {
  auto op = parse_pipe_op(line);
  EXPECT_TRUE(op.ok()) << (op.ok() ? "" : op.error());
  if (!op.ok() || !std::holds_alternative<T>(op.value())) {
    ADD_FAILURE() << "another op: " << line;
    return {};
  }
  return std::get<T>(op.value());
}

std::string error_of(std::string_view line) {
  const auto op = parse_pipe_op(line);
  return op.ok() ? "" : op.error();
}

TEST(PipeOps, ReadsAJoin) {
  const auto op = parsed<JoinOp>(R"({"op":"join","group":"room"})");
  EXPECT_EQ(op.group, "room");
  EXPECT_EQ(op.options, GroupOptions{});
  EXPECT_EQ(op.id, "null");
  const auto full =
      parsed<JoinOp>(R"({"op":"join","group":"room","sync":"flush","uniform":true,"id":[1,"x"]})");
  EXPECT_EQ(full.options, (GroupOptions{.flush = true, .uniform = true}));
  EXPECT_EQ(full.id, R"([1,"x"])");
}

TEST(PipeOps, ReadsASend) {
  const auto op = parsed<SendOp>(
      R"({"op":"send","group":["a","b"],"order":"safe","data":"hi","id":7,"to":"p@d#1",)"
      R"("self_discard":true,"notify_safe":true,"unknown":1})");
  EXPECT_EQ(op.groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(op.order, Order::kSafe);
  EXPECT_EQ(op.payload.text(), "hi");
  EXPECT_EQ(op.to, "p@d#1");
  EXPECT_TRUE(op.self_discard);
  EXPECT_TRUE(op.notify_safe);
  EXPECT_EQ(op.id, "7");
}

TEST(PipeOps, ReadsBytesInBase64) {
  EXPECT_EQ(parsed<SendOp>(R"({"op":"send","group":"g","data_b64":"AP8="})").payload.text(),
            std::string_view("\0\xff", 2));
}

TEST(PipeOps, ReadsTheOthers) {
  EXPECT_EQ(parsed<LeaveOp>(R"({"op":"leave","group":"g","id":"x"})").id, R"("x")");
  EXPECT_EQ(parsed<BlockOkOp>(R"({"op":"block_ok","group":"g"})").group, "g");
  parsed<QuitOp>(R"({"op":"quit"})");
}

TEST(PipeOps, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(error_of("nonsense"), "not JSON: nonsense");
  EXPECT_EQ(error_of("[1]"), "not a JSON object: [1]");
  EXPECT_EQ(error_of("{}"), "\"op\" must be a text");
  EXPECT_EQ(error_of(R"({"op":"dance"})"),
            "unknown op \"dance\": use join, leave, send, block_ok or quit");
  EXPECT_EQ(error_of(R"({"op":"join"})"), "\"group\" must be a text");
  EXPECT_EQ(error_of(R"({"op":"join","group":"g","sync":"no"})"), "\"sync\" must be \"flush\"");
  EXPECT_EQ(error_of(R"({"op":"send","group":"g"})"),
            "\"data\" must be there, or else \"data_b64\"");
  EXPECT_EQ(error_of(R"({"op":"send","group":"g","data":"x","data_b64":"eA=="})"),
            "\"data\" must be there, or else \"data_b64\"");
  EXPECT_EQ(error_of(R"({"op":"send","group":"g","data_b64":"!"})"), "\"data_b64\" must be base64");
  EXPECT_EQ(error_of(R"({"op":"send","group":[],"data":""})"),
            "\"group\" must be a text or a list of texts");
  EXPECT_EQ(error_of(R"({"op":"send","group":["a",1],"data":""})"),
            "\"group\" must be a text or a list of texts");
  EXPECT_EQ(error_of(R"({"op":"send","group":"g","order":"best","data":""})"),
            "\"order\" must be reliable, fifo, causal, total or safe");
  EXPECT_EQ(error_of(R"({"op":"send","group":"g","data":"","self_discard":1})"),
            "\"self_discard\" must be true or false");
}

}  // namespace
}  // namespace groupcomm::ctl
