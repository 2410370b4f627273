#include "ordering/view_ordering.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "groupcomm/probe.h"
#include "ordering/lamport_order.h"
#include "ordering/sequencer_order.h"

namespace groupcomm::ordering {
namespace {

using protocol::MessageKind;
using protocol::MessagePointer;
using protocol::StampedMessage;

constexpr std::size_t kNackRangesMax = 32;
constexpr std::size_t kRepairPlacesMax = 4096;
// So many messages are looked at for one Nack, whatever it asks for.
constexpr std::size_t kNackStepsMax = 1u << 17;
// Acknowledgements that nobody waits for go out after so many messages or this time (S1).
constexpr std::uint64_t kUntoldMessagesMax = 64;
// What a message takes in a batch besides its payload, about.
constexpr std::uint64_t kStampsBytes = 64;
constexpr Duration kProgressDelay = std::chrono::milliseconds(10);

std::unique_ptr<TotalOrder> make_total_order(const OrderingOptions& options) {
  if (options.engine == Engine::kLamport) {
    return std::make_unique<LamportOrder>(options.view_size);
  }
  return std::make_unique<SequencerOrder>(options.self);
}

}  // namespace

ViewOrdering::ViewOrdering(const OrderingOptions& options)
    : options_(options),
      holdback_(options.view_size, options.self, make_total_order(options)),
      handover_(options.view_size),
      send_window_(options.window_messages, options.window_bytes),
      windows_(options.view_size),
      heads_(options.view_size),
      refills_(options.view_size),
      nack_timers_(options.view_size),
      watches_(options.view_size),
      clock_covers_(options.view_size),
      told_clocks_(options.view_size) {
  CHECK_LT(options.self, options.view_size);
  told_.received.resize(options.view_size);
  if (options.caught_up) handover_.on_told(options.self, {}, /*caught_up=*/true, {});
}

// --- sending -------------------------------------------------------------------------------------

MessageNumber ViewOrdering::stamp(std::shared_ptr<StampedMessage> message) {
  CHECK(!is_frozen());
  stamp_order(*message);
  const MessageNumber number = message->number;
  take_into_stream(std::move(message));
  return number;
}

void ViewOrdering::stamp_order(StampedMessage& message) {
  message.number = sent_.next();
  message.stamp = clock_.next();
  const auto stamp_epoch = [&](protocol::Destination& destination) {
    destination.epoch = holdback_.epochs().stamp_epoch(destination.group);
  };
  if (message.kind != MessageKind::kClosing) stamp_epoch(message.destination);
  for (protocol::Destination& destination : message.more_destinations) stamp_epoch(destination);
  if (message.is_causal()) {
    message.causal_number = causal_sent_.next();
    if (context_ == nullptr || *context_ != holdback_.delivered_time()) {
      context_ = std::make_shared<const VectorTime>(holdback_.delivered_time());
    }
    message.context = context_;
  }
  const bool is_chained =
      message.kind != MessageKind::kClosing && message.order != Order::kReliable;
  if (!is_chained) return;
  Chain& chain = chains_[message.session];
  message.predecessor = chain.last;
  // A causal message waits for every total message of its daemon, a fifo one for its chain's.
  if (message.is_causal()) chain.required = last_ordered_stamped_;
  message.after = chain.required;
  if (message.is_ordered()) chain.required = message.number;
  chain.last = message.number;
}

void ViewOrdering::take_into_stream(MessagePointer message) {
  sent_ = message->number;
  clock_ = message->stamp;
  if (message->is_causal()) causal_sent_ = message->causal_number;
  if (message->is_ordered()) last_ordered_stamped_ = message->number;
  send_window_.on_stamped(message->payload.size());
  unsent_.push_back(message);
  receive(options_.self, message);
}

void ViewOrdering::stamp_closing() {
  auto closing = std::make_shared<StampedMessage>();
  closing->kind = MessageKind::kClosing;
  closing->order = Order::kCausal;
  closing->closes = holdback_.ordered_line();
  stamp_order(*closing);
  // The control messages that were learnt are its causes, and so of all that is stamped after it.
  VectorTime causes = holdback_.delivered_time();
  for (Rank rank = 0; rank < options_.view_size; ++rank) {
    causes[rank] = std::max(causes[rank], holdback_.learnt_time()[rank]);
  }
  closing->context = std::make_shared<const VectorTime>(std::move(causes));
  take_into_stream(std::move(closing));
}

// --- receiving -----------------------------------------------------------------------------------

void ViewOrdering::receive(Rank sender, const MessagePointer& message) {
  const MessageNumber before = windows_[sender].held();
  if (!windows_[sender].accept(message->number)) return;
  holdback_.buffer(sender).put(message->number, message);
  admit_held(sender, before);
}

void ViewOrdering::admit_held(Rank sender, MessageNumber held_before) {
  const MessageNumber held = windows_[sender].held();
  for (MessageNumber number = held_before.next(); number <= held; ++number) {
    Retained* entry = holdback_.buffer(sender).find(number);
    CHECK(entry != nullptr);
    const StampedMessage& message = *entry->message;
    if (!heads_[sender].is_followed_by(message)) {
      retract(sender, number);
      break;
    }
    heads_[sender].take(message);
    clock_ = std::max(clock_, message.stamp);
    holdback_.admit(sender, *entry);
    holdback_.total().on_clock(sender, message.stamp);
    if (sender != options_.self) ++untold_messages_;
    if (message.kind == MessageKind::kClosing) closing_untold_ = true;
    if (message.notify_safe) handover_.on_held(sender, number);
  }
  count_clock(sender);
}

// The message that came with this number is none of the sender's: its own is asked for.
void ViewOrdering::retract(Rank sender, MessageNumber number) {
  PROBE("a message that does not follow the one before");
  CHECK_NE(sender, options_.self);
  ++refused_;
  windows_[sender].retract(number);
  holdback_.buffer(sender).erase(number);
}

void ViewOrdering::count_clock(Rank rank) {
  if (windows_[rank].held() >= clock_covers_[rank]) {
    holdback_.total().on_clock(rank, told_clocks_[rank]);
  }
  holdback_.total().on_clock(options_.self, clock_);
}

void ViewOrdering::on_batch(Rank from, const protocol::Batch& batch) {
  for (const MessagePointer& message : batch.messages) receive(from, message);
  holdback_.total().on_places(batch.first_place, batch.places);
  on_progress(from, batch.progress);
}

void ViewOrdering::on_progress(Rank from, const protocol::Progress& progress) {
  windows_[from].on_sent(progress.sent);
  holdback_.total().on_announced(progress.announced);
  StabilityTracker& stability = holdback_.stability();
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    stability.on_received(from, sender, progress.received[sender]);
  }
  stability.on_ordered(from, progress.ordered);
  const auto handed = progress.handed.empty() ? MessageNumber{} : progress.handed[options_.self];
  handover_.on_told(from, handed, progress.caught_up, progress.applied);
  if (progress.clock >= told_clocks_[from]) {
    told_clocks_[from] = progress.clock;
    clock_covers_[from] = progress.sent;
    clock_ = std::max(clock_, progress.clock);
  }
  count_clock(from);
  settle();
}

