// Who may take how many of the descriptors that the process has: the bound that ZeroMQ lacks.
//
// ZeroMQ ends the process where it finds no descriptor for a client's connection, and where it
// finds none for a peer's it tries again without a pause. So this file's source defines accept4()
// for the whole process: a connection whose descriptor is beyond its kind's share is closed at
// once. The kernel gives the lowest descriptor that is free, so that a number tells how many are in
// use.
//
// What stands here may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace groupcomm::daemon {

// Each kind may have descriptors below its number.
struct DescriptorShares {
  int served;   // connections of clients that are served
  int clients;  // and of those that are told why they are not
  int peers;    // and of peers
  // All others are for files, and for connections that the daemon opens itself.
};

// For a process that may have so many descriptors.
DescriptorShares shares_of(std::uint64_t limit, std::size_t peers);

// From now on. Before this was called everybody may have all.
void set_descriptor_shares(const DescriptorShares& shares);
DescriptorShares descriptor_shares();

// How many connections were closed because they were beyond their share.
std::uint64_t connections_turned_away();

}  // namespace groupcomm::daemon
