# The wire protocol of groupcomm: every frame that daemons and clients exchange, and the record
# that a daemon keeps on disk. This file is the reference; docs/PROTOCOL.md says what the frames are
# for and when they are sent.
#
# Frames
#
#   peer frame and record = magic checksum size segment     24 bytes and the segment
#   client frame          = magic size segment              16 bytes and the segment
#
#   magic     8 bytes of ASCII: "GCpeer01", "GCreco01", "GCtodm01" (client to daemon) or
#             "GCtocl01" (daemon to client). Another layout of the prefix gets another magic.
#   checksum  64 bits, little-endian: see below. Frames over local sockets have none.
#   size      Cap'n Proto's segment table for one segment: 32 bits of 0, then the number of 64-bit
#             words in the segment, 32 bits, little-endian. It must match the frame's length.
#   segment   One Cap'n Proto segment, not packed, whose root is PeerFrame, DurableRecord,
#             ClientFrame or DaemonFrame. A standard reader can begin at `size`.
#
# A frame has at most 16 MiB. Other limits stand at the fields: whoever breaks one has sent no
# frame at all, and the whole frame is refused. Lists and texts are also bounded by the frame: no
# object may be pointed to twice.
#
# Checksum over the words w[0], w[1], ... from `size` on (n words, little-endian, all arithmetic
# modulo 2^64). Four lanes begin as the constants L[0..3]; word i goes into lane i mod 4 by
#   step(h, w) = rotl(h ^ (w * A), 29) * B
# and the sum is  finish(step(step(step(step(n, lane0), lane1), lane2), lane3))  where
# finish(h) = h ^ (h >> 32). Each step is a bijection of h and of w, so damage inside one word
# always shows; other damage is missed with a probability of 2^-64. The constants are in checksum.h.
#
# Evolution
#
#   Fields and kinds are only ever added, with new numbers. A reader ignores fields that it does
#   not know. It skips (and counts) messages of an unknown kind in ClientFrame and DaemonFrame, and
#   refuses a PeerFrame of an unknown kind. A change of meaning raises the protocol version.

@0xdfa67427f747e35a;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("groupcomm::wire::schema");

# --- vocabulary -----------------------------------------------------------------------------------
#
# "name": 1 to 255 bytes of UTF-8 without control characters. "daemon name": 1 to 255 of the
# characters A-Z a-z 0-9 . - _ and not starting with a dot. "address": tcp://HOST:PORT, at most 300
# bytes. "text": for people, at most 4,096 bytes, not looked into. "incarnation": 64 bits that are
# never used again by anybody of the same name. "group key": the 64-bit fingerprint of a group's
# name, 0 is none. "rank": position in the member list of a view; a daemon's rank is below 64.

enum Order {
  # What is promised about the order of a message. Each includes the ones before.
  reliable @0;
  fifo @1;
  causal @2;
  total @3;
  safe @4;
}

enum LeaveReason {
  # Why a member is no longer in a view.
  leave @0;
  crash @1;
  daemonLost @2;
  partition @3;
  evicted @4;
}

enum GoneReason {
  # Why a membership is over, as its owner is told.
  left @0;
  excluded @1;
  evicted @2;
  daemonLost @3;
}

enum RejectReason {
  # Why a request had no effect.
  wouldBlock @0;
  blocked @1;
  notMember @2;
  noPrimary @3;
  tooBig @4;
  gone @5;
  noSuchGroup @6;
  badName @7;
  badOption @8;
}

struct ViewId {
  # Identifies a view of daemons. All zero: no view.
  counter @0 :UInt64;   # rises from view to view of one lineage
  proposer @1 :UInt64;  # incarnation of the daemon that proposed the view
  round @2 :UInt64;     # of the proposer's ballot
}

struct GroupViewId {
  # Identifies a view of a group: the daemon view that it lies in, and a place in its order.
  counter @0 :UInt64;
  proposer @1 :UInt64;
  round @2 :UInt64;
  place @3 :UInt64;     # of the control message that made the view; 0: made with the daemon view
}