void ViewOrdering::on_repair(Rank original, const std::vector<MessagePointer>& messages) {
  for (const MessagePointer& message : messages) receive(original, message);
  settle();
}

void ViewOrdering::settle() {
  const auto on_released = [this](const Retained& entry) {
    send_window_.on_released(entry.message->payload.size());
  };
  do {
    holdback_.advance();
    while (holdback_.take_closing_due() && !is_frozen()) {
      stamp_closing();
      holdback_.advance();
    }
  } while (holdback_.release(on_released));
}

ViewOrdering::Answer ViewOrdering::on_nack(const protocol::Nack& nack) const {
  Answer answer;
  std::size_t messages = 0;
  std::size_t bytes = 0;
  std::size_t steps = 0;
  for (const protocol::MissingMessages& missing : nack.missing) {
    if (++steps > kNackStepsMax) break;
    if (missing.sender >= options_.view_size) continue;
    const RetransmitBuffer& buffer = holdback_.buffer(missing.sender);
    protocol::Repair repair{.original = missing.sender, .messages = {}};
    MessageNumber number = std::max(missing.range.first, buffer.first());
    const auto& aside = refills_[missing.sender];
    const MessageNumber end =
        aside.empty() ? buffer.end() : std::max(buffer.end(), aside.rbegin()->first.next());
    for (; number <= missing.range.last && number < end; ++number) {
      if (messages == kRepairMessagesMax || bytes >= kRepairBytesMax) break;
      if (++steps > kNackStepsMax) break;
      const MessagePointer message = find(missing.sender, number);
      if (message == nullptr) continue;
      ++messages;
      bytes += message->payload.size();
      repair.messages.push_back(message);
    }
    if (!repair.messages.empty()) answer.repairs.push_back(std::move(repair));
  }
  if (nack.first_place) {
    PROBE("places are asked for");
    const TotalOrder& total = holdback_.total();
    answer.first_place = std::max(nack.first_place, total.first_kept());
    OrderNumber place = answer.first_place;
    for (; place <= nack.last_place && place <= total.known(); ++place) {
      if (answer.places.size() == kRepairPlacesMax) break;
      answer.places.push_back(total.at(place));
    }
  }
  return answer;
}

