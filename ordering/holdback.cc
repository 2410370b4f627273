#include "ordering/holdback.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "groupcomm/message.h"
#include "groupcomm/probe.h"
#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::ordering {

using protocol::MessageKind;
using protocol::MessagePointer;
using protocol::StampedMessage;

namespace {

// The chunks of the largest payload.
constexpr std::size_t kChunksMax = kPayloadBytesMax / protocol::kChunkBytesMax;

}  // namespace

Holdback::Holdback(std::size_t view_size, Rank self, std::unique_ptr<TotalOrder> total)
    : self_(self),
      total_(std::move(total)),
      streams_(view_size),
      clearing_(view_size),
      delivering_(view_size),
      epochs_(view_size),
      stability_(view_size),
      learnt_time_(view_size) {}

void Holdback::admit(Rank sender, Retained& entry) {
  Stream& stream = streams_[sender];
  const StampedMessage& message = *entry.message;
  switch (message.kind) {
    case MessageKind::kChunk: admit_chunk(stream, message); break;
    case MessageKind::kClosing:
      epochs_.on_closing(sender, message.closes, message.number);
      stream.last_closing = message.number;
      admit_data(sender, entry);
      return;
    case MessageKind::kData:
    case MessageKind::kJoin:
    case MessageKind::kLeave:
    case MessageKind::kHold: admit_data(sender, entry); return;
  }
  entry.delivered = true;
  mark_clear(sender, entry);
}

// An empty chunk says that those before it belong to nothing (rule C5).
void Holdback::admit_chunk(Stream& stream, const StampedMessage& chunk) {
  if (chunk.payload.size() == 0) {
    take_chunks(stream, chunk.session);
    return;
  }
  std::vector<Payload>& chunks = stream.chunks[chunk.session];
  if (chunks.size() == kChunksMax) return;  // of no message that a client may send
  ++stream.waiting_chunks;
  chunks.push_back(chunk.payload);
}

std::vector<Payload> Holdback::take_chunks(Stream& stream, SessionId session) {
  const auto it = stream.chunks.find(session);
  if (it == stream.chunks.end()) return {};
  std::vector<Payload> chunks = std::move(it->second);
  stream.chunks.erase(it);
  stream.waiting_chunks -= chunks.size();
  return chunks;
}

void Holdback::admit_data(Rank sender, Retained& entry) {
  const StampedMessage& message = *entry.message;
  if (message.chunks > 0) {
    entry.chunks =
        std::make_unique<std::vector<Payload>>(take_chunks(streams_[sender], message.session));
  }
  if (message.is_ordered()) total_->on_held(sender, message);
  if (message.is_causal()) {
    clearing_.add(sender, message);
    delivering_.add(sender, message);
    return;
  }
  clear_or_wait(sender, entry);
  try_deliver(sender, message.number);
}

// --- clear ---------------------------------------------------------------------------------------

// Of a reliable or fifo message: what it waits for to become clear, or 0. Besides its predecessor
// that is the last closing before it, which names the control messages that its epochs count: if
// those are lost with their daemons, so is what was stamped in the knowledge of them (rule E3).
MessageNumber Holdback::unclear_cause(Rank sender, const StampedMessage& message) const {
  const MessageNumber closing = streams_[sender].last_closing;
  if (closing < message.number && !is_clear(sender, closing)) {
    PROBE("a message waits for a closing to be clear");
    return closing;
  }
  return is_clear(sender, message.predecessor) ? MessageNumber{} : message.predecessor;
}

bool Holdback::is_clear(Rank sender, MessageNumber number) const {
  if (!number || streams_[sender].buffer.is_released(number)) return true;
  const Retained* entry = streams_[sender].buffer.find(number);
  return entry != nullptr && entry->clear;
}

void Holdback::clear_or_wait(Rank sender, Retained& entry) {
  const StampedMessage& message = *entry.message;
  if (const MessageNumber cause = unclear_cause(sender, message)) {
    streams_[sender].clear_waits.wait_for(cause, message.number);
  } else if (!epochs_.is_backed(message)) {
    PROBE("a message counts joins and leaves that are not among its causes");
    unbacked_.push_back({sender, message.number});
  } else {
    mark_clear(sender, entry);
  }
}