struct DaemonId {
  name @0 :Text;           # daemon name
  incarnation @1 :UInt64;  # 0: a configured daemon that was not met yet
}

struct ProcessKey {
  # What tells processes apart.
  daemon @0 :UInt64;   # incarnation of the process's daemon
  session @1 :UInt64;  # of that daemon, counted from 1
}

struct ProcessId {
  # One incarnation of an application process, with the names that people know it by.
  name @0 :Text;        # name
  daemonName @1 :Text;  # daemon name
  daemon @2 :UInt64;    # as in ProcessKey
  session @3 :UInt64;   # as in ProcessKey
}

struct GroupOptions {
  # Fixed by the first member of a group.
  flush @0 :Bool;    # sending-view delivery, with the block contract
  uniform @1 :Bool;  # total-order messages wait until a quorum of daemons holds them
}

struct GroupMember {
  process @0 :ProcessId;
  joins @1 :UInt32;  # which membership of this process in this group it is, from 1
}

struct Departed {
  process @0 :ProcessId;
  reason @1 :LeaveReason;
}

struct GroupView {
  # A view of a group, as one receiver is told.
  id @0 :GroupViewId;
  members @1 :List(GroupMember);      # by rank
  joined @2 :List(ProcessId);         # not in the receiver's previous view
  left @3 :List(Departed);            # only in the receiver's previous view
  transitional @4 :List(ProcessId);   # came along from the receiver's previous view
  primary @5 :Bool;
  myRank @6 :UInt32;                  # of the receiver, below the number of members
  recovered @7 :Bool;                 # rests on records of restarted daemons: see ViewChangeValue
}

# --- client to daemon -----------------------------------------------------------------------------

struct ClientFrame {
  version @0 :UInt16;                   # protocol version of the sender, at least 1
  messages @1 :List(ClientMessage);     # in order; may be empty
}

struct ClientMessage {
  # `request` numbers are counted by the client over all kinds, from 1.
  union {
    multicast :group {
      # A send to one group, or to several, all or none.
      request @0 :UInt64;
      groupKey @1 :UInt64;       # not 0
      order @2 :Order;
      selfDiscard @3 :Bool;      # not to the sender itself
      notifySafe @4 :Bool;       # answer with safeNotice when all members have delivered it
      payload @5 :Data;          # at most 64 KiB: all of it, or what follows the chunks
      extra @6 :MulticastExtra;  # null: one group, all members
    }
    multicastChunk @7 :Data;     # a part of the next multicast's payload; exactly 64 KiB
    consumed @8 :UInt64;         # what was taken of all that was told since the welcome (rule W3)
    hello :group {
      # The first message of a connection. Answered by welcome or refused.
      protocolVersion @9 :UInt32;  # the newest that the client speaks
      name @10 :Text;              # name of the process
    }
    join :group {
      request @11 :UInt64;
      groupName @12 :Text;       # name
      options @13 :GroupOptions; # null: the defaults
    }
    leave :group {
      request @14 :UInt64;
      groupName @15 :Text;       # name
    }
    blockOk :group {
      # Answer to block: nothing more is sent to the group before its next view.
      request @16 :UInt64;
      groupName @17 :Text;       # name
      viewsSeen @23 :UInt64;      # of the membership: says which block is answered
    }
    bye @18 :Void;               # leaves all groups; the connection ends
    statusQuery @19 :UInt64;     # the request; answered by statusReply
    groupsQuery @20 :UInt64;     # the request; answered by groupsReply
    watch :group {
      # Asks for watchedView, now and at each change.
      request @21 :UInt64;
      groupNames @22 :List(Text);  # names; empty: all groups
    }
    bootstrap :group {
      # May this daemon go on without a quorum? Answered by bootstrapReply.
      request @24 :UInt64;
      without @25 :List(Text);     # names: it shall, the operator gives these up; empty: may it?
    }
  }
}

