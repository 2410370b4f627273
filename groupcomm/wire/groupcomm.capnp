# The wire protocol of groupcomm: every frame that daemons and clients exchange, and the record
# that a daemon keeps on disk. This file and peer.capnp, which has what daemons tell each other and
# keep, are the reference; docs/PROTOCOL.md says what the frames are for and when they are sent.
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
#   refuses a PeerFrame of an unknown kind. A change of meaning raises the protocol version, which
#   stays 1 up to the first release.
#
# Runs
#
#   Neighbours in a list that differ in their payload, of at least 9 bytes, and by the next numbers
#   only are one element: its first message, with `sizes`, the bytes of each payload, 2 to 4,096 of
#   them. `payload` has all of them, each followed by zeros up to a multiple of 8 bytes. A frame has
#   at most 16,384 messages, and at least 20 bytes for each, all runs counted in full.

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
  count @2 :UInt32;                     # of messages at most, all runs counted in full
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
      sizes @26 :List(UInt32);   # null: no run. Else each has the next request; no extra
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
  count @2 :UInt32;                  # of messages at most, all runs counted in full
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
      sizes @37 :List(UInt32); # null: no run. Else each has the next number; no sender
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
