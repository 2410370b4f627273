// All ordering state of one view: made at its install, thrown away after the flush that ends it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/time_point.h"
#include "ordering/handover.h"
#include "ordering/holdback.h"
#include "ordering/nack_timer.h"
#include "ordering/receive_window.h"
#include "ordering/send_window.h"
#include "ordering/stream_head.h"

namespace groupcomm::ordering {

enum class Engine : std::uint8_t { kSequencer, kLamport };

// The messages of all windows of a view together: what a member may know to be ordered while others
// do not must fit into a frame (rule T4).
inline constexpr std::uint64_t kWindowsMax = 1u << 18;

// An answer to a question for messages ends where it has so many of them, or so many bytes.
inline constexpr std::size_t kRepairMessagesMax = 512;
inline constexpr std::size_t kRepairBytesMax = 512u << 10;

struct OrderingOptions {
  Rank self = 0;
  std::size_t view_size = 1;
  Engine engine = Engine::kSequencer;
  std::uint64_t window_messages = 4096;
  std::uint64_t window_bytes = 8u << 20;
  std::uint64_t batch_bytes = 64u << 10;  // a batch of more than one message is not larger
  bool caught_up = false;  // members here have seen all that asked in the views before (N3)
};

// What a member knows when it stops for a flush.
struct FlushState {
  std::vector<MessageNumber> held;  // by rank
  OrderNumber first_place;
  std::vector<MessageReference> places;
  OrderNumber delivered;  // places up to here are delivered
};

// Stamps and sends, receives and repairs, and delivers in order, inside one view. Joins the parts:
// ReceiveWindow and NackTimer (reliability), Holdback (order), StabilityTracker (what all hold)
// and SendWindow (credit). One thread; no time but what is handed in.
class ViewOrdering {
 public:
  explicit ViewOrdering(const OrderingOptions& options);

  // --- sending
  // The window has room for another message.
  bool may_send() const { return send_window_.has_room(); }
  // Completes the stamps of a message of a local session and takes it into the stream; settle() is
  // due after the last of some. REQUIRES: not frozen; kind, order, session, groups and payload set.
  MessageNumber stamp(std::shared_ptr<protocol::StampedMessage> message);
  // Orders and delivers what can be, and releases what is stable.
  void settle();
  // The session ended: its chain of predecessors is no longer needed.
  void forget_session(SessionId session) { chains_.erase(session); }

  // --- receiving. What peers say must fit the view: see fits() (view_ordering_fits.cc, rule P3).
  // False: it contradicts this view or the protocol, and must be dropped.
  bool fits(Rank from, const protocol::Batch& batch) const;
  bool fits(Rank from, const protocol::Progress& progress) const;
  bool fits(Rank original, const std::vector<protocol::MessagePointer>& messages) const;
  // Of a living member of this view.
  bool fits(const protocol::State& state) const;
  // Members of this view could have held and known what the value says.
  bool fits(const protocol::ViewChangeValue& value) const;
  // It can end this view here, too: it has all that was held and delivered here. So has every value
  // that was chosen out of this member's answer, among others'.
  bool may_end_with(const protocol::ViewChangeValue& value) const;
  // Messages that came and were none of their daemon's, since the last call.
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

  void on_batch(Rank from, const protocol::Batch& batch);
  void on_progress(Rank from, const protocol::Progress& progress);
  void on_repair(Rank original, const std::vector<protocol::MessagePointer>& messages);
  // What is asked for and still there; bounded.
  struct Answer {
    std::vector<protocol::Repair> repairs;
    OrderNumber first_place;
    std::vector<MessageReference> places;
  };
  Answer on_nack(const protocol::Nack& nack) const;

  // --- outputs
  std::vector<Delivery> take_deliveries() { return holdback_.take_deliveries(); }
  // New messages, places and progress, or nothing where all of it has been told. What does not fit
  // into one batch is left for the next.
  std::optional<protocol::Batch> take_batch();
  bool has_unsent() const { return !unsent_.empty(); }
  // Somebody waits for what only a batch of ours can tell: an acknowledgement, a clock, places.
  bool has_urgent_news() const;
  // Acknowledgements that nobody waits for are due by then.
  TimePoint progress_deadline() const { return progress_due_.value_or(TimePoint::never()); }
  protocol::Progress progress() const;
  struct Question {
    Rank to;
    protocol::Nack nack;
  };
  // Questions for what is missing and due to be asked.
  std::vector<Question> take_nacks(TimePoint now);
  TimePoint nack_deadline() const;
  // Since when nothing more has come of what a member is known to have sent, though it was asked
  // for. Nothing: nothing is missing.
  std::optional<TimePoint> missing_since(Rank member) const { return watches_[member].since; }
  // To be called at times, between which no step is seen.
  void watch_streams(TimePoint now);
  // The owner stood still: what did not happen meanwhile says nothing about the others.
  void excuse(TimePoint now);
  // Updates the timers. Call after inputs.
  void observe(TimePoint now);

