// One client of the simulated cluster: an application with wishes of its own around a ClientCore.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/verify/trace_file.h"
#include "groupcomm/client_core.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

// A message of the total order whose sender does not know whether it came through.
struct Call {
  std::string group;
  std::uint64_t number = 0;  // 0: it does not even know whether its daemon accepted it
  Order order = Order::kTotal;
  Payload payload;
};

class ClientSurroundings {
 public:
  virtual ~ClientSurroundings() = default;
  // False where no daemon listens at the moment.
  virtual bool connect(std::size_t client) = 0;
  virtual void send_to_daemon(std::size_t client, const Payload& bytes) = 0;
  // The client's end of the connection is closed, or its process was killed.
  virtual void disconnect(std::size_t client) = 0;
  // The application touches something outside that only the leader of the group may touch. False:
  // a later leader has touched it.
  virtual bool act_as_leader(const std::string& group, const GroupView& view) = 0;
  // The process ended without knowing what became of these.
  virtual void call_again(std::size_t client, const std::vector<Call>& calls) = 0;
  // It asks for a join or leave.
  virtual void on_wish(std::size_t client) = 0;
  // It was told that all members have its message. `view`: its own of the group, or nullptr.
  virtual void on_notice(const verify::record::Safe& notice, const GroupView* view) = 0;
  // The other processes that have a view of the group.
  virtual std::vector<std::string> members_besides(std::size_t client,
                                                   const std::string& group) const = 0;
  // One of these processes ended without a leave.
  virtual bool has_died(const std::vector<std::string>& processes) const = 0;
  // An operator who knows all would let this client's daemon go on without these.
  virtual bool may_give_up(std::size_t client, const std::vector<std::string>& daemons) = 0;
};

class ClientNode {
 public:
  ClientNode(Scene& scene, Random random, ClientSurroundings& surroundings, std::size_t index);

  const std::string& name() const { return name_; }

  void start();
  void crash();
  void pause();  // a slow reader: nothing is read and nothing done
  void resume();
  void say_bye();
  struct ScriptedAct {
    std::string what;
    std::string group;
    std::string order;      // of a send
    std::size_t bytes = 0;  // of its payload, at least
    std::size_t times = 1;
  };
  // An action of a scenario.
  void play(const ScriptedAct& act);
  // Joins and leaves at one moment.
  void storm();
  // Sends at one moment.
  void send_burst();
  // False where it cannot now.
  bool send(const std::string& group, Order order, const Payload& payload);
  // No more sends; wishes for memberships stay.
  void settle();

  void on_bytes(const Payload& bytes);
  void on_disconnected();

  // Asks the daemon to go on without a quorum. False: it cannot be asked.
  bool ask_for_bootstrap();
  // What it was answered last.
  const std::string& told_of_bootstrap() const { return told_of_bootstrap_; }
  // The newest view of the group that it was shown as a watcher; of one that it does not watch, or
  // whose members it saw end, none.
  std::optional<GroupViewId> watched(const std::string& group) const;
  // Empty where everything that the application wants has come true; else what is missing.
  std::string unsettled() const;
  // Sends to every group, while there is no primary view.
  void try_in_vain();
  // What of that was not refused, or of what it was to be told; or nothing.
  std::string not_refused() const;
  // What it keeps that must be gone once nothing happens any more, or nothing.
  std::string kept() const;
  const GroupView* view(const std::string& group) const { return core_->view(group); }
  const std::set<std::string>& wanted() const { return wanted_; }
  const std::string& process() const { return process_; }  // empty: it is not connected
  const Payload& last_payload() const { return last_payload_; }
  verify::Trace& trace() { return trace_; }
  const verify::Trace& trace() const { return trace_; }
  // What it asked to leave, as verify::Run has it.
  const std::set<std::string>& farewells() const { return farewells_; }

 private:
  // A send that was asked for.
  struct Asked {
    SendOptions options;
    std::uint64_t hash = 0;
    std::uint64_t size = 0;
    std::uint64_t seen = 0;
    std::map<std::string, std::string> views = {};  // by group
    std::size_t groups_left = 0;                    // not accepted yet
    bool beside_answer = false;  // it was asked to hold back and had not agreed yet
    std::optional<Call> call = {};
  };

