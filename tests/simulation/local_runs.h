// Single daemons, each as a function of what happened to it.
//
// A DaemonCore does the same whenever the same things happen to it in the same order, whatever its
// peers do meanwhile. So the exhaustive search runs each such history of one daemon once and keeps
// what came of it; a state of the cluster is then one history for each daemon, and the frames that
// are on their way.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/core/daemon_core.h"

namespace groupcomm::simulation {

using PastId = std::uint32_t;
using FrameId = std::uint32_t;

// A frame to one daemon. Frames that say the same are one.
struct FlyingFrame {
  std::size_t from = 0;
  std::size_t to = 0;
  protocol::PeerFrame frame;
};

enum class Happening : std::uint8_t {
  kFrame,          // comes in
  kTimer,          // the next deadline, however far away: clocks run as they like
  kSuspicion,      // a peer seems to be dead
  kRestart,        // dies and comes back with its record
  kFrameAndDeath,  // dies where the frame makes it write its record, just before, and comes back
};

struct LocalEvent {
  Happening what = Happening::kFrame;
  std::uint32_t argument = 0;  // the frame, or the peer
};

// Which views a daemon has accepted, and in which ballots.
using Accepted = std::set<std::pair<protocol::Ballot, ViewId>>;

// One daemon at the end of one history.
struct Past {
  std::size_t daemon = 0;
  PastId before = 0;
  LocalEvent event = {};
  std::vector<FrameId> sent = {};  // as the last event happened
  bool is_over = false;            // it gave up
  bool wrote_record = false;       // as the last event happened
  // What it decided or installed as the view after the first one; and where it came there from the
  // first one, what it delivered in that.
  const protocol::DaemonView* decided = nullptr;
  std::optional<std::string> delivered = std::nullopt;
  Accepted accepted = {};  // for ever: as its records say
  // Where a side of a partition is left: the primary views that it knows to be decided, and which
  // of them it went to.
  std::set<const protocol::DaemonView*> primaries = {};
  const protocol::DaemonView* lives_in = nullptr;
  std::string complaint = {};  // what it did that no daemon may do
};

// A message that is under way when the search begins.
struct EarlyMessage {
  std::size_t daemon = 0;
  Order order = Order::kFifo;
};

class LocalRuns {
 public:
  // Forms the first view, with a client of each daemon in one group. `with_beacons`: the search
  // has restarts, after which daemons must find one another. `is_side`: instead, under the
  // partitionable policy, a view of them that is not primary yet.
  LocalRuns(std::size_t daemons, const std::vector<EarlyMessage>& messages, bool with_beacons,
            Duration suspect, bool is_side);

  std::size_t daemons() const { return daemons_; }
  PastId first(std::size_t daemon) const { return static_cast<PastId>(daemon); }
  const std::vector<FrameId>& first_frames() const { return first_frames_; }

  // The daemon after one more event. Nothing where the event cannot happen.
  std::optional<PastId> after(PastId past, LocalEvent event);

  const Past& past(PastId id) const { return pasts_[id]; }
  const FlyingFrame& frame(FrameId id) const { return frames_[id]; }
  std::size_t pasts() const { return pasts_.size(); }
  std::string describe(const Past& past) const;
  std::string name(std::size_t daemon) const;

 private:
  // A daemon that runs.
  struct Life {
    PastId at = 0;
    std::optional<daemon::DaemonCore> core;
    TimePoint now;
    protocol::DurableRecord record;
    std::uint64_t lives = 1;
    const protocol::DaemonView* decided = nullptr;
    std::optional<std::string> delivered;  // as it left the first view
    ViewId view = {};                      // the current one
    std::set<const protocol::DaemonView*> primaries = {};
    const protocol::DaemonView* lives_in = nullptr;
    Accepted accepted = {};
    // In the first view, as a member:
    bool is_member = true;
    bool is_frozen = false;
    std::set<protocol::MessageReference> held = {};
    std::set<protocol::MessageReference> handed_out = {};
    std::string order = {};  // of what was handed out in the total order
    std::map<protocol::Ballot, std::vector<MessageNumber>> cuts = {};  // of proposals
  };

  using Told = std::vector<std::pair<TimePoint, daemon::Event>>;

  daemon::DaemonOptions options(std::size_t daemon, std::uint64_t life) const;
  void form_view();
  void form_side();
  void begin_all();
  void connect_all();
  bool take_next_of_beginning(TimePoint end);
  void run_beginning(Duration how_long);
  void tell(std::size_t daemon, daemon::Event event);
  void send_early(const std::vector<EarlyMessage>& messages);

  // The daemon as it was then: out of the beginning, and all that happened since.
  Life relive(PastId id);
  bool happen(Life& life, Past& past);
  void take_frame(Life& life, const FlyingFrame& incoming);
  void restart(Life& life, Past& past);
  void step(Life& life, Past& past, daemon::Event event, bool until_record = false);
  void perform(Life& life, Past& past, const daemon::Effect& effect);
  void on_sent(Life& life, Past& past, const protocol::PeerFrame& frame);
  void on_installed(Life& life, Past& past, const protocol::DaemonView& view);
  void check_holds(const Life& life, Past& past, const std::vector<MessageNumber>& cut) const;
  void decide(Life& life, Past& past, const protocol::DaemonView& view);
  const protocol::DaemonView* known(const protocol::DaemonView& view);
  bool is_looked_at(const protocol::PeerFrame& frame) const;
  FrameId frame_id(std::size_t from, std::size_t to, const protocol::PeerFrame& frame);

  std::size_t daemons_;
  bool with_beacons_;
  bool is_side_;
  Duration suspect_;
  protocol::DaemonView view_;  // the first one

  // The beginning, in which nothing goes wrong: what each daemon was told, and when.
  std::vector<Life> lives_;
  std::vector<Told> told_;
  std::deque<FlyingFrame> wire_;
  TimePoint now_{std::chrono::seconds(1000)};
  bool has_begun_ = false;  // the search has; from here on frames are what is looked at

  std::vector<Past> pasts_;
  std::unordered_map<std::uint64_t, PastId> next_;  // by past and event
  std::vector<FlyingFrame> frames_;
  std::map<std::string, FrameId> frame_ids_;
  std::vector<FrameId> first_frames_;
  std::deque<protocol::DaemonView> views_;  // that were decided
};

}  // namespace groupcomm::simulation
