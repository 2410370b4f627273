// What a daemon does: the closed alphabet of outputs of DaemonCore. The host performs effects in
// the order in which it takes them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/core/session_list.h"
#include "groupcomm/number.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::daemon {

// Encode once, send to each. A peer that is not connected is skipped: links are lossy.
struct SendToPeers {
  std::vector<std::string> peers;  // by name
  protocol::Lane lane = protocol::Lane::kControl;
  std::shared_ptr<const protocol::PeerFrame> frame;
};
// Keep two lanes connected to this address. Repeated with another address where it moved.
struct ConnectPeer {
  std::string name;
  std::string address;
};
// Close the lanes to a peer that is neither configured nor a member.
struct DisconnectPeer {
  std::string name;
};
struct SendToClient {
  SessionId session;
  protocol::DaemonMessage message;
};
// A delivery, or a run of them, to local members of one group: encode once, send to each. `chunks`
// come before.
struct DeliverMessage {
  SessionList sessions;  // may be empty where only the trace wants to know
  protocol::Deliver delivery;
  std::vector<Payload> chunks;
  // For the trace of @daemons; number 0 for the further groups of a message to several. Messages of
  // a run have the next numbers.
  protocol::MessageReference reference;
};
// Calls f(effect) for each message of a run.
template <typename F>
void for_each_message(const DeliverMessage& run, F f) {
  if (run.delivery.run.empty()) return f(run);
  DeliverMessage one = run;
  protocol::for_each_of_run(run.delivery, [&](const protocol::Deliver& delivery) {
    one.delivery = delivery;
    f(std::as_const(one));
    ++one.reference.number;
  });
}
// The session is over: after what was sent before, send nothing more and drop what comes.
struct CloseClient {
  SessionId session;
};
// Write and sync before the next effect is performed.
struct PersistRecord {
  explicit PersistRecord(protocol::DurableRecord of)
      : shared(std::make_shared<const protocol::DurableRecord>(std::move(of))) {}
  const protocol::DurableRecord& record() const { return *shared; }

  std::shared_ptr<const protocol::DurableRecord> shared;
};
// A view of daemons was installed (for log and trace; nothing is to be done).
struct InstallView {
  protocol::DaemonView view;
  std::vector<protocol::DepartedDaemon> left;
  bool recovered = false;
  bool forced = false;
};
// A message of a local client was stamped: from here on it is accepted (for the trace: the send
// record must be written before the frames that follow are sent).
struct StampMessage {
  ProcessId sender;
  std::string group;    // its name
  GroupViewId view;     // of the group at the stamp
  bool member = false;  // the sender is a member there
  SendNumber number;
  MessageNumber daemon_number;
  Order order = Order::kTotal;
  std::vector<Payload> parts;  // the whole payload
  bool self_discard = false;
  std::optional<ProcessKey> to;
};
// Something worth a line in the log, in words; `warning` where an operator should look.
struct Report {
  bool warning = false;
  std::string text;
};
// This incarnation is over (it was excluded, or cannot get decided messages). Perform what came
// before, close all sessions, and begin again with a new DaemonCore of a new incarnation.
struct GiveUp {
  std::string reason;
  // What members of the view said contradicts itself, as it never does among honest daemons.
  bool contradiction = false;
};
// The daemon has left its view: it may end.
struct Finished {};

using Effect =
    std::variant<SendToPeers, ConnectPeer, DisconnectPeer, SendToClient, DeliverMessage,
                 CloseClient, PersistRecord, InstallView, StampMessage, Report, GiveUp, Finished>;

}  // namespace groupcomm::daemon