struct MulticastExtra {
  # What few sends have.
  moreGroups @0 :List(UInt64);  # group keys; at most 63, different from each other and the first
  to @1 :ProcessKey;            # deliver to this member only; null: to all
  viewsSeen @2 :List(UInt64);   # of the group and each of moreGroups: views of the membership that
                                # the sender had seen, 0: does not matter; or empty (rule H4)
}

# --- daemon to client -----------------------------------------------------------------------------

struct DaemonFrame {
  version @0 :UInt16;                # protocol version of the sender, at least 1
  messages @1 :List(DaemonMessage);  # in order; may be empty
}

struct DaemonMessage {
  union {
    deliverChunk @0 :Data;     # a part of the next deliver's payload; exactly 64 KiB
    deliver :group {
      # A message for a member.
      order @1 :Order;
      senderRank @2 :UInt32;   # in the receiver's view of the group; 0xFFFFFFFF: see `sender`
      groupKey @3 :UInt64;
      number @4 :UInt64;       # counts the sender's accepted messages to the group from 1
      payload @5 :Data;        # at most 64 KiB: all of it, or what follows the chunks
      sender @6 :ProcessId;    # not null where senderRank names nobody
      reportSoon @32 :Bool;    # somebody waits to hear that this was consumed (rule N2)
    }
    accepted @7 :UInt64;       # every multicast up to this request was, but those rejected before
    rejected :group {
      request @8 :UInt64;
      groupKey @9 :UInt64;     # which of the groups; 0: any
      reason @10 :RejectReason;
    }
    sendFail :group {
      # An accepted message that will never be delivered to its sender.
      groupKey @11 :UInt64;
      number @12 :UInt64;
    }
    safeNotice :group {
      # All members have delivered the receiver's own message.
      groupKey @13 :UInt64;
      number @14 :UInt64;
    }
    viewChanged :group {
      groupName @15 :Text;     # name
      view @16 :GroupView;     # with at least one member
    }
    transition :group {
      # Deliveries from here to the next view hold only within `transitional`.
      groupKey @17 :UInt64;
      transitional @18 :List(ProcessId);
    }
    block @19 :UInt64;         # group key: stop sending, and answer with blockOk
    suspended @20 :UInt64;     # group key: no quorum, nothing is delivered
    gone :group {
      # The receiver's membership is over.
      groupKey @21 :UInt64;
      reason @22 :GoneReason;
    }
    welcome @23 :Welcome;
    refused @24 :Text;         # text; answer to a hello that cannot be served
    disconnect @25 :Text;      # text; the last message of a connection that the daemon ends
    statusReply :group {
      request @26 :UInt64;
      status @27 :DaemonStatus;
    }
    groupsReply :group {
      request @28 :UInt64;
      groups @29 :List(GroupStatus);  # by name
    }
    watchedView :group {
      groupName @30 :Text;     # name
      view @31 :GroupView;     # without members: the group is no more
    }
    bootstrapReply :group {
      request @33 :UInt64;
      possible @34 :Bool;      # it can be forced; where that was asked for, it has been
      text @35 :Text;          # text: what it would mean, or what came of it, or why not
      without @36 :List(Text); # names: who would be given up
    }
  }
}

struct Welcome {
  process @0 :ProcessId;           # who the client is
  daemonVersion @1 :Text;          # text
  protocolVersion @2 :UInt32;      # spoken on this connection
  sendWindowBytes @3 :UInt64;      # payload bytes that may be sent and not yet accepted
  sendWindowMessages @4 :UInt64;   # multicasts that may be sent and not yet accepted
  queueBytes @5 :UInt64;           # that may wait for the client before it is evicted (rule W3)
}

struct DaemonStatus {
  # A daemon about itself.
  daemon @0 :DaemonId;
  cluster @1 :Text;                # text
  version @2 :Text;                # text
  phase @3 :Text;                  # text: joining, regular, flushing or suspended
  view @4 :ViewId;                 # null: none
  primary @5 :Bool;
  members @6 :List(MemberStatus);  # by rank
  uptimeMs @7 :UInt64;             # milliseconds
  counters @8 :List(Counter);      # by name
  clients @9 :List(ClientStatus);  # those with the longest queues, at most 256
}