// --- outputs -------------------------------------------------------------------------------------

protocol::Progress ViewOrdering::progress() const {
  protocol::Progress progress;
  progress.sent = sent_;
  progress.received.resize(options_.view_size);
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    progress.received[sender] = holdback_.clear_line(sender);
  }
  progress.ordered = holdback_.ordered_line();
  progress.announced = options_.self == 0 ? holdback_.total().known() : OrderNumber{};
  progress.clock = clock_;
  if (handover_.is_active()) {
    progress.handed.resize(options_.view_size);
    for (Rank sender = 0; sender < options_.view_size; ++sender) {
      progress.handed[sender] = handover_.line(sender, progress.received[sender]);
    }
  }
  progress.caught_up = handover_.is_caught_up(options_.self);
  progress.applied = applied_;
  return progress;
}

bool ViewOrdering::has_urgent_news() const {
  if (!unsent_.empty() || untold_messages_ >= kUntoldMessagesMax) return true;
  if (closing_untold_ || handed_untold_) return true;
  if (told_.ordered < holdback_.last_strong_place()) return true;
  if (options_.self == 0 && options_.engine == Engine::kSequencer &&
      told_.announced < holdback_.total().known()) {
    return true;
  }
  return holdback_.total().wants_clock_told(told_.clock);
}

std::vector<MessagePointer> ViewOrdering::take_unsent() {
  std::uint64_t bytes = 0;
  const auto fits = [&](const MessagePointer& message) {
    bytes += kStampsBytes + message->payload.size();
    return bytes <= options_.batch_bytes;
  };
  auto end = std::find_if_not(unsent_.begin(), unsent_.end(), fits);
  if (end == unsent_.begin() && end != unsent_.end()) ++end;  // one is always taken
  std::vector<MessagePointer> messages(std::move_iterator(unsent_.begin()),
                                       std::move_iterator(end));
  unsent_.erase(unsent_.begin(), end);
  return messages;
}

// Each batch says how far the whole stream is: that the rest of it comes later may be due to the
// network as well.
std::optional<protocol::Batch> ViewOrdering::take_batch() {
  protocol::Progress news = progress();
  handed_untold_ = false;
  if (unsent_.empty() && news == told_) return std::nullopt;
  protocol::Batch batch;
  batch.messages = take_unsent();
  TotalOrder::Announcement announcement = holdback_.total().take_announcement();
  batch.first_place = announcement.first;
  batch.places = std::move(announcement.places);
  batch.progress = news;
  told_ = std::move(news);
  untold_messages_ = 0;
  closing_untold_ = false;
  progress_due_.reset();
  return batch;
}

void ViewOrdering::watch_streams(TimePoint now) {
  const TotalOrder& total = holdback_.total();
  for (Rank member = 0; member < options_.view_size; ++member) {
    Watch& watch = watches_[member];
    const bool assigns_places = member == 0 && options_.self != 0;
    const OrderNumber known = assigns_places ? total.known() : OrderNumber{};
    const bool is_missing =
        windows_[member].has_gap() || (assigns_places && known < total.announced());
    const bool has_moved = watch.held != windows_[member].held() || watch.known != known;
    watch.held = windows_[member].held();
    watch.known = known;
    if (!is_missing) {
      watch.since.reset();
    } else if (has_moved || !watch.since) {
      watch.since = now;
    }
  }
}

