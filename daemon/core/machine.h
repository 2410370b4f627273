// The state behind DaemonCore.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/client_service.h"
#include "daemon/core/daemon_core.h"
#include "daemon/core/pauses.h"
#include "daemon/core/refill.h"
#include "membership/failure_detector.h"
#include "membership/rank_set.h"
#include "membership/view_change.h"
#include "ordering/view_ordering.h"

namespace groupcomm::daemon {

// One daemon incarnation: joins failure detection, view change, ordering and clients, and decides
// nothing that one of them can decide. It is in one of three states:
//   outside   in no view: it sends beacons, votes by its record, and is admitted by an Install;
//   regular   in a view: it stamps, orders and delivers;
//   flushing  in a view that is being left: frozen until an Install, or until it is excluded.
class DaemonCore::Machine {
 public:
  Machine(DaemonOptions options, protocol::DurableRecord record, TimePoint now);

  void step(TimePoint now, Event event);
  std::vector<Effect> take_effects() {
    std::vector<Effect> effects;
    effects.reserve(effects_.size());  // the next step has about as many
    return std::exchange(effects_, std::move(effects));
  }
  TimePoint next_deadline() const;
  protocol::DaemonStatus status(TimePoint now) const;
  void check_invariants() const;

 private:
  // Daemons of which note is taken though nobody configured them and no view has them (rule P4).
  static constexpr std::size_t kStrangersMax = 2 * protocol::kDaemonsMax;
  static constexpr std::size_t kConnectedMax = 4 * protocol::kDaemonsMax;
  static constexpr std::size_t kDepartedMax = 1024;

  // A daemon that was heard by a beacon.
  struct Stranger {
    protocol::DaemonMember member;
    protocol::Beacon beacon;
    TimePoint heard;                 // its last beacon
    TimePoint answered;              // our last answer
    std::optional<TimePoint> alive;  // when we sent the newest beacon that it has answered
  };
  // Later views are known to exist, and nobody has told one: first and last time of a beacon.
  struct Untold {
    TimePoint first;
    TimePoint last;
  };
  // The view before the current one, for members that still need its messages.
  struct Retired {
    protocol::DaemonView view;
    std::optional<ordering::ViewOrdering> ordering;  // until all have installed the next view
    std::set<Incarnation> unheard;                   // who has not been heard there yet
  };

  // --- events (machine.cc)
  void on(ClientFrame event);
  void on(ClientLost event);
  void on(PeerFrameReceived event);
  void on(PeerRefused event);
  void on(PeerConnected event);
  void on(TimerExpired event);
  void on(InputDrained event);
  void on(LeaveRequested event);
  void run_timers();
  void send_batch();
  void send_heartbeats();
  void send_beacons();
  void ask_for_missing();
  protocol::Heartbeat heartbeat();
  protocol::Beacon beacon();
  BeaconNumber draw_beacon_number();
  // When this daemon sent the beacon that `beacon` answers.
  std::optional<TimePoint> answered_beacon_sent(const protocol::Beacon& beacon) const;

