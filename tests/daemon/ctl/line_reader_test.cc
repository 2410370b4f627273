#include "daemon/ctl/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace groupcomm::ctl {
namespace {

// Both ends of a pipe(2).
class LineReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_), 0); }
  ~LineReaderTest() override {
    end_input();
    close(ends_[0]);
  }
  void type(const std::string& text) {
    ASSERT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  int input() const { return ends_[0]; }
  static std::vector<std::string> lines(LineReader& reader) {
    std::vector<std::string> all;
    while (const auto line = reader.next_line()) all.emplace_back(*line);
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST_F(LineReaderTest, GivesWholeLinesOnly) {
  LineReader reader(input());
  type("one\ntwo\nthr");
  reader.read_some();
  EXPECT_EQ(lines(reader), (std::vector<std::string>{"one", "two"}));
  type("ee\n\nfour\r\n");
  reader.read_some();
  EXPECT_EQ(lines(reader), (std::vector<std::string>{"three", "", "four"}));
  EXPECT_FALSE(reader.at_end());
}

TEST_F(LineReaderTest, GivesTheLastLineWithoutALineFeed) {
  LineReader reader(input());
  type("one\ntwo");
  reader.read_some();
  end_input();
  reader.read_some();
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(lines(reader), (std::vector<std::string>{"one", "two"}));
}

TEST_F(LineReaderTest, CutsALineThatIsTooLong) {
  LineReader reader(input(), 4);
  type("123456");
  reader.read_some();
  EXPECT_EQ(lines(reader), std::vector<std::string>{"1234"});
  type("789012345");
  reader.read_some();
  EXPECT_EQ(lines(reader), std::vector<std::string>{});
  type("0\nok\n");
  reader.read_some();
  EXPECT_EQ(lines(reader), std::vector<std::string>{"ok"});
}

}  // namespace
}  // namespace groupcomm::ctl
