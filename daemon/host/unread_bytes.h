// How much each connection has sent that has not been read yet: the bound that ZeroMQ lacks.
//
// ZeroMQ bounds the size of a part of a message, and how many messages wait; but a message may have
// any number of parts, and they wait for the last one without being counted. So bytes are counted
// where ZeroMQ gets them from the kernel: this file's source defines recv() for the whole process.
// A connection that has sent more beyond what was read of it than the bound allows is ended: what
// recv() then returns means that its peer has hung up.
//
// Counts are kept by descriptor. A connection whose descriptor another one had before begins at
// zero. What stands here may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace groupcomm::daemon {

// The bound, for all connections: more than any honest sender has under way. There is none before
// this was called.
void set_unread_bytes_max(std::uint64_t bytes);

// One part of a message that came from this descriptor was taken from ZeroMQ.
void on_part_read(int descriptor, std::size_t part_bytes);

// How many connections were ended.
std::uint64_t overfull_connections();

}  // namespace groupcomm::daemon
