#include "groupcomm/wire/stamped_messages.h"

#include <algorithm>

#include "groupcomm/wire/runs.h"

namespace groupcomm::wire {
namespace {

using protocol::ControlBody;
using protocol::Destination;
using protocol::MessageKind;
using protocol::MessagePointer;
using protocol::StampedMessage;
using protocol::VectorTime;
using wire::read;
using wire::write;

static_assert(static_cast<int>(MessageKind::kData) == static_cast<int>(schema::MessageKind::DATA));
static_assert(static_cast<int>(MessageKind::kChunk) ==
              static_cast<int>(schema::MessageKind::CHUNK));
static_assert(static_cast<int>(MessageKind::kJoin) == static_cast<int>(schema::MessageKind::JOIN));
static_assert(static_cast<int>(MessageKind::kLeave) ==
              static_cast<int>(schema::MessageKind::LEAVE));
static_assert(static_cast<int>(MessageKind::kClosing) ==
              static_cast<int>(schema::MessageKind::CLOSING));
static_assert(static_cast<int>(MessageKind::kHold) == static_cast<int>(schema::MessageKind::HOLD));

// A message without what it points to.
constexpr std::size_t kMessageWordsMin = 13;
constexpr std::size_t kChunksMax = kPayloadBytesMax / protocol::kChunkBytesMax - 1;

// --- control bodies and the rare parts -----------------------------------------------------------

bool has_extra(const StampedMessage& message) {
  return !message.more_destinations.empty() || message.to || !message.sender_name.empty() ||
         message.closes || message.control;
}

std::size_t extra_words(const StampedMessage& message) {
  std::size_t words = capnp::sizeInWords<schema::MessageExtra>();
  words += 1 + message.more_destinations.size() * capnp::sizeInWords<schema::Destination>();
  if (message.to) words += capnp::sizeInWords<schema::ProcessKey>();
  words += words_of(message.sender_name.size() + 1);
  if (message.control) {
    words += capnp::sizeInWords<schema::ControlBody>();
    words += capnp::sizeInWords<schema::GroupOptions>();
    words += words_of(message.control->group_name.size() + 1);
  }
  return words;
}

void write(const ControlBody& control, schema::ControlBody::Builder out) {
  if (!control.group_name.empty()) out.setGroupName(to_wire(control.group_name));
  if (control.options != GroupOptions{}) write(control.options, out.initOptions());
  out.setJoins(control.joins);
  out.setReason(to_wire(control.reason));
}

ControlBody read(schema::ControlBody::Reader in) {
  ControlBody control;
  if (in.hasGroupName()) control.group_name = read_name(in.getGroupName());
  if (in.hasOptions()) control.options = read(in.getOptions());
  control.joins = in.getJoins();
  control.reason = read(in.getReason());
  return control;
}

void write_extra(const StampedMessage& message, schema::MessageExtra::Builder out) {
  if (!message.more_destinations.empty()) {
    write_list(message.more_destinations,
               out.initMoreDestinations(list_size(message.more_destinations)));
  }
  if (message.to) write(*message.to, out.initTo());
  if (!message.sender_name.empty()) out.setSenderName(to_wire(message.sender_name));
  out.setCloses(message.closes.value);
  if (message.control) write(*message.control, out.initControl());
}

void read_extra(schema::MessageExtra::Reader in, StampedMessage& message) {
  message.more_destinations = read_list<Destination>(
      in.getMoreDestinations(), {protocol::kGroupsPerSendMax - 1, "destinations"});
  if (in.hasTo()) message.to = read(in.getTo());
  if (in.hasSenderName()) message.sender_name = read_name(in.getSenderName());
  message.closes = OrderNumber{in.getCloses()};
  if (in.hasControl()) message.control = read(in.getControl());
}

// --- runs ----------------------------------------------------------------------------------------

bool is_plain(const StampedMessage& message) {
  return message.kind == MessageKind::kData && message.chunks == 0 && !has_extra(message);
}

// What follows `before` in a run has the next numbers.
bool has_next_numbers(const StampedMessage& before, const StampedMessage& message) {
  const CausalNumber causal = before.causal_number ? before.causal_number.next() : CausalNumber{};
  return message.number == before.number.next() && message.stamp == before.stamp.next() &&
         message.causal_number == causal &&
         message.destination.number == before.destination.number.next();
}

bool has_the_same_rest(const StampedMessage& before, const StampedMessage& message) {
  return message.order == before.order && message.uniform == before.uniform &&
         message.self_discard == before.self_discard && message.notify_safe == before.notify_safe &&
         message.session == before.session &&
         message.destination.group == before.destination.group &&
         message.destination.epoch == before.destination.epoch && message.context == before.context;
}

// Where two neighbours of a run stand to one another.
struct Links {
  bool predecessor_follows = false;
  bool after_follows = false;
  bool operator==(const Links&) const = default;
};

Links links_of(const StampedMessage& before, const StampedMessage& message) {
  return {message.predecessor == before.number, message.after == before.number};
}

bool fits(const Links& links, const StampedMessage& before, const StampedMessage& message) {
  return (links.predecessor_follows || message.predecessor == before.predecessor) &&
         (links.after_follows || message.after == before.after);
}

// Whether a message may stand behind another in one run. To be asked of neighbours one after
// another: all of a run must stand to one another alike.
class Neighbours {
 public:
  bool operator()(const MessagePointer& before, const MessagePointer& message) {
    const bool is_in_run = before.get() == last_;
    last_ = nullptr;
    if (!is_plain(*before) || !is_plain(*message)) return false;
    if (!may_run(before->payload, message->payload)) return false;
    if (!has_next_numbers(*before, *message) || !has_the_same_rest(*before, *message)) return false;
    const Links links = links_of(*before, *message);
    if (!fits(links, *before, *message) || (is_in_run && links_ != links)) return false;
    links_ = links;
    last_ = message.get();
    return true;
  }

