#include "groupcomm/wire/frame_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

#include "groupcomm/wire/codec.h"

namespace groupcomm::wire {
namespace {

class FrameStream : public testing::Test {
 protected:
  FrameStream() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_), 0);
  }
  ~FrameStream() override {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }

  void hang_up() {
    close(ends_[0]);
    ends_[0] = -1;
  }
  void send_bytes(std::string_view bytes) {
    ASSERT_EQ(write(ends_[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  static std::string size_of(std::uint64_t bytes) {
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  }
  // All that can be taken, and whether the other side has hung up.
  std::vector<std::string> take_all() {
    std::vector<std::string> frames;
    while (const auto frame = input_.take().value()) frames.emplace_back(frame->text());
    return frames;
  }
  std::vector<std::string> read_all() {
    std::vector<std::string> frames = take_all();
    for (;;) {
      outcome_ = input_.read_from(ends_[1]);
      for (auto& frame : take_all()) frames.push_back(std::move(frame));
      if (outcome_ != FrameInput::Outcome::kMore) return frames;
    }
  }
  using Texts = std::vector<std::string>;

  int ends_[2] = {-1, -1};
  FrameOutput output_;
  FrameInput input_;
  FrameInput::Outcome outcome_ = FrameInput::Outcome::kMore;
};

TEST_F(FrameStream, CarriesFramesOfAllSizes) {
  const Texts texts = {"a", "", std::string(100, 'b'), std::string(40'000, 'c'), "d"};
  for (const auto& text : texts) output_.add(Payload::copy_of(text));
  ASSERT_TRUE(output_.write_to(ends_[0]));
  EXPECT_TRUE(output_.empty());
  EXPECT_EQ(read_all(), texts);
  EXPECT_EQ(outcome_, FrameInput::Outcome::kEmpty);
}

TEST_F(FrameStream, CarriesMoreThanTheSocketTakesAtOnce) {
  Texts texts;
  for (std::size_t i = 0; i < 100; ++i) {
    texts.push_back(std::string(1 + i * 997 % 90'000, static_cast<char>('a' + i % 26)));
    output_.add(Payload::copy_of(texts.back()));
  }
  texts.push_back(std::string(3u << 20, 'z'));
  output_.add(Payload::copy_of(texts.back()));
  Texts got;
  int writes = 0;
  for (; !output_.empty(); ++writes) {
    ASSERT_TRUE(output_.write_to(ends_[0]));
    for (auto& text : read_all()) got.push_back(std::move(text));
  }
  EXPECT_EQ(got, texts);
  EXPECT_LT(10, writes);
}

TEST_F(FrameStream, WaitsForTheRestOfAFrameThatComesByteByByte) {
  const std::string bytes = size_of(3) + "abc" + size_of(1) + "d";
  Texts got;
  for (const char byte : bytes) {
    send_bytes(std::string_view(&byte, 1));
    for (auto& text : read_all()) got.push_back(std::move(text));
  }
  EXPECT_EQ(got, (Texts{"abc", "d"}));
  EXPECT_FALSE(input_.has_frame());
}

TEST_F(FrameStream, AKeptFrameStaysAsItWas) {
  std::vector<Payload> kept;
  for (int i = 0; i < 1000; ++i) {
    output_.add(Payload::copy_of(std::string(500, static_cast<char>('a' + i % 26))));
    ASSERT_TRUE(output_.write_to(ends_[0]));
    ASSERT_NE(input_.read_from(ends_[1]), FrameInput::Outcome::kEnd);
    while (auto frame = input_.take().value()) kept.push_back(std::move(*frame));
  }
  ASSERT_EQ(kept.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(kept[static_cast<std::size_t>(i)].text(),
              std::string(500, static_cast<char>('a' + i % 26)));
  }
}

TEST_F(FrameStream, ASmallFrameKeepsNoBuffer) {
  output_.add(Payload::copy_of("small"));
  output_.add(Payload::copy_of(std::string(2000, 'x')));
  ASSERT_TRUE(output_.write_to(ends_[0]));
  ASSERT_EQ(input_.read_from(ends_[1]), FrameInput::Outcome::kEmpty);
  const Payload small = input_.take().value().value();
  const Payload large = input_.take().value().value();
  EXPECT_EQ(small.text(), "small");
  constexpr std::ptrdiff_t kDistance = 5 + 8;  // in the buffer: its bytes, and the next one's size
  EXPECT_NE(large.data() - small.data(), kDistance);
}

TEST_F(FrameStream, FramesOfWholeWordsBeginAtWholeWords) {
  for (const std::size_t bytes : {8u, 64u, 70'000u, 16u}) {
    output_.add(Payload::copy_of(std::string(bytes, 'x')));
  }
  ASSERT_TRUE(output_.write_to(ends_[0]));
  int frames = 0;
  while (input_.read_from(ends_[1]) != FrameInput::Outcome::kEnd && frames < 4) {
    while (const auto frame = input_.take().value()) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame->data()) % 8, 0u);
      ++frames;
    }
  }
  EXPECT_EQ(frames, 4);
}

TEST_F(FrameStream, TakesTheLargestFrame) {
  send_bytes(size_of(kFrameBytesMax));
  EXPECT_EQ(input_.read_from(ends_[1]), FrameInput::Outcome::kEmpty);
  EXPECT_EQ(input_.take().value(), std::nullopt);
}

TEST_F(FrameStream, RefusesALargerOne) {
  send_bytes(size_of(kFrameBytesMax + 1));
  EXPECT_EQ(input_.read_from(ends_[1]), FrameInput::Outcome::kEmpty);
  EXPECT_TRUE(input_.has_frame());
  EXPECT_EQ(input_.take().error(), "a frame of 16777217 bytes, of at most 16777216");
}

TEST_F(FrameStream, WhatCameBeforeTheEndIsReadFirst) {
  output_.add(Payload::copy_of("last words"));
  ASSERT_TRUE(output_.write_to(ends_[0]));
  hang_up();
  EXPECT_EQ(read_all(), (Texts{"last words"}));
  EXPECT_EQ(input_.read_from(ends_[1]), FrameInput::Outcome::kEnd);
}

TEST_F(FrameStream, SaysThatNobodyReadsAnyMore) {
  close(ends_[1]);
  ends_[1] = -1;
  output_.add(Payload::copy_of("for nobody"));
  EXPECT_FALSE(output_.write_to(ends_[0]));
}

}  // namespace
}  // namespace groupcomm::wire
