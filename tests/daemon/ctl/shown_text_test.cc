#include "daemon/ctl/shown_text.h"

#include <gtest/gtest.h>

namespace groupcomm::ctl {
namespace {

TEST(ShownText, LeavesTextAlone) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("a\tb ~"), "a\tb ~");
  EXPECT_EQ(shown("grüße, 10 €, \xf0\x9f\x98\x80"), "grüße, 10 €, \xf0\x9f\x98\x80");
}

TEST(ShownText, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(shown("\x1b[2J\x07\x7f"), "\\x1b[2J\\x07\\x7f");
  EXPECT_EQ(shown(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J\xc2\xa0"),
            "\\xc2\\x9b2J\xc2\xa0");
}

TEST(ShownText, LetsNobodyPretendToBeAnotherLine) {
  EXPECT_EQ(shown("hi\r\n* bob@n1 left"), "hi\\x0d\\x0a* bob@n1 left");
}

TEST(ShownText, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(shown("a\x9b\xff\xc3"), "a\\x9b\\xff\\xc3");
  EXPECT_EQ(shown("\xc0\x9b"), "\\xc0\\x9b");
}

}  // namespace
}  // namespace groupcomm::ctl
