// D9, D12, D13 and D17: the order of one sender's messages, and one order for all.
#include <algorithm>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

constexpr std::uint32_t kNever = 0xFFFFFFFF;

// When a member delivered each message; one table serves all members.
class Positions {
 public:
  explicit Positions(std::size_t messages) : positions_(messages, kNever) {}

  void fill(const std::vector<const DeliveryInfo*>& deliveries) {
    for (const Index message : filled_) positions_[static_cast<std::size_t>(message)] = kNever;
    filled_.clear();
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
      positions_[static_cast<std::size_t>(deliveries[i]->message)] = static_cast<std::uint32_t>(i);
      filled_.push_back(deliveries[i]->message);
    }
  }
  std::uint32_t of(Index message) const { return positions_[static_cast<std::size_t>(message)]; }

 private:
  std::vector<std::uint32_t> positions_;
  std::vector<Index> filled_;
};

std::vector<const DeliveryInfo*> deliveries_of(const Membership& membership) {
  std::vector<const DeliveryInfo*> all;
  for (const Stay& stay : membership.stays) {
    for (const DeliveryInfo& delivery : stay.deliveries) all.push_back(&delivery);
  }
  return all;
}

// One sender's messages at one member: all that are owed, in the order of their numbers.
void check_stream(const History& history, const Membership& membership,
                  const std::vector<Index>& stream,
                  const std::vector<const DeliveryInfo*>& deliveries, const Positions& positions,
                  Findings& findings) {
  Index last = kNone;  // the last delivered one so far, by number
  std::vector<Index> skipped;
  for (const Index index : stream) {
    const MessageInfo& message = history.message(index);
    const auto order = history.order_of(message);
    if (!order || *order == Order::kReliable) continue;
    const std::uint32_t position = positions.of(index);
    if (position == kNever) {
      if (history.is_owed(message, membership)) skipped.push_back(index);
      continue;
    }
    for (const Index hole : skipped) {
      const bool is_elsewhere = history.message(hole).home != message.home;
      if (is_elsewhere && history.has_parted(history.message(hole), membership)) continue;
      const record::Send* send = history.message(hole).send();
      const Record as_record = send == nullptr ? Record() : Record(*send);
      findings.add(history.message(hole).first_delivery == nullptr ? "D17" : "D9",
                   history.member_name(membership.member) + " delivered " +
                       history.message_name(index) + ", but never " + history.message_name(hole),
                   {send == nullptr ? nullptr : &as_record, history.message(hole).first_delivery,
                    deliveries[position]->record});
    }
    skipped.clear();
    if (last != kNone && positions.of(last) > position) {
      findings.add("D9", "messages of one sender were delivered in the wrong order",
                   {deliveries[position]->record, deliveries[positions.of(last)]->record});
    }
    last = index;
  }
}

}  // namespace

void check_fifo(const History& history, Findings& findings) {
  std::map<Index, std::vector<const std::vector<Index>*>> streams_by_group;
  for (const auto& [key, stream] : history.streams()) {
    streams_by_group[key.second].push_back(&stream);
  }
  Positions positions(history.messages().size());
  for (const Membership& membership : history.memberships()) {
    const auto deliveries = deliveries_of(membership);
    positions.fill(deliveries);
    for (const auto* stream : streams_by_group[membership.group]) {
      check_stream(history, membership, *stream, deliveries, positions, findings);
    }
  }
}

namespace {

// `count`: of the first so many deliveries.
std::vector<const DeliveryInfo*> totals_of(const Stay& stay, Order weakest = Order::kTotal,
                                           std::size_t count = static_cast<std::size_t>(-1)) {
  std::vector<const DeliveryInfo*> totals;
  for (std::size_t i = 0; i < std::min(count, stay.deliveries.size()); ++i) {
    const DeliveryInfo& delivery = stay.deliveries[i];
    const Order order = std::get<record::Deliver>(*delivery.record).order;
    if (order >= weakest) totals.push_back(&delivery);
  }
  return totals;
}

}  // namespace

