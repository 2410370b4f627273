// Which connection of the clients' socket is which session, and which are over. Holds no socket.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/host/descriptor.h"
#include "groupcomm/number.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// One client connection. ZeroMQ knows it by its routing id, its monitor by its descriptor, and the
// core by its session.
struct ClientConnection {
  std::string routing_id;
  SessionId session;          // 0: the core knows it no more, and its frames are dropped
  int descriptor = -1;        // of ZeroMQ's; -1 where unknown
  pid_t process = 0;          // 0 where unknown
  Descriptor process_handle;  // a pidfd
  TimePoint cut_by = TimePoint::never();  // then the connection is shut down, if it still is there
};

// ZeroMQ's monitor tells of an accepted or ended connection by its descriptor only, and the kernel
// uses descriptors again. Three rules keep generations apart:
// - the caller passes on all that the monitor has before it opens a session;
// - a session whose descriptor is not open by then has ended already;
// - of two sessions on one descriptor the elder has ended (routing ids are counted upwards).
class ClientConnections {
 public:
  // --- what the monitor says
  void on_accepted(int descriptor);
  void on_disconnected(int descriptor);

  // A first frame came. REQUIRES: find(routing_id) is nullptr, and the session is a new one.
  ClientConnection& open(std::string routing_id, int descriptor, pid_t process, SessionId session);

  ClientConnection* find(std::string_view routing_id);
  ClientConnection* find(SessionId session);

  // The core is to know it no more; the connection stays known until it ends.
  void close(ClientConnection& connection);
  // The same for all (a new incarnation of the daemon).
  void close_all();

  // The connection is over: it will be in take_ended() after the next mark_drained().
  void end(const ClientConnection& connection);

  // Everything that connections sent before they ended has been read by now.
  void mark_drained();
  // True where ended connections wait for mark_drained().
  bool has_undrained() const { return !ending_.empty(); }
  // Forgets the connections that are over. Returns the sessions among them that the core knows.
  std::vector<SessionId> take_ended();

  // Whether this connection still owns its descriptor, as far as the monitor's words tell.
  bool owns_descriptor(const ClientConnection& connection) const;

  std::size_t session_count() const { return by_session_.size(); }
  std::map<std::string, ClientConnection, std::less<>>& all() { return by_routing_id_; }

 private:
  std::map<std::string, ClientConnection, std::less<>> by_routing_id_;  // eldest first
  std::map<SessionId, ClientConnection*> by_session_;
  std::map<int, ClientConnection*> by_descriptor_;
  std::set<int> open_descriptors_;
  std::vector<std::string> ending_;  // routing ids
  std::vector<std::string> ended_;   // of which everything has been read
};

}  // namespace groupcomm::daemon
