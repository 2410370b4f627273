#include "tests/groupcomm/fake_daemon.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "groupcomm-test-XXXXXX";
  CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

FakeDaemon::FakeDaemon(const std::string& path, Behaviour behaviour)
    : behaviour_(std::move(behaviour)),
      context_(zmq_ctx_new()),
      router_(zmq_socket(context_, ZMQ_ROUTER)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const int no_linger = 0;
  zmq_setsockopt(router_, ZMQ_LINGER, &no_linger, sizeof no_linger);
  if (behaviour_.has_stream) listen_for_streams(path);
  unlink(path.c_str());
  CHECK_EQ(zmq_bind(router_, ("ipc://" + path).c_str()), 0);
  thread_ = std::thread([this] { run(); });
}

FakeDaemon::~FakeDaemon() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  zmq_close(router_);
  zmq_ctx_term(context_);
  close(wake_);
}

void FakeDaemon::say(std::vector<protocol::DaemonMessage> messages) {
  say_raw(std::string(wire::encode(std::span<const protocol::DaemonMessage>(messages)).text()));
}

void FakeDaemon::say_raw(std::string bytes) {
  const std::lock_guard lock(mutex_);
  to_send_.push_back(std::move(bytes));
  eventfd_write(wake_, 1);
}

bool FakeDaemon::wait_until(
    const std::function<bool(const std::vector<protocol::ClientMessage>&)>& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return condition(received_); });
}

std::size_t FakeDaemon::frames() const {
  const std::lock_guard lock(mutex_);
  return frames_;
}

