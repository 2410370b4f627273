// Messages for the tests of ordering/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "groupcomm/protocol/stamped_message.h"

namespace groupcomm::ordering {

constexpr MessageNumber number(std::uint64_t value) { return MessageNumber{value}; }
constexpr OrderNumber place(std::uint64_t value) { return OrderNumber{value}; }

using References = std::vector<protocol::MessageReference>;

inline protocol::MessageReference reference(Rank sender, std::uint64_t value) {
  return {sender, number(value)};
}

inline protocol::VectorTime vector_time(const std::vector<std::uint64_t>& entries) {
  protocol::VectorTime time;
  for (const std::uint64_t entry : entries) time.push_back(CausalNumber{entry});
  return time;
}

// A stamped message, field by field; what is left out is 0.
class MessageBuilder {
 public:
  MessageBuilder(std::uint64_t value, Order order) {
    message_->number = number(value);
    message_->order = order;
    message_->session = SessionId{1};
    message_->destination.group = GroupKey{1};
    message_->payload = Payload::copy_of(std::to_string(value));
  }

  MessageBuilder& kind(protocol::MessageKind kind) {
    message_->kind = kind;
    return *this;
  }
  MessageBuilder& stamp(std::uint64_t value) {
    message_->stamp = LamportStamp{value};
    return *this;
  }
  // The causal number and what was delivered before, by rank.
  MessageBuilder& causal(std::uint64_t value, const std::vector<std::uint64_t>& context) {
    message_->causal_number = CausalNumber{value};
    message_->context = std::make_shared<const protocol::VectorTime>(vector_time(context));
    return *this;
  }
  // Its vector time is the other's, as that of neighbours in a stream.
  MessageBuilder& context_of(const protocol::StampedMessage& other) {
    message_->context = other.context;
    return *this;
  }
  MessageBuilder& predecessor(std::uint64_t value) {
    message_->predecessor = number(value);
    return *this;
  }
  MessageBuilder& after(std::uint64_t value) {
    message_->after = number(value);
    return *this;
  }
  MessageBuilder& session(std::uint64_t value) {
    message_->session = SessionId{value};
    return *this;
  }
  MessageBuilder& to_group(std::uint64_t group, std::uint64_t epoch) {
    message_->destination = {.group = GroupKey{group}, .epoch = Epoch{epoch}, .number = {}};
    return *this;
  }
  MessageBuilder& and_group(std::uint64_t group, std::uint64_t epoch) {
    message_->more_destinations.push_back(
        {.group = GroupKey{group}, .epoch = Epoch{epoch}, .number = {}});
    return *this;
  }
  MessageBuilder& uniform() {
    message_->uniform = true;
    return *this;
  }
  MessageBuilder& chunks(std::uint32_t count) {
    message_->chunks = count;
    return *this;
  }
  MessageBuilder& closes(std::uint64_t value) {
    message_->closes = place(value);
    return *this;
  }
  MessageBuilder& text(const std::string& text) {
    message_->payload = Payload::copy_of(text);
    return *this;
  }

  operator protocol::MessagePointer() const { return message_; }
  const protocol::StampedMessage& operator*() const { return *message_; }

 private:
  std::shared_ptr<protocol::StampedMessage> message_ = std::make_shared<protocol::StampedMessage>();
};

inline MessageBuilder message(std::uint64_t value, Order order) {
  return MessageBuilder(value, order);
}

}  // namespace groupcomm::ordering