 private:
  const StampedMessage* last_ = nullptr;  // of the run so far, if it has two
  Links links_;                           // in it
};

// --- one message ---------------------------------------------------------------------------------

// A message, or the run that begins with it.
void write_message(std::span<const MessagePointer> run, capnp::uint context,
                   schema::StampedMessage::Builder out) {
  const StampedMessage& message = *run.front();
  out.setNumber(message.number.value);
  out.setKind(static_cast<schema::MessageKind>(message.kind));
  out.setOrder(to_wire(message.order));
  out.setUniform(message.uniform);
  out.setSelfDiscard(message.self_discard);
  out.setNotifySafe(message.notify_safe);
  out.setContext(context);
  out.setChunks(message.chunks);
  out.setCausalNumber(message.causal_number.value);
  out.setStamp(message.stamp.value);
  out.setPredecessor(message.predecessor.value);
  out.setAfter(message.after.value);
  out.setSession(message.session.value);
  out.setGroupKey(message.destination.group.value);
  out.setEpoch(message.destination.epoch.value);
  out.setSendNumber(message.destination.number.value);
  if (run.size() > 1) {
    const Links links = links_of(message, *run[1]);
    out.setPredecessorFollows(links.predecessor_follows);
    out.setAfterFollows(links.after_follows);
    write_run(
        run.size(), [&](std::size_t i) -> const Payload& { return run[i]->payload; }, out);
    return;
  }
  if (!message.payload.empty()) out.setPayload(to_wire(message.payload));
  if (has_extra(message)) write_extra(message, out.initExtra());
}

bool has_repetition(const StampedMessage& message) {
  std::vector<GroupKey> groups{message.destination.group};
  for (const Destination& more : message.more_destinations) groups.push_back(more.group);
  std::sort(groups.begin(), groups.end());
  return std::adjacent_find(groups.begin(), groups.end()) != groups.end();
}

void check_message(const StampedMessage& message) {
  const std::size_t bytes = message.payload.size();
  if (!message.number) bad_frame("a message without a number");
  // An empty one says that those before it belong to nothing (rule C5).
  if (message.kind == MessageKind::kChunk && bytes != 0 && bytes != protocol::kChunkBytesMax) {
    bad_frame("a chunk that is not 64 KiB");
  }
  if (message.chunks > kChunksMax) bad_frame("too many chunks");
  if (message.is_causal() && (message.context == nullptr || !message.causal_number)) {
    bad_frame("an ordered message without a vector time");
  }
  const bool has_group = message.kind == MessageKind::kData || message.is_control();
  if (has_group && !message.destination.group) bad_frame("a message for no group");
  if (!message.more_destinations.empty() && has_repetition(message)) {
    bad_frame("a message to one group twice");
  }
  if (message.closes && message.kind != MessageKind::kClosing) {
    bad_frame("only a closing message closes");
  }
  if (message.is_control() != message.control.has_value()) {
    bad_frame("a control message without a body, or the body without the message");
  }
  if (message.kind == MessageKind::kJoin && message.control->group_name.empty()) {
    bad_frame("a join of no group");
  }
}

// All but the payload.
void read_stamps(schema::StampedMessage::Reader in,
                 std::span<const std::shared_ptr<const VectorTime>> contexts,
                 StampedMessage& message) {
  message.number = MessageNumber{in.getNumber()};
  message.kind = read_enumerator(in.getKind(), MessageKind::kHold, "message kind");
  message.order = read(in.getOrder());
  message.uniform = in.getUniform();
  message.self_discard = in.getSelfDiscard();
  message.notify_safe = in.getNotifySafe();
  if (const std::size_t context = in.getContext(); context != 0) {
    if (context > contexts.size()) bad_frame("a message with an unknown vector time");
    message.context = contexts[context - 1];
  }
  message.chunks = in.getChunks();
  message.causal_number = CausalNumber{in.getCausalNumber()};
  message.stamp = LamportStamp{in.getStamp()};
  message.predecessor = MessageNumber{in.getPredecessor()};
  message.after = MessageNumber{in.getAfter()};
  message.session = SessionId{in.getSession()};
  message.destination = {GroupKey{in.getGroupKey()}, Epoch{in.getEpoch()},
                         SendNumber{in.getSendNumber()}};
  if (in.hasExtra()) read_extra(in.getExtra(), message);
}

// The stamps of what follows `before` in a run.
void follow(const StampedMessage& before, const Links& links, StampedMessage& message) {
  message.number = before.number.next();
  message.order = before.order;
  message.uniform = before.uniform;
  message.self_discard = before.self_discard;
  message.notify_safe = before.notify_safe;
  message.context = before.context;
  if (before.causal_number) message.causal_number = before.causal_number.next();
  message.stamp = before.stamp.next();
  message.predecessor = links.predecessor_follows ? before.number : before.predecessor;
  message.after = links.after_follows ? before.number : before.after;
  message.session = before.session;
  message.destination = before.destination;
  ++message.destination.number;
}

void read_run_of_messages(schema::StampedMessage::Reader in, const Sizes& sizes,
                          const FrameReader& frame, std::span<StampedMessage> run) {
  const Links links{in.getPredecessorFollows(), in.getAfterFollows()};
  const StampedMessage& first = run.front();
  if (!is_plain(first)) bad_frame("a run of what is not just data");
  check_has_next(std::max({first.number.value, first.causal_number.value, first.stamp.value,
                           first.destination.number.value}));
  std::size_t i = 0;
  read_run(in, sizes, frame, [&](Payload payload) {
    if (i > 0) follow(run[i - 1], links, run[i]);
    run[i++].payload = std::move(payload);
  });
}

// One element: fills the first of `rest`. How many it was.
std::size_t read_element(schema::StampedMessage::Reader in, const FrameReader& frame,
                         std::span<const std::shared_ptr<const VectorTime>> contexts,
                         std::span<StampedMessage> rest) {
  const Sizes sizes = read_sizes(in);
  const std::size_t count = std::max<std::size_t>(sizes.size(), 1);
  if (count > rest.size()) bad_frame("more messages than are counted");
  read_stamps(in, contexts, rest.front());
  if (count > 1) {
    read_run_of_messages(in, sizes, frame, rest.first(count));
  } else {
    rest.front().payload = read_payload(in, frame);
  }
  check_message(rest.front());
  return count;
}

// --- vector times --------------------------------------------------------------------------------

// Messages that share a vector time follow one another, so a look at the last one finds it.
template <typename Use>
void for_each_context(std::span<const MessagePointer> messages, Use&& use) {
  const VectorTime* last = nullptr;
  for (const MessagePointer& message : messages) {
    const VectorTime* context = message->context.get();
    if (context != nullptr && context != last) use(*context);
    if (context != nullptr) last = context;
  }
}

std::vector<std::shared_ptr<const VectorTime>> read_contexts(
    capnp::List<capnp::List<std::uint64_t>>::Reader in) {
  std::vector<std::shared_ptr<const VectorTime>> contexts;
  contexts.reserve(in.size());
  for (const auto context : in) {
    contexts.push_back(std::make_shared<const VectorTime>(read_by_rank<CausalNumber>(context)));
  }
  return contexts;
}

}  // namespace

// --- destinations --------------------------------------------------------------------------------

void write(const Destination& destination, schema::Destination::Builder out) {
  out.setGroupKey(destination.group.value);
  out.setEpoch(destination.epoch.value);
  out.setSendNumber(destination.number.value);
}

Destination read(schema::Destination::Reader in) {
  if (in.getGroupKey() == 0) bad_frame("a message for no group");
  return {GroupKey{in.getGroupKey()}, Epoch{in.getEpoch()}, SendNumber{in.getSendNumber()}};
}

// --- lists ---------------------------------------------------------------------------------------

std::size_t message_words(std::span<const MessagePointer> messages) {
  std::size_t words = capnp::sizeInWords<schema::MessageList>() + 2;
  for (const Run& run : runs_of(messages, Neighbours())) {
    const auto payload_of = [&](std::size_t i) -> const Payload& {
      return messages[run.first + i]->payload;
    };
    words += capnp::sizeInWords<schema::StampedMessage>() + run_words(run.count, payload_of);
    if (has_extra(*messages[run.first])) words += extra_words(*messages[run.first]);
  }
  for_each_context(messages, [&](const VectorTime& context) { words += 1 + context.size(); });
  return words;
}

void write_messages(std::span<const MessagePointer> messages, schema::MessageList::Builder out) {
  capnp::uint contexts = 0;
  for_each_context(messages, [&](const VectorTime&) { ++contexts; });
  auto context_list = out.initContexts(contexts);
  capnp::uint written = 0;
  for_each_context(messages, [&](const VectorTime& context) {
    write_numbers(context, context_list.init(written++, list_size(context)));
  });

  out.setCount(list_size(messages));
  const std::vector<Run> runs = runs_of(messages, Neighbours());
  auto list = out.initMessages(list_size(runs));
  const VectorTime* last = nullptr;
  capnp::uint index = 0;
  for (capnp::uint i = 0; i < list.size(); ++i) {
    const auto run = messages.subspan(runs[i].first, runs[i].count);
    const VectorTime* context = run.front()->context.get();
    if (context != nullptr && context != last) ++index;
    if (context != nullptr) last = context;
    write_message(run, context == nullptr ? 0 : index, list[i]);
  }
}

std::vector<MessagePointer> read_messages(schema::MessageList::Reader in,
                                          const FrameReader& frame) {
  const auto contexts = read_contexts(in.getContexts());
  const auto list = in.getMessages();
  check_share_of_frame(list, frame, kMessageWordsMin);
  const std::size_t count = in.getCount();
  check_messages(count, frame);
  const auto block = std::make_shared<std::vector<StampedMessage>>(count);
  std::span<StampedMessage> rest(*block);
  for (const auto element : list) {
    rest = rest.subspan(read_element(element, frame, contexts, rest));
  }
  if (!rest.empty()) bad_frame("fewer messages than are counted");
  std::vector<MessagePointer> messages;
  messages.reserve(count);
  for (StampedMessage& message : *block) messages.emplace_back(block, &message);
  return messages;
}

}  // namespace groupcomm::wire
