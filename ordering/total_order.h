// One order for all: what the two engines have in common.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"
#include "ordering/ring.h"

namespace groupcomm::ordering {

using protocol::MessageReference;

// Finds the place of every total and safe message of a view. Places are counted from 1 and the
// same at every member: one list, of which each member knows a prefix.
//
// An engine extends the prefix by one of two ways: SequencerOrder is told places by the member
// of rank 0, LamportOrder finds them out of stamps. Neither delivers: see Holdback.
class TotalOrder {
 public:
  // So many places are kept at most: a flush tells them in one frame (rule T4).
  static constexpr std::size_t kPlacesMax = 1u << 17;

  virtual ~TotalOrder() = default;

  // The next ordered message of this rank is held, with everything that the rank sent before.
  virtual void on_held(Rank sender, const protocol::StampedMessage& message) = 0;
  // A message is held with all its causes. Called in an order that respects causality.
  virtual void on_clear(Rank sender, const protocol::StampedMessage& message) = 0;
  // The sequencer assigned these places.
  virtual void on_places(OrderNumber first, std::span<const MessageReference> places) = 0;
  // Everything that this rank will stamp from now on has a later stamp than this.
  virtual void on_clock(Rank rank, LamportStamp clock) = 0;
  // The sequencer says that it has assigned places up to this one.
  virtual void on_announced(OrderNumber last) = 0;

  // Places known here with no place missing before: (first_kept(), known()].
  OrderNumber known() const { return base_.plus(places_.size()); }
  // REQUIRES: first_kept() <= place <= known().
  MessageReference at(OrderNumber place) const {
    CHECK(base_ < place);
    CHECK(place <= known());
    return places_[place.value - base_.value - 1];
  }
  OrderNumber first_kept() const { return base_.next(); }
  // True: that made room for more places, which are known now.
  bool release_through(OrderNumber place);

  // Places to tell the other members: assigned here since the last call (sequencer only).
  struct Announcement {
    OrderNumber first;
    std::vector<MessageReference> places;
  };
  virtual Announcement take_announcement() = 0;
  // The last place that exists as far as known here; more than known() where places are missing.
  virtual OrderNumber announced() const = 0;
  // Somebody may wait for a clock of ours beyond `told`, which is what the others know (Lamport).
  virtual bool wants_clock_told(LamportStamp told) const = 0;

  // No more places are found: the view is being left.
  void freeze() { frozen_ = true; }
  bool is_frozen() const { return frozen_; }
  // A flush decides the rest: places beyond `keep` are void, these follow (rule F7).
  void replace_after(OrderNumber keep, const std::vector<MessageReference>& rest);
  // A flush learnt places that are not known here. REQUIRES: consistent with those known.
  void extend(OrderNumber first, std::span<const MessageReference> places);

 protected:
  bool has_room() const { return places_.size() < kPlacesMax; }
  void append(MessageReference reference) { places_.push_back(reference); }
  // Places were released: takes in what waited for room.
  virtual void on_room() {}

 private:
  OrderNumber base_;  // places up to here were released
  Ring<MessageReference> places_;
  bool frozen_ = false;
};

}  // namespace groupcomm::ordering
