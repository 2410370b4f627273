// One run: a cluster of daemons and clients in one process, in virtual time, out of one seed.
//
// First comes unsafe weather, with faults as the plan says. Then everything is healed and started
// again, and must settle: one view of all daemons, every client where it wants to be, nothing
// accepted undelivered. In the end the checkers judge the traces.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/verify/check.h"
#include "tests/simulation/client_node.h"
#include "tests/simulation/daemon_node.h"
#include "tests/simulation/edge_watch.h"
#include "tests/simulation/network.h"
#include "tests/simulation/notice_watch.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/scene.h"
#include "tests/simulation/wire_monitor.h"

namespace groupcomm::simulation {

struct Outcome {
  bool passed = false;
  std::string verdict;  // what is wrong, several lines
  std::uint64_t digest = 0;
  Duration settled_after{};
  Duration simulated{};
  std::uint64_t faults =
      0;  // how many struck, and how many sends there were: with the skipped ones
  std::uint64_t sends = 0;
  std::map<std::string, std::uint64_t> counters;
  ChangeCells cells;
  std::vector<verify::Trace> traces;
  std::vector<Note> notes;
};

class Simulator : private DaemonSurroundings, private ClientSurroundings {
 public:
  Simulator(const Plan& plan, bool verbose);
  Outcome run();

 private:
  // A connection between a client and its daemon, FIFO in both directions.
  struct Connection {
    std::size_t client = 0;
    std::size_t daemon = 0;
    std::uint64_t daemon_generation = 0;
    SessionId session;
    TimePoint last_to_daemon;
    TimePoint last_to_client;
    bool client_closed = false;
  };
  using ConnectionPointer = std::shared_ptr<Connection>;

  // DaemonSurroundings
  void send_to_peer(std::size_t from, const std::string& to, protocol::Lane lane,
                    const protocol::PeerFrame& frame, const Payload& bytes) override;
  void send_to_client(std::size_t from, SessionId session, const Payload& bytes) override;
  void close_session(std::size_t daemon, SessionId session) override;
  void daemon_ended(std::size_t daemon) override;
  void daemon_crashes(std::size_t daemon) override;
  void connect_peer(std::size_t from, const std::string& to) override;
  EdgeWatch& watch() override { return watch_; }
  // ClientSurroundings
  bool connect(std::size_t client) override;
  void send_to_daemon(std::size_t client, const Payload& bytes) override;
  void disconnect(std::size_t client) override;
  bool act_as_leader(const std::string& group, const GroupView& view) override;
  void call_again(std::size_t client, const std::vector<Call>& calls) override;
  void on_wish(std::size_t client) override;
  void on_notice(const verify::record::Safe& notice, const GroupView* view) override;
  std::vector<std::string> members_besides(std::size_t client,
                                           const std::string& group) const override;
  bool has_died(const std::vector<std::string>& processes) const override;
  bool may_give_up(std::size_t client, const std::vector<std::string>& daemons) override;

  void on_arrival(std::size_t to, const Network::Frame& frame);
  void fail_as_planted();
  void send_for_another(std::size_t client, const Call& call, bool expires);
  static std::size_t index_of(const std::string& daemon_name);
  TimePoint arrival(TimePoint& last);
  void announce_refusal(std::size_t from, std::size_t to);
  void look_again_later(std::size_t from, std::size_t to);
  void announce_connection(std::size_t from, std::size_t to);

  // faults
  void begin_faults();
  void start_daemon(std::size_t daemon);
  void restart_later(std::size_t daemon);
  void pause_daemon(std::size_t daemon);
  void pull_triggers(std::size_t from, std::size_t to, const protocol::PeerFrame& frame);
  void mass_restart();
  void begin_script();
  std::string unplayed() const;
  void pull_cues(std::size_t from, std::size_t to, std::size_t kind);
  void play(const std::string& action);
  void play_on_client(std::size_t client, std::istream& words);
  void play_on_daemon(const std::string& verb, std::size_t daemon);
  void play_on_frames(const std::string& verb, std::size_t kind, const std::string& link);
  bool is_kept_back(std::size_t from, std::size_t to, std::size_t kind, const Payload& bytes);
  void release_frames();
  void begin_further_faults();
  void tell_lie();
  void ask_for_force();
  void keep_secret();
  void keep_agreement();
  void name_many();
  void send_unknown_frame();
  void send_foreign_frame(std::size_t from, std::size_t to, bool is_other_cluster);
  bool may_restart(std::size_t daemon);
  void repeat(Duration every, std::function<void()> fault);