void FakeDaemon::listen_for_streams(const std::string& path) {
  const std::string file = wire::stream_path(path);
  unlink(file.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  file.copy(address.sun_path, sizeof address.sun_path - 1);
  listener_ = std::make_unique<OwnedDescriptor>(
      socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int number = listener_->number();
  CHECK_EQ(bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  CHECK_EQ(listen(number, 100), 0);
}

void FakeDaemon::run() {
  for (;;) {
    std::vector<zmq_pollitem_t> items = {{router_, 0, ZMQ_POLLIN, 0},
                                         {nullptr, wake_, ZMQ_POLLIN, 0}};
    if (listener_ != nullptr) items.push_back({nullptr, listener_->number(), ZMQ_POLLIN, 0});
    for (const Stream& stream : streams_) {
      const short wanted = stream.output.empty() ? ZMQ_POLLIN : ZMQ_POLLIN | ZMQ_POLLOUT;
      items.push_back({nullptr, stream.descriptor.number(), wanted, 0});
    }
    zmq_poll(items.data(), static_cast<int>(items.size()), -1);
    std::vector<std::string> to_send;
    {
      const std::lock_guard lock(mutex_);
      if (is_ending_) return;
      eventfd_t count = 0;
      eventfd_read(wake_, &count);
      to_send.swap(to_send_);
    }
    for (const std::string& bytes : to_send) send(bytes);
    if ((items[0].revents & ZMQ_POLLIN) != 0) read_router();
    for (auto stream = streams_.begin(); stream != streams_.end();) {
      const auto it = stream++;
      if (read_stream(*it)) continue;
      if (stream_ == &*it) stream_ = nullptr;
      streams_.erase(it);
    }
    if (listener_ != nullptr) accept_stream();
  }
}

void FakeDaemon::read_router() {
  std::string parts[2];
  for (std::string& part : parts) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_msg_recv(&message, router_, 0);
    part.assign(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
    zmq_msg_close(&message);
  }
  client_ = parts[0];
  stream_ = nullptr;
  on_frame(parts[1]);
}

void FakeDaemon::accept_stream() {
  const int number = accept4(listener_->number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (number >= 0) streams_.emplace_back(number);
}

bool FakeDaemon::read_stream(Stream& stream) {
  stream.output.write_to(stream.descriptor.number());
  const auto outcome = stream.input.read_from(stream.descriptor.number());
  while (const auto frame = stream.input.take().value()) {
    stream_ = &stream;
    on_frame(std::string(frame->text()));
  }
  return outcome != wire::FrameInput::Outcome::kEnd;
}

void FakeDaemon::send(const std::string& bytes) {
  if (stream_ != nullptr) {
    stream_->output.add(Payload::copy_of(bytes));
    stream_->output.write_to(stream_->descriptor.number());
    return;
  }
  zmq_send(router_, client_.data(), client_.size(), ZMQ_SNDMORE);
  zmq_send(router_, bytes.data(), bytes.size(), 0);
}

void FakeDaemon::on_frame(const std::string& bytes) {
  const auto read = wire::decode_client_messages(Payload::copy_of(bytes));
  CHECK(read.ok());
  std::vector<protocol::ClientMessage> messages;
  for (const protocol::ClientMessage& message : read.value()) {
    if (const auto* run = std::get_if<protocol::Multicast>(&message)) {
      protocol::for_each_of_run(
          *run, [&](const protocol::Multicast& send) { messages.emplace_back(send); });
    } else {
      messages.push_back(message);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    ++frames_;
    received_.insert(received_.end(), messages.begin(), messages.end());
    changed_.notify_all();
  }
  std::vector<protocol::DaemonMessage> out;
  for (const protocol::ClientMessage& message : messages) answer(message, out);
  if (!out.empty()) {
    send(std::string(wire::encode(std::span<const protocol::DaemonMessage>(out)).text()));
  }
}

void FakeDaemon::answer_hello(const protocol::Hello& hello,
                              std::vector<protocol::DaemonMessage>& out) {
  if (!behaviour_.refusal.empty()) {
    out.push_back(protocol::Refused{.reason = behaviour_.refusal});
    return;
  }
  if (!behaviour_.greets) return;
  process_ = {.name = hello.name,
              .daemon = "fake",
              .key = {.daemon = Incarnation{42}, .session = SessionId{++sessions_}}};
  groups_.clear();
  numbers_.clear();
  out.push_back(protocol::Welcome{.process = process_,
                                  .daemon_version = "test",
                                  .send_window_bytes = 1u << 20,
                                  .send_window_messages = behaviour_.window_messages,
                                  .queue_bytes = 64u << 20});
}

void FakeDaemon::answer(const protocol::ClientMessage& message,
                        std::vector<protocol::DaemonMessage>& out) {
  if (const auto* hello = std::get_if<protocol::Hello>(&message)) {
    answer_hello(*hello, out);
  } else if (const auto* join = std::get_if<protocol::Join>(&message)) {
    groups_[group_key(join->group)] = join->group;
    GroupView view;
    view.id = {.daemon_view = {.counter = 1, .proposer = Incarnation{42}, .round = 1},
               .place = OrderNumber{++views_}};
    view.members = {{.process = process_}};
    view.joined = {process_};
    view.transitional = {process_};
    out.push_back(protocol::ViewChanged{.group = join->group, .view = view});
  } else if (const auto* leave = std::get_if<protocol::Leave>(&message)) {
    groups_.erase(group_key(leave->group));
    out.push_back(protocol::Gone{.group = group_key(leave->group), .reason = GoneReason::kLeft});
  } else if (const auto* send = std::get_if<protocol::Multicast>(&message)) {
    if (!behaviour_.accepts) return;
    out.push_back(protocol::Accepted{.up_to = send->request});
    const SendNumber number{++numbers_[send->group]};
    if (!groups_.contains(send->group)) return;
    out.push_back(protocol::Deliver{.group = send->group,
                                    .sender_rank = 0,
                                    .sender = {},
                                    .number = number,
                                    .order = send->order,
                                    .payload = send->payload});
  } else if (const auto* query = std::get_if<protocol::StatusQuery>(&message)) {
    protocol::DaemonStatus status;
    status.daemon = {.name = "fake", .incarnation = Incarnation{42}};
    out.push_back(protocol::StatusReply{.request = query->request, .status = status});
  }
}

}  // namespace groupcomm