void Holdback::mark_clear(Rank sender, Retained& entry) {
  mark_one_clear(sender, entry);
  if (!streams_[sender].clear_waits.empty()) mark_waiters_clear(sender, entry.message->number);
}

void Holdback::mark_waiters_clear(Rank sender, MessageNumber number) {
  std::vector<MessageNumber> work{number};
  Stream& stream = streams_[sender];
  while (!work.empty()) {
    const MessageNumber next = work.back();
    work.pop_back();
    Retained* entry = stream.buffer.find(next);
    CHECK(entry != nullptr);
    if (next != number) mark_one_clear(sender, *entry);
    const auto waiting = stream.clear_waits.take_waiting_for(next);
    for (auto it = waiting.rbegin(); it != waiting.rend(); ++it) {
      const Retained* waiter = stream.buffer.find(*it);
      if (waiter == nullptr) continue;  // beyond the cut
      if (const MessageNumber cause = unclear_cause(sender, *waiter->message)) {
        stream.clear_waits.wait_for(cause, *it);
      } else if (!epochs_.is_backed(*waiter->message)) {
        unbacked_.push_back({sender, *it});
      } else {
        work.push_back(*it);
        ready_.push_back({sender, *it});
      }
    }
  }
}

void Holdback::mark_one_clear(Rank sender, Retained& entry) {
  CHECK(!entry.clear);
  entry.clear = true;
  Stream& stream = streams_[sender];
  while (is_clear(sender, stream.clear_line.next()) &&
         stream.clear_line.next() < stream.buffer.end()) {
    ++stream.clear_line;
  }
  stability_.on_received(self_, sender, stream.clear_line);
  const StampedMessage& message = *entry.message;
  if (message.is_control()) {
    epochs_.on_clear(message);
    unbacked_may_move_ = true;
  }
  if (!message.is_ordered()) return;
  stream.unplaced.push_back({message.number, message.causal_number});
  total_->on_clear(sender, message);
}

bool Holdback::advance_unbacked() {
  if (!std::exchange(unbacked_may_move_, false) || unbacked_.empty()) return false;
  bool moved = false;
  for (const auto& [sender, number] : std::exchange(unbacked_, {})) {
    Retained* entry = streams_[sender].buffer.find(number);
    if (entry == nullptr) continue;  // beyond the cut
    clear_or_wait(sender, *entry);
    if (!is_clear(sender, number)) continue;
    moved = true;
    ready_.push_back({sender, number});
  }
  return moved;
}

bool Holdback::advance_clear() {
  bool moved = advance_unbacked();
  for (Rank sender = 0; sender < streams_.size(); ++sender) {
    while (const StampedMessage* head = clearing_.ready(sender)) {
      if (!is_clear(sender, head->predecessor)) break;
      if (!epochs_.is_backed(*head)) break;
      Retained* entry = streams_[sender].buffer.find(head->number);
      CHECK(entry != nullptr);
      clearing_.take(sender);
      mark_clear(sender, *entry);
      moved = true;
    }
  }
  return moved;
}

// --- order ---------------------------------------------------------------------------------------

// Places respect causality (rule T3): a message follows the ordered ones of its daemon, and all
// that are in its vector time. This also keeps a message from being placed twice.
bool Holdback::may_take_place(Rank sender, const StampedMessage& message) const {
  for (Rank rank = 0; rank < streams_.size(); ++rank) {
    const Ring<Unplaced>& unplaced = streams_[rank].unplaced;
    if (rank == sender) {
      if (unplaced.empty() || unplaced.front().number != message.number) return false;
    } else if (!unplaced.empty() && unplaced.front().causal_number <= (*message.context)[rank]) {
      return false;
    }
  }
  return true;
}

bool Holdback::advance_ordered_line() {
  bool moved = false;
  while (ordered_line_ < total_->known()) {
    const MessageReference reference = total_->at(ordered_line_.next());
    const Retained* entry = streams_[reference.sender].buffer.find(reference.number);
    if (entry == nullptr || !entry->clear) {
      PROBE("E3: a place is known before its message");
      break;
    }
    const StampedMessage& message = *entry->message;
    if (!message.is_ordered() || !may_take_place(reference.sender, message)) {
      PROBE("a place that contradicts causality");
      break;
    }
    streams_[reference.sender].unplaced.pop_front();
    ++ordered_line_;
    moved = true;
    if (message.is_control()) {
      epochs_.learn(ordered_line_, message);
      CausalNumber& learnt = learnt_time_[reference.sender];
      learnt = std::max(learnt, message.causal_number);
      closing_due_ = true;
    }
    if (message.is_control() || message.uniform || message.order == Order::kSafe) {
      strong_place_ = ordered_line_;
    }
  }
  if (moved) stability_.on_ordered(self_, ordered_line_);
  return moved;
}