void ViewOrdering::excuse(TimePoint now) {
  for (Watch& watch : watches_) {
    if (watch.since) watch.since = now;
  }
}

void ViewOrdering::observe(TimePoint now) {
  for (Rank rank = 0; rank < options_.view_size; ++rank) {
    nack_timers_[rank].observe(now, windows_[rank].has_gap(), windows_[rank].held().value);
  }
  const TotalOrder& total = holdback_.total();
  place_timer_.observe(now, total.known() < total.announced(), total.known().value);
  const bool has_news =
      untold_messages_ > 0 || told_.ordered < holdback_.ordered_line() || told_.clock < clock_;
  if (!has_news) {
    progress_due_.reset();
  } else if (!progress_due_) {
    progress_due_ = now + kProgressDelay;
  }
}

std::vector<ViewOrdering::Question> ViewOrdering::take_nacks(TimePoint now) {
  std::vector<Question> questions;
  for (Rank rank = 0; rank < options_.view_size; ++rank) {
    if (!nack_timers_[rank].is_due(now)) continue;
    nack_timers_[rank].on_asked(now);
    Question question{.to = rank, .nack = {}};
    for (const protocol::NumberRange& range : windows_[rank].missing(kNackRangesMax)) {
      PROBE("messages are asked for");
      question.nack.missing.push_back({rank, range});
    }
    questions.push_back(std::move(question));
  }
  if (place_timer_.is_due(now)) {
    place_timer_.on_asked(now);
    const TotalOrder& total = holdback_.total();
    questions.push_back(
        {.to = 0,
         .nack = {
             .missing = {}, .first_place = total.known().next(), .last_place = total.announced()}});
  }
  return questions;
}

TimePoint ViewOrdering::nack_deadline() const {
  TimePoint deadline = place_timer_.deadline();
  for (const NackTimer& timer : nack_timers_) deadline = std::min(deadline, timer.deadline());
  return deadline;
}

// --- flush ---------------------------------------------------------------------------------------

void ViewOrdering::freeze() { holdback_.freeze(); }

FlushState ViewOrdering::flush_state() const {
  FlushState state;
  for (const ReceiveWindow& window : windows_) state.held.push_back(window.held());
  const TotalOrder& total = holdback_.total();
  state.first_place = total.first_kept();
  for (OrderNumber place = state.first_place; place <= total.known(); ++place) {
    state.places.push_back(total.at(place));
  }
  state.delivered = holdback_.delivered_place();
  return state;
}

void ViewOrdering::on_refill(Rank original, const std::vector<MessagePointer>& messages) {
  CHECK(is_frozen());
  if (wanted_.empty()) return;
  for (const MessagePointer& message : messages) {
    const bool is_wanted =
        windows_[original].held() < message->number && message->number <= wanted_[original];
    if (is_wanted && find(original, message->number) == nullptr) {
      PROBE("E5: a message of the cut is pulled from another");
      refills_[original].emplace(message->number, message);
    }
  }
}

// A message that is held, in the stream, beyond a hole of it, or aside.
MessagePointer ViewOrdering::find(Rank sender, MessageNumber number) const {
  if (const Retained* entry = holdback_.buffer(sender).find(number)) return entry->message;
  const auto refill = refills_[sender].find(number);
  return refill == refills_[sender].end() ? nullptr : refill->second;
}

std::vector<MessageNumber> ViewOrdering::held_beyond_hole(Rank sender, MessageNumber last) const {
  const std::set<MessageNumber>& ahead = windows_[sender].ahead();
  std::vector<MessageNumber> aside;
  for (const auto& [number, message] : refills_[sender]) aside.push_back(number);
  std::vector<MessageNumber> held;
  std::set_union(ahead.begin(), ahead.end(), aside.begin(), aside.end(), std::back_inserter(held));
  held.erase(std::upper_bound(held.begin(), held.end(), last), held.end());
  return held;
}

