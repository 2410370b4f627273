// What daemons say to one another, as plain values. groupcomm/wire turns them into bytes and back.
//
// Links are not trusted: frames may be lost, repeated, late or out of order (PROTOCOL.md, Frames).
// Values that come out of the codec are well-formed, but may be of any age and about any view.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/number.h"
#include "groupcomm/protocol/stamped_message.h"
#include "groupcomm/view.h"

namespace groupcomm::protocol {

inline constexpr std::size_t kDaemonsMax = 64;
inline constexpr std::size_t kAncestorsMax = 16;
inline constexpr std::size_t kAttemptsMax = 64;

struct DaemonMember {
  DaemonId id;
  std::string address;  // tcp://HOST:PORT
  auto operator<=>(const DaemonMember&) const = default;
};

// A view of daemons, by rank.
struct DaemonView {
  ViewId id;
  Incarnation lineage;  // of the chain of primary views; drawn when a cluster first forms
  std::vector<DaemonMember> members;
  // It rests on a quorum of the primary view before. Else, under the partitionable policy, there
  // may be others at the same time.
  bool primary = true;
  // Lineages that forced views ended, the eldest first; the last kAncestorsMax (rule R7).
  std::vector<Incarnation> ancestors = {};
  bool operator==(const DaemonView&) const = default;
};

// Which daemon frames belong together: stands on every frame.
struct FrameHeader {
  std::uint64_t cluster = 0;  // fingerprint of the cluster's name
  Incarnation lineage;        // 0 where the sender has none yet
  DaemonId sender;
  ViewId view;  // the sender's view; for view-change frames the view that is being left
  bool operator==(const FrameHeader&) const = default;
};

// --- inside a view -------------------------------------------------------------------------------

// How far the sender is. Cumulative, so that a lost one does no harm.
struct Progress {
  MessageNumber sent;                   // its own last stamped message
  std::vector<MessageNumber> received;  // by rank: holds all up to here, each clear (S2)
  OrderNumber ordered;                  // order acknowledgement (U1)
  OrderNumber announced;                // sequencer: last place that it assigned
  LamportStamp clock;                   // counts once everything up to `sent` is held (T2)
  std::vector<MessageNumber> handed;  // by rank: what asks is with all members here (N1); or empty
  bool caught_up = false;             // so is what asked in earlier views
  OrderNumber applied;                // with the joins and leaves up to here counted in (N2)
  bool operator==(const Progress&) const = default;
};

// New messages of the sender and newly assigned places.
struct Batch {
  std::vector<MessagePointer> messages;  // rising numbers
  OrderNumber first_place;               // of `places`
  std::vector<MessageReference> places;  // consecutive
  Progress progress;
};

struct NumberRange {
  MessageNumber first;
  MessageNumber last;
  bool operator==(const NumberRange&) const = default;
};
struct MissingMessages {
  Rank sender = 0;
  NumberRange range;
  bool operator==(const MissingMessages&) const = default;
};
// Asks the receiver to repeat messages (its own, or in a flush also others') and places.
struct Nack {
  std::vector<MissingMessages> missing;
  OrderNumber first_place;  // 0: no places are missing
  OrderNumber last_place;
  bool operator==(const Nack&) const = default;
};
// Answers a Nack: messages that were first sent by the member at rank `original`.
struct Repair {
  Rank original = 0;
  std::vector<MessagePointer> messages;
};

struct Heartbeat {
  Progress progress;
  std::vector<Incarnation> hears;  // daemons, members and others, heard within the time-out
  bool leaving = false;            // wants to leave the view
  std::uint64_t number = 0;        // rises with every heartbeat of the sender
  // By rank: the newest heartbeat of each member that came; 0: none (rule D8).
  std::vector<std::uint64_t> answers = {};
  bool operator==(const Heartbeat&) const = default;
};

// --- between views -------------------------------------------------------------------------------

// Says periodically to every configured or known daemon outside the sender's view who is there.
struct Beacon {
  std::string address;                // where the sender listens
  bool active = false;                // it is in a view and serves; else it looks for one
  std::optional<DaemonView> decided;  // the newest view that it knows to be decided
  std::vector<Incarnation> hears;
  BeaconNumber number;
  std::vector<BeaconNumber> answers;  // of each in `hears`, its newest beacon that came; 0: none
  bool partitionable = false;         // the sender's policy, which must be the receiver's (Q1)
  bool operator==(const Beacon&) const = default;
};

// Orders the attempts of one view change.
struct Ballot {
  std::uint64_t round = 0;
  Rank proposer = 0;
  Incarnation incarnation;
  auto operator<=>(const Ballot&) const = default;
};

struct DepartedDaemon {
  DaemonId id;
  LeaveReason reason = LeaveReason::kDaemonLost;
  bool operator==(const DepartedDaemon&) const = default;
};

// What a daemon in a view that is not primary knows of those that are (rule Q3).
struct PrimaryClaim {
  DaemonView last;                   // the newest known to be decided; counter 0: the seeds
  std::vector<DaemonView> attempts;  // accepted here as following it, perhaps without effect
  bool operator==(const PrimaryClaim&) const = default;
};

// A group as it stands when a view begins.
struct GroupEntry {
  std::string name;
  GroupOptions options;
  GroupViewId view;
  std::vector<GroupMember> members;  // by rank
  bool operator==(const GroupEntry&) const = default;
};
// Daemons that come to a view from another one, in which they stand still, and bring their groups
// along (rule Q5).
struct Arrival {
  ViewId from;
  std::vector<Incarnation> daemons;
  std::vector<GroupEntry> groups;
  bool operator==(const Arrival&) const = default;
};

// What a view change decides: the next view, and what is delivered before it.
struct ViewChangeValue {
  ViewId base;  // the view that is left
  DaemonView next;
  std::vector<MessageNumber> cut;        // by rank of the base view; empty where none of it lives
  OrderNumber first_place;               // of `places`
  std::vector<MessageReference> places;  // the fixed part of the order
  OrderNumber delivered;                 // places up to here were delivered by somebody living
  std::vector<DepartedDaemon> left;
  bool forced = false;     // by the operator, without a quorum (R6)
  bool recovered = false;  // rests on records: what only the dead had seen may be gone (R2)
  // Of the partitionable policy.
  bool quiet = false;  // nothing is stamped in the next view: it waits for another one (Q5)
  std::vector<Arrival> arrivals = {};
  // What those who chose know, where the base or the next view is not primary.
  std::optional<PrimaryClaim> claim = std::nullopt;
  bool operator==(const ViewChangeValue&) const = default;
};

struct AcceptedValue {
  Ballot ballot;
  ViewChangeValue value;
  bool operator==(const AcceptedValue&) const = default;
};

struct Prepare {
  Ballot ballot;
  bool operator==(const Prepare&) const = default;
};
// Answer to Prepare: a promise, and all that the proposer must know.
struct State {
  Ballot ballot;
  bool living = false;  // it has the base view's messages; else it votes from its record
  std::optional<AcceptedValue> accepted;
  std::vector<MessageNumber> held;  // by rank; only if living
  OrderNumber first_place;          // known places that may not be known to all; only if living
  std::vector<MessageReference> places;
  OrderNumber delivered;  // places up to here are delivered here; only if living
  std::vector<Incarnation> hears;
  bool leaving = false;
  std::string address;
  // Where the base is not primary: what it knows of primary views, and since when (Q3, R5).
  std::optional<PrimaryClaim> claim = std::nullopt;
  Incarnation since = {};
  bool operator==(const State&) const = default;
};
// Answer to a Prepare or Propose below what was promised.
struct BallotRefused {
  Ballot promised;
  bool operator==(const BallotRefused&) const = default;
};
struct Propose {
  Ballot ballot;
  ViewChangeValue value;
  bool operator==(const Propose&) const = default;
};
struct Accept {
  Ballot ballot;
  bool operator==(const Accept&) const = default;
};

// The decision. Anyone may repeat it.
struct Install {
  ViewChangeValue value;
  std::optional<std::vector<GroupEntry>> groups;  // as the view begins; for joiners only
  // The receiver, where its incarnation was counted out earlier (D5); 0: it was not.
  Incarnation departed = {};
  bool operator==(const Install&) const = default;
};
// Asks a member of the frame's view to repeat its Install, with the groups.
struct InstallRequest {
  bool operator==(const InstallRequest&) const = default;
};

using PeerBody = std::variant<Batch, Nack, Repair, Heartbeat, Beacon, Prepare, State, BallotRefused,
                              Propose, Accept, Install, InstallRequest>;

struct PeerFrame {
  FrameHeader header;
  PeerBody body;
};

// Bulk data must not delay a heartbeat: each peer has two connections.
enum class Lane : std::uint8_t { kControl, kData };

// --- durable -------------------------------------------------------------------------------------

// What a daemon must not forget in a crash (R1). Kept in its state directory, synced before a
// State or Accept that rests on it is sent.
struct DurableRecord {
  DaemonView decided;  // the newest view known decided; counter 0: none yet
  Ballot promised;     // in the change that leaves `decided`; round 0: none
  std::optional<AcceptedValue> accepted;
  // Which incarnation began the record: of what earlier ones promised it knows nothing (R5).
  Incarnation since = {};
  // Where `decided` is not primary (Q3).
  std::optional<PrimaryClaim> claim = std::nullopt;
  bool operator==(const DurableRecord&) const = default;
};

}  // namespace groupcomm::protocol
