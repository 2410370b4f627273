// Holds messages back until their order allows them to be delivered.
#pragma once

#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/causal_order.h"
#include "ordering/epoch_gate.h"
#include "ordering/fifo_order.h"
#include "ordering/retransmit_buffer.h"
#include "ordering/stability_tracker.h"
#include "ordering/total_order.h"

namespace groupcomm::ordering {

// A message at the moment of its delivery.
struct Delivery {
  MessageReference reference;
  protocol::MessagePointer message;
  OrderNumber place;            // total and safe messages only
  std::vector<Payload> chunks;  // the earlier chunks of a large message, in order
  bool transitional = false;    // safe, but not known to be held by all: the view is being left
};

// The holdback queue of one view. Each message goes through three states:
//   held       it and all earlier messages of its daemon are here;
//   clear      held, and so are all its causes, transitively (rule O1): it may be acknowledged
//              and sequenced;
//   delivered  handed out, when reliable (L1), fifo (O2), causal (O3), the total order (T1, T2),
//              acknowledgements (U1, U2) and the groups' epochs (E1-E4) allow.
// In a flush every clear message of the cut is delivered, and everything else is void: the same
// at all members, because both are functions of the cut (rules F5-F7).
class Holdback {
 public:
  Holdback(std::size_t view_size, Rank self, std::unique_ptr<TotalOrder> total);

  // The next message of this rank, which is in its buffer, is held. REQUIRES: in the order of
  // numbers.
  void admit(Rank sender, Retained& entry);
  // Moves everything that can be moved. Call after inputs.
  void advance();

  std::vector<Delivery> take_deliveries() { return std::move(deliveries_); }
  const std::vector<Delivery>& deliveries() const { return deliveries_; }  // not taken yet
  // Releases messages that are delivered and stable. Calls on_released(entry) for own ones. True:
  // that made room for more places; advance() again.
  template <typename F>
  bool release(F on_released);

  TotalOrder& total() { return *total_; }
  const TotalOrder& total() const { return *total_; }
  StabilityTracker& stability() { return stability_; }
  const StabilityTracker& stability() const { return stability_; }
  EpochGate& epochs() { return epochs_; }
  RetransmitBuffer& buffer(Rank sender) { return streams_[sender].buffer; }
  const RetransmitBuffer& buffer(Rank sender) const { return streams_[sender].buffer; }

  // Acknowledgement lines of this member (rules S2, U1).
  MessageNumber clear_line(Rank sender) const { return streams_[sender].clear_line; }
  OrderNumber ordered_line() const { return ordered_line_; }
  OrderNumber delivered_place() const { return delivered_place_; }
  // The last place known here that waits for acknowledgements of others.
  OrderNumber last_strong_place() const { return strong_place_; }
  // Control messages were learnt here since the last call: a closing must be stamped.
  bool take_closing_due() { return std::exchange(closing_due_, false); }
  // What was delivered, by rank: the context of the next causal message.
  // The control messages that were learnt here, as causes: the context of a closing.
  const VectorTime& learnt_time() const { return learnt_time_; }
  const VectorTime& delivered_time() const { return delivering_.seen(); }
  bool is_released_or_delivered(Rank sender, MessageNumber number) const;
  // Chunks of large messages whose last part has not come.
  std::size_t waiting_chunks(Rank sender) const { return streams_[sender].waiting_chunks; }

  // --- flush
  void freeze() { total_->freeze(); }
  // A rank's messages end here: what was held of it beyond `last` is forgotten.
  void truncate_after(Rank sender, MessageNumber last);
  // Everything up to the cut is held. Decides the order of the rest and delivers all of it. False:
  // not all of it could be, since messages contradict one another; no honest daemons' do.
  bool finish(const std::vector<MessageNumber>& cut, OrderNumber first_place,
              const std::vector<MessageReference>& places);

