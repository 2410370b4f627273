# The wire protocol between daemons, and the record that a daemon keeps on disk. How frames are made
# up, how they may change, and the vocabulary: groupcomm.capnp.

@0xaf55ecabf3d6bcfa;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("groupcomm::wire::schema");

using import "groupcomm.capnp".Order;
using import "groupcomm.capnp".LeaveReason;
using import "groupcomm.capnp".ViewId;
using import "groupcomm.capnp".GroupViewId;
using import "groupcomm.capnp".DaemonId;
using import "groupcomm.capnp".ProcessKey;
using import "groupcomm.capnp".GroupOptions;
using import "groupcomm.capnp".GroupMember;

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
  count @2 :UInt32;                 # of messages, all runs counted in full
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
  sizes @18 :List(UInt32);  # null: no run. Else each is data and has the next number, stamp,
                            # sendNumber, and causalNumber where there is one; no chunks, no extra
  predecessorFollows @19 :Bool;  # run: each is the next one's predecessor; else all have the same
  afterFollows @20 :Bool;        # run: the same of `after`
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
