#include "daemon/ctl/json_text.h"

#include <gtest/gtest.h>

namespace groupcomm::ctl {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string encoded(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(JsonText, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(quoted("a\"b\\c\n\t\x01\x7f"), R"("a\"b\\c\n\t\u0001\u007f")");
  EXPECT_EQ(quoted("grüße"), "\"grüße\"");
}

TEST(JsonText, KnowsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << encoded(bad);
  }
}

TEST(JsonText, Base64GoesThereAndBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encoded(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
}

TEST(JsonText, RefusesBadBase64) {
  for (const char* bad :
       {"Z", "Zg=", "Zg", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Zm9\n", "====", "Zm=v"}) {
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
  }
}

TEST(JsonText, BuildsObjectsInTheOrderOfTheirFields) {
  std::string out;
  JsonObject(out).add("b", "x").add_number("a", 7).add_bool("c", true).add_json("d", "[1]");
  EXPECT_EQ(out, R"({"b":"x","a":7,"c":true,"d":[1]})");
}

TEST(JsonText, WritesLargeNumbersAsTexts) {
  std::string out;
  JsonObject(out).add_number("exact", 9007199254740992u).add_number("large", 9007199254740993u);
  EXPECT_EQ(out, R"({"exact":9007199254740992,"large":"9007199254740993"})");
}

TEST(JsonText, WritesBytesThatAreNoTextInBase64) {
  std::string text;
  JsonObject(text).add_data("hello");
  EXPECT_EQ(text, R"({"data":"hello"})");
  std::string bytes;
  JsonObject(bytes).add_data("\xff\xfe");
  EXPECT_EQ(bytes, R"({"data_b64":"//4="})");
}

}  // namespace
}  // namespace groupcomm::ctl
