#include "daemon/ctl/bench_client.h"

#include <memory>
#include <optional>

#include "groupcomm/client.h"

namespace groupcomm::ctl {
namespace {

class ClientLink : public BenchLink {
 public:
  explicit ClientLink(const std::string& socket)
      : client_(Client::connect({.name = "bench", .socket = socket, .reconnect = false})) {}

  Client& client() { return client_; }

  std::string process() const override {
    return to_string(client_.process().value_or(ProcessId{}));
  }
  bool is_connected() const override { return client_.connected(); }
  void poll(std::chrono::milliseconds wait) override { client_.poll(wait); }
  void begin_burst() override { batch_.emplace(client_); }
  void end_burst() override { batch_.reset(); }

 private:
  Client client_;
  std::optional<Client::Batch> batch_;
};

class ClientRoom : public BenchRoom, public GroupListener {
 public:
  ClientRoom(const BenchWork& work, Client& client, const std::string& name)
      : BenchRoom(work, name), group_(client.join(name, *this)) {}

  void on_view(Group& /*group*/, const GroupView& view) override {
    on_members(view.members.size(), view.my_rank);
  }
  void on_message(Group& /*group*/, const Message& message) override {
    on_payload(message.payload.text());
  }
  void on_rejected(Group& /*group*/, RequestId /*request*/, RejectReason reason) override {
    fail("rejected: " + to_string(reason));
  }
  void on_send_failed(Group& /*group*/, SendNumber /*number*/) override { fail("a send failed"); }
  void on_suspended(Group& /*group*/) override { fail("there is no quorum of daemons"); }
  void on_gone(Group& /*group*/, GoneReason reason) override {
    fail("the membership ended: " + to_string(reason));
  }

 private:
  bool multicast(std::string_view bytes, Order order) override {
    const Queued queued = group_.multicast(Payload::copy_of(bytes), {.order = order});
    if (queued.ok()) return true;
    if (*queued.refused != RejectReason::kWouldBlock) {
      fail("refused: " + to_string(*queued.refused));
    }
    return false;
  }

  Group group_;
};

}  // namespace

BenchResult run_bench_client(const BenchWork& work, const std::string& socket, std::uint32_t number,
                             std::uint32_t clients) {
  ClientLink link(socket);
  std::vector<std::unique_ptr<BenchRoom>> rooms;
  for (std::uint32_t i = number; i < work.groups; i += clients) {
    const std::string name = work.groups == 1 ? work.group : work.group + std::to_string(i);
    rooms.push_back(std::make_unique<ClientRoom>(work, link.client(), name));
  }
  return run_bench_member(work, link, rooms);
}

}  // namespace groupcomm::ctl
