// Lists of stamped messages: the bulk of what daemons send to one another, so made to be fast.
#pragma once

#include <span>
#include <vector>

#include "groupcomm/protocol/stamped_message.h"
#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {

// The words that write_messages will need: never too few.
std::size_t message_words(std::span<const protocol::MessagePointer> messages);

void write_messages(std::span<const protocol::MessagePointer> messages,
                    schema::MessageList::Builder out);

// The messages lie in one block and share the frame's bytes: any one of them keeps both.
std::vector<protocol::MessagePointer> read_messages(schema::MessageList::Reader in,
                                                    const FrameReader& frame);

}  // namespace groupcomm::wire
