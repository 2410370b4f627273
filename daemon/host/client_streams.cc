#include "daemon/host/client_streams.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/host/descriptor_shares.h"
#include "groupcomm/check.h"

namespace groupcomm::daemon {
namespace {

// Clients that may connect before the first of them is let in. One more is told to try again. The
// kernel's own limit (net.core.somaxconn) holds besides.
constexpr int kWaitingClientsMax = 4096;
// Of those in one round.
constexpr int kAcceptedMax = 64;
// Until more are tried where none of so many could be let in.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
// What the kernel may hold for a client, as far as it lets us.
constexpr int kSendBufferBytes = 1 << 20;
// A client that has connected has this time for its Hello.
constexpr Duration kHelloTime = std::chrono::seconds(2);
// The time that a client has to read everything up to the last frame, which says why its session is
// over, and to hang up by itself.
constexpr Duration kGoodbyeTime = std::chrono::seconds(30);

// Tags of the descriptors: what a connection's number is followed by.
constexpr std::uint64_t kListenerTag = 0;
constexpr std::uint64_t socket_tag(std::uint64_t number) { return 2 * number; }
constexpr std::uint64_t process_tag(std::uint64_t number) { return 2 * number + 1; }
constexpr std::uint64_t number_of(std::uint64_t tag) { return tag / 2; }

using Tags = std::vector<std::uint64_t>;

bool has_input(int descriptor) {
  pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, 0) == 1;
}

std::string why(const std::string& what) { return what + ": " + std::strerror(errno); }

}  // namespace

Result<std::unique_ptr<ClientTransport>> ClientStreams::open(const std::string& path,
                                                             ClientGate& gate) {
  const std::string file = wire::stream_path(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK_LT(file.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, file.c_str(), file.size());
  unlink(file.c_str());
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.valid()) return Failure{why("no socket")};
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  if (bind(listener.get(), name, sizeof address) != 0 || chmod(file.c_str(), 0666) != 0 ||
      listen(listener.get(), kWaitingClientsMax) != 0) {
    return Failure{why("cannot serve " + file)};
  }
  return std::unique_ptr<ClientTransport>(new ClientStreams(std::move(listener), file, gate));
}

ClientStreams::ClientStreams(Descriptor listener, std::string file, ClientGate& gate)
    : listener_(std::move(listener)), file_(std::move(file)), gate_(gate) {
  readiness_.add(listener_.get(), kListenerTag);
}

