// What the connections of a skeleton carry: (head, payload)*, each payload as long as its head
// says.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace groupcomm::bench {

// In the byte order of the host: all processes are on one.
struct FrameHead {
  std::uint32_t payload_bytes = 0;
  std::uint32_t number = 0;  // in the total order, from 1; 0 on the way to the sequencer
};
static_assert(sizeof(FrameHead) == 8);

inline FrameHead head_at(const char* frame) {
  FrameHead head;
  std::memcpy(&head, frame, sizeof head);
  return head;
}

inline std::size_t frame_bytes(const FrameHead& head) { return sizeof head + head.payload_bytes; }

inline void append_frame(std::string& frames, std::string_view payload) {
  const FrameHead head{.payload_bytes = static_cast<std::uint32_t>(payload.size())};
  char bytes[sizeof head];
  std::memcpy(bytes, &head, sizeof head);
  frames.append(bytes, sizeof bytes);
  frames.append(payload);
}

// Calls on_frame(frame, head) for each of the frames, all of which are whole.
template <typename Bytes, typename OnFrame>
void for_each_frame(Bytes& frames, OnFrame on_frame) {
  for (std::size_t at = 0; at < frames.size();) {
    const FrameHead head = head_at(frames.data() + at);
    on_frame(frames.data() + at, head);
    at += frame_bytes(head);
  }
}

}  // namespace groupcomm::bench