bool Holdback::is_acknowledged(const StampedMessage& message, OrderNumber place) const {
  if (finishing_) return true;
  if (message.order == Order::kSafe) return stability_.ordered_by_all() >= place;
  if (message.uniform || message.is_control()) return stability_.is_ordered_by_quorum(place);
  return true;
}

// --- delivery ------------------------------------------------------------------------------------

void Holdback::advance() {
  bool moved = true;
  while (moved) {
    moved = advance_clear();
    moved = advance_ordered_line() || moved;
    moved = advance_causal() || moved;
    moved = advance_total() || moved;
    while (!ready_.empty()) {
      moved = true;
      for (const MessageReference reference : std::exchange(ready_, {})) {
        try_deliver(reference.sender, reference.number);
      }
    }
  }
}

bool Holdback::is_released_or_delivered(Rank sender, MessageNumber number) const {
  if (!number || streams_[sender].buffer.is_released(number)) return true;
  const Retained* entry = streams_[sender].buffer.find(number);
  return entry != nullptr && entry->delivered;
}

bool Holdback::advance_causal() {
  bool moved = false;
  for (Rank sender = 0; sender < streams_.size(); ++sender) {
    while (const StampedMessage* head = delivering_.ready(sender)) {
      if (head->is_ordered() || !is_clear(sender, head->number)) break;
      if (!is_released_or_delivered(sender, head->predecessor) || !epochs_.is_open(*head)) break;
      deliver(sender, head->number, OrderNumber{});
      moved = true;
    }
  }
  return moved;
}

bool Holdback::advance_total() {
  bool moved = false;
  while (delivered_place_ < ordered_line_) {
    const OrderNumber place = delivered_place_.next();
    const MessageReference reference = total_->at(place);
    const StampedMessage* head = delivering_.ready(reference.sender);
    if (head == nullptr || head->number != reference.number) break;
    if (!is_released_or_delivered(reference.sender, head->predecessor)) break;
    if (!is_acknowledged(*head, place)) break;
    if (head->is_control()) {
      EpochGate::Pending* pending = epochs_.front();
      CHECK(pending != nullptr);
      CHECK_EQ(pending->place, place);
      if (!is_control_due(*pending)) break;
    }
    deliver(reference.sender, reference.number, place);
    moved = true;
  }
  return moved;
}

bool Holdback::is_control_due(EpochGate::Pending& pending) {
  if (!pending.blockers_known) {
    for (Rank rank = 0; rank < streams_.size(); ++rank) {
      if (finishing_) break;
      // What a quorum does not hold could be missing in a flush that follows: then this member
      // would have gone to the next group view with other messages than the survivors (rule E4).
      const MessageNumber closing = epochs_.closing(rank, pending.place);
      if (!closing || !stability_.is_held_by_quorum(rank, closing)) {
        PROBE("a join or leave waits for closings");
        return false;
      }
    }
    find_blockers(pending);
  }
  return pending.blockers.empty();
}

// By rank: messages that cannot be delivered before the control message at the front. Out of a
// flush `after` says so (rule E2). In a flush places that their daemons knew may be void, so that
// everything a message waits for counts: an ordered one that is still to come, or another epoch.
std::vector<std::set<MessageNumber>> Holdback::waiting_in_flush() const {
  std::vector<std::set<MessageNumber>> waiting(streams_.size());
  std::vector<CausalNumber> first(streams_.size(), CausalNumber{~std::uint64_t{0}});
  bool moved = true;
  while (moved) {
    moved = false;
    for (Rank sender = 0; sender < streams_.size(); ++sender) {
      const RetransmitBuffer& buffer = streams_[sender].buffer;
      for (MessageNumber number = buffer.first(); number < buffer.end(); ++number) {
        const Retained* entry = buffer.find(number);
        if (entry == nullptr || entry->delivered || waiting[sender].contains(number)) continue;
        if (!waits_in_flush(sender, *entry, waiting, first)) continue;
        moved = true;
        waiting[sender].insert(number);
        const StampedMessage& message = *entry->message;
        if (message.is_causal()) first[sender] = std::min(first[sender], message.causal_number);
      }
    }
  }
  return waiting;
}