  // --- frames (machine_peers.cc)
  bool is_acceptable(const protocol::FrameHeader& header, const protocol::PeerBody& body);
  // Rule P5: another daemon has this one's incarnation, or a member has the sender's.
  bool is_double(const protocol::FrameHeader& header, const protocol::PeerBody& body);
  static bool stays_before(const DaemonId& a, const protocol::Beacon& of_a, const DaemonId& b,
                           const protocol::Beacon& of_b);
  bool is_double_of_member(const DaemonId& id) const;
  // 0: outside of any view; 1: in one that is not primary; 2: in a primary one.
  static int standing_of(const protocol::FrameHeader& header, const protocol::Beacon& beacon);
  int standing() const;
  bool stands_before_us(const protocol::FrameHeader& header, const protocol::Beacon& beacon) const;
  bool is_name_taken(const protocol::FrameHeader& header, const protocol::PeerBody& body);
  void notice_namesake(const protocol::DaemonView& decided);
  bool learn_incarnation(const DaemonId& id);
  // Rule P4: there is room to take note of this daemon.
  bool has_room_for(const std::string& name);
  void on_frame(const protocol::FrameHeader& header, protocol::PeerBody& body);
  void on_body(const protocol::FrameHeader& header, const protocol::Batch& batch);
  void on_body(const protocol::FrameHeader& header, const protocol::Nack& nack);
  void on_body(const protocol::FrameHeader& header, const protocol::Repair& repair);
  void on_body(const protocol::FrameHeader& header, const protocol::Heartbeat& heartbeat);
  void on_body(const protocol::FrameHeader& header, const protocol::Beacon& beacon);
  void on_body(const protocol::FrameHeader& header, const protocol::Prepare& prepare);
  void on_body(const protocol::FrameHeader& header, const protocol::State& state);
  void on_body(const protocol::FrameHeader& header, const protocol::BallotRefused& refused);
  void on_body(const protocol::FrameHeader& header, const protocol::Propose& propose);
  void on_body(const protocol::FrameHeader& header, const protocol::Accept& accept);
  void on_body(const protocol::FrameHeader& header, const protocol::Install& install);
  void on_body(const protocol::FrameHeader& header, const protocol::InstallRequest& request);
  // Rules P1 and R7: whether frames of this lineage count.
  bool is_of_our_lineage(const protocol::FrameHeader& header, const protocol::PeerBody& body);
  void tell_forebear(const DaemonId& id, const std::string& address);
  void report_foreigner(const DaemonId& id);
  bool hears_kin() const;
  bool goes_over_to(const protocol::DaemonView& decided, bool active);
  // Rule P3: whether the sender may say this. What may not be said is counted.
  bool has_same_policy(const protocol::FrameHeader& header, const protocol::Beacon& beacon);
  bool may_say(const protocol::FrameHeader& header, Rank rank, const protocol::Ballot& own);
  bool may_say(const protocol::FrameHeader& header, Rank rank, const protocol::State& state);
  bool may_say(const protocol::FrameHeader& header, Rank rank, const protocol::Propose& propose);
  bool may_say(const protocol::FrameHeader& header, const protocol::Install& install);
  bool refuse_unless(bool fits);
  bool is_of_policy(const protocol::ViewChangeValue& value) const;
  bool is_possible(const protocol::ViewChangeValue& value) const;
  void on_other_view(const protocol::FrameHeader& header, protocol::PeerBody& body);
  void note_whom_it_hears(Incarnation from, const std::vector<Incarnation>& hears);
  void answer_nack(const DaemonId& to, const protocol::DaemonView& view,
                   const ordering::ViewOrdering& ordering, const protocol::Nack& nack);
  // The sender's rank in the current view, by incarnation.
  std::optional<Rank> member_rank(const protocol::FrameHeader& header) const;
  // The sender's rank in the base of the view change, by name.
  std::optional<Rank> base_rank(const protocol::FrameHeader& header);
  bool is_departed(const DaemonId& id) const {
    return departed_.contains({id.incarnation, id.name});
  }
  bool has_left(const DaemonId& id, const protocol::Beacon& beacon) const;
  void learn_of_decided(const DaemonId& from, const protocol::Beacon& beacon);
  void end_if_untold(const protocol::DaemonView& decided);
  void follow(const protocol::DaemonView& decided);