struct MemberStatus {
  id @0 :DaemonId;
  address @1 :Text;  # address
  state @2 :Text;    # text: self, alive or suspected
  unacknowledged @3 :UInt64;  # messages of the daemon that answers which this member has not got
}

struct ClientStatus {
  # A client of the daemon that answers.
  process @0 :ProcessId;
  groups @1 :UInt64;          # it is a member of so many
  waitingBytes @2 :UInt64;    # delivered to it and not consumed yet (rule W3)
  queuedRequests @3 :UInt64;  # of its own that wait to be served
}

struct Counter {
  name @0 :Text;  # text
  value @1 :UInt64;
}

struct GroupStatus {
  name @0 :Text;                 # name
  view @1 :GroupViewId;
  options @2 :GroupOptions;      # null: the defaults
  members @3 :List(ProcessId);   # by rank
}

# --- daemon to daemon -----------------------------------------------------------------------------

struct PeerFrame {
  version @0 :UInt16;       # protocol version of the sender; another one is refused
  cluster @1 :UInt64;       # fingerprint of the cluster's name
  lineage @2 :UInt64;       # of the chain of primary views; 0: the sender has none yet
  sender @3 :DaemonId;
  view @4 :ViewId;          # the sender's view; during a view change the view that is left

  body :union {
    batch @5 :Batch;
    nack @6 :Nack;
    repair @7 :Repair;
    heartbeat @8 :Heartbeat;
    beacon @9 :Beacon;
    prepare @10 :Ballot;        # phase 1 of a view change begins
    state @11 :State;           # answer to prepare
    ballotRefused @12 :Ballot;  # answer to prepare or propose: what was promised, and is higher
    propose @13 :AcceptedValue; # phase 2: accept this
    accept @14 :Ballot;         # answer to propose
    install @15 :Install;
    installRequest @16 :Void;   # asks for install, with groups
  }
}

struct Batch {
  # New messages of the sender and newly assigned places of the total order.
  messages @0 :MessageList;          # their numbers rise
  firstPlace @1 :UInt64;             # of `places`, from 1; any value where there are none
  places @2 :List(MessageReference); # consecutive
  progress @3 :Progress;
}

struct Nack {
  # Asks the receiver to repeat messages and places.
  missing @0 :List(MissingMessages);
  firstPlace @1 :UInt64;  # 0: no place is missing
  lastPlace @2 :UInt64;   # not below firstPlace
}

struct MissingMessages {
  # The messages first..last of one daemon.
  sender @0 :UInt32;  # rank
  first @1 :UInt64;
  last @2 :UInt64;    # not below first
}

struct Repair {
  # Answers a nack: messages that were first sent by the member at rank `original`.
  original @0 :UInt32;
  messages @1 :MessageList;
}

struct Heartbeat {
  progress @0 :Progress;
  hears @1 :List(UInt64);  # incarnations heard within the time-out; at most 256
  leaving @2 :Bool;        # the sender wants to leave the view
  number @3 :UInt64;       # rises with every heartbeat of the sender
  answers @4 :List(UInt64);  # by rank: the newest heartbeat of each member that came; 0: none
}

struct Progress {
  # How far the sender is. Cumulative.
  sent @0 :UInt64;             # number of its own last message
  received @1 :List(UInt64);   # by rank, at most 64: it holds all messages up to here
  ordered @2 :UInt64;          # places up to here are known, with their messages
  announced @3 :UInt64;        # sequencer: the last place that it assigned
  clock @4 :UInt64;            # Lamport clock; counts once all up to `sent` is held
  handed @5 :List(UInt64);     # by rank, at most 64: of the messages up to here those whose senders
                               # want to know are with all members here; empty: none is (rule N1)
  caughtUp @6 :Bool;           # the same is true of all messages of the views before
  applied @7 :UInt64;          # joins and leaves with places up to here were counted in for that
}

struct MessageReference {
  # Names a message inside a view.
  sender @0 :UInt32;  # rank of the daemon that stamped it
  number @1 :UInt64;  # from 1
}

