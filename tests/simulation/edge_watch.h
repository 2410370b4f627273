// Sees a whole run from outside, and counts by probes (groupcomm/probe.h) the edge cases that no
// daemon can know of by itself, since they are about what several of them know, or about who dies
// when. It changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/effect.h"
#include "daemon/verify/trace_file.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::simulation {

class EdgeWatch {
 public:
  // Whether frames from the one daemon to the other are lost at the moment.
  using IsCut = std::function<bool(const std::string& from, const std::string& to)>;
  // A message as it is delivered: its order, and the hash of its payload.
  struct Handed {
    Order order = Order::kTotal;
    std::uint64_t hash = 0;
  };

  EdgeWatch(bool has_sequencer, IsCut is_cut)
      : has_sequencer_(has_sequencer), is_cut_(std::move(is_cut)) {}

  void on_sent(const protocol::PeerFrame& frame);
  void on_received(const DaemonId& by, const protocol::PeerFrame& frame);
  void on_delivered(const DaemonId& by, const protocol::MessageReference& reference, Order order);
  // `handed`: what was delivered in the step that installs the view.
  void on_installed(const DaemonId& by, const daemon::InstallView& install,
                    const std::vector<Handed>& handed);
  void on_crashed(const DaemonId& who);
  // Its process is over, in whatever way.
  void on_ended(const DaemonId& who) { ended_.insert(who.incarnation); }
  void on_paused(const DaemonId& who);
  void on_resumed(const DaemonId& who) { paused_.erase(who.incarnation); }
  void on_excluded(const DaemonId& who);
  // A cut ends on the link between the two.
  void on_mended(const DaemonId& from, const DaemonId& to);
  // A client of this daemon asks to join or to leave.
  void on_wish(const DaemonId& at);
  // What somebody else sends for a client that does not know whether its message came through: the
  // same message again, or one that says that it is not to be served any more.
  void on_called_again(std::uint64_t hash) { called_again_.insert(hash); }
  void on_expired(std::uint64_t hash) { expired_.insert(hash); }
  // The run is over.
  void on_end(const std::vector<verify::Trace>& traces);

 private:
  // A view that somebody installed.
  struct Whole {
    std::vector<DaemonId> members;
    std::map<protocol::MessageReference, OrderNumber> places;  // that were sent
    std::map<Incarnation, OrderNumber> known;  // the last place of which each member heard
    protocol::MessageReference last;           // what rank 0 delivered last of the total order
    bool is_judged = false;                    // what became of that
    MessageNumber newest;                      // the largest number of a message in it
  };
  // The change that leaves a view.
  struct Change {
    std::map<Incarnation, protocol::State> states;  // first answers of the living
    std::map<protocol::Ballot, protocol::ViewChangeValue> proposals;
    std::map<protocol::Ballot, std::set<std::string>> accepts;               // by name
    std::map<std::string, protocol::Ballot> accepted;                        // the last of each
    std::vector<std::pair<Incarnation, protocol::MissingMessages>> lacking;  // who asked for what
    protocol::Ballot highest;
    std::set<protocol::Ballot> deadly;  // while they were the highest a member died
    // The ballots of proposers that died before anybody had decided.
    std::set<protocol::Ballot> orphans;
    std::optional<Incarnation> decider;
    std::uint64_t followers = 0;  // others that have installed what it decided
    bool is_over = false;
    std::uint64_t wishes = 0;
  };
  // A view that was proposed, and who of it is new.
  struct Arrival {
    std::set<Incarnation> joiners;  // who have installed no view since
    std::set<ViewId> bases;         // from which its members came, those who had one
    Incarnation donor;              // the first survivor, who tells them the groups
    bool is_decided = false;
  };

  template <typename T>
  void on_body(const protocol::FrameHeader&, const T&) {}
  void on_body(const protocol::FrameHeader& header, const protocol::Batch& batch);
  void on_body(const protocol::FrameHeader& header, const protocol::Nack& nack);
  void on_body(const protocol::FrameHeader& header, const protocol::Prepare& prepare);
  void on_body(const protocol::FrameHeader& header, const protocol::State& state);
  void on_body(const protocol::FrameHeader& header, const protocol::Propose& propose);
  void on_body(const protocol::FrameHeader& header, const protocol::Accept& accept);
  void on_body(const protocol::FrameHeader& header, const protocol::Install& install);
  Arrival& arrival_of(const protocol::ViewChangeValue& value);
  const Whole* view_of(Incarnation who) const;
  bool is_dead(Incarnation who) const { return dead_.contains(who); }
  bool is_telling(Incarnation who, const ViewId& next, const Arrival& arrival) const;
  void judge_frozen(const DaemonId& who, const Change& change,
                    const protocol::Ballot& ballot) const;
  void judge_meeting(Arrival& arrival, const ViewId& base);
  void judge_sequencer(Whole& left);
  static void judge_states(const Whole& left, const Change& change);
  void judge_links(const daemon::InstallView& install) const;
  void judge_halves(const Whole& left, const daemon::InstallView& install) const;
  static void judge_orphans(const Whole& left, const Change& change);
  void judge_flushed(const std::vector<Handed>& handed) const;
  void on_beacon(const DaemonId& by, const DaemonId& from) const;
  static void on_proposer_died(const DaemonId& who, Change& change);

  bool has_sequencer_;
  IsCut is_cut_;
  std::map<ViewId, Whole> views_;
  std::map<ViewId, Change> changes_;    // by the view that is left
  std::map<ViewId, Arrival> arrivals_;  // by the view that comes
  std::map<Incarnation, ViewId> current_;
  std::set<Incarnation> dead_;
  std::set<Incarnation> ended_;
  std::set<Incarnation> paused_;
  std::map<Incarnation, ViewId> paused_in_;
  std::map<Incarnation, std::set<SessionId>> halves_;  // large messages that are half sent
  std::set<std::uint64_t> called_again_;
  std::set<std::uint64_t> expired_;
};

}  // namespace groupcomm::simulation