  // --- view change (machine_views.cc)
  membership::ViewChange::Situation situation() const;
  std::vector<membership::Joiner> joiners() const;
  bool is_fresh(const Stranger& stranger) const;
  bool lives(const Stranger& stranger) const;
  // Some other present member says so. Of a situation whose present and lost members are known.
  bool is_heard_by_another(Incarnation incarnation,
                           const membership::ViewChange::Situation& situation) const;
  bool is_heard_by_all_present(const membership::Joiner& joiner,
                               const membership::RankSet& present) const;
  bool is_living_present(const protocol::DaemonMember& member) const;
  bool is_present(Rank rank, const protocol::DaemonMember& member) const;
  membership::ViewChange::Messages frozen_messages();
  void run_view_change();
  // One line for each member that has just become suspect, with the reason.
  void report_suspicions(const membership::ViewChange::Situation& situation);
  void flush_view_change_outputs();
  void fill_cut();
  void ask_for_cut(const ViewId& next, const std::vector<protocol::MissingMessages>& missing);
  void on_decided(const protocol::ViewChangeValue& value,
                  const std::optional<std::vector<protocol::GroupEntry>>& groups);
  void install_as_member();
  void install_as_joiner(const protocol::ViewChangeValue& value,
                         const std::vector<protocol::GroupEntry>& groups);
  void enter_view(const protocol::ViewChangeValue& value);
  void connect_members(const protocol::DaemonView& view);
  void connect(const std::string& name, const std::string& address);
  void disconnect_strangers();
  bool is_needed(const std::string& name) const;
  void send_install(const DaemonId& to, bool with_groups);
  void trim_arrivals(const DaemonId& to, protocol::Install& install) const;
  // `with_groups`: it has never been in the view before, or asks for them.
  void answer_with_install(const DaemonId& to, bool with_groups);
  void suspend_if_stuck();
  // Components (machine_components.cc).
  void begin_alone();
  bool is_here(const protocol::DaemonMember& member) const;
  void learn_where_it_is(const DaemonId& member, const protocol::DaemonView& its_view);
  std::vector<membership::Joiner> component(const protocol::DaemonView& view) const;
  bool is_heard_by_all(const membership::Joiner& joiner) const;
  std::map<ViewId, const protocol::DaemonView*> views_around() const;
  bool has_leader_around() const;
  bool is_quiet(const std::vector<membership::Joiner>& members) const;
  std::vector<membership::Joiner> arrivals() const;
  void ask_for_origins();
  bool is_following() const;
  void watch_components();
  bool is_quiet_due(bool follows) const;
  void begin_quiet(const protocol::ViewChangeValue& value);
  void forgo_decision();
  void on_install(const protocol::FrameHeader& header, const protocol::Install& install);
  void on_decided_here(const protocol::ViewChangeValue& value);
  void install_as_arrival(const protocol::ViewChangeValue& value,
                          const std::vector<protocol::GroupEntry>& groups);
  // The operator asks (rule R6).
  void consider_bootstrap(const ClientService::BootstrapWish& wish, bool by_operator);
  std::string why_not_forced() const;
  // By the operator's word, of the members of the base.
  std::optional<membership::RankSet> given_up() const;
  void end_word_in_time();
  void answer_forcers();
  void on_excluded(const protocol::ViewChangeValue& value);
  void give_up(const std::string& why, bool contradiction = false);
  void finish_leave_if_done();
  std::vector<std::string> still_behind() const;

  // --- sending
  void send(std::vector<std::string> to, protocol::Lane lane, const ViewId& view,
            protocol::PeerBody body);
  std::vector<std::string> other_members() const;
  bool is_member_name(const std::string& name) const;
  void report(bool warning, std::string text);
  bool is_living() const { return ordering_.has_value(); }

  // Rule D8: after a stall nothing is handed out before a quorum is known to be in the view still.
  void begin_doubt();
  void settle_doubt(Rank from, const protocol::Heartbeat& heartbeat);
  void deliver_all();
  // Rule D9: members whose messages do not come are left out, and not taken back for a while.
  void watch_streams();
  // Daemons that count as heard, members and others.
  std::vector<Incarnation> hears() const;

  DaemonOptions options_;
  std::uint64_t cluster_;
  std::uint64_t cluster_of_other_engine_;  // of the same name
  TimePoint now_;
  TimePoint started_;
  std::vector<Effect> effects_;
  bool over_ = false;               // gave up or finished: nothing is done any more
  bool record_is_younger_ = false;  // this was reported (rule R5)

  membership::FailureDetector detector_;
  membership::ViewChange change_;