  // the second phase
  void calm_down();
  void choose_core();
  void settle_fate(std::size_t outsider);
  void connect_anyhow(std::size_t outsider);
  bool is_too_early(TimePoint calm, TimePoint changed) const;
  std::optional<std::size_t> leader() const;
  std::string unsettled() const;
  std::string unsettled_daemons() const;
  std::string unsettled_groups() const;
  std::uint64_t core_installs() const;
  std::string too_many_views() const;
  bool core_has_quorum() const;
  bool core_outvotes_all() const;
  std::string wrongly_primary() const;
  bool settle(Outcome& outcome);
  bool settle_without_quorum(Outcome& outcome);
  bool may_force() const;
  bool settle_by_force(Outcome& outcome);
  std::optional<protocol::DaemonView> newest_in_core() const;
  Duration quiet() const;
  bool stay_settled(Outcome& outcome);
  std::string not_refused();
  std::string kept_resources() const;
  std::string noise(const Scene::Kinds& before, Duration window) const;
  void judge(Outcome& outcome, bool settled);
  void note_counters();

  // the third phase
  struct Side {
    std::set<std::size_t> daemons;
    std::optional<ViewId> view;                        // that all of them were in
    std::map<std::size_t, std::uint64_t> generations;  // of those who must live on
  };
  bool part_and_force(Outcome& outcome);
  std::vector<Side> part();
  bool has_primary(const std::set<std::size_t>& daemons) const;
  std::optional<ViewId> common_view(const std::set<std::size_t>& daemons) const;
  std::string force(const std::set<std::size_t>& side, bool may_die);
  std::string lost_sides(const std::vector<Side>& sides) const;
  bool end_all_but_one(Outcome& outcome);

  Plan plan_;
  Random random_;
  Random further_;  // for the faults that came later: the others keep their draws
  Random accidents_;
  Scene scene_;
  WireMonitor monitor_;
  EdgeWatch watch_;
  NoticeWatch notices_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<DaemonNode>> daemons_;
  std::vector<std::unique_ptr<ClientNode>> clients_;
  std::vector<ConnectionPointer> connections_;  // by client; may be null
  std::map<std::pair<std::size_t, SessionId>, ConnectionPointer> sessions_;
  // What each group's leaders touch: it refuses older tokens than it has seen, and must never see
  // one token from two.
  struct FencedResource {
    GroupViewId token;
    ProcessId holder;
  };
  std::map<std::string, FencedResource> resources_;
  std::set<std::size_t> played_;  // cues
  // Of a script: frames of a kind on a link that are lost, and those that are kept for later.
  using FrameRule = std::tuple<std::size_t, std::size_t, std::size_t>;
  std::set<FrameRule> lost_frames_;
  std::set<FrameRule> held_frames_;
  std::vector<std::pair<std::size_t, Payload>> held_;  // to whom, and what
  std::set<std::size_t> core_;                         // daemons that are whole in the second phase
  std::vector<std::uint64_t> installs_at_calm_;        // by daemon
  std::uint64_t gave_up_at_calm_ = 0;
  std::uint64_t ghosts_at_calm_ = 0;        // incarnations that died lately, but one of each name
  std::set<std::size_t> connected_anyhow_;  // outsiders that hear some and are heard by some
  bool may_keep_others_out_ = false;  // an outsider can be in the view beside some of the core
  bool has_half_connected_ = false;   // outsiders that still send or hear
  std::set<std::size_t> given_up_;    // by an operator, and down until the storm is over
  std::vector<int> trigger_times_;    // how often each trigger may still fire
};

}  // namespace groupcomm::simulation
