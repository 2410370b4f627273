// corosync_bench: the work of `groupcommctl bench` between clients of Corosync (libcpg), each in
// the network namespace of its daemon. Reports as `groupcommctl bench` does.
#include <corosync/cpg.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/uio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <utility>

#include "daemon/ctl/bench_options.h"
#include "daemon/ctl/bench_processes.h"
#include "daemon/ctl/bench_report.h"
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

// A connection to the daemon of this network namespace.
class Connection : public ctl::BenchLink {
 public:
  // What comes out of poll().
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void on_message(std::string_view bytes) = 0;
    // All, in an order that is the same at all of them.
    virtual void on_configuration(const std::vector<std::pair<unsigned, unsigned>>& members) = 0;
  };

  // Tries until the daemon serves, but no longer than this.
  explicit Connection(std::chrono::duration<double> patience) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    cpg_callbacks_t callbacks{};
    callbacks.cpg_deliver_fn = on_deliver;
    callbacks.cpg_confchg_fn = on_confchg;
    while (cpg_initialize(&handle_, &callbacks) != CS_OK) {
      if (std::chrono::steady_clock::now() > give_up)
        throw CommandFailed{"Corosync does not serve"};
      ::poll(nullptr, 0, 50);
    }
    check(cpg_context_set(handle_, this), "cpg_context_set");
    check(cpg_fd_get(handle_, &descriptor_), "cpg_fd_get");
    check(cpg_local_get(handle_, &node_), "cpg_local_get");
  }
  ~Connection() override { cpg_finalize(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Receiver* receiver = nullptr;

  void join(const std::string& group) {
    const cpg_name name = group_name(group);
    cs_error_t error = CS_ERR_TRY_AGAIN;
    for (int i = 0; i < 200 && error == CS_ERR_TRY_AGAIN; ++i) {
      error = cpg_join(handle_, &name);
      if (error == CS_ERR_TRY_AGAIN) ::poll(nullptr, 0, 50);
    }
    check(error, "cpg_join");
  }

  // Agreed delivery, Corosync's only one. False: not now.
  bool multicast(std::string_view bytes) {
    const iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    const cs_error_t error = cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &part, 1);
    if (error == CS_ERR_TRY_AGAIN) return false;
    check(error, "cpg_mcast_joined");
    return true;
  }

  unsigned node() const { return node_; }

  std::string process() const override { return "client@" + std::to_string(node_); }
  bool is_connected() const override { return is_connected_; }

  void poll(std::chrono::milliseconds wait) override {
    if (dispatch() || wait.count() == 0) return;
    pollfd readable{descriptor_, POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(wait.count()));
    if (readable.revents != 0) dispatch();
  }

 private:
  static void check(cs_error_t error, const char* what) {
    if (error != CS_OK) throw CommandFailed{std::string(what) + ": " + cs_strerror(error)};
  }

  static Connection& of(cpg_handle_t handle) {
    void* self = nullptr;
    cpg_context_get(handle, &self);
    return *static_cast<Connection*>(self);
  }

  static void on_deliver(cpg_handle_t handle, const cpg_name* /*group*/, std::uint32_t /*node*/,
                         std::uint32_t /*pid*/, void* bytes, std::size_t size) {
    Connection& self = of(handle);
    self.has_dispatched_ = true;
    self.receiver->on_message({static_cast<const char*>(bytes), size});
  }

  static void on_confchg(cpg_handle_t handle, const cpg_name* /*group*/, const cpg_address* members,
                         std::size_t count, const cpg_address* /*left*/, std::size_t /*left_count*/,
                         const cpg_address* /*joined*/, std::size_t /*joined_count*/) {
    std::vector<std::pair<unsigned, unsigned>> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(members[i].nodeid, members[i].pid);
    std::sort(all.begin(), all.end());
    Connection& self = of(handle);
    self.has_dispatched_ = true;
    self.receiver->on_configuration(all);
  }

  bool dispatch() {
    has_dispatched_ = false;
    const cs_error_t error = cpg_dispatch(handle_, CS_DISPATCH_ALL);
    if (error != CS_OK && error != CS_ERR_TRY_AGAIN) is_connected_ = false;
    return has_dispatched_;
  }

  cpg_handle_t handle_ = 0;
  int descriptor_ = -1;
  unsigned node_ = 0;
  bool is_connected_ = true;
  bool has_dispatched_ = false;
};

class Room : public ctl::BenchRoom, public Connection::Receiver {
 public:
  Room(const ctl::BenchWork& work, Connection& connection)
      : BenchRoom(work, work.group), connection_(connection) {
    connection.receiver = this;
    connection.join(work.group);
  }

  void on_message(std::string_view bytes) override { on_payload(bytes); }

  void on_configuration(const std::vector<std::pair<unsigned, unsigned>>& members) override {
    const auto me = std::find(members.begin(), members.end(),
                              std::pair{connection_.node(), static_cast<unsigned>(::getpid())});
    if (me == members.end()) return fail("this member is not in the group");
    on_members(members.size(), static_cast<std::size_t>(me - members.begin()));
  }

 private:
  bool multicast(std::string_view bytes, Order /*order*/) override {
    return connection_.multicast(bytes);
  }

  Connection& connection_;
};

void enter_namespace(const std::string& name) {
  const daemon::Descriptor place(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!place.valid() || ::setns(place.get(), CLONE_NEWNET) != 0) {
    throw CommandFailed{"the network namespace " + name + " cannot be entered"};
  }
}

ctl::BenchResult run_member(const ctl::BenchWork& work, const std::string& name) {
  try {
    enter_namespace(name);
    Connection connection(std::chrono::duration<double>(work.give_up_seconds));
    std::vector<std::unique_ptr<ctl::BenchRoom>> rooms;
    rooms.push_back(std::make_unique<Room>(work, connection));
    return ctl::run_bench_member(work, connection, rooms);
  } catch (const CommandFailed& failed) {
    return {.failure = failed.message};
  }
}

int run(int argc, char** argv) {
  CLI::App app("The work of groupcommctl bench between clients of Corosync");
  ctl::BenchWork work;
  std::vector<std::string> namespaces;
  bool json = false;
  app.add_option("NAMESPACE", namespaces, "Network namespaces of daemons: a client is in each")
      ->required();
  ctl::add_bench_work(app, work);
  app.add_flag("--json", json, "JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  work.members = static_cast<std::uint16_t>(namespaces.size());
  std::vector<std::function<ctl::BenchResult()>> members;
  for (const std::string& name : namespaces) {
    members.push_back([&] { return run_member(work, name); });
  }
  try {
    const auto report = ctl::bench_report(work, ctl::run_bench_processes(members));
    std::fputs(
        json ? (report.dump() + "\n").c_str() : ctl::bench_table(report, work.latency).c_str(),
        stdout);
    return 0;
  } catch (const CommandFailed& failed) {
    std::fprintf(stderr, "corosync_bench: %s\n", failed.message.c_str());
    return 1;
  }
}

}  // namespace
}  // namespace groupcomm::bench

int main(int argc, char** argv) { return groupcomm::bench::run(argc, argv); }
