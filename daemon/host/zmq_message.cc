#include "daemon/host/zmq_message.h"

#include <memory>
#include <utility>

namespace groupcomm::daemon {
namespace {

constexpr std::size_t kCopiedBytesMax = 1024;

// ZeroMQ takes bytes that may be written; nobody writes to a message that is sent.
void* writable(const std::byte* bytes) {
  return const_cast<void*>(static_cast<const void*>(bytes));  // NOLINT
}

void release(void* /*bytes*/, void* payload) { delete static_cast<Payload*>(payload); }

}  // namespace

Payload to_payload(zmq::message_t message) {
  auto owner = std::make_shared<zmq::message_t>(std::move(message));
  const auto* bytes = static_cast<const std::byte*>(std::as_const(*owner).data());
  const std::size_t size = owner->size();
  return Payload(std::move(owner), bytes, size);
}

zmq::message_t to_message(const Payload& payload) {
  if (payload.size() <= kCopiedBytesMax) return zmq::message_t(payload.data(), payload.size());
  auto share = std::make_unique<Payload>(payload);
  zmq::message_t message(writable(payload.data()), payload.size(), release, share.get());
  static_cast<void>(share.release());
  return message;
}

int descriptor_of(const zmq::message_t& message) {
  return zmq_msg_get(message.handle(), ZMQ_SRCFD);
}

}  // namespace groupcomm::daemon