 private:
  // An ordered message that is clear and has no place yet.
  struct Unplaced {
    MessageNumber number;
    CausalNumber causal_number;
  };
  struct Stream {
    RetransmitBuffer buffer;
    MessageNumber clear_line;
    FifoOrder clear_waits;  // reliable and fifo messages that wait to become clear
    MessageNumber last_closing;
    FifoOrder deliver_waits;  // fifo messages whose predecessor is not delivered
    std::unordered_map<SessionId, std::vector<Payload>> chunks;  // of unfinished large messages
    std::size_t waiting_chunks = 0;
    Ring<Unplaced> unplaced;  // by causal number
  };

  void admit_data(Rank sender, Retained& entry);
  static std::vector<Payload> take_chunks(Stream& stream, SessionId session);
  void mark_clear(Rank sender, Retained& entry);
  void mark_waiters_clear(Rank sender, MessageNumber number);
  static void admit_chunk(Stream& stream, const protocol::StampedMessage& chunk);
  MessageNumber unclear_cause(Rank sender, const protocol::StampedMessage& message) const;
  bool is_clear(Rank sender, MessageNumber number) const;
  void mark_one_clear(Rank sender, Retained& entry);
  bool advance_clear();
  bool advance_unbacked();
  void clear_or_wait(Rank sender, Retained& entry);
  bool may_take_place(Rank sender, const protocol::StampedMessage& message) const;
  bool advance_ordered_line();
  bool advance_causal();
  bool advance_total();
  bool is_acknowledged(const protocol::StampedMessage& message, OrderNumber place) const;
  bool is_control_due(EpochGate::Pending& pending);
  void find_blockers(EpochGate::Pending& pending);
  std::vector<std::set<MessageNumber>> waiting_in_flush() const;
  bool waits_in_flush(Rank sender, const Retained& entry,
                      const std::vector<std::set<MessageNumber>>& waiting,
                      const std::vector<CausalNumber>& first) const;
  void try_deliver(Rank sender, MessageNumber number);
  void deliver(Rank sender, MessageNumber number, OrderNumber place);
  // A causal, total or safe message that is clear and not delivered when the view is left.
  struct Candidate {
    const protocol::StampedMessage* message;
    Rank sender;
    bool placed;
  };
  // By rank: the first message that follows, by causality, an unplaced control message.
  std::vector<CausalNumber> first_behind_control(const std::vector<Candidate>& candidates) const;
  std::vector<MessageReference> unplaced_clear_messages() const;

  Rank self_;
  std::unique_ptr<TotalOrder> total_;
  std::vector<Stream> streams_;  // by rank
  CausalOrder clearing_;         // taken: clear
  CausalOrder delivering_;       // taken: delivered
  EpochGate epochs_;
  StabilityTracker stability_;
  OrderNumber ordered_line_;     // places up to here are known and their messages clear
  OrderNumber delivered_place_;  // places up to here are delivered
  OrderNumber strong_place_;
  bool closing_due_ = false;
  VectorTime learnt_time_;
  bool finishing_ = false;
  OrderNumber last_known_place_;  // finishing: the places behind it are new (rule F7)
  // Reliable and fifo messages whose epochs count joins and leaves that are not clear here.
  std::vector<MessageReference> unbacked_;
  bool unbacked_may_move_ = false;
  std::vector<MessageReference> ready_;  // reliable and fifo messages to try now
  std::vector<Delivery> deliveries_;
};

template <typename F>
bool Holdback::release(F on_released) {
  for (Rank sender = 0; sender < streams_.size(); ++sender) {
    RetransmitBuffer& buffer = streams_[sender].buffer;
    const MessageNumber stable = stability_.stable(sender);
    while (!buffer.empty() && buffer.first() <= stable && buffer.front().delivered) {
      if (sender == self_) on_released(buffer.front());
      buffer.release_front();
    }
  }
  const OrderNumber done = std::min(stability_.ordered_by_all(), delivered_place_);
  return done >= total_->first_kept() && total_->release_through(done);
}

}  // namespace groupcomm::ordering
