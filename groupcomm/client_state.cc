#include "groupcomm/client_state.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"
#include "groupcomm/zeromq_socket.h"

namespace groupcomm {
namespace {

using std::chrono::milliseconds;

// A batch leaves at this size though more may come.
constexpr std::uint64_t kFlushBytes = 64u << 10;
// And has at most so many messages; the codec takes four times as many.
constexpr std::size_t kFlushMessagesMax = 4096;
// One round of poll reads at most about so much before it runs callbacks.
constexpr std::uint64_t kReadBytesMax = 1u << 20;
// Pauses between attempts to connect again: doubled from the first to the last.
constexpr milliseconds kReconnectPauseFirst{10};
constexpr milliseconds kReconnectPauseMax{500};
// What a clean end may wait for: the daemon's word on the leaves, then the last bytes.
constexpr milliseconds kCloseMax{1000};

// How many messages it stands for, and the bytes of their payloads.
std::pair<std::size_t, std::uint64_t> count_and_bytes(const protocol::ClientMessage& message) {
  if (const auto* chunk = std::get_if<protocol::MulticastChunk>(&message)) {
    return {1, chunk->payload.size()};
  }
  const auto* multicast = std::get_if<protocol::Multicast>(&message);
  if (multicast == nullptr) return {1, 0};
  std::uint64_t bytes = multicast->payload.size();
  for (const Payload& payload : multicast->run) bytes += payload.size();
  return {1 + multicast->run.size(), bytes};
}

milliseconds remaining_until(std::chrono::steady_clock::time_point due) {
  return std::chrono::ceil<milliseconds>(due - std::chrono::steady_clock::now());
}

}  // namespace

ClientState::ClientState(const ClientOptions& options)
    : options_(options),
      path_(options.socket.empty() ? default_socket_path() : options.socket),
      listener_(options.listener != nullptr ? options.listener : &silent_listener_),
      core_(options.name),
      context_(std::make_unique<SocketContext>()),
      reconnect_pause_(kReconnectPauseFirst),
      credit_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {}

ClientState::~ClientState() { close(); }

// --- the connection ------------------------------------------------------------------------------

void ClientState::connect() {
  Lock lock(mutex_);
  if (const auto failure = begin_connection()) throw Error(*failure);
  const auto due = Clock::now() + options_.connect_timeout;
  while (socket_ != nullptr && !core_.connected()) {
    wakeup_.wait(std::max(remaining_until(due), milliseconds(0)));
    wakeup_.clear();
    read_frames();
  }
  if (core_.connected()) {
    wakeup_.signal();
    return;
  }
  for (const Upcall& upcall : core_.take_upcalls()) {
    const auto* disconnected = std::get_if<upcall::Disconnected>(&upcall);
    if (disconnected != nullptr) throw Error(disconnected->reason);
  }
  throw Error("lost the connection to the daemon at " + path_);
}

// Returns why there can be none.
std::optional<std::string> ClientState::begin_connection() {
  CHECK(socket_ == nullptr);
  auto socket = DaemonSocket::open(*context_, path_);
  if (!socket.ok()) return socket.error();
  socket_ = std::move(socket).value();
  for (const int descriptor : socket_->descriptors()) wakeup_.watch(descriptor);
  watches_output_ = false;
  core_.on_connecting();
  reconnect_due_.reset();
  answer_due_ = Clock::now() + options_.connect_timeout;
  set_timer();
  flush();
  return std::nullopt;
}

void ClientState::end_connection(std::string_view reason) {
  take_connection(reason)->close(milliseconds(0));
}

std::unique_ptr<DaemonSocket> ClientState::take_connection(std::string_view reason) {
  core_.on_disconnected(reason);
  for (const int descriptor : socket_->descriptors()) wakeup_.unwatch(descriptor);
  auto socket = std::move(socket_);
  answer_due_.reset();
  if (options_.reconnect && !closed_) {
    reconnect_due_ = Clock::now() + reconnect_pause_;
    reconnect_pause_ = std::min(reconnect_pause_ * 2, kReconnectPauseMax);
  }
  set_timer();
  wakeup_.signal();
  wake_senders();
  return socket;
}

void ClientState::set_timer() { wakeup_.set_timer(answer_due_ ? answer_due_ : reconnect_due_); }

void ClientState::check_timers() {
  if (core_.connected() && answer_due_) {
    answer_due_.reset();
    reconnect_pause_ = kReconnectPauseFirst;
    set_timer();
  }
  const auto now = Clock::now();
  if (socket_ != nullptr && answer_due_ && *answer_due_ <= now) {
    end_connection("the daemon at " + path_ + " did not answer within " +
                   std::to_string(options_.connect_timeout.count()) + " ms");
  }
  if (socket_ == nullptr && reconnect_due_ && *reconnect_due_ <= now) {
    if (begin_connection()) {
      reconnect_due_ = now + reconnect_pause_;
      reconnect_pause_ = std::min(reconnect_pause_ * 2, kReconnectPauseMax);
      set_timer();
    }
  }
}

// Sends on what waits, and is told when more of it can be sent.
void ClientState::send_rest() {
  const bool waits = !socket_->send_rest();
  if (waits == watches_output_) return;
  watches_output_ = waits;
  wakeup_.watch_output(socket_->descriptors().front(), waits);
}

// Reads what there is, up to a bound; then `wakeup_` says that there is more.
void ClientState::read_frames() {
  if (watches_output_ && socket_ != nullptr) send_rest();
  std::optional<std::string> over;
  std::uint64_t bytes = 0;
  while (socket_ != nullptr && bytes < kReadBytesMax) {
    const auto frame = socket_->receive();
    if (frame) {
      bytes += frame->size();
      if (!read_frame(*frame)) break;
    } else if (over) {
      end_connection(*over);
    } else {
      // What arrived before the end is still read.
      over = socket_->over();
      if (!over) break;
    }
  }
  if (bytes >= kReadBytesMax) wakeup_.signal();
  check_timers();
  wake_senders();
}

// False where the connection is over.
bool ClientState::read_frame(const Payload& frame) {
  auto messages = wire::decode_daemon_messages(frame);
  if (!messages.ok()) {
    end_connection("the daemon sent a damaged frame: " + messages.error());
    return false;
  }
  const auto outcome = core_.on_daemon_messages(std::move(messages).value());
  if (outcome.ok() && core_.is_open()) return true;
  end_connection(outcome.ok() ? std::string("the daemon ended the connection") : outcome.error());
  return false;
}

// --- sending -------------------------------------------------------------------------------------

bool ClientState::is_collecting() const {
  const bool is_busy = batches_ > 0 || callback_thread_ == std::this_thread::get_id();
  return is_busy && core_.outgoing_bytes() < kFlushBytes;
}

void ClientState::flush_unless_collecting() {
  if (!is_collecting()) flush();
}

// Encodes what waits, in frames of a moderate size: a large payload must not make one huge frame.
void ClientState::flush() {
  if (socket_ == nullptr) return;
  const auto messages = core_.take_outgoing();
  for (std::size_t begin = 0; begin < messages.size();) {
    std::size_t end = begin;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    while (end < messages.size() && count < kFlushMessagesMax && bytes < kFlushBytes) {
      const auto [more, more_bytes] = count_and_bytes(messages[end++]);
      count += more;
      bytes += more_bytes;
    }
    socket_->send(wire::encode(std::span(messages).subspan(begin, end - begin)));
    begin = end;
  }
  send_rest();
  if (core_.has_upcalls() || socket_->has_input()) wakeup_.signal();
}

Queued ClientState::multicast(const std::vector<std::string>& groups, Payload payload,
                              const SendOptions& options) {
  const Lock lock(mutex_);
  const Queued queued = core_.multicast(groups, std::move(payload), options);
  if (queued.ok()) {
    flush_unless_collecting();
  } else if (queued.refused == RejectReason::kWouldBlock) {
    flush();  // No credit can come for what was only collected.
  }
  return queued;
}

Queued ClientState::multicast_within(Milliseconds time, const std::vector<std::string>& groups,
                                     const Payload& payload, const SendOptions& options) {
  const auto due = Clock::now() + time;
  Lock lock(mutex_);
  for (;;) {
    const Queued queued = core_.multicast(groups, payload, options);
    if (queued.refused != RejectReason::kWouldBlock) {
      flush_unless_collecting();
      return queued;
    }
    flush();
    read_frames();
    if (core_.has_upcalls()) wakeup_.signal();
    if (core_.has_credit() || !core_.connected()) continue;
    const auto left = remaining_until(due);
    if (left <= milliseconds(0)) return queued;
    // Of what was left to be read no descriptor tells.
    if (!socket_->has_input()) wait_for_credit(lock, left);
  }
}

// Until a frame came or another thread has read one that gives credit.
void ClientState::wait_for_credit(Lock& lock, Milliseconds time) {
  std::vector<pollfd> descriptors;
  descriptors.push_back({.fd = credit_event_.number(), .events = POLLIN, .revents = 0});
  for (const int descriptor : socket_->descriptors()) {
    descriptors.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
  }
  if (watches_output_) descriptors[1].events |= POLLOUT;
  ++waiting_senders_;
  lock.unlock();
  ::poll(descriptors.data(), descriptors.size(),
         static_cast<int>(std::min(time, milliseconds(INT32_MAX)).count()));
  lock.lock();
  --waiting_senders_;
  std::uint64_t one = 0;
  if (read(credit_event_.number(), &one, sizeof one) == sizeof one) --woken_senders_;
}

void ClientState::wake_senders() {
  if (core_.connected() && !core_.has_credit()) return;
  const std::uint64_t sleeping = waiting_senders_ - woken_senders_;
  if (sleeping == 0) return;
  CHECK_EQ(write(credit_event_.number(), &sleeping, sizeof sleeping),
           static_cast<ssize_t>(sizeof sleeping));
  woken_senders_ = waiting_senders_;
}

void ClientState::begin_batch() {
  const Lock lock(mutex_);
  ++batches_;
}

void ClientState::end_batch() {
  const Lock lock(mutex_);
  CHECK(batches_ > 0);
  --batches_;
  flush_unless_collecting();
}

// --- groups and questions ------------------------------------------------------------------------

Group ClientState::join(std::string_view name, GroupListener& listener, GroupOptions options) {
  const Lock lock(mutex_);
  const Queued queued = core_.join(name, options);
  if (!queued.ok()) {
    throw Error("cannot join \"" + std::string(name) + "\": " + to_string(*queued.refused),
                queued.refused);
  }
  Group group(shared_from_this(), std::string(name), queued.request);
  memberships_.add(std::make_shared<Membership>(Membership{.listener = &listener, .group = group}));
  flush_unless_collecting();
  return group;
}

Queued ClientState::leave(const std::string& group) {
  const Lock lock(mutex_);
  const Queued queued = core_.leave(group);
  flush_unless_collecting();
  return queued;
}

Queued ClientState::block_ok(const std::string& group) {
  const Lock lock(mutex_);
  const Queued queued = core_.block_ok(group);
  flush_unless_collecting();
  return queued;
}

RequestId ClientState::query_status() {
  const Lock lock(mutex_);
  const RequestId request = core_.query_status();
  flush_unless_collecting();
  return request;
}

RequestId ClientState::query_groups() {
  const Lock lock(mutex_);
  const RequestId request = core_.query_groups();
  flush_unless_collecting();
  return request;
}

RequestId ClientState::bootstrap(const std::vector<std::string>& without) {
  const Lock lock(mutex_);
  const RequestId request = core_.bootstrap(without);
  flush_unless_collecting();
  return request;
}

RequestId ClientState::watch(const std::vector<std::string>& groups) {
  for (const std::string& group : groups) {
    const std::string why = why_bad_name(group);
    if (!why.empty()) throw Error("cannot watch \"" + group + "\": " + why, RejectReason::kBadName);
  }
  const Lock lock(mutex_);
  const RequestId request = core_.watch(groups);
  flush_unless_collecting();
  return request;
}

bool ClientState::connected() const {
  const Lock lock(mutex_);
  return core_.connected();
}

std::optional<ProcessId> ClientState::process() const {
  const Lock lock(mutex_);
  return core_.process();
}

std::shared_ptr<const GroupView> ClientState::view(const std::string& group) const {
  const Lock lock(mutex_);
  const auto membership = memberships_.current(group);
  return membership == nullptr ? nullptr : membership->view;
}

Memberships::Pointer ClientState::current(const std::string& group) const {
  const Lock lock(mutex_);
  return memberships_.current(group);
}

// --- the end -------------------------------------------------------------------------------------

void ClientState::stop() {
  stop_requested_ = true;
  wakeup_.signal();
}

void ClientState::start_thread() {
  const Lock lock(mutex_);
  CHECK(!thread_.joinable());
  if (!closed_) thread_ = std::thread([this] { run(); });
}

void ClientState::join_thread() {
  if (!thread_.joinable() || thread_.get_id() == std::this_thread::get_id()) return;
  stop();
  thread_.join();
}

// Waits a moment for the daemon's word, so that others see a leave and not a crash even where this
// process ends right after.
void ClientState::leave_all_groups(Lock& lock) {
  const auto due = Clock::now() + kCloseMax;
  core_.leave_all();
  flush();
  while (core_.awaits_memberships() && remaining_until(due) > milliseconds(0)) {
    lock.unlock();
    wakeup_.wait(remaining_until(due));
    wakeup_.clear();
    lock.lock();
    read_frames();
    for (const Upcall& upcall : core_.take_upcalls()) {
      if (const auto* block = std::get_if<upcall::Block>(&upcall)) core_.block_ok(block->group);
    }
    flush();
  }
}

void ClientState::close() {
  join_thread();
  Lock lock(mutex_);
  if (closed_.exchange(true)) return;
  reconnect_due_.reset();
  if (socket_ != nullptr) {
    leave_all_groups(lock);
    core_.bye();
    flush();
  }
  const auto context = std::move(context_);  // outlives its socket
  const auto socket = socket_ == nullptr ? nullptr : take_connection("closed");
  memberships_.clear();
  core_.take_upcalls();
  wakeup_.signal();
  lock.unlock();  // Others learn at once that it is closed.
  if (socket != nullptr) socket->close(kCloseMax);
}

}  // namespace groupcomm
