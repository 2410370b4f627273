// Frames between a client and its daemon: lists of messages, of which those of one kind are
// written in runs. What both directions have in common.
#pragma once

#include <algorithm>
#include <span>
#include <variant>
#include <vector>

#include "groupcomm/result.h"
#include "groupcomm/wire/runs.h"

namespace groupcomm::wire {

// An element without what it points to.
inline constexpr std::size_t kElementWordsMin = 5;

// What is different in the two directions is said by a struct Direction with these members:
//   Message                    the variant of the messages
//   Streamed                   the one of them that may stand in runs
//   Frame, Element             of the schema: the frame, and an element of its list
//   kFormat                    of the frames
//   kNumber                    the member of Streamed that counts on in a run
//   is_alike(a, b)             two of Streamed differ in their payload and number only
//   words(value)               of any message, besides its element
//   write_one(value, out)      writes any message
//   write_head(streamed, out)  writes all but the payload, and returns what is to have it
//   read_head(in, streamed)    reads all but the payload
//   check_in_run(streamed)     refuses what may not stand in a run
//   read_element(in, into)     appends the message or the run, or nothing and false where the kind
//                              is unknown

// The messages of a frame while it is read.
template <typename Direction>
struct MessagesRead {
  const FrameReader& frame;
  std::size_t count_max;
  std::vector<typename Direction::Message> messages = {};
};

// --- writing -------------------------------------------------------------------------------------

template <typename Direction>
bool may_follow(const typename Direction::Message& before,
                const typename Direction::Message& message) {
  using Streamed = typename Direction::Streamed;
  const auto* a = std::get_if<Streamed>(&before);
  const auto* b = std::get_if<Streamed>(&message);
  return a != nullptr && b != nullptr && may_run(a->payload, b->payload) &&
         b->*Direction::kNumber == (a->*Direction::kNumber).next() && Direction::is_alike(*a, *b);
}

template <typename Direction>
std::size_t words_estimate(std::span<const typename Direction::Message> messages,
                           const std::vector<Run>& runs) {
  constexpr std::size_t kFrameWords = 8;
  std::size_t words = kFrameWords + runs.size() * capnp::sizeInWords<typename Direction::Element>();
  for (const Run& run : runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      words += std::visit([](const auto& value) { return Direction::words(value); },
                          messages[run.first + i]);
    }
    if (run.count > 1) words += words_of(run.count * sizeof(std::uint32_t));
  }
  return words;
}

template <typename Direction>
void write_element(std::span<const typename Direction::Message> run,
                   typename Direction::Element::Builder out) {
  using Streamed = typename Direction::Streamed;
  if (run.size() == 1) {
    return std::visit([&](const auto& value) { Direction::write_one(value, out); }, run.front());
  }
  const auto payload_of = [&](std::size_t i) -> const Payload& {
    return std::get<Streamed>(run[i]).payload;
  };
  write_run(run.size(), payload_of, Direction::write_head(std::get<Streamed>(run.front()), out));
}

template <typename Direction>
Payload encode_messages(std::span<const typename Direction::Message> messages) {
  const std::vector<Run> runs = runs_of(messages, may_follow<Direction>);
  FrameBuilder builder(Direction::kFormat, words_estimate<Direction>(messages, runs));
  auto out = builder.initRoot<typename Direction::Frame>();
  out.setVersion(protocol::kProtocolVersion);
  out.setCount(list_size(messages));
  auto list = out.initMessages(list_size(runs));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    write_element<Direction>(messages.subspan(runs[i].first, runs[i].count), list[i]);
  }
  return builder.finish();
}

// --- reading -------------------------------------------------------------------------------------

template <typename Chunk>
Chunk read_chunk(capnp::Data::Reader in, const FrameReader& frame) {
  if (in.size() != protocol::kChunkBytesMax) bad_frame("a chunk that is not 64 KiB");
  return {frame.payload(in)};
}

// Appends one, or those of a run.
template <typename Direction, typename Reader>
void read_streamed(Reader in, MessagesRead<Direction>& into) {
  using Streamed = typename Direction::Streamed;
  auto& messages = into.messages;
  Streamed& first = std::get<Streamed>(messages.emplace_back(std::in_place_type<Streamed>));
  Direction::read_head(in, first);
  const Sizes sizes = read_sizes(in);
  if (sizes.size() == 0) {
    first.payload = read_payload(in, into.frame);
    return;
  }
  if (messages.size() - 1 + sizes.size() > into.count_max) {
    bad_frame("more messages than are counted");
  }
  Direction::check_in_run(first);
  check_has_next((first.*Direction::kNumber).value);
  Streamed next = std::move(first);
  messages.pop_back();
  read_run(in, sizes, into.frame, [&](Payload payload) {
    Streamed& streamed = std::get<Streamed>(messages.emplace_back(next));
    streamed.payload = std::move(payload);
    ++(next.*Direction::kNumber);
  });
}

template <typename Direction>
Result<std::vector<typename Direction::Message>> decode_messages(const Payload& bytes,
                                                                 std::uint64_t& unknown_kinds) {
  using Messages = std::vector<typename Direction::Message>;
  return decode_guarded<Messages>([&] {
    FrameReader frame(bytes, Direction::kFormat);
    const auto in = frame.root<typename Direction::Frame>();
    if (in.getVersion() == 0) bad_frame("not a frame: no protocol version");
    const auto list = in.getMessages();
    check_share_of_frame(list, frame, kElementWordsMin);
    const std::size_t count = std::max(in.getCount(), list.size());
    check_messages(count, frame);
    MessagesRead<Direction> into{.frame = frame, .count_max = count};
    into.messages.reserve(count);
    for (const auto element : list) {
      if (!Direction::read_element(element, into)) ++unknown_kinds;
    }
    if (into.messages.size() > count) bad_frame("more messages than are counted");
    return std::move(into.messages);
  });
}

}  // namespace groupcomm::wire
