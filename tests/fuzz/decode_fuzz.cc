// Every decoder of the codec, on any bytes: a value or a Failure, and what was decoded is encoded
// and decoded again without a change.
//
// The size and the checksum that stand before a frame are made right first, since else hardly any
// input would get any further.
#include <cstdint>
#include <cstring>
#include <vector>

#include "groupcomm/check.h"
#include "groupcomm/wire/checksum.h"
#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/frame_envelope.h"

namespace groupcomm::fuzz {
namespace {

void repair_prefix(std::vector<std::uint64_t>& words, const wire::FrameFormat& format) {
  const std::size_t prefix = format.prefix_words();
  if (words.size() <= prefix) return;
  std::memcpy(words.data(), format.magic.data(), sizeof words[0]);
  words[prefix - 1] = static_cast<std::uint64_t>(words.size() - prefix) << 32;
  if (!format.has_checksum) return;
  words[1] = wire::checksum(words.data() + prefix - 1, words.size() - prefix + 1);
}

template <typename Decode>
void go_around(const Payload& frame, const Decode& decode) {
  const auto decoded = decode(frame);
  if (!decoded.ok()) return;
  const Payload again = wire::encode(decoded.value());
  const auto decoded_again = decode(again);
  CHECK(decoded_again.ok());
  CHECK(wire::encode(decoded_again.value()).text() == again.text());
}

void run(const std::uint8_t* data, std::size_t size) {
  static constexpr const wire::FrameFormat* kFormats[] = {
      &wire::kPeerFormat, &wire::kRecordFormat, &wire::kToDaemonFormat, &wire::kToClientFormat};
  if (size == 0) return;
  // Without repairs, as it comes from a stranger.
  const Payload raw = Payload::copy_of(std::string_view(reinterpret_cast<const char*>(data), size));
  static_cast<void>(wire::decode_peer_frame(raw));
  static_cast<void>(wire::decode_client_messages(raw));

  const wire::FrameFormat& format = *kFormats[data[0] % 4];
  std::vector<std::uint64_t> words((size - 1) / sizeof(std::uint64_t));
  if (words.empty()) return;
  std::memcpy(words.data(), data + 1, words.size() * sizeof(std::uint64_t));
  repair_prefix(words, format);
  const Payload frame = Payload::copy_of(std::string_view(
      reinterpret_cast<const char*>(words.data()), words.size() * sizeof(std::uint64_t)));
  if (&format == &wire::kPeerFormat) go_around(frame, wire::decode_peer_frame);
  if (&format == &wire::kRecordFormat) go_around(frame, wire::decode_durable_record);
  if (&format == &wire::kToDaemonFormat) {
    go_around(frame, [](const Payload& bytes) { return wire::decode_client_messages(bytes); });
  }
  if (&format == &wire::kToClientFormat) {
    go_around(frame, [](const Payload& bytes) { return wire::decode_daemon_messages(bytes); });
  }
}

}  // namespace
}  // namespace groupcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  groupcomm::fuzz::run(data, size);
  return 0;
}