std::vector<protocol::MissingMessages> ViewOrdering::missing_for(
    const std::vector<MessageNumber>& cut) {
  std::vector<protocol::MissingMessages> missing;
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    MessageNumber next = windows_[sender].held().next();
    for (const MessageNumber number : held_beyond_hole(sender, cut[sender])) {
      PROBE("a message of the cut is held beyond a hole, or aside");
      if (next < number) missing.push_back({sender, {next, number.previous()}});
      next = number.next();
    }
    if (next <= cut[sender]) missing.push_back({sender, {next, cut[sender]}});
  }
  return missing.empty() ? drop_misfits(cut) : missing;
}

// Rule L3, for the messages of the cut that are not in their streams yet.
std::vector<protocol::MissingMessages> ViewOrdering::drop_misfits(
    const std::vector<MessageNumber>& cut) {
  std::vector<protocol::MissingMessages> missing;
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    StreamHead head = heads_[sender];
    MessageNumber number = windows_[sender].held().next();
    for (; number <= cut[sender]; ++number) {
      const MessagePointer message = find(sender, number);
      if (!head.is_followed_by(*message)) break;
      head.take(*message);
    }
    if (number > cut[sender]) continue;
    PROBE("a message of the cut is none of its daemon's");
    ++refused_;
    windows_[sender].forget(number);
    holdback_.buffer(sender).erase(number);
    refills_[sender].erase(number);
    missing.push_back({sender, {number, number}});
  }
  return missing;
}

bool ViewOrdering::finish(const std::vector<MessageNumber>& cut, OrderNumber first_place,
                          const std::vector<MessageReference>& places) {
  CHECK(is_frozen());
  CHECK(missing_for(cut).empty());
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    windows_[sender].end_at(cut[sender]);
    holdback_.truncate_after(sender, cut[sender]);
    for (const auto& [number, message] : std::exchange(refills_[sender], {})) {
      if (number <= cut[sender]) receive(sender, message);
    }
    CHECK_EQ(windows_[sender].held(), cut[sender]);
  }
  return holdback_.finish(cut, first_place, places);
}

// --- safe notices --------------------------------------------------------------------------------

void ViewOrdering::on_handed(const MessageReference& reference) {
  handover_.on_handed(reference.sender, reference.number);
  tell_of_handover(/*caught_up=*/false);
}

void ViewOrdering::on_caught_up() {
  if (!handover_.is_caught_up(options_.self)) tell_of_handover(/*caught_up=*/true);
}

void ViewOrdering::tell_of_handover(bool caught_up) {
  applied_ = holdback_.delivered_place();
  handed_untold_ = true;
  handover_.on_told(options_.self, handover_.line(options_.self, sent_), caught_up, applied_);
}

MessageNumber ViewOrdering::handed_by_all() {
  handover_.on_applied(holdback_.delivered_place());
  return handover_.handed_by_all();
}

bool ViewOrdering::all_caught_up() {
  handover_.on_applied(holdback_.delivered_place());
  return handover_.all_caught_up();
}

std::vector<MessagePointer> ViewOrdering::undelivered_own() const {
  std::vector<MessagePointer> undelivered;
  for (const Delivery& delivery : holdback_.deliveries()) {
    if (delivery.reference.sender == options_.self) undelivered.push_back(delivery.message);
  }
  const RetransmitBuffer& own = holdback_.buffer(options_.self);
  for (MessageNumber number = own.first(); number < own.end(); ++number) {
    const Retained* entry = own.find(number);
    if (entry != nullptr && !entry->delivered) undelivered.push_back(entry->message);
  }
  std::sort(undelivered.begin(), undelivered.end(),
            [](const auto& a, const auto& b) { return a->number < b->number; });
  return undelivered;
}

bool ViewOrdering::is_quiet() const {
  return retained_messages() == 0 && holdback_.delivered_place() == holdback_.total().known();
}

std::uint64_t ViewOrdering::retained_messages() const {
  std::uint64_t retained = 0;
  for (Rank sender = 0; sender < options_.view_size; ++sender) {
    const RetransmitBuffer& buffer = holdback_.buffer(sender);
    retained += buffer.end().value - buffer.first().value;
    retained += holdback_.waiting_chunks(sender);
  }
  return retained;
}

std::uint64_t ViewOrdering::unacknowledged_by(Rank member) const {
  // Whatever it claims.
  const MessageNumber received = holdback_.stability().received(member, options_.self);
  return sent_.value - std::min(sent_, received).value;
}

}  // namespace groupcomm::ordering