  // --- flush (rules F1-F7)
  void freeze();
  bool is_frozen() const { return holdback_.total().is_frozen(); }
  FlushState flush_state() const;
  // Messages of a cut are wanted. They are kept aside until finish(): what a member says that it
  // holds must not grow by a ballot that fails, else an older value that is adopted then would
  // have a smaller cut than somebody has delivered (rule F5).
  void want(const std::vector<MessageNumber>& cut) { wanted_ = cut; }
  void on_refill(Rank original, const std::vector<protocol::MessagePointer>& messages);
  // Messages that are held and turn out to be none of their daemon's are missing, and forgotten.
  std::vector<protocol::MissingMessages> missing_for(const std::vector<MessageNumber>& cut);
  // Delivers the rest of the view. REQUIRES: frozen; missing_for(cut) is empty. False: not all of
  // it could be delivered, since messages of the cut contradict one another.
  [[nodiscard]] bool finish(const std::vector<MessageNumber>& cut, OrderNumber first_place,
                            const std::vector<MessageReference>& places);

  // --- safe notices (rules N1 and N2)
  // All members here have seen this message, which asks.
  void on_handed(const MessageReference& reference);
  // They have seen all that asked in the views before this one.
  void on_caught_up();
  // Own messages up to here have been handed to all members everywhere, where they ask.
  // REQUIRES: what take_deliveries() gave has been applied.
  MessageNumber handed_by_all();
  bool all_caught_up();

  // Own messages that were stamped and are not delivered here, or were not taken.
  std::vector<protocol::MessagePointer> undelivered_own() const;

  LamportStamp clock() const { return clock_; }
  // Every message of the view has reached every member and is delivered here.
  bool is_quiet() const;
  // Messages that may have to be repeated, and chunks that wait for the rest of their message.
  std::uint64_t retained_messages() const;
  // Own messages that the member has not acknowledged.
  std::uint64_t unacknowledged_by(Rank member) const;
  std::uint64_t unstable_bytes() const { return send_window_.bytes(); }

 private:
  // How much of a member's stream, and of the places that it assigned, has come.
  struct Watch {
    MessageNumber held;
    OrderNumber known;
    std::optional<TimePoint> since;  // set while more is known to exist
  };

  struct Chain {
    MessageNumber last;      // the session's last fifo-or-stronger message
    MessageNumber required;  // the newest own total or safe message that it must wait for
  };

  void stamp_order(protocol::StampedMessage& message);
  void stamp_closing();
  void tell_of_handover(bool caught_up);
  protocol::MessagePointer find(Rank sender, MessageNumber number) const;
  void take_into_stream(protocol::MessagePointer message);
  std::vector<protocol::MessagePointer> take_unsent();
  void receive(Rank sender, const protocol::MessagePointer& message);
  void admit_held(Rank sender, MessageNumber held_before);
  void count_clock(Rank rank);
  bool fits(const protocol::StampedMessage& message) const;
  bool agrees(OrderNumber first, const std::vector<MessageReference>& places) const;
  bool is_in_reach(const std::vector<MessageNumber>& numbers) const;
  void retract(Rank sender, MessageNumber number);
  std::vector<MessageNumber> held_beyond_hole(Rank sender, MessageNumber last) const;
  std::vector<protocol::MissingMessages> drop_misfits(const std::vector<MessageNumber>& cut);

  OrderingOptions options_;
  Holdback holdback_;
  Handover handover_;
  SendWindow send_window_;
  std::vector<ReceiveWindow> windows_;  // by rank
  std::vector<StreamHead> heads_;       // by rank: of what is held
  std::vector<MessageNumber> wanted_;   // by rank, once a cut is known
  std::vector<std::map<MessageNumber, protocol::MessagePointer>> refills_;  // by rank
  std::vector<NackTimer> nack_timers_;                                      // by rank
  NackTimer place_timer_;
  std::vector<Watch> watches_;               // by rank
  std::vector<MessageNumber> clock_covers_;  // by rank: a told clock counts once held up to here
  std::vector<LamportStamp> told_clocks_;    // by rank

  // Own stream.
  MessageNumber sent_;
  CausalNumber causal_sent_;
  LamportStamp clock_;
  MessageNumber last_ordered_stamped_;         // own newest total or safe message
  std::shared_ptr<const VectorTime> context_;  // shared by messages between two deliveries
  std::unordered_map<SessionId, Chain> chains_;

  std::deque<protocol::MessagePointer> unsent_;
  protocol::Progress told_;  // what the last batch said
  std::uint64_t untold_messages_ = 0;
  bool closing_untold_ = false;  // others wait for our acknowledgement of a closing
  bool handed_untold_ = false;   // and somebody for what was handed here
  OrderNumber applied_;          // what had been delivered when something was handed here last
  std::optional<TimePoint> progress_due_;
  std::uint64_t refused_ = 0;
};

}  // namespace groupcomm::ordering
