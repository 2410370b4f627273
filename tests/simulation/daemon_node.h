// One daemon of the simulated cluster: a host of DaemonCore with virtual time and no sockets.
//
// The node is the place (name, address, state directory); what runs there is one incarnation after
// another, each with a core and a trace of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/daemon_core.h"
#include "daemon/verify/trace_file.h"
#include "tests/simulation/change_table.h"
#include "tests/simulation/edge_watch.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

// What a daemon's node asks of the world around it.
class DaemonSurroundings {
 public:
  virtual ~DaemonSurroundings() = default;
  virtual void send_to_peer(std::size_t from, const std::string& to, protocol::Lane lane,
                            const protocol::PeerFrame& frame, const Payload& bytes) = 0;
  virtual void send_to_client(std::size_t from, SessionId session, const Payload& bytes) = 0;
  virtual void close_session(std::size_t daemon, SessionId session) = 0;
  // The process ended, by itself or killed: all its connections break.
  virtual void daemon_ended(std::size_t daemon) = 0;
  // It was killed, or its host was; before it ends.
  virtual void daemon_crashes(std::size_t daemon) = 0;
  virtual void connect_peer(std::size_t from, const std::string& to) = 0;
  virtual EdgeWatch& watch() = 0;
};

class DaemonNode {
 public:
  DaemonNode(Scene& scene, Random random, DaemonSurroundings& surroundings, std::size_t index,
             std::vector<daemon::PeerAddress> peers);

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }
  bool is_up() const { return core_.has_value(); }
  bool is_paused() const { return paused_; }
  // Counts the starts: an event for an earlier process must not reach a later one.
  std::uint64_t generation() const { return generation_; }
  bool is_connected_to(const std::string& peer) const { return peers_.contains(peer); }
  const std::set<std::string>& peers() const { return peers_; }
  // The name of the present incarnation, or of the last one.
  const DaemonId& id() const { return id_; }
  // Its state directory, if it has a record.
  std::optional<protocol::DurableRecord> durable() const;
  // What that says is the newest view.
  std::optional<protocol::DaemonView> decided() const;

  // Before its first start: the state directory of one of so many that died together in the view
  // from which the plan begins to count.
  void set_past(std::size_t members);
  void start();
  // Its state directory is emptied. REQUIRES: !is_up().
  void wipe() { record_bytes_ = {}; }
  void crash();  // SIGKILL
  void pause();  // SIGSTOP
  void resume();
  void ask_to_leave();  // SIGTERM

  SessionId accept_client();
  void on_client_bytes(SessionId session, const Payload& bytes);
  void on_client_lost(SessionId session);
  // False: the codec refuses them. REQUIRES: is_up().
  bool on_peer_bytes(const Payload& bytes);
  void on_event(daemon::Event event);

  // REQUIRES: is_up().
  protocol::DaemonStatus status() const { return core_->status(local_now()); }
  std::vector<verify::Trace>& traces() { return traces_; }
  // How many views it has installed so far, in all its incarnations.
  std::uint64_t installs() const { return installs_; }
  // How many of its incarnations began since then.
  std::uint64_t begun_since(TimePoint time) const {
    return static_cast<std::uint64_t>(
        std::count_if(begun_.begin(), begun_.end(), [&](TimePoint begun) { return begun > time; }));
  }
  // Which of its incarnations were asked to leave.
  const std::set<std::string>& farewells() const { return farewells_; }
  // It was asked to, and has still to do it.
  bool is_leaving() const { return is_up() && farewells_.contains(to_string(id_)); }

 private:
  using Outgoing = std::map<SessionId, std::vector<protocol::DaemonMessage>>;

  void step(daemon::Event event);
  void perform(std::vector<daemon::Effect> effects);
  void perform_one(const daemon::Effect& effect, Outgoing& outgoing);
  void send_outgoing(Outgoing& outgoing);
  void deliver(const daemon::DeliverMessage& delivery, Outgoing& outgoing);
  void record_delivery(const daemon::DeliverMessage& delivery);
  void install(const daemon::InstallView& install);
  void stamp(const daemon::StampMessage& stamp);
  void end_step();
  void begin_incarnation();
  Incarnation draw_incarnation() const;
  void end_process(const verify::Record& last_record);
  void schedule_timer();
  // By the node's own clock, which may run too fast or too slow.
  TimePoint local_now() const;
  TimePoint from_local(TimePoint local) const;
  void schedule_drain();
  void record(const verify::Record& record) { traces_.back().records.push_back(record); }
  std::string short_name() const { return name_ + (paused_ ? "z" : ""); }

  Scene& scene_;
  Random random_;
  DaemonSurroundings& surroundings_;
  std::size_t index_;
  std::string name_;
  std::string address_;
  std::vector<daemon::PeerAddress> configured_;

  std::optional<daemon::DaemonCore> core_;
  Payload record_bytes_;  // the state directory; empty: none yet
  std::uint64_t generation_ = 0;
  bool paused_ = false;
  std::deque<daemon::Event> inbox_;
  std::set<std::string> peers_;
  std::uint64_t last_session_ = 0;
  std::set<SessionId> sessions_;
  std::int64_t drift_ = 0;     // millionths
  bool speaks_newer_ = false;  // a later version of the wire protocol
  TimePoint timer_at_ = TimePoint::never();
  bool drain_scheduled_ = false;

  DaemonId id_;
  std::optional<protocol::DaemonView> view_;
  ChangeState change_;
  std::vector<TimePoint> begun_;           // by incarnation
  std::vector<EdgeWatch::Handed> handed_;  // what this step has delivered so far
  std::vector<verify::Trace> traces_;      // one for each incarnation
  std::set<std::string> farewells_;
  std::uint64_t installs_ = 0;
  bool suspended_ = false;       // its clients were told so, and no view since
  bool delivers_early_ = false;  // it has delivered while suspended, and installed nothing yet
};

}  // namespace groupcomm::simulation
