#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/stamped_messages.h"

namespace groupcomm::wire {
namespace {

using protocol::Batch;
using protocol::Beacon;
using protocol::Heartbeat;
using protocol::Install;
using protocol::Nack;
using protocol::PeerBody;
using protocol::PeerFrame;
using protocol::Progress;
using protocol::Repair;
using protocol::State;
using wire::read;
using wire::write;

// Enough for the envelope and most small bodies.
constexpr std::size_t kFrameWords = 64;

using BodyBuilder = schema::PeerFrame::Body::Builder;

// --- progress ------------------------------------------------------------------------------------

void write(const Progress& progress, schema::Progress::Builder out) {
  out.setSent(progress.sent.value);
  write_numbers(progress.received, out.initReceived(list_size(progress.received)));
  out.setOrdered(progress.ordered.value);
  out.setAnnounced(progress.announced.value);
  out.setClock(progress.clock.value);
  if (!progress.handed.empty()) {
    write_numbers(progress.handed, out.initHanded(list_size(progress.handed)));
  }
  out.setCaughtUp(progress.caught_up);
  out.setApplied(progress.applied.value);
}

Progress read(schema::Progress::Reader in) {
  return {.sent = MessageNumber{in.getSent()},
          .received = read_by_rank<MessageNumber>(in.getReceived()),
          .ordered = OrderNumber{in.getOrdered()},
          .announced = OrderNumber{in.getAnnounced()},
          .clock = LamportStamp{in.getClock()},
          .handed = read_by_rank<MessageNumber>(in.getHanded()),
          .caught_up = in.getCaughtUp(),
          .applied = OrderNumber{in.getApplied()}};
}

// --- inside a view -------------------------------------------------------------------------------

void write(const Batch& batch, BodyBuilder body) {
  auto out = body.initBatch();
  write_messages(batch.messages, out.initMessages());
  out.setFirstPlace(batch.first_place.value);
  if (!batch.places.empty()) write_list(batch.places, out.initPlaces(list_size(batch.places)));
  write(batch.progress, out.initProgress());
}

Batch read(schema::Batch::Reader in, const FrameReader& frame) {
  Batch batch;
  batch.messages = read_messages(in.getMessages(), frame);
  for (std::size_t i = 1; i < batch.messages.size(); ++i) {
    if (batch.messages[i]->number <= batch.messages[i - 1]->number) {
      bad_frame("a batch whose numbers do not rise");
    }
  }
  batch.first_place = OrderNumber{in.getFirstPlace()};
  batch.places = read_places(batch.first_place, in.getPlaces());
  batch.progress = read(in.getProgress());
  return batch;
}

void write(const Nack& nack, BodyBuilder body) {
  auto out = body.initNack();
  auto list = out.initMissing(list_size(nack.missing));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    list[i].setSender(nack.missing[i].sender);
    list[i].setFirst(nack.missing[i].range.first.value);
    list[i].setLast(nack.missing[i].range.last.value);
  }
  out.setFirstPlace(nack.first_place.value);
  out.setLastPlace(nack.last_place.value);
}

Nack read(schema::Nack::Reader in) {
  Nack nack;
  const auto list = in.getMissing();
  check_is_composite(list);
  nack.missing.reserve(list.size());
  for (const auto missing : list) {
    if (missing.getFirst() > missing.getLast()) bad_frame("a range that ends before it begins");
    nack.missing.push_back({read_rank(missing.getSender()),
                            {MessageNumber{missing.getFirst()}, MessageNumber{missing.getLast()}}});
  }
  nack.first_place = OrderNumber{in.getFirstPlace()};
  nack.last_place = OrderNumber{in.getLastPlace()};
  if (nack.first_place > nack.last_place) bad_frame("places that end before they begin");
  return nack;
}

void write(const Repair& repair, BodyBuilder body) {
  auto out = body.initRepair();
  out.setOriginal(repair.original);
  write_messages(repair.messages, out.initMessages());
}

Repair read(schema::Repair::Reader in, const FrameReader& frame) {
  return {read_rank(in.getOriginal()), read_messages(in.getMessages(), frame)};
}

void write(const Heartbeat& heartbeat, BodyBuilder body) {
  auto out = body.initHeartbeat();
  write(heartbeat.progress, out.initProgress());
  write_numbers(heartbeat.hears, out.initHears(list_size(heartbeat.hears)));
  out.setLeaving(heartbeat.leaving);
  out.setNumber(heartbeat.number);
  auto answers = out.initAnswers(list_size(heartbeat.answers));
  for (capnp::uint i = 0; i < answers.size(); ++i) answers.set(i, heartbeat.answers[i]);
}

Heartbeat read(schema::Heartbeat::Reader in) {
  return {.progress = read(in.getProgress()),
          .hears = read_hears(in.getHears()),
          .leaving = in.getLeaving(),
          .number = in.getNumber(),
          .answers = read_by_rank<std::uint64_t>(in.getAnswers())};
}

// --- between views -------------------------------------------------------------------------------

void write(const Beacon& beacon, BodyBuilder body) {
  auto out = body.initBeacon();
  out.setAddress(to_wire(beacon.address));
  out.setActive(beacon.active);
  out.setNumber(beacon.number.value);
  if (beacon.decided) write(*beacon.decided, out.initDecided());
  write_numbers(beacon.hears, out.initHears(list_size(beacon.hears)));
  write_numbers(beacon.answers, out.initAnswers(list_size(beacon.answers)));
  out.setPartitionable(beacon.partitionable);
}

Beacon read(schema::Beacon::Reader in) {
  Beacon beacon;
  beacon.address = read_address(in.getAddress());
  beacon.active = in.getActive();
  if (in.hasDecided()) beacon.decided = read(in.getDecided());
  beacon.hears = read_hears(in.getHears());
  beacon.number = BeaconNumber{in.getNumber()};
  beacon.answers =
      read_numbers<BeaconNumber>(in.getAnswers(), {beacon.hears.size(), "answers to beacons"});
  beacon.partitionable = in.getPartitionable();
  return beacon;
}

void write(const protocol::Prepare& prepare, BodyBuilder body) {
  write(prepare.ballot, body.initPrepare());
}
void write(const protocol::BallotRefused& refused, BodyBuilder body) {
  write(refused.promised, body.initBallotRefused());
}
void write(const protocol::Accept& accept, BodyBuilder body) {
  write(accept.ballot, body.initAccept());
}

void write(const protocol::Propose& propose, BodyBuilder body) {
  auto out = body.initPropose();
  write(propose.ballot, out.initBallot());
  write(propose.value, out.initValue());
}

protocol::Propose read_propose(schema::AcceptedValue::Reader in) {
  return {read(in.getBallot()), read(in.getValue())};
}

void write(const State& state, BodyBuilder body) {
  auto out = body.initState();
  write(state.ballot, out.initBallot());
  out.setLiving(state.living);
  if (state.accepted) write(*state.accepted, out.initAccepted());
  write_numbers(state.held, out.initHeld(list_size(state.held)));
  out.setFirstPlace(state.first_place.value);
  write_list(state.places, out.initPlaces(list_size(state.places)));
  write_numbers(state.hears, out.initHears(list_size(state.hears)));
  out.setLeaving(state.leaving);
  out.setDelivered(state.delivered.value);
  out.setAddress(to_wire(state.address));
  if (state.claim) write(*state.claim, out.initClaim());
  out.setSince(state.since.value);
}

State read(schema::State::Reader in) {
  State state;
  state.ballot = read(in.getBallot());
  state.living = in.getLiving();
  if (in.hasAccepted()) state.accepted = read(in.getAccepted());
  state.held = read_by_rank<MessageNumber>(in.getHeld());
  state.first_place = OrderNumber{in.getFirstPlace()};
  state.places = read_places(state.first_place, in.getPlaces());
  state.hears = read_hears(in.getHears());
  state.leaving = in.getLeaving();
  state.delivered = OrderNumber{in.getDelivered()};
  state.address = read_address(in.getAddress());
  if (in.hasClaim()) state.claim = read(in.getClaim());
  state.since = Incarnation{in.getSince()};
  return state;
}

void write(const Install& install, BodyBuilder body) {
  auto out = body.initInstall();
  write(install.value, out.initValue());
  if (install.groups) write_list(*install.groups, out.initGroups(list_size(*install.groups)));
  out.setDeparted(install.departed.value);
}

Install read(schema::Install::Reader in) {
  Install install;
  install.value = read(in.getValue());
  if (in.hasGroups()) install.groups = read_list<protocol::GroupEntry>(in.getGroups());
  install.departed = Incarnation{in.getDeparted()};
  return install;
}

void write(const protocol::InstallRequest&, BodyBuilder body) { body.setInstallRequest(); }

PeerBody read(schema::PeerFrame::Body::Reader in, const FrameReader& frame) {
  using Kind = schema::PeerFrame::Body::Which;
  switch (in.which()) {
    case Kind::BATCH: return read(in.getBatch(), frame);
    case Kind::NACK: return read(in.getNack());
    case Kind::REPAIR: return read(in.getRepair(), frame);
    case Kind::HEARTBEAT: return read(in.getHeartbeat());
    case Kind::BEACON: return read(in.getBeacon());
    case Kind::PREPARE: return protocol::Prepare{read(in.getPrepare())};
    case Kind::STATE: return read(in.getState());
    case Kind::BALLOT_REFUSED: return protocol::BallotRefused{read(in.getBallotRefused())};
    case Kind::PROPOSE: return read_propose(in.getPropose());
    case Kind::ACCEPT: return protocol::Accept{read(in.getAccept())};
    case Kind::INSTALL: return read(in.getInstall());
    case Kind::INSTALL_REQUEST: return protocol::InstallRequest{};
  }
  bad_frame("unknown kind " + std::to_string(static_cast<unsigned>(in.which())));
}

// --- the frame -----------------------------------------------------------------------------------

std::size_t words_estimate(const PeerFrame& frame) {
  std::size_t words = kFrameWords + protocol::kDaemonsMax;
  if (const auto* batch = std::get_if<Batch>(&frame.body)) {
    words += message_words(batch->messages);
    words += batch->places.size() * capnp::sizeInWords<schema::MessageReference>();
  } else if (const auto* repair = std::get_if<Repair>(&frame.body)) {
    words += message_words(repair->messages);
  }
  return words;
}

}  // namespace

Payload encode(const PeerFrame& frame) {
  FrameBuilder builder(kPeerFormat, words_estimate(frame));
  auto out = builder.initRoot<schema::PeerFrame>();
  out.setVersion(protocol::kProtocolVersion);
  out.setCluster(frame.header.cluster);
  out.setLineage(frame.header.lineage.value);
  write(frame.header.sender, out.initSender());
  write(frame.header.view, out.initView());
  std::visit([&](const auto& body) { write(body, out.getBody()); }, frame.body);
  return builder.finish();
}

Result<PeerFrame> decode_peer_frame(const Payload& bytes) {
  return decode_guarded<PeerFrame>([&] {
    FrameReader reader(bytes, kPeerFormat);
    const auto in = reader.root<schema::PeerFrame>();
    if (in.getVersion() != protocol::kProtocolVersion) {
      bad_frame("protocol version " + std::to_string(in.getVersion()) + " is not spoken here");
    }
    PeerFrame frame;
    frame.header.cluster = in.getCluster();
    frame.header.lineage = Incarnation{in.getLineage()};
    frame.header.sender = read(in.getSender());
    frame.header.view = read(in.getView());
    frame.body = read(in.getBody(), reader);
    return frame;
  });
}

}  // namespace groupcomm::wire