struct MessageList {
  # Messages of one daemon. Vector times are kept once for all the messages that share them.
  messages @0 :List(StampedMessage);
  contexts @1 :List(List(UInt64));  # vector times: by rank, at most 64 entries each
}

enum MessageKind {
  data @0;     # an application's message, or the last part of one
  chunk @1;    # an earlier part of a large message: exactly 64 KiB; empty: voids them
  join @2;     # control: a process joins a group
  leave @3;    # control: a process leaves groups
  closing @4;  # control: the daemon now stamps with epochs that count `closes`
  hold @5;     # control: the members of a group at this daemon hold back
}

struct StampedMessage {
  # A message with the stamps that order it. The daemon that stamped it is known by the frame.
  number @0 :UInt64;        # among all messages of the daemon in the view, from 1
  kind @1 :MessageKind;
  order @2 :Order;
  uniform @3 :Bool;         # total order that waits for a quorum
  selfDiscard @4 :Bool;     # not delivered to its sender
  notifySafe @5 :Bool;      # the sender wants to know when all members have delivered it
  context @6 :UInt32;       # 0: none; n: contexts[n - 1], what was delivered before, by rank, but
                            # for the daemon's own entry. Causal, total and safe messages have one.
  chunks @7 :UInt32;        # how many chunks of the session come before; at most 1,023
  causalNumber @8 :UInt64;  # among the daemon's causal, total and safe messages, from 1; else 0
  stamp @9 :UInt64;         # Lamport time
  predecessor @10 :UInt64;  # the session's last message before that was not reliable; 0: none
  after @11 :UInt64;        # newest own total or safe message that it waits for; 0: none
  session @12 :UInt64;      # who sends
  groupKey @13 :UInt64;     # for whom; not 0 in data, join and leave
  epoch @14 :UInt64;        # control messages of the group whose place the daemon had learnt
  sendNumber @15 :UInt64;   # among the process's accepted messages to the group; control: 0
  payload @16 :Data;        # at most 64 KiB
  extra @17 :MessageExtra;  # null: nothing of it
}

struct MessageExtra {
  # What few messages have.
  moreDestinations @0 :List(Destination);  # at most 63 groups, different from each other and from
                                           # the first
  to @1 :ProcessKey;         # deliver to this process only; null: to all members
  senderName @2 :Text;       # name of the sending process; null: receivers know it
  closes @3 :UInt64;         # a place; 0 but in closing
  control @4 :ControlBody;   # not null in join and leave, null in all others
}

struct Destination {
  # As the fields of the same names in StampedMessage.
  groupKey @0 :UInt64;
  epoch @1 :UInt64;
  sendNumber @2 :UInt64;
}

struct ControlBody {
  groupName @0 :Text;        # join: name; leave: empty
  options @1 :GroupOptions;  # join only; null: the defaults
  joins @2 :UInt32;          # join only: which membership of the process it is, from 1
  reason @3 :LeaveReason;    # leave only
}

# --- daemon to daemon, between views --------------------------------------------------------------

struct DaemonView {
  id @0 :ViewId;
  lineage @1 :UInt64;              # of the chain of primary views
  members @2 :List(DaemonMember);  # by rank; at most 64, of different names
  primary @3 :Bool;
  ancestors @4 :List(UInt64);      # lineages that forced views ended, the eldest first; at most 16
}

struct DaemonMember {
  id @0 :DaemonId;
  address @1 :Text;  # address
}

struct Beacon {
  # To daemons outside the sender's view: who is there.
  address @0 :Text;        # address where the sender listens
  active @1 :Bool;         # it is in a view and serves
  decided @2 :DaemonView;  # the newest view that it knows to be decided; null: none
  hears @3 :List(UInt64);  # incarnations heard within the time-out; at most 256
  number @4 :UInt64;       # of the beacon: rises; one that is not higher comes too late
  answers @5 :List(UInt64);  # for each of hears: the number of its newest beacon; 0: none came
  partitionable @6 :Bool;  # the sender's policy for partitions; false: a quorum goes on
}

