#include "daemon/host/client_batches.h"

#include <algorithm>
#include <span>
#include <utility>

#include "groupcomm/protocol/queue_cost.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
void ClientBatches::add(SessionId session, protocol::DaemonMessage message) {
  const auto it = by_session_.find(session);
  BatchPointer batch;
  if (it == by_session_.end()) {
    batch = make({session});
  } else {
    it->second->addressed = {session};
    batch = split(it->second);
  }
  append(batch, std::move(message));
}

void ClientBatches::add(DeliverMessage message) {
  if (message.sessions.empty()) return;
  if (last_ == nullptr || !message.sessions.is(last_sessions_)) {
    const std::vector<BatchPointer> lists = lists_of(message.sessions);
    for (std::size_t i = 1; i < lists.size(); ++i) {
      for (const Payload& chunk : message.chunks) {
        append(lists[i], protocol::DeliverChunk{chunk});
      }
      append(lists[i], message.delivery);
    }
    last_ = lists.front();
    last_sessions_ = lists.size() == 1 ? message.sessions : SessionList();
  }
  const BatchPointer list = last_;
  if (last_sessions_.empty()) last_.reset();
  for (Payload& chunk : message.chunks) append(list, protocol::DeliverChunk{std::move(chunk)});
  append(list, std::move(message.delivery));
}

std::vector<ClientBatches::BatchPointer> ClientBatches::lists_of(const SessionList& sessions) {
  std::vector<SessionId> fresh;
  std::vector<BatchPointer> touched;
  for (const SessionId session : sessions) {
    const auto it = by_session_.find(session);
    if (it == by_session_.end()) {
      fresh.push_back(session);
    } else {
      if (it->second->addressed.empty()) touched.push_back(it->second);
      it->second->addressed.push_back(session);
    }
  }
  for (BatchPointer& batch : touched) batch = split(batch);
  if (!fresh.empty()) touched.push_back(make(std::move(fresh)));
  return touched;
}

ClientBatches::BatchPointer ClientBatches::split(BatchPointer batch) {
  std::vector<SessionId> addressed = std::exchange(batch->addressed, {});
  if (addressed.size() == batch->sessions.size()) return batch;
  auto& rest = batch->sessions;
  const auto is_addressed = [&](SessionId session) {
    return std::find(addressed.begin(), addressed.end(), session) != addressed.end();
  };
  rest.erase(std::remove_if(rest.begin(), rest.end(), is_addressed), rest.end());
  BatchPointer fresh = make(std::move(addressed));
  fresh->messages = batch->messages;
  fresh->bytes = batch->bytes;
  return fresh;
}

ClientBatches::BatchPointer ClientBatches::make(std::vector<SessionId> sessions) {
  last_.reset();
  BatchPointer batch = std::exchange(spare_, nullptr);
  if (batch == nullptr) batch = std::make_shared<Batch>();
  for (const SessionId session : sessions) by_session_[session] = batch;
  batch->sessions = std::move(sessions);
  return batch;
}

template <typename Message>
void ClientBatches::append(const BatchPointer& batch, Message message) {
  const bool was_full = batch->bytes >= kBatchBytesMax;
  batch->bytes += protocol::queue_cost(message);
  batch->messages.emplace_back(std::move(message));
  if (!was_full && batch->bytes >= kBatchBytesMax) full_.push_back(batch);
}

void ClientBatches::take(const BatchPointer& batch, std::vector<Frame>& frames) {
  if (batch->sessions.empty()) return;
  last_.reset();
  for (const SessionId session : batch->sessions) by_session_.erase(session);
  const std::vector<SessionId> sessions = std::exchange(batch->sessions, {});
  const std::span<const protocol::DaemonMessage> messages(batch->messages);
  for (std::size_t begin = 0; begin < messages.size();) {
    std::size_t end = begin;
    std::size_t bytes = 0;
    if (batch->bytes < kBatchBytesMax) end = messages.size();
    while (end < messages.size() && bytes < kBatchBytesMax)
      bytes += protocol::queue_cost(messages[end++]);
    frames.push_back(Frame{sessions, wire::encode(messages.subspan(begin, end - begin))});
    begin = end;
  }
  batch->messages.clear();
  batch->bytes = 0;
  if (batch->messages.capacity() <= kSpareMessagesMax) spare_ = batch;
}

std::vector<ClientBatches::Frame> ClientBatches::take_full() {
  std::vector<Frame> frames;
  for (const BatchPointer& batch : std::exchange(full_, {})) take(batch, frames);
  return frames;
}

std::vector<ClientBatches::Frame> ClientBatches::take_all() {
  std::vector<Frame> frames;
  while (!by_session_.empty()) {
    const BatchPointer batch = by_session_.begin()->second;
    take(batch, frames);
  }
  full_.clear();
  return frames;
}

std::vector<ClientBatches::Frame> ClientBatches::take(SessionId session) {
  std::vector<Frame> frames;
  const auto it = by_session_.find(session);
  if (it != by_session_.end()) take(BatchPointer(it->second), frames);
  return frames;
}

void ClientBatches::drop(SessionId session) {
  const auto it = by_session_.find(session);
  if (it == by_session_.end()) return;
  last_.reset();
  auto& sessions = it->second->sessions;
  sessions.erase(std::remove(sessions.begin(), sessions.end(), session), sessions.end());
  by_session_.erase(it);
}

}  // namespace groupcomm::daemon
