// Raw sockets with epoll: the least that the kernel lets one do.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "tests/bench/skeleton/frame.h"
#include "tests/bench/skeleton/network.h"
#include "tests/bench/skeleton/sockets.h"

namespace groupcomm::bench {
namespace {

class SocketLink : public Link {
 public:
  explicit SocketLink(Descriptor socket) : socket_(std::move(socket)), input_(kGulpBytes) {}

  int descriptor() const { return socket_.get(); }

  bool receive(std::string& frames) override {
    const ssize_t n =
        ::recv(socket_.get(), input_.data() + used_, input_.size() - used_, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) is_open_ = is_wanted = false;
    if (n <= 0) return false;
    used_ += static_cast<std::size_t>(n);
    const std::size_t whole = whole_bytes();
    frames.append(input_.data(), whole);
    used_ -= whole;
    std::memmove(input_.data(), input_.data() + whole, used_);
    return whole > 0;
  }

  void send(std::string_view frames) override {
    flush();
    if (unsent_.empty()) frames.remove_prefix(send_now(frames));
    unsent_.append(frames);
  }

  void flush() override {
    if (!unsent_.empty()) unsent_.erase(0, send_now(unsent_));
  }

  std::size_t unsent_bytes() const override { return unsent_.size(); }
  bool is_open() const override { return is_open_; }

  std::uint32_t events_wanted() const {
    std::uint32_t events = 0;
    if (is_wanted) events |= EPOLLIN;
    if (!unsent_.empty()) events |= EPOLLOUT;
    return events;
  }
  std::uint32_t events_registered = 0;

 private:
  // Makes room where the first frame needs more than there is.
  std::size_t whole_bytes() {
    std::size_t whole = 0;
    while (used_ - whole >= sizeof(FrameHead)) {
      const std::size_t bytes = frame_bytes(head_at(input_.data() + whole));
      if (bytes > input_.size()) input_.resize(bytes);
      if (used_ - whole < bytes) break;
      whole += bytes;
    }
    return whole;
  }

  std::size_t send_now(std::string_view bytes) {
    const ssize_t n =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      is_open_ = is_wanted = false;
      return bytes.size();
    }
    return static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }

  Descriptor socket_;
  std::vector<char> input_;
  std::size_t used_ = 0;
  std::string unsent_;
  bool is_open_ = true;
};

class SocketEndpoint : public Endpoint {
 public:
  explicit SocketEndpoint(std::vector<Descriptor> sockets)
      : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    for (Descriptor& socket : sockets) {
      links_.push_back(std::make_unique<SocketLink>(std::move(socket)));
      epoll_event none{};
      checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, links_.back()->descriptor(), &none),
              "epoll_ctl");
    }
  }

  Link& link(std::size_t index) override { return *links_.at(index); }

  void wait(int timeout_ms) override {
    for (std::size_t i = 0; i < links_.size(); ++i) set_interest(i);
    epoll_event events[kNodes];
    const int count = ::epoll_wait(epoll_.get(), events, kNodes, timeout_ms);
    for (const auto& link : links_) link->is_readable = false;
    for (int i = 0; i < count; ++i) {
      SocketLink& link = *links_[events[i].data.u64];
      if ((events[i].events & EPOLLOUT) != 0) link.flush();
      link.is_readable = link.is_wanted && (events[i].events & ~EPOLLOUT) != 0;
    }
  }

 private:
  void set_interest(std::size_t index) {
    SocketLink& link = *links_[index];
    epoll_event wanted{.events = link.events_wanted(), .data = {.u64 = index}};
    if (wanted.events == link.events_registered) return;
    // One that nobody waits for would still report that it was hung up.
    if (!link.is_open()) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link.descriptor(), nullptr);
    } else {
      checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, link.descriptor(), &wanted), "epoll_ctl");
    }
    link.events_registered = wanted.events;
  }

  Descriptor epoll_;
  std::vector<std::unique_ptr<SocketLink>> links_;
};

// The two ends of a connection.
struct Pair {
  Descriptor near;
  Descriptor far;
};

Pair unix_pair() {
  int ends[2];
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Pair tcp_pair() {
  const Listener listener = listen_on_loopback();
  const auto* const address = reinterpret_cast<const sockaddr*>(&listener.address);
  Pair pair{tcp_socket(), {}};
  checked(::connect(pair.near.get(), address, sizeof listener.address), "connect");
  pair.far = Descriptor(
      checked(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
  const int on = 1;
  for (const Descriptor* end : {&pair.near, &pair.far}) {
    checked(::setsockopt(end->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  }
  return pair;
}

class SocketNetwork : public Network {
 public:
  explicit SocketNetwork(int sequencer) : sequencer_(sequencer) {
    for (int i = 0; i < kNodes; ++i) {
      to_relay_.push_back(unix_pair());
      to_sequencer_.push_back(i == sequencer ? Pair{} : tcp_pair());
    }
  }

  std::unique_ptr<Endpoint> at_client(int number) override {
    std::vector<Descriptor> own;
    own.push_back(std::move(to_relay_.at(static_cast<std::size_t>(number)).near));
    return only(std::move(own));
  }

  std::unique_ptr<Endpoint> at_relay(int number) override {
    const auto index = static_cast<std::size_t>(number);
    std::vector<Descriptor> own;
    own.push_back(std::move(to_relay_.at(index).far));
    if (number == sequencer_) {
      for (Pair& pair : to_sequencer_) {
        if (pair.far.valid()) own.push_back(std::move(pair.far));
      }
    } else {
      own.push_back(std::move(to_sequencer_.at(index).near));
    }
    return only(std::move(own));
  }

 private:
  // What belongs to other processes is closed here, so that the end of one is noticed.
  std::unique_ptr<Endpoint> only(std::vector<Descriptor> own) {
    to_relay_.clear();
    to_sequencer_.clear();
    return std::make_unique<SocketEndpoint>(std::move(own));
  }

  int sequencer_;
  std::vector<Pair> to_relay_;      // near: at the client
  std::vector<Pair> to_sequencer_;  // near: at the relay
};

}  // namespace

std::unique_ptr<Network> make_socket_network(int sequencer) {
  return std::make_unique<SocketNetwork>(sequencer);
}

}  // namespace groupcomm::bench
