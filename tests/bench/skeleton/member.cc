#include "tests/bench/skeleton/member.h"

#include <algorithm>

#include "tests/bench/skeleton/frame.h"

namespace groupcomm::bench {
namespace {

class Connection : public ctl::BenchLink {
 public:
  // Called with the frames that came.
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void on_frames(const std::string& frames) = 0;
  };

  Connection(int number, std::size_t payload_bytes, Endpoint& endpoint)
      : number_(number),
        waiting_bytes_max_(std::max(kGulpBytes, 2 * payload_bytes)),
        endpoint_(endpoint),
        link_(endpoint.link(0)) {}

  Receiver* receiver = nullptr;

  // False: too much waits to leave.
  bool send(std::string_view payload) {
    if (collected_.size() + link_.unsent_bytes() > waiting_bytes_max_) return false;
    append_frame(collected_, payload);
    if (!is_in_burst_) send_collected();
    return true;
  }

  std::string process() const override { return "client@" + std::to_string(number_ + 1); }
  bool is_connected() const override { return link_.is_open(); }

  void poll(std::chrono::milliseconds wait) override {
    if (take_in()) return;
    endpoint_.wait(static_cast<int>(wait.count()));
    if (link_.is_readable) take_in();
  }

  void begin_burst() override { is_in_burst_ = true; }
  void end_burst() override {
    is_in_burst_ = false;
    send_collected();
  }

 private:
  void send_collected() {
    if (collected_.empty()) return;
    link_.send(collected_);
    collected_.clear();
  }

  bool take_in() {
    frames_.clear();
    if (!link_.receive(frames_)) return false;
    receiver->on_frames(frames_);
    return true;
  }

  int number_;
  std::size_t waiting_bytes_max_;
  Endpoint& endpoint_;
  Link& link_;
  std::string collected_;
  std::string frames_;
  bool is_in_burst_ = false;
};

class Room : public ctl::BenchRoom, public Connection::Receiver {
 public:
  Room(const ctl::BenchWork& work, int number, Connection& connection)
      : BenchRoom(work, "skeleton"), connection_(connection) {
    connection.receiver = this;
    on_members(kNodes, static_cast<std::size_t>(number));
  }

  void on_frames(const std::string& frames) override {
    for_each_frame(frames, [&](const char* frame, const FrameHead& head) {
      if (head.number != ++last_number_) fail("a gap in the total order");
      on_payload({frame + sizeof head, head.payload_bytes});
    });
  }

 private:
  bool multicast(std::string_view bytes, Order /*order*/) override {
    return connection_.send(bytes);
  }

  Connection& connection_;
  std::uint32_t last_number_ = 0;
};

}  // namespace

ctl::BenchResult run_member(const ctl::BenchWork& work, int number, Endpoint& endpoint) {
  Connection connection(number, work.size, endpoint);
  std::vector<std::unique_ptr<ctl::BenchRoom>> rooms;
  rooms.push_back(std::make_unique<Room>(work, number, connection));
  return ctl::run_bench_member(work, connection, rooms);
}

}  // namespace groupcomm::bench