void check_total_order(const History& history, Findings& findings) {
  Positions positions(history.messages().size());
  for (const auto& [views, bucket] : history.companions()) {
    if (bucket.size() < 2) continue;
    std::vector<std::vector<const DeliveryInfo*>> totals;
    for (const auto index : bucket) totals.push_back(totals_of(history.stay(index)));
    for (std::size_t a = 0; a + 1 < totals.size(); ++a) {
      positions.fill(totals[a]);
      for (std::size_t b = a + 1; b < totals.size(); ++b) {
        const DeliveryInfo* before = nullptr;
        for (const DeliveryInfo* delivery : totals[b]) {
          if (positions.of(delivery->message) == kNever) continue;
          if (before != nullptr &&
              positions.of(before->message) > positions.of(delivery->message)) {
            findings.add("D12", "two members delivered two messages in different orders",
                         {totals[a][positions.of(delivery->message)]->record,
                          totals[a][positions.of(before->message)]->record, before->record,
                          delivery->record});
          }
          before = delivery;
        }
      }
    }
  }
}

namespace {

struct Participant {
  const Membership* membership = nullptr;
  std::vector<const DeliveryInfo*> totals;
  bool went_on = false;
  bool went_apart = false;  // or died on the side of a partition, perhaps
  // It went on to a view that says that what only the dead had seen may be gone. What a quorum had
  // may then be forgotten, but not what it had itself, as every safe message.
  bool is_recovered = false;
};

// What the one who may have died delivered must be the beginning of what the survivor delivered.
void check_prefix(const History& history, const Participant& early, const Participant& survivor,
                  const Positions& positions_of_early, Findings& findings) {
  std::vector<const DeliveryInfo*> missed;
  std::uint32_t expected = 0;
  for (const DeliveryInfo* delivery : survivor.totals) {
    const Order order = std::get<record::Deliver>(*delivery->record).order;
    if (survivor.is_recovered && order != Order::kSafe) continue;
    const std::uint32_t position = positions_of_early.of(delivery->message);
    if (position == kNever) {
      const MessageInfo& message = history.message(delivery->message);
      if (history.is_addressed(message, early.membership->process)) missed.push_back(delivery);
      continue;
    }
    const Record* at_early = early.totals[position]->record;
    if (!missed.empty()) {
      findings.add("D13",
                   history.member_name(early.membership->member) + " delivered " +
                       history.message_name(delivery->message) + " without " +
                       history.message_name(missed.front()->message) + ", which comes before",
                   {missed.front()->record, delivery->record, at_early});
      return;
    }
    if (position < expected) {
      findings.add("D13", "a member delivered in another order than one who lived on",
                   {at_early, delivery->record});
    }
    expected = position + 1;
  }
}

}  // namespace

void check_strong_order(const History& history, Findings& findings) {
  std::map<Index, std::vector<Participant>> by_view;
  for (const Membership& membership : history.memberships()) {
    const bool is_uniform = history.is_uniform(membership);
    for (std::size_t i = 0; i < membership.stays.size(); ++i) {
      if (!history.view(membership.stays[i].view).primary) continue;
      const bool went_on = i + 1 < membership.stays.size();
      const Stay& stay = membership.stays[i];
      // Who died at the side of a partition may have gone apart before.
      const bool is_apart = history.is_partitionable() && history.ends_apart(membership, i);
      const std::size_t count = is_apart ? stay.before_transition : stay.deliveries.size();
      by_view[stay.view].push_back(
          {.membership = &membership,
           .totals = totals_of(stay, is_uniform ? Order::kTotal : Order::kSafe, count),
           .went_on = went_on,
           .went_apart = is_apart,
           .is_recovered = went_on && history.ends_apart(membership, i)});
    }
  }
  Positions positions(history.messages().size());
  for (const auto& [view, participants] : by_view) {
    for (const Participant& early : participants) {
      // Daemons record no transitions: of the sides of a partition the clients tell, also where one
      // died on its way there.
      const bool is_asked = early.went_apart ? history.level() == Role::kClient : !early.went_on;
      if (early.totals.empty() || !is_asked) continue;
      positions.fill(early.totals);
      for (const Participant& survivor : participants) {
        if (!survivor.went_on || survivor.went_apart) continue;
        check_prefix(history, early, survivor, positions, findings);
      }
    }
  }
}

}  // namespace groupcomm::verify