bool Holdback::waits_in_flush(Rank sender, const Retained& entry,
                              const std::vector<std::set<MessageNumber>>& waiting,
                              const std::vector<CausalNumber>& first) const {
  const StampedMessage& message = *entry.message;
  if (!entry.clear || message.is_ordered() || !epochs_.is_open(message)) return true;
  if (waiting[sender].contains(message.predecessor)) return true;
  if (!message.is_causal()) return false;
  if (message.causal_number > first[sender]) return true;
  for (Rank rank = 0; rank < streams_.size(); ++rank) {
    if (rank != sender && (*message.context)[rank] >= first[rank]) return true;
  }
  return false;
}

void Holdback::find_blockers(EpochGate::Pending& pending) {
  const auto waiting =
      finishing_ ? waiting_in_flush() : std::vector<std::set<MessageNumber>>(streams_.size());
  for (Rank rank = 0; rank < streams_.size(); ++rank) {
    const RetransmitBuffer& buffer = streams_[rank].buffer;
    const MessageNumber closing = epochs_.closing(rank, pending.place);
    const MessageNumber end = closing ? closing : buffer.end();  // rule E4: the cut is the end
    for (MessageNumber number = buffer.first(); number < end; ++number) {
      const Retained* entry = buffer.find(number);
      if (entry == nullptr || entry->delivered || entry->message->is_ordered()) continue;
      if (waiting[rank].contains(number)) {
        PROBE("in a flush a message cannot come before a join or leave");
        continue;
      }
      if (!finishing_ && !is_released_or_delivered(rank, entry->message->after)) continue;
      if (!EpochGate::is_old(*entry->message, pending)) continue;
      PROBE("a join or leave waits for a message of the old epoch");
      pending.blockers.insert({rank, number});
    }
  }
  pending.blockers_known = true;
}

void Holdback::try_deliver(Rank sender, MessageNumber number) {
  Stream& stream = streams_[sender];
  const Retained* entry = stream.buffer.find(number);
  if (entry == nullptr || entry->delivered || entry->message->is_causal()) return;
  if (!entry->clear) return;  // it is tried again when it becomes clear
  const StampedMessage& message = *entry->message;
  if (!is_released_or_delivered(sender, message.predecessor)) {
    PROBE("a message waits for its predecessor");
    stream.deliver_waits.wait_for(message.predecessor, number);
  } else if (!epochs_.is_open(message)) {
    PROBE("a message waits for its epoch");
    epochs_.park({sender, number}, message);
  } else {
    deliver(sender, number, OrderNumber{});
  }
}

void Holdback::deliver(Rank sender, MessageNumber number, OrderNumber place) {
  Stream& stream = streams_[sender];
  Retained* entry = stream.buffer.find(number);
  CHECK(entry != nullptr);
  CHECK(entry->clear);
  CHECK(!entry->delivered);
  entry->delivered = true;
  const StampedMessage& message = *entry->message;
  if (message.is_causal()) delivering_.take(sender);
  if (message.is_ordered()) {
    CHECK_EQ(place, delivered_place_.next());
    delivered_place_ = place;
  }
  // An acknowledged place is one that is known: behind those it may be another message's (F9).
  const bool is_held_by_all =
      place <= stability_.ordered_by_all() && (!finishing_ || place <= last_known_place_);
  const bool transitional = message.order == Order::kSafe && !is_held_by_all;
  if (transitional) PROBE("E31: a safe message is delivered after a transition");
  Delivery& delivery = deliveries_.emplace_back();
  delivery.reference = {sender, number};
  delivery.message = entry->message;
  delivery.place = place;
  delivery.transitional = transitional;
  if (entry->chunks != nullptr) delivery.chunks = std::move(*std::exchange(entry->chunks, nullptr));
  if (EpochGate::Pending* pending = epochs_.front()) pending->blockers.erase({sender, number});
  if (message.is_control()) {
    const auto woken = epochs_.apply();
    ready_.insert(ready_.end(), woken.begin(), woken.end());
  }
  for (const MessageNumber waiting : stream.deliver_waits.take_waiting_for(number)) {
    ready_.push_back({sender, waiting});
  }
}

