#include "groupcomm/client.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "groupcomm/client_state.h"

namespace groupcomm {

std::string default_socket_path() {
  constexpr const char* kFile = "/groupcomm/groupcommd.sock";
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (std::string path = variable("GROUPCOMM_SOCKET"); !path.empty()) return path;
  if (geteuid() == 0) return std::string("/run") + kFile;
  const std::string directory = variable("XDG_RUNTIME_DIR");
  return directory.empty() ? "" : directory + kFile;
}

// --- Client --------------------------------------------------------------------------------------

Client::Client(std::shared_ptr<ClientState> state) : state_(std::move(state)) {}

Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    if (state_ != nullptr) state_->close();
    state_ = std::move(other.state_);
  }
  return *this;
}

Client::~Client() {
  if (state_ != nullptr) state_->close();
}

Client Client::connect(const ClientOptions& options) {
  const std::string why = why_bad_name(options.name);
  if (!why.empty()) {
    throw Error("bad process name \"" + options.name + "\": " + why, RejectReason::kBadName);
  }
  Client client(std::make_shared<ClientState>(options));
  client.state_->connect();
  return client;
}

Group Client::join(std::string_view group, GroupListener& listener, GroupOptions options) {
  return state_->join(group, listener, options);
}

Queued Client::multicast(const std::vector<std::string>& groups, Payload payload,
                         const SendOptions& options) {
  return state_->multicast(groups, std::move(payload), options);
}

Queued Client::multicast_within(std::chrono::milliseconds time,
                                const std::vector<std::string>& groups, Payload payload,
                                const SendOptions& options) {
  return state_->multicast_within(time, groups, payload, options);
}

RequestId Client::bootstrap(const std::vector<std::string>& without) {
  return state_->bootstrap(without);
}
RequestId Client::query_status() { return state_->query_status(); }

RequestId Client::query_groups() { return state_->query_groups(); }

RequestId Client::watch(const std::vector<std::string>& groups) { return state_->watch(groups); }

std::size_t Client::poll(std::chrono::milliseconds timeout) { return state_->poll(timeout); }

int Client::descriptor() const { return state_->descriptor(); }

void Client::run() { state_->run(); }

void Client::stop() { state_->stop(); }

void Client::start_thread() { state_->start_thread(); }

bool Client::connected() const { return state_->connected(); }

std::optional<ProcessId> Client::process() const { return state_->process(); }

void Client::close() { state_->close(); }

Client::Batch::Batch(Client& client) : state_(client.state_) { state_->begin_batch(); }

Client::Batch::~Batch() { state_->end_batch(); }

// --- Group ---------------------------------------------------------------------------------------

Group::Group(std::shared_ptr<ClientState> client, std::string name, RequestId join_request)
    : client_(std::move(client)), names_({std::move(name)}), join_request_(join_request) {}

Queued Group::multicast(std::string_view text, Order order) const {
  return client_->multicast(names_, Payload::copy_of(text), {.order = order});
}

Queued Group::multicast(Payload payload, const SendOptions& options) const {
  return client_->multicast(names_, std::move(payload), options);
}

Queued Group::multicast_within(std::chrono::milliseconds time, Payload payload,
                               const SendOptions& options) const {
  return client_->multicast_within(time, names_, payload, options);
}

Queued Group::send_to(const ProcessId& member, std::string_view text, Order order) const {
  return client_->multicast(names_, Payload::copy_of(text), {.order = order, .to = member});
}

Queued Group::leave() const { return client_->leave(name()); }

Queued Group::block_ok() const { return client_->block_ok(name()); }

std::shared_ptr<const GroupView> Group::view() const { return client_->view(name()); }

}  // namespace groupcomm
