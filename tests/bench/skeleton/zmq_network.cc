// ZeroMQ sockets, one for each connection. A message is a batch of frames.
#include <arpa/inet.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <vector>
#include <zmq.hpp>

#include "tests/bench/skeleton/network.h"
#include "tests/bench/skeleton/sockets.h"

namespace groupcomm::bench {
namespace {

class ZmqLink : public Link {
 public:
  ZmqLink(zmq::context_t& context, int batches_max) : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, batches_max);
    socket_.set(zmq::sockopt::rcvhwm, batches_max);
  }

  zmq::socket_t& socket() { return socket_; }

  bool receive(std::string& frames) override {
    const std::size_t before = frames.size();
    zmq::message_t batch;
    while (frames.size() - before < kGulpBytes &&
           socket_.recv(batch, zmq::recv_flags::dontwait).has_value()) {
      frames.append(batch.data<char>(), batch.size());
    }
    return frames.size() > before;
  }

  void send(std::string_view frames) override {
    unsent_bytes_ += frames.size();
    unsent_.emplace_back(frames.data(), frames.size());
    flush();
  }

  void flush() override {
    while (!unsent_.empty()) {
      const std::size_t size = unsent_.front().size();
      if (!socket_.send(unsent_.front(), zmq::send_flags::dontwait).has_value()) return;
      unsent_.pop_front();
      unsent_bytes_ -= size;
    }
  }

  std::size_t unsent_bytes() const override { return unsent_bytes_; }
  bool is_open() const override { return true; }  // ZeroMQ does not tell

 private:
  zmq::socket_t socket_;
  std::deque<zmq::message_t> unsent_;
  std::size_t unsent_bytes_ = 0;
};

class ZmqEndpoint : public Endpoint {
 public:
  explicit ZmqEndpoint(int batches_max) : batches_max_(batches_max) {}

  zmq::socket_t& add() {
    links_.push_back(std::make_unique<ZmqLink>(context_, batches_max_));
    return links_.back()->socket();
  }

  Link& link(std::size_t index) override { return *links_.at(index); }

  void wait(int timeout_ms) override {
    items_.clear();
    for (const auto& link : links_) {
      short events = link->is_wanted ? ZMQ_POLLIN : short{0};
      if (link->unsent_bytes() > 0) events |= ZMQ_POLLOUT;
      items_.push_back({link->socket().handle(), 0, events, 0});
    }
    zmq::poll(items_, std::chrono::milliseconds(timeout_ms));
    for (std::size_t i = 0; i < links_.size(); ++i) {
      if ((items_[i].revents & ZMQ_POLLOUT) != 0) links_[i]->flush();
      links_[i]->is_readable = (items_[i].revents & ZMQ_POLLIN) != 0;
    }
  }

 private:
  int batches_max_;
  zmq::context_t context_;
  std::vector<std::unique_ptr<ZmqLink>> links_;
  std::vector<zmq::pollitem_t> items_;
};

// The clients' places are files; ZeroMQ comes back where one is not served yet. What the sequencer
// listens on between relays is there from the beginning.
class ZmqNetwork : public Network {
 public:
  ZmqNetwork(int sequencer, std::size_t payload_bytes) : sequencer_(sequencer) {
    // Of large batches fewer are under way: what is kept in memory is bounded.
    constexpr std::size_t kQueuedBytes = 64 * 1024 * 1024;
    batches_max_ = static_cast<int>(
        std::clamp<std::size_t>(kQueuedBytes / std::max(payload_bytes, kGulpBytes / 4), 16, 1000));
    std::string folder = std::filesystem::temp_directory_path() / "skeleton-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    for (int i = 0; i < kNodes; ++i) listeners_.push_back(listen_on_loopback());
  }
  // In the process that made it; the others end without.
  ~ZmqNetwork() override { std::filesystem::remove_all(folder_); }
  ZmqNetwork(const ZmqNetwork&) = delete;
  ZmqNetwork& operator=(const ZmqNetwork&) = delete;

  std::unique_ptr<Endpoint> at_client(int number) override {
    auto endpoint = std::make_unique<ZmqEndpoint>(batches_max_);
    endpoint->add().connect(client_place(number));
    return endpoint;
  }

  std::unique_ptr<Endpoint> at_relay(int number) override {
    auto endpoint = std::make_unique<ZmqEndpoint>(batches_max_);
    endpoint->add().bind(client_place(number));
    for (int i = 0; i < kNodes; ++i) {
      if (i == sequencer_ || number != sequencer_) continue;
      zmq::socket_t& socket = endpoint->add();
      socket.set(zmq::sockopt::use_fd, listener_of(i).socket.get());
      socket.bind(relay_place(i));
    }
    if (number != sequencer_) endpoint->add().connect(relay_place(number));
    return endpoint;
  }

 private:
  std::string client_place(int number) const {
    return "ipc://" + (folder_ / std::to_string(number)).string();
  }
  std::string relay_place(int number) const {
    return "tcp://127.0.0.1:" + std::to_string(ntohs(listener_of(number).address.sin_port));
  }
  // Where the sequencer hears this relay.
  const Listener& listener_of(int number) const {
    return listeners_.at(static_cast<std::size_t>(number));
  }

  int sequencer_;
  int batches_max_ = 0;
  std::filesystem::path folder_;
  std::vector<Listener> listeners_;
};

}  // namespace

std::unique_ptr<Network> make_zmq_network(int sequencer, std::size_t payload_bytes) {
  return std::make_unique<ZmqNetwork>(sequencer, payload_bytes);
}

}  // namespace groupcomm::bench