// --- flush ---------------------------------------------------------------------------------------

std::vector<CausalNumber> Holdback::first_behind_control(
    const std::vector<Candidate>& candidates) const {
  std::vector<CausalNumber> first(streams_.size(), CausalNumber{~std::uint64_t{0}});
  bool moved = true;
  while (moved) {
    moved = false;
    for (const auto& [message, sender, placed] : candidates) {
      bool behind = message->is_control() && !placed;
      for (Rank rank = 0; rank < streams_.size() && !behind; ++rank) {
        if (rank != sender) behind = (*message->context)[rank] >= first[rank];
      }
      if (behind && message->causal_number < first[sender]) {
        PROBE("in a flush a message follows a join or leave without a place");
        first[sender] = message->causal_number;
        moved = true;
      }
    }
  }
  return first;
}

// The free part of the order (rule F7). Control messages in it come as late as causality allows:
// nobody has applied them, but a member that is excluded may have delivered data before them.
std::vector<MessageReference> Holdback::unplaced_clear_messages() const {
  std::set<MessageReference> placed;
  for (OrderNumber place = delivered_place_.next(); place <= ordered_line_; ++place) {
    placed.insert(total_->at(place));
  }
  std::vector<Candidate> candidates;
  for (Rank sender = 0; sender < streams_.size(); ++sender) {
    const RetransmitBuffer& buffer = streams_[sender].buffer;
    for (MessageNumber number = buffer.first(); number < buffer.end(); ++number) {
      const Retained* entry = buffer.find(number);
      if (entry == nullptr || !entry->clear || entry->delivered) continue;
      if (!entry->message->is_causal()) continue;
      candidates.push_back({entry->message.get(), sender, placed.contains({sender, number})});
    }
  }
  const std::vector<CausalNumber> first = first_behind_control(candidates);
  std::vector<std::tuple<bool, LamportStamp, Rank, MessageNumber>> found;
  for (const auto& [message, sender, is_placed] : candidates) {
    if (is_placed || !message->is_ordered()) continue;
    const bool behind = message->causal_number >= first[sender];
    found.emplace_back(behind, message->stamp, sender, message->number);
  }
  std::sort(found.begin(), found.end());
  std::vector<MessageReference> rest;
  for (const auto& [behind, stamp, sender, number] : found) rest.push_back({sender, number});
  return rest;
}

void Holdback::truncate_after(Rank sender, MessageNumber last) {
  clearing_.truncate_after(sender, last);
  delivering_.truncate_after(sender, last);
  streams_[sender].buffer.truncate_after(last);
}

bool Holdback::finish(const std::vector<MessageNumber>& cut, OrderNumber first_place,
                      const std::vector<MessageReference>& places) {
  CHECK(total_->is_frozen());
  CHECK_EQ(cut.size(), streams_.size());
  advance();
  for (Rank sender = 0; sender < streams_.size(); ++sender) truncate_after(sender, cut[sender]);
  // Which messages are clear does not depend on the order: settle that first (rule F5).
  while (advance_clear()) {
  }
  total_->extend(first_place, places);
  advance_ordered_line();
  last_known_place_ = ordered_line_;
  if (ordered_line_ < total_->known()) {
    PROBE("E44: a place is void, since a message at or before it is lost");
  }
  total_->replace_after(ordered_line_, unplaced_clear_messages());
  finishing_ = true;
  advance();
  if (ordered_line_ != total_->known() || delivered_place_ != total_->known()) return false;
  for (const Stream& stream : streams_) {
    for (MessageNumber number = stream.buffer.first(); number < stream.buffer.end(); ++number) {
      const Retained* entry = stream.buffer.find(number);
      if (entry == nullptr || entry->delivered) continue;
      if (entry->clear) return false;
      PROBE("E4: a message of the cut is void, since its cause is lost");
      if (entry->message->order == Order::kSafe) {
        PROBE("E43: a safe message of the cut is void, since its cause is lost");
      }
    }
  }
  return true;
}

}  // namespace groupcomm::ordering