ClientStreams::~ClientStreams() {
  const auto due = std::chrono::steady_clock::now() + linger_;
  for (;;) {
    std::vector<pollfd> waiting;
    for (auto& [number, connection] : connections_) {
      const int descriptor = connection.descriptor.get();
      if (!connection.output.write_to(descriptor)) connection.output = {};
      if (connection.output.empty()) continue;
      waiting.push_back({.fd = descriptor, .events = POLLOUT, .revents = 0});
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    if (waiting.empty() || left <= std::chrono::milliseconds(0)) break;
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
  }
  unlink(file_.c_str());
}

// --- what happens at the descriptors -------------------------------------------------------------

void ClientStreams::poll(TimePoint now) {
  polled_at_ = now;
  // A round goes to its end before the next one begins.
  if (reading_ || !ready_.empty()) return;
  if (accept_again_at_ <= now) {
    readiness_.add(listener_.get(), kListenerTag);
    accept_again_at_ = TimePoint::never();
  }
  const bool may_have_more = std::exchange(is_ready_, false);
  for (const std::uint64_t tag : may_have_more ? readiness_.poll() : Tags()) {
    if (tag == kListenerTag) {
      accept_clients();
      continue;
    }
    Connection* connection = find(number_of(tag));
    if (connection == nullptr) continue;
    // What it sent before is there by now. A child of it that holds the connection may send no
    // more.
    if (tag == process_tag(connection->number)) connection->process_has_ended = true;
    const bool is_noted = !ready_.empty() && ready_.back() == connection->number;
    if (!is_noted) ready_.push_back(connection->number);
  }
  cut_overdue();
}

void ClientStreams::accept_clients() {
  bool has_accepted = false;
  for (int i = 0; i < kAcceptedMax; ++i) {
    Descriptor descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (descriptor.valid()) {
      accept_client(std::move(descriptor));
      has_accepted = true;
    } else if (errno == EAGAIN) {
      return;
    }
  }
  if (has_accepted) return;
  // Where there is no descriptor at all, the listener stays ready.
  readiness_.remove(listener_.get());
  accept_again_at_ = polled_at_ + kAcceptPause;
}

void ClientStreams::accept_client(Descriptor descriptor) {
  Connection& connection = connections_[++last_number_];
  connection.number = last_number_;
  connection.descriptor = std::move(descriptor);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int number = connection.descriptor.get();
  CHECK_EQ(getsockopt(number, SOL_SOCKET, SO_PEERCRED, &credentials, &size), 0);
  connection.process = credentials.pid;
  connection.user = credentials.uid;
  setsockopt(number, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  readiness_.add(number, socket_tag(connection.number));
  auto handle = gate_.watch(connection.process);
  connection.process_has_ended = !handle.has_value();
  if (handle) connection.process_handle = std::move(*handle);
  if (connection.process_handle.valid()) {
    readiness_.add(connection.process_handle.get(), process_tag(connection.number));
  }
  cut_at(connection, polled_at_ + kHelloTime);
}

void ClientStreams::cut_at(Connection& connection, TimePoint time) {
  connection.cut_by = time;
  next_cut_ = std::min(next_cut_, time);
}

void ClientStreams::cut_overdue() {
  if (next_cut_ > polled_at_) return;
  next_cut_ = TimePoint::never();
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = (it++)->second;
    const bool is_due = connection.cut_by <= polled_at_;
    // It may be this process that stood still, and the Hello may be there.
    if (is_due && (connection.is_over || !has_input(connection.descriptor.get()))) {
      end(connection);
    } else {
      next_cut_ = std::min(next_cut_, connection.cut_by);
    }
  }
}

// --- input ---------------------------------------------------------------------------------------

std::optional<Event> ClientStreams::take_event() {
  while (reading_ || begin_reading()) {
    if (auto event = read_on()) return event;
  }
  return std::nullopt;
}

bool ClientStreams::begin_reading() {
  while (!ready_.empty()) {
    Connection* connection = find(ready_.front());
    ready_.pop_front();
    if (connection == nullptr) continue;
    if (connection->watches_output) write_on(*connection);
    using Outcome = wire::FrameInput::Outcome;
    const Outcome outcome = connection->input.read_from(connection->descriptor.get());
    const bool is_last = outcome == Outcome::kEnd || (connection->process_has_ended &&
                                                      !has_input(connection->descriptor.get()));
    reading_ = Reading{connection->number, is_last};
    return true;
  }
  return false;
}

std::optional<Event> ClientStreams::read_on() {
  Connection* connection = find(reading_->number);
  if (connection == nullptr) {
    reading_.reset();
    return std::nullopt;
  }
  auto frame = connection->input.take();
  if (frame.ok() && frame.value()) {
    if (!connection->input.has_frame() && !reading_->is_last) reading_.reset();
    return interpret(*connection, *frame.value());
  }
  const bool is_last = std::exchange(reading_, std::nullopt)->is_last;
  if (frame.ok()) return is_last ? end(*connection) : std::nullopt;
  gate_.note_bad(connection->process, frame.error());
  return end(*connection);
}

std::optional<Event> ClientStreams::interpret(Connection& connection, const Payload& frame) {
  if (connection.is_over) return std::nullopt;
  const bool is_first = !connection.session;
  auto messages = gate_.read(frame, is_first);
  if (!messages.ok()) {
    gate_.note_bad(connection.process, messages.error());
    return end(connection);
  }
  if (is_first) {
    if (connection.descriptor.get() >= descriptor_shares().served) {
      connection.output.add(gate_.turn_away());
      write_on(connection);
      finish(connection, polled_at_);
      return std::nullopt;
    }
    connection.session = gate_.begin_session();
    connection.cut_by = TimePoint::never();
    by_session_[connection.session] = connection.number;
  }
  const bool from_operator =
      ClientGate::has_operators_word(messages.value()) && ClientGate::is_operator(connection.user);
  return ClientFrame{connection.session, std::move(messages).value(), from_operator};
}

std::optional<Event> ClientStreams::end(Connection& connection) {
  const SessionId session = connection.session;
  readiness_.remove(connection.descriptor.get());
  if (connection.process_handle.valid()) readiness_.remove(connection.process_handle.get());
  by_session_.erase(session);
  connections_.erase(connection.number);
  if (!session) return std::nullopt;
  return ClientLost{session};
}

// --- output --------------------------------------------------------------------------------------

bool ClientStreams::send(SessionId session, const Payload& frame) {
  Connection* connection = find(session);
  if (connection == nullptr) return false;
  gate_.count_sent(frame);
  connection->output.add(frame);
  // Where something waits already, the socket takes no more.
  if (!connection->watches_output) write_on(*connection);
  return true;
}

void ClientStreams::write_on(Connection& connection) {
  // Where the connection is broken, what the client said last is still to be read, and the end
  // behind it tells.
  if (!connection.output.write_to(connection.descriptor.get())) {
    connection.output = {};
    shutdown(connection.descriptor.get(), SHUT_RDWR);
  }
  const bool waits = !connection.output.empty();
  if (waits == connection.watches_output) return;
  connection.watches_output = waits;
  readiness_.change(connection.descriptor.get(), socket_tag(connection.number),
                    waits ? Readiness::Interest::kBoth : Readiness::Interest::kRead);
}

bool ClientStreams::close(SessionId session, TimePoint now) {
  Connection* connection = find(session);
  if (connection == nullptr) return false;
  finish(*connection, now);
  return true;
}

void ClientStreams::finish(Connection& connection, TimePoint now) {
  by_session_.erase(connection.session);
  connection.session = SessionId{};
  connection.is_over = true;
  cut_at(connection, now + kGoodbyeTime);
}

void ClientStreams::close_all(TimePoint now) {
  for (auto& [number, connection] : connections_) {
    if (connection.session) finish(connection, now);
  }
}

// --- finding -------------------------------------------------------------------------------------

ClientStreams::Connection* ClientStreams::find(std::uint64_t number) {
  const auto it = connections_.find(number);
  return it == connections_.end() ? nullptr : &it->second;
}

ClientStreams::Connection* ClientStreams::find(SessionId session) {
  const auto it = by_session_.find(session);
  return it == by_session_.end() ? nullptr : find(it->second);
}

}  // namespace groupcomm::daemon
