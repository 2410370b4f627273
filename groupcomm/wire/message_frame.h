// Frames between a client and its daemon: lists of messages, of which those of one kind may be
// runs. What both directions have in common.
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
//   Streamed                   the one of them that may be a run
//   Frame, Element             of the schema: the frame, and an element of its list
//   kFormat                    of the frames
//   kNumber                    the member of Streamed that counts on in a run
//   words(value)               of any message, besides its element
//   write_one(value, out)      writes any message
//   read_head(in, streamed)    reads all but the payloads
//   check_in_run(streamed)     refuses what may not be a run
//   read_element(in, into)     appends the message, or nothing and false where the kind is unknown

// The messages of a frame while it is read.
template <typename Direction>
struct MessagesRead {
  const FrameReader& frame;
  std::size_t count_max;
  std::size_t count = 0;  // all runs counted in full
  std::vector<typename Direction::Message> messages = {};
};

// --- writing -------------------------------------------------------------------------------------

// The payload of the i-th message of a run.
template <typename Streamed>
auto payloads_of(const Streamed& first) {
  return [&first](std::size_t i) -> const Payload& {
    return i == 0 ? first.payload : first.run[i - 1];
  };
}

template <typename Streamed>
std::size_t payload_words(const Streamed& first) {
  if (first.run.empty()) return words_of(first.payload.size());
  return run_words(1 + first.run.size(), payloads_of(first));
}

// Writes one or a run behind its head.
template <typename Streamed, typename Builder>
void write_payloads(const Streamed& first, Builder out) {
  if (!first.run.empty()) {
    write_run(1 + first.run.size(), payloads_of(first), out);
  } else if (!first.payload.empty()) {
    out.setPayload(to_wire(first.payload));
  }
}

template <typename Direction>
Payload encode_messages(std::span<const typename Direction::Message> messages) {
  constexpr std::size_t kFrameWords = 8;
  std::size_t count = messages.size();
  std::size_t words = kFrameWords + count * capnp::sizeInWords<typename Direction::Element>();
  for (const auto& message : messages) {
    words += std::visit([](const auto& value) { return Direction::words(value); }, message);
    const auto* streamed = std::get_if<typename Direction::Streamed>(&message);
    if (streamed != nullptr) count += streamed->run.size();
  }
  FrameBuilder builder(Direction::kFormat, words);
  auto out = builder.initRoot<typename Direction::Frame>();
  out.setVersion(protocol::kProtocolVersion);
  out.setCount(static_cast<std::uint32_t>(count));
  auto list = out.initMessages(list_size(messages));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    std::visit([&](const auto& value) { Direction::write_one(value, list[i]); }, messages[i]);
  }
  return builder.finish();
}

// --- reading -------------------------------------------------------------------------------------

template <typename Chunk>
Chunk read_chunk(capnp::Data::Reader in, const FrameReader& frame) {
  if (in.size() != protocol::kChunkBytesMax) bad_frame("a chunk that is not 64 KiB");
  return {frame.payload(in)};
}

// Appends one, or a run.
template <typename Direction, typename Reader>
void read_streamed(Reader in, MessagesRead<Direction>& into) {
  using Streamed = typename Direction::Streamed;
  Streamed& first = std::get<Streamed>(into.messages.emplace_back(std::in_place_type<Streamed>));
  Direction::read_head(in, first);
  const Sizes sizes = read_sizes(in);
  if (sizes.size() == 0) {
    first.payload = read_payload(in, into.frame);
    return;
  }
  into.count += sizes.size() - 1;
  if (into.count >= into.count_max) bad_frame("more messages than are counted");
  Direction::check_in_run(first);
  check_has_next((first.*Direction::kNumber).value);
  first.run.reserve(sizes.size() - 1);
  bool is_first = true;
  read_run(in, sizes, into.frame, [&](Payload payload) {
    if (std::exchange(is_first, false)) {
      first.payload = std::move(payload);
    } else {
      first.run.push_back(std::move(payload));
    }
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
    into.messages.reserve(list.size());
    for (const auto element : list) {
      if (!Direction::read_element(element, into)) ++unknown_kinds;
      if (++into.count > count) bad_frame("more messages than are counted");
    }
    return std::move(into.messages);
  });
}

}  // namespace groupcomm::wire