struct Ballot {
  # Orders the attempts of one view change: by round, proposer, incarnation.
  round @0 :UInt64;        # from 1; 0: none
  proposer @1 :UInt32;     # rank
  incarnation @2 :UInt64;  # of the proposer
}

struct AcceptedValue {
  ballot @0 :Ballot;
  value @1 :ViewChangeValue;
}

struct ViewChangeValue {
  # What a view change decides.
  base @0 :ViewId;                   # the view that is left
  next @1 :DaemonView;               # the view that is installed; with at least one member
  cut @2 :List(UInt64);              # by rank of the base view: deliver up to here; at most 64;
                                     # empty: none of the base view lives
  firstPlace @3 :UInt64;             # of `places`, from 1
  places @4 :List(MessageReference); # the fixed part of the order
  left @5 :List(DepartedDaemon);     # at most 64
  recovered @6 :Bool;                # rests on records: messages of the dead may be lost
  delivered @7 :UInt64;              # places up to here were delivered by a member that answered
  forced @8 :Bool;                   # by the operator, without a quorum of the base view
  quiet @9 :Bool;                    # nothing is sent in the next view, which waits to be taken in
  arrivals @10 :List(Arrival);       # who comes from other views, with what groups; at most 64
  claim @11 :PrimaryClaim;           # what the members know of primary views; null: not needed
}

struct Arrival {
  # Daemons that come to a view from another view than its base.
  from @0 :ViewId;
  daemons @1 :List(UInt64);      # incarnations; at most 64
  groups @2 :List(GroupEntry);   # the groups there, with their members at these daemons
}

struct PrimaryClaim {
  # What a daemon in a view that is not primary knows of those that are.
  last @0 :DaemonView;            # the newest one known to be decided; counter 0: the seeds
  attempts @1 :List(DaemonView);  # accepted as following it; whether decided is not known;
                                  # at most 64
}

struct DepartedDaemon {
  id @0 :DaemonId;
  reason @1 :LeaveReason;
}

struct State {
  # The promise that answers a prepare, and what the proposer must know.
  ballot @0 :Ballot;
  living @1 :Bool;                    # the sender holds the base view's messages
  accepted @2 :AcceptedValue;         # null: nothing was accepted
  held @3 :List(UInt64);              # by rank, at most 64: it holds all messages up to here
  firstPlace @4 :UInt64;              # of `places`, from 1
  places @5 :List(MessageReference);  # known places that may not be known to all
  hears @6 :List(UInt64);             # incarnations heard within the time-out; at most 256
  leaving @7 :Bool;                   # the sender wants to leave
  delivered @8 :UInt64;               # it delivered the places up to here
  address @9 :Text;                   # address where the sender listens
  claim @10 :PrimaryClaim;            # where the base view is not primary; else null
  since @11 :UInt64;                  # incarnation of the daemon that began the sender's record
}

struct Install {
  # The decision of a view change. Anyone may repeat it.
  value @0 :ViewChangeValue;
  groups @1 :List(GroupEntry);  # the groups as the view begins, for its joiners; null: not told
  departed @2 :UInt64;          # incarnation that left an earlier view and is not admitted again;
                                # 0: none
}

struct GroupEntry {
  name @0 :Text;                  # name
  options @1 :GroupOptions;       # null: the defaults
  view @2 :GroupViewId;
  members @3 :List(GroupMember);  # by rank
}

# --- durable --------------------------------------------------------------------------------------

struct DurableRecord {
  # What a daemon must not forget in a crash.
  version @0 :UInt16;           # protocol version of the writer; a newer one is refused
  decided @1 :DaemonView;       # the newest view known to be decided; counter 0: none yet
  promised @2 :Ballot;          # in the change that leaves `decided`; round 0: none
  accepted @3 :AcceptedValue;   # in that change; null: none
  since @4 :UInt64;             # incarnation of the daemon that began this record
  claim @5 :PrimaryClaim;       # where `decided` is not primary; else null
}