  void try_to_connect();
  void think();
  void act();
  void act_as_leader();
  void play_send(const ScriptedAct& act);
  void play_act(const std::string& group);
  void note(const std::string& group, const std::string& text);
  void hold_back(const std::string& group);
  void change_wishes();
  void ask_something();
  void tend_memberships();
  GroupOptions options_of(const std::string& group) const;
  bool send_one();
  bool multicast(const std::vector<std::string>& groups, const Payload& payload,
                 const SendOptions& options);
  std::map<std::string, std::string> views_known(const std::vector<std::string>& groups) const;
  std::vector<std::string> choose_groups();
  SendOptions choose_options(const std::vector<std::string>& groups);
  Payload make_payload();
  void schedule_drain();
  void drain();
  void flush();
  void detach();
  void end_process(const verify::Record& last_record);

  void on_upcall(const upcall::Connected& u);
  void on_upcall(const upcall::ViewInstalled& u);
  void on_upcall(const upcall::Transition& u);
  void on_upcall(const upcall::Delivered& u);
  void on_delivered(const upcall::Delivered& u, const Message& message);
  void on_upcall(const upcall::Accepted& u);
  void on_upcall(const upcall::Rejected& u);
  void on_upcall(const upcall::SendFailed& u);
  void on_upcall(const upcall::Safe& u);
  void on_upcall(const upcall::Suspended& u);
  void on_upcall(const upcall::Block& u);
  void on_upcall(const upcall::Gone& u);
  void on_upcall(const upcall::Disconnected& u);
  void on_upcall(const upcall::Status& u);
  void on_upcall(const upcall::Groups& u);
  void on_upcall(const upcall::BootstrapAnswered& u);
  void on_upcall(const upcall::Watched& u);
  RequestId end_wish(const std::string& what);
  void look_whom_it_meets(const GroupView* previous, const std::string& group,
                          const GroupView& view);
  void wish(const std::string& group, bool is_leave);
  std::optional<Call> call_of(const std::vector<std::string>& groups, const Payload& payload,
                              const SendOptions& options) const;
  void keep_call(Call call);
  std::string member_name(const std::string& group) const;
  void record(verify::Record record) { trace_.records.push_back(std::move(record)); }

  Scene& scene_;
  Random random_;
  ClientSurroundings& surroundings_;
  std::size_t index_;
  std::string name_;
  std::vector<std::string> groups_;

  std::unique_ptr<ClientCore> core_;
  bool up_ = false;
  bool attached_ = false;  // there is a connection
  bool paused_ = false;
  bool broken_ = false;  // the connection broke while paused
  bool drain_scheduled_ = false;
  std::uint64_t generation_ = 0;
  std::deque<Payload> inbox_;  // while paused

  std::set<std::string> wanted_;
  std::map<RequestId, std::string> wishes_;        // unanswered joins and leaves, by group
  std::set<RequestId> odd_joins_;                  // of the wishes, those with other options
  std::set<std::string> odd_;                      // groups that it has joined so
  std::set<RequestId> queries_;                    // unanswered
  std::optional<std::set<std::string>> watching_;  // of all groups where it is empty
  std::map<std::string, GroupViewId> watched_;
  bool speaks_newer_ = false;  // a later version of the wire protocol
  bool dithers_ = false;       // answers a block only when it is told to
  std::map<RequestId, Asked> asked_;
  std::set<std::pair<std::string, std::uint64_t>> notices_;  // awaited, by group and number
  std::map<std::string, GroupView> views_;
  std::set<std::string> ended_;      // groups whose view is known to end
  std::set<std::string> suspended_;  // groups whose view has no quorum, as it was told
  std::set<RequestId> vain_;         // sends that must be refused for that
  std::string not_refused_;          // what was refused for another reason, or not at all
  std::set<std::string> blocked_;    // groups in which it is asked to hold back
  std::vector<Call> calls_;          // what it does not know the fate of, the newest few
  // Who was a member as it asked to join.
  std::map<std::string, std::vector<std::string>> met_;
  std::set<std::string> fresh_;  // groups of which it has had one view so far
  Payload last_payload_;
  std::string process_;
  std::string told_of_bootstrap_;
  bool asked_in_storm_ = false;  // for that
  std::uint64_t seen_ = 0;
  std::uint64_t payloads_ = 0;
  verify::Trace trace_;
  std::set<std::string> farewells_;
};

}  // namespace groupcomm::simulation