  // The current view; none while outside.
  protocol::DaemonView view_;
  Rank rank_ = 0;
  TimePoint installed_at_;
  std::optional<ordering::ViewOrdering> ordering_;
  std::optional<Retired> retired_;
  std::map<Incarnation, std::vector<Incarnation>> hearing_;  // rows of the others' heartbeats
  std::map<Incarnation, std::uint64_t> heartbeats_heard_;    // the newest of each member
  std::optional<std::uint64_t> doubt_;  // deliveries wait for answers to this heartbeat
  membership::RankSet confirmed_;       // who has answered it
  // Members whose messages do not come, and until when they count as not heard for that.
  std::map<Incarnation, TimePoint> mute_;
  std::map<std::string, TimePoint> barred_;  // by name, until when
  std::optional<Untold> untold_;
  std::set<Incarnation> suspected_;  // members, as was reported last
  std::set<Incarnation> leavers_;    // members that want to leave
  // Partitionable policy.
  std::optional<TimePoint> quiet_since_;  // waits to be taken in by another component
  TimePoint followed_;                    // when one was last around
  TimePoint serve_until_;                 // one that waited in vain does not wait again before
  std::map<Incarnation, TimePoint> heard_here_;  // members: their last frame of this view
  std::set<Incarnation> elsewhere_;              // members that went on to another view
  std::set<ViewId> forgone_;  // decisions that leave this view and cannot be carried out here
  std::map<ViewId, std::shared_ptr<const membership::Origin>> origins_;  // quiet views around
  ClientService clients_;
  Pauses installs_sent_;
  Pauses installs_asked_;
  Pauses forebears_told_;

  // The decision that this member is about to install: it still lacks some of the cut.
  std::optional<protocol::ViewChangeValue> deciding_;
  // How the current view came about, to be repeated for those who missed it.
  std::optional<protocol::Install> last_install_;
  Refill refill_;
  TimePoint flushing_since_ = TimePoint::never();

  std::map<Incarnation, Stranger> strangers_;
  // Daemons that are connected, by name. One that nobody configured here is let go some time
  // after it was last a member or heard from outside.
  struct Connected {
    std::string address;
    TimePoint needed;
  };
  std::map<std::string, Connected> connected_;
  static constexpr std::size_t kForeignMax = 256;
  std::set<Incarnation> foreign_;  // of another lineage, as was reported
  // Members of views that left, and never come back. (The name tells apart what rule P5 is about.)
  std::set<std::pair<Incarnation, std::string>> departed_;
  std::map<std::string, Incarnation> newest_;  // by name, the latest incarnation heard of
  std::deque<protocol::PeerFrame> early_;      // frames of a view that comes next
  // The operator's word about one view, and who wait for what comes of it (rule R6).
  struct Word {
    ViewId base;
    std::vector<std::string> given_up;
    TimePoint until;
  };
  std::optional<Word> word_;
  std::vector<ClientService::BootstrapWish> forcers_;
  // A lineage that descends from this one was heard of from then until then (rule R7).
  TimePoint kin_since_;
  std::optional<TimePoint> kin_heard_;
  bool leaving_ = false;
  std::set<Incarnation> went_on_;  // leaving: members that installed the view without us
  std::optional<protocol::ViewChangeValue> left_by_;  // leaving: the decision without us
  TimePoint leave_deadline_ = TimePoint::never();     // excluded as we wished: others may need us
  TimePoint leave_by_ = TimePoint::never();           // with or without a view that excludes us

  std::uint64_t heartbeats_made_ = 0;
  TimePoint heartbeat_due_;
  TimePoint beacon_due_;
  BeaconNumber last_beacon_;

  std::uint64_t frames_refused_ = 0;
  std::uint64_t frames_of_other_views_ = 0;
  std::uint64_t views_installed_ = 0;
  std::uint64_t repairs_sent_ = 0;
  std::uint64_t nacks_sent_ = 0;
};

}  // namespace groupcomm::daemon
