// Neighbours of a list that are written as one (groupcomm.capnp, Runs).
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/runs.h"
#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {

using protocol::kRunMessagesMax;
using protocol::kRunPayloadMin;
using protocol::may_run;

inline constexpr std::size_t kFrameMessagesMax = 16384;
// Of a message in a run: its payload and size.
inline constexpr std::size_t kRunMessageBytesMin = 20;

constexpr std::size_t padded(std::size_t bytes) { return words_of(bytes) * sizeof(std::uint64_t); }

// An element of a list of messages; most are runs of one.
struct Run {
  std::size_t first = 0;
  std::size_t count = 1;
};

// The elements that `messages` become, where follows(a, b) says that b may stand behind a in one
// run. It is asked of neighbours, one after another.
template <typename Messages, typename Follows>
std::vector<Run> runs_of(const Messages& messages, Follows follows) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool goes_on =
        i > 0 && runs.back().count < kRunMessagesMax && follows(messages[i - 1], messages[i]);
    if (goes_on) {
      ++runs.back().count;
    } else {
      runs.push_back({.first = i});
    }
  }
  return runs;
}

// Words of a run's sizes and payloads, where payload_of(i) is that of its i-th message.
template <typename PayloadOf>
std::size_t run_words(std::size_t count, PayloadOf&& payload_of) {
  std::size_t words = words_of(count * sizeof(std::uint32_t));
  for (std::size_t i = 0; i < count; ++i) words += words_of(payload_of(i).size());
  return words;
}

template <typename PayloadOf, typename Builder>
void write_run(std::size_t count, PayloadOf&& payload_of, Builder out) {
  auto sizes = out.initSizes(static_cast<capnp::uint>(count));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = payload_of(i).size();
    sizes.set(static_cast<capnp::uint>(i), static_cast<std::uint32_t>(size));
    bytes += padded(size);
  }
  kj::byte* end = out.initPayload(static_cast<capnp::uint>(bytes)).begin();
  for (std::size_t i = 0; i < count; ++i) {
    const Payload& payload = payload_of(i);
    std::memcpy(end, payload.data(), payload.size());
    end += padded(payload.size());
  }
}

using Sizes = capnp::List<std::uint32_t>::Reader;

// Of an element's payloads; none where it is no run. To be called once: what is read twice is
// refused.
template <typename Reader>
Sizes read_sizes(Reader in) {
  if (!in.hasSizes()) return {};
  const Sizes sizes = in.getSizes();
  if (sizes.size() < 2 || sizes.size() > kRunMessagesMax) {
    bad_frame("a run of too few or too many messages");
  }
  return sizes;
}

// There may be so many messages in the frame.
inline void check_messages(std::size_t count, const FrameReader& frame) {
  const std::size_t fit = frame.words() * sizeof(std::uint64_t) / kRunMessageBytesMin;
  if (count > std::min(fit, kFrameMessagesMax)) bad_frame("too many messages in one frame");
}

// A number that a run counts on from.
inline void check_has_next(std::uint64_t number) {
  if (number > ~std::uint64_t{0} - kRunMessagesMax) bad_frame("a run without next numbers");
}

// Of one message that is no run.
template <typename Reader>
Payload read_payload(Reader in, const FrameReader& frame) {
  Payload payload = frame.payload(in.getPayload());
  if (payload.size() > protocol::kChunkBytesMax) bad_frame("a payload of more than 64 KiB");
  return payload;
}

// Calls f(payload) for each message of a run, in their order.
template <typename Reader, typename F>
void read_run(Reader in, const Sizes& sizes, const FrameReader& frame, F&& f) {
  const Payload all = frame.payload(in.getPayload());
  std::size_t begin = 0;
  for (const std::uint32_t size : sizes) {
    if (size > protocol::kChunkBytesMax) bad_frame("a payload of more than 64 KiB");
    if (size < kRunPayloadMin) bad_frame("a run with a payload of less than 9 bytes");
    if (padded(size) > all.size() - begin) bad_frame("a run without all its payloads");
    f(all.slice(begin, size));
    begin += padded(size);
  }
  if (begin != all.size()) bad_frame("a run with more bytes than its messages have");
}

}  // namespace groupcomm::wire
