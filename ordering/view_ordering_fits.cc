// ViewOrdering: whether what peers say can be about this view (rule P3).
#include <algorithm>

#include "groupcomm/identity.h"
#include "ordering/view_ordering.h"

namespace groupcomm::ordering {
namespace {

using protocol::MessageKind;
using protocol::MessagePointer;
using protocol::StampedMessage;

// A stamp so far ahead of the own clock is poison: taken over, it would spoil all clocks (T2).
constexpr std::uint64_t kClockAheadMax = std::uint64_t{1} << 48;
// What is beyond was made up in many steps (rule P6).
constexpr LamportStamp kClockMax{std::uint64_t{1} << 62};
// No member is further ahead of what another one holds: beyond the acknowledgements of all it
// stamps at most its window (at most 2^20 messages), and closings for the joins and leaves in the
// windows of the 63 others (rules W1 and E3).
constexpr std::uint64_t kReachMax = std::uint64_t{1} << 26;

bool is_near(LamportStamp stamp, LamportStamp clock) {
  if (stamp > kClockMax) return false;
  return stamp <= clock || stamp.value - clock.value <= kClockAheadMax;
}

bool has_the_order_of_its_kind(const StampedMessage& message) {
  switch (message.kind) {
    case MessageKind::kData: return true;
    case MessageKind::kChunk: return message.order == Order::kReliable;
    case MessageKind::kJoin:
    case MessageKind::kLeave:
    case MessageKind::kHold: return message.order == Order::kTotal;
    case MessageKind::kClosing: return message.order == Order::kCausal;
  }
  return false;
}

// A join names its one group and the process.
bool is_of_one_piece(const StampedMessage& message) {
  if (message.kind != MessageKind::kJoin || !message.control) return true;
  return message.more_destinations.empty() && !message.sender_name.empty() &&
         message.destination.group == group_key(message.control->group_name);
}

}  // namespace

bool ViewOrdering::fits(const StampedMessage& message) const {
  if (!message.number || !is_near(message.stamp, clock_)) return false;
  if (message.notify_safe && message.kind != MessageKind::kData) return false;
  if (message.predecessor >= message.number || message.after >= message.number) return false;
  if (!has_the_order_of_its_kind(message) || !is_of_one_piece(message)) return false;
  if (!message.is_causal()) return true;
  return message.context != nullptr && message.context->size() == options_.view_size &&
         static_cast<bool>(message.causal_number);
}

// Of its own messages a member lacks none.
bool ViewOrdering::fits(Rank original, const std::vector<MessagePointer>& messages) const {
  return original < options_.view_size &&
         std::all_of(messages.begin(), messages.end(), [&](const MessagePointer& message) {
           const bool is_strange_own = original == options_.self && message->number > sent_;
           return !is_strange_own && fits(*message);
         });
}

bool ViewOrdering::fits(Rank from, const protocol::Progress& progress) const {
  if (from != 0 && progress.announced) return false;
  if (progress.received.size() != options_.view_size) return false;
  if (!progress.handed.empty() && progress.handed.size() != options_.view_size) return false;
  for (std::size_t sender = 0; sender < progress.handed.size(); ++sender) {
    if (progress.handed[sender] > progress.received[sender]) return false;
  }
  return progress.applied <= progress.ordered && is_near(progress.clock, clock_) &&
         progress.received[options_.self] <= sent_;
}

// Only the sequencer knows places that nobody told it.
bool ViewOrdering::fits(Rank from, const protocol::Batch& batch) const {
  if (!fits(from, batch.messages) || !fits(from, batch.progress)) return false;
  if (from != 0 && !batch.places.empty()) return false;
  return std::all_of(
      batch.places.begin(), batch.places.end(),
      [&](const MessageReference& reference) { return reference.sender < options_.view_size; });
}

// Living members know the same places, as far as they know them, and nobody has released one that
// another one does not know: it was acknowledged by all.
bool ViewOrdering::agrees(OrderNumber first, const std::vector<MessageReference>& places) const {
  const TotalOrder& total = holdback_.total();
  if (!first || first > total.known().next()) return false;
  if (first.plus(places.size()) < total.first_kept()) return false;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].sender >= options_.view_size) return false;
    const OrderNumber place = first.plus(i);
    const bool is_known = total.first_kept() <= place && place <= total.known();
    if (is_known && total.at(place) != places[i]) return false;
  }
  return true;
}

bool ViewOrdering::is_in_reach(const std::vector<MessageNumber>& numbers) const {
  if (numbers.size() != options_.view_size || numbers[options_.self] > sent_) return false;
  for (Rank rank = 0; rank < options_.view_size; ++rank) {
    const MessageNumber held = windows_[rank].held();
    if (numbers[rank] > held && numbers[rank].value - held.value > kReachMax) return false;
  }
  return true;
}

bool ViewOrdering::fits(const protocol::State& state) const {
  return is_in_reach(state.held) && agrees(state.first_place, state.places);
}

bool ViewOrdering::fits(const protocol::ViewChangeValue& value) const {
  if (value.cut.empty()) return true;  // rule R2: from records alone
  return is_in_reach(value.cut) && agrees(value.first_place, value.places);
}

bool ViewOrdering::may_end_with(const protocol::ViewChangeValue& value) const {
  if (!fits(value)) return false;
  if (value.cut.empty()) return true;
  for (Rank rank = 0; rank < options_.view_size; ++rank) {
    if (value.cut[rank] < windows_[rank].held()) return false;
  }
  return holdback_.delivered_place() < value.first_place.plus(value.places.size());
}

}  // namespace groupcomm::ordering
