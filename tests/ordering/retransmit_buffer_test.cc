#include "ordering/retransmit_buffer.h"

#include <gtest/gtest.h>

#include <memory>

namespace groupcomm::ordering {
namespace {

constexpr MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }

protocol::MessagePointer message(std::uint64_t value) {
  auto made = std::make_shared<protocol::StampedMessage>();
  made->number = number(value);
  return made;
}

// Which numbers of [0, 10) are found.
std::vector<std::uint64_t> found_in(const RetransmitBuffer& buffer) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t value = 0; value < 10; ++value) {
    const Retained* entry = buffer.find(number(value));
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->message->number, number(value));
    found.push_back(value);
  }
  return found;
}

RetransmitBuffer buffer_of(std::initializer_list<std::uint64_t> numbers) {
  RetransmitBuffer buffer;
  for (const std::uint64_t value : numbers) buffer.put(number(value), message(value));
  return buffer;
}

TEST(RetransmitBuffer, FindsWhatWasPutInAnyOrder) {
  const RetransmitBuffer buffer = buffer_of({4, 1, 2});
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{1, 2, 4}));
  EXPECT_EQ(buffer.first(), number(1));
  EXPECT_EQ(buffer.end(), number(5));
}

TEST(RetransmitBuffer, ReleasesFromTheFront) {
  RetransmitBuffer buffer = buffer_of({1, 2, 3});
  EXPECT_FALSE(buffer.is_released(number(1)));
  EXPECT_EQ(buffer.front().message->number, number(1));
  buffer.release_front();
  buffer.release_front();
  EXPECT_TRUE(buffer.is_released(number(2)));
  EXPECT_FALSE(buffer.is_released(number(3)));
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(buffer.first(), number(3));
  buffer.release_front();
  EXPECT_TRUE(buffer.empty());
  buffer.put(number(4), message(4));
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{4}));
}

TEST(RetransmitBuffer, ForgetsWhatIsBeyondACut) {
  RetransmitBuffer buffer = buffer_of({1, 2, 3, 5});
  buffer.truncate_after(number(7));
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{1, 2, 3, 5}));
  buffer.truncate_after(number(2));
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(buffer.end(), number(3));
  buffer.put(number(3), message(3));
  EXPECT_EQ(found_in(buffer), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(RetransmitBuffer, ForgetsAllWhereTheCutWasReleased) {
  RetransmitBuffer buffer = buffer_of({1, 2, 3});
  buffer.release_front();
  buffer.release_front();
  buffer.truncate_after(number(1));
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.end(), number(3));
}

TEST(RetransmitBufferDeathTest, TakesNoMessageTwiceNorAReleasedOne) {
  RetransmitBuffer buffer = buffer_of({1, 2});
  EXPECT_DEATH(buffer.put(number(2), message(2)), "CHECK failed");
  buffer.release_front();
  EXPECT_DEATH(buffer.put(number(1), message(1)), "CHECK failed");
}

}  // namespace
}  // namespace groupcomm::ordering
