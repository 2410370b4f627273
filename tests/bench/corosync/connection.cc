#include "tests/bench/corosync/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/uio.h>

#include <algorithm>

#include "daemon/ctl/commands.h"
#include "daemon/host/descriptor.h"

namespace groupcomm::bench {
namespace {

using ctl::CommandFailed;

cpg_name group_name(const std::string& text) {
  cpg_name name{};
  name.length = static_cast<std::uint32_t>(std::min(text.size(), sizeof name.value));
  std::copy_n(text.begin(), name.length, name.value);
  return name;
}

void check(cs_error_t error, const char* what) {
  if (error != CS_OK) throw CommandFailed{std::string(what) + ": " + cs_strerror(error)};
}

// While the daemon has no time for it, as often as that takes, but not for ever.
template <typename Call>
void insist(Call call, const char* what) {
  cs_error_t error = CS_ERR_TRY_AGAIN;
  for (int i = 0; i < 200 && error == CS_ERR_TRY_AGAIN; ++i) {
    error = call();
    if (error == CS_ERR_TRY_AGAIN) ::poll(nullptr, 0, 50);
  }
  check(error, what);
}

Connection& of(cpg_handle_t handle) {
  void* self = nullptr;
  cpg_context_get(handle, &self);
  return *static_cast<Connection*>(self);
}

}  // namespace

void enter_namespace(const std::string& name) {
  const daemon::Descriptor place(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!place.valid() || ::setns(place.get(), CLONE_NEWNET) != 0) {
    throw CommandFailed{"the network namespace " + name + " cannot be entered"};
  }
}

Connection::Connection(std::chrono::duration<double> patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  cpg_callbacks_t callbacks{};
  callbacks.cpg_deliver_fn = on_deliver;
  callbacks.cpg_confchg_fn = on_confchg;
  while (cpg_initialize(&handle_, &callbacks) != CS_OK) {
    if (std::chrono::steady_clock::now() > give_up) throw CommandFailed{"Corosync does not serve"};
    ::poll(nullptr, 0, 50);
  }
  check(cpg_context_set(handle_, this), "cpg_context_set");
  check(cpg_fd_get(handle_, &descriptor_), "cpg_fd_get");
  check(cpg_local_get(handle_, &node_), "cpg_local_get");
}

Connection::~Connection() { cpg_finalize(handle_); }

void Connection::join(const std::string& group) {
  const cpg_name name = group_name(group);
  insist([&] { return cpg_join(handle_, &name); }, "cpg_join");
}

void Connection::leave(const std::string& group) {
  const cpg_name name = group_name(group);
  insist([&] { return cpg_leave(handle_, &name); }, "cpg_leave");
}

bool Connection::multicast(std::string_view bytes) {
  const iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  const cs_error_t error = cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &part, 1);
  if (error == CS_ERR_TRY_AGAIN) return false;
  check(error, "cpg_mcast_joined");
  return true;
}

void Connection::poll(std::chrono::milliseconds wait) {
  if (dispatch() || wait.count() == 0) return;
  pollfd readable{descriptor_, POLLIN, 0};
  ::poll(&readable, 1, static_cast<int>(wait.count()));
  if (readable.revents != 0) dispatch();
}

void Connection::on_deliver(cpg_handle_t handle, const cpg_name* /*group*/, std::uint32_t /*node*/,
                            std::uint32_t /*pid*/, void* bytes, std::size_t size) {
  Connection& self = of(handle);
  self.has_dispatched_ = true;
  self.receiver->on_message({static_cast<const char*>(bytes), size});
}

void Connection::on_confchg(cpg_handle_t handle, const cpg_name* /*group*/,
                            const cpg_address* members, std::size_t count,
                            const cpg_address* /*left*/, std::size_t /*left_count*/,
                            const cpg_address* /*joined*/, std::size_t /*joined_count*/) {
  std::vector<std::pair<unsigned, unsigned>> all;
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(members[i].nodeid, members[i].pid);
  std::sort(all.begin(), all.end());
  Connection& self = of(handle);
  self.has_dispatched_ = true;
  self.receiver->on_configuration(all);
}

bool Connection::dispatch() {
  has_dispatched_ = false;
  const cs_error_t error = cpg_dispatch(handle_, CS_DISPATCH_ALL);
  if (error != CS_OK && error != CS_ERR_TRY_AGAIN) is_connected_ = false;
  return has_dispatched_;
}

}  // namespace groupcomm::bench
