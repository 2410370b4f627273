// A client of Corosync (libcpg) in the network namespace of its daemon.
#pragma once

#include <corosync/cpg.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/ctl/bench_member.h"

namespace groupcomm::bench {

// From now on this process is in the network namespace.
void enter_namespace(const std::string& name);

// A connection to the daemon of this network namespace. Belongs to one thread.
class Connection : public ctl::BenchLink {
 public:
  // What comes out of poll().
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void on_message(std::string_view bytes) = 0;
    // All of them as node and process, in an order that is the same at all of them.
    virtual void on_configuration(const std::vector<std::pair<unsigned, unsigned>>& members) = 0;
  };

  // Tries until the daemon serves, but no longer than this.
  explicit Connection(std::chrono::duration<double> patience);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Receiver* receiver = nullptr;

  void join(const std::string& group);
  void leave(const std::string& group);
  // Agreed delivery, Corosync's only one. False: not now.
  bool multicast(std::string_view bytes);

  unsigned node() const { return node_; }
  int descriptor() const { return descriptor_; }

  std::string process() const override { return "client@" + std::to_string(node_); }
  bool is_connected() const override { return is_connected_; }
  void poll(std::chrono::milliseconds wait) override;

 private:
  static void on_deliver(cpg_handle_t handle, const cpg_name* group, std::uint32_t node,
                         std::uint32_t pid, void* bytes, std::size_t size);
  static void on_confchg(cpg_handle_t handle, const cpg_name* group, const cpg_address* members,
                         std::size_t count, const cpg_address* left, std::size_t left_count,
                         const cpg_address* joined, std::size_t joined_count);
  bool dispatch();

  cpg_handle_t handle_ = 0;
  int descriptor_ = -1;
  unsigned node_ = 0;
  bool is_connected_ = true;
  bool has_dispatched_ = false;
};

}  // namespace groupcomm::bench
