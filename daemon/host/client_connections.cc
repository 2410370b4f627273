#include "daemon/host/client_connections.h"

#include <algorithm>
#include <utility>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

void ClientConnections::on_accepted(int descriptor) { open_descriptors_.insert(descriptor); }

void ClientConnections::on_disconnected(int descriptor) {
  open_descriptors_.erase(descriptor);
  const auto it = by_descriptor_.find(descriptor);
  if (it == by_descriptor_.end()) return;
  const ClientConnection& connection = *it->second;
  by_descriptor_.erase(it);
  end(connection);
}

ClientConnection& ClientConnections::open(std::string routing_id, int descriptor, pid_t process,
                                          SessionId session) {
  auto [it, inserted] = by_routing_id_.try_emplace(routing_id);
  CHECK(inserted);
  ClientConnection& connection = it->second;
  connection.routing_id = std::move(routing_id);
  connection.descriptor = descriptor;
  connection.process = process;
  connection.session = session;
  by_session_[connection.session] = &connection;
  if (descriptor < 0) return connection;

  if (open_descriptors_.count(descriptor) == 0) {
    end(connection);
    return connection;
  }
  ClientConnection*& owner = by_descriptor_[descriptor];
  if (owner == nullptr) {
    owner = &connection;
  } else if (owner->routing_id < connection.routing_id) {
    end(*std::exchange(owner, &connection));
  } else {
    end(connection);
  }
  return connection;
}

ClientConnection* ClientConnections::find(std::string_view routing_id) {
  const auto it = by_routing_id_.find(routing_id);
  return it == by_routing_id_.end() ? nullptr : &it->second;
}

ClientConnection* ClientConnections::find(SessionId session) {
  const auto it = by_session_.find(session);
  return it == by_session_.end() ? nullptr : it->second;
}

void ClientConnections::close(ClientConnection& connection) {
  by_session_.erase(connection.session);
  connection.session = SessionId{};
}

void ClientConnections::close_all() {
  for (auto& [routing_id, connection] : by_routing_id_) connection.session = SessionId{};
  by_session_.clear();
}

void ClientConnections::end(const ClientConnection& connection) {
  const auto is_it = [&](const std::string& id) { return id == connection.routing_id; };
  if (std::none_of(ending_.begin(), ending_.end(), is_it)) {
    ending_.push_back(connection.routing_id);
  }
}

void ClientConnections::mark_drained() {
  ended_.insert(ended_.end(), ending_.begin(), ending_.end());
  ending_.clear();
}

std::vector<SessionId> ClientConnections::take_ended() {
  std::vector<SessionId> sessions;
  for (const std::string& routing_id : std::exchange(ended_, {})) {
    const auto it = by_routing_id_.find(routing_id);
    if (it == by_routing_id_.end()) continue;
    ClientConnection& connection = it->second;
    if (connection.session) sessions.push_back(connection.session);
    close(connection);
    if (owns_descriptor(connection)) by_descriptor_.erase(connection.descriptor);
    by_routing_id_.erase(it);
  }
  return sessions;
}

bool ClientConnections::owns_descriptor(const ClientConnection& connection) const {
  const auto it = by_descriptor_.find(connection.descriptor);
  return it != by_descriptor_.end() && it->second == &connection;
}

}  // namespace groupcomm::daemon
