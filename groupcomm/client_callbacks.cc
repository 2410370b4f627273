// Polling, and telling the application what has happened.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "groupcomm/client_state.h"

namespace groupcomm {

using std::chrono::milliseconds;

void GroupListener::on_block(Group& group) { group.block_ok(); }

std::size_t ClientState::poll(Milliseconds timeout) {
  const std::size_t ran = poll_until_something(timeout);
  stop_requested_ = false;
  return ran;
}

void ClientState::run() {
  while (!stop_requested_.exchange(false)) {
    poll_until_something(milliseconds(-1));
    const Lock lock(mutex_);
    if (socket_ == nullptr && !reconnect_due_) return;
  }
}

std::size_t ClientState::poll_until_something(Milliseconds timeout) {
  const auto begin = Clock::now();
  for (;;) {
    const std::size_t ran = run_callbacks();
    if (ran > 0 || stop_requested_ || closed_) return ran;
    milliseconds left(-1);
    if (timeout >= milliseconds(0)) {
      left = std::chrono::ceil<milliseconds>(begin + timeout - Clock::now());
      if (left <= milliseconds(0)) return 0;
    } else {
      const Lock lock(mutex_);
      if (socket_ == nullptr && !reconnect_due_) return 0;  // Nothing will ever happen.
    }
    if (!wakeup_.wait(left)) return 0;
  }
}

// One round: reads, tells, and sends what the callbacks had to say.
std::size_t ClientState::run_callbacks() {
  {
    const Lock lock(mutex_);
    if (callback_thread_ != std::thread::id()) throw Error("poll was called from a callback");
    wakeup_.clear();
    if (closed_) return 0;
    read_frames();
    if (next_upcall_ == upcalls_.size()) {
      core_.take_upcalls(upcalls_);
      next_upcall_ = 0;
    }
    callback_thread_ = std::this_thread::get_id();
  }
  struct End {
    ClientState& state;
    ~End() {
      const Lock lock(state.mutex_);
      state.callback_thread_ = std::thread::id();
      if (state.next_upcall_ == state.upcalls_.size()) state.core_.on_upcalls_told();
      state.flush_unless_collecting();
      if (state.next_upcall_ < state.upcalls_.size()) state.wakeup_.signal();
    }
  } end{*this};
  const auto tell_next = [this]<typename Told>(Told& told) -> std::size_t {
    if constexpr (std::is_same_v<Told, upcall::Delivered>) {
      return tell_each(told);
    } else {
      ++next_upcall_;
      tell(told);
      return 1;
    }
  };
  std::size_t ran = 0;
  while (next_upcall_ < upcalls_.size() && !closed_) {
    ran += std::visit(tell_next, upcalls_[next_upcall_]);
  }
  return ran;
}

// What is told has been told, also where the listener throws: then the rest of the run comes later.
std::size_t ClientState::tell_each(upcall::Delivered& told) {
  struct Next {
    ClientState& state;
    upcall::Delivered& told;
    ~Next() {
      if (state.next_of_run_ == told.run.size()) {
        state.next_of_run_ = 0;
        ++state.next_upcall_;
        return;
      }
      ++told.message.number;
      told.message.payload = std::move(told.run[state.next_of_run_++]);
    }
  };
  const auto membership = current(told.group);
  const std::size_t count = 1 + told.run.size() - next_of_run_;
  std::size_t ran = 0;
  while (ran < count && !closed_) {
    ++ran;
    const Next next{*this, told};
    if (membership != nullptr) membership->listener->on_message(membership->group, told.message);
  }
  return ran;
}

void ClientState::tell(upcall::Connected& told) {
  told_connected_ = true;
  listener_->on_connected(told.process, told.daemon_version);
}

void ClientState::tell(upcall::Disconnected& told) {
  // Attempts that failed before a Welcome are not worth a word.
  if (std::exchange(told_connected_, false)) listener_->on_disconnected(told.reason);
}

void ClientState::tell(upcall::ViewInstalled& told) {
  const auto membership = current(told.group);
  auto view = std::make_shared<const GroupView>(std::move(told.view));
  {
    const Lock lock(mutex_);
    core_.on_view_told(told.group, view->id);
    if (membership != nullptr) membership->view = view;
  }
  if (membership == nullptr) return;
  membership->listener->on_view(membership->group, *view);
}

void ClientState::tell(upcall::Transition& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_transition(membership->group, told.transitional);
  }
}

void ClientState::tell(upcall::Accepted& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_accepted(membership->group, told.request, told.number);
  } else {
    listener_->on_open_send_accepted(told.group, told.request, told.number);
  }
}

void ClientState::tell(upcall::Rejected& told) {
  Memberships::Pointer membership;
  {
    const Lock lock(mutex_);
    membership = memberships_.take_joining(told.group, told.request);
    if (membership == nullptr) membership = memberships_.current(told.group);
  }
  if (membership != nullptr) {
    membership->listener->on_rejected(membership->group, told.request, told.reason);
  } else {
    listener_->on_open_send_rejected(told.group, told.request, told.reason);
  }
}

void ClientState::tell(upcall::SendFailed& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_send_failed(membership->group, told.number);
  } else {
    listener_->on_open_send_failed(told.group, told.number);
  }
}

void ClientState::tell(upcall::Safe& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_safe(membership->group, told.number);
  } else {
    listener_->on_open_send_safe(told.group, told.number);
  }
}

void ClientState::tell(upcall::Suspended& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_suspended(membership->group);
  }
}

void ClientState::tell(upcall::Block& told) {
  if (const auto membership = current(told.group)) {
    membership->listener->on_block(membership->group);
  }
}

void ClientState::tell(upcall::Gone& told) {
  Memberships::Pointer membership;
  {
    const Lock lock(mutex_);
    core_.on_gone_told(told.group);
    membership = memberships_.take_current(told.group);
  }
  if (membership != nullptr) membership->listener->on_gone(membership->group, told.reason);
}

void ClientState::tell(upcall::Status& told) { listener_->on_status(told.request, *told.status); }

void ClientState::tell(upcall::Groups& told) { listener_->on_groups(told.request, told.groups); }

void ClientState::tell(upcall::BootstrapAnswered& told) {
  listener_->on_bootstrap(told.request, told.possible, told.without, told.text);
}

void ClientState::tell(upcall::Watched& told) { listener_->on_watched_view(told.group, told.view); }

}  // namespace groupcomm
