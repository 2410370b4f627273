#include "tests/simulation/describe.h"

namespace groupcomm::simulation {
namespace {

using namespace protocol;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

std::string text(std::uint64_t n) { return std::to_string(n); }
template <typename Tag>
std::string text(const Number<Tag>& n) {
  return to_string(n);
}
std::string text(const std::string& s) { return s; }
// Enough of an incarnation to tell those of one run apart.
std::string text(Incarnation i) { return to_string(i).substr(10); }
std::string text(const ViewId& id) {
  return "v" + text(id.counter) + "." + text(id.proposer) + "." + text(id.round);
}
std::string text(const GroupViewId& id) { return text(id.daemon_view) + "/" + text(id.place); }
std::string text(const DaemonId& id) { return id.name + "#" + text(id.incarnation); }
std::string text(const DaemonMember& member) { return text(member.id); }
std::string text(const MessageReference& r) { return text(r.sender) + ":" + text(r.number); }
std::string text(const ProcessId& p) { return short_name(p); }
std::string text(const GroupMember& m) {
  return short_name(m.process) + (m.joins > 1 ? "~" + text(m.joins) : "");
}
std::string text(const Departed& d) { return short_name(d.process) + ":" + to_string(d.reason); }
std::string text(const DepartedDaemon& d) { return text(d.id) + ":" + to_string(d.reason); }
std::string text(const Ballot& b) {
  return "b" + text(b.round) + "." + text(b.proposer) + "." + text(b.incarnation);
}
std::string text(const ProcessKey& k) { return text(k.daemon) + "." + text(k.session); }
// Group keys are long; their low digits tell the few groups of a run apart.
std::string text(GroupKey key) { return "g:" + text(Incarnation{key.value}); }
std::string text(const MissingMessages& m) {
  return text(m.sender) + ":" + text(m.range.first) + "-" + text(m.range.last);
}

std::string text(const MessagePointer& m);

template <typename T>
std::string list(const std::vector<T>& items) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == 12) return out + " ..." + text(items.size()) + "]";
    out += (i > 0 ? " " : "") + text(items[i]);
  }
  return out + "]";
}

// Of payloads, and of those behind it in a run.
std::string sizes(const Payload& first, const protocol::RunPayloads& run) {
  std::string out = text(first.size());
  for (const Payload& payload : run) out += "+" + text(payload.size());
  return out;
}
template <typename Message>
std::string sizes(const Message& message) {
  return sizes(message.payload, message.run);
}

std::string text(const DaemonView& v) {
  return text(v.id) + list(v.members) + (v.primary ? "" : " NOT PRIMARY");
}
std::string text(const ViewChangeValue& v) {
  return text(v.base) + "->" + text(v.next) + " cut " + list(v.cut) + " places " +
         text(v.first_place) + list(v.places) + " left " + list(v.left) + " delivered" +
         text(v.delivered) + (v.recovered ? " recovered" : "");
}

std::string text(const MessagePointer& m) {
  static constexpr const char* kKinds[] = {"", "chunk ", "join ", "leave ", "closing ", "hold "};
  std::string out = "(" + text(m->number) + " " + kKinds[static_cast<int>(m->kind)] +
                    to_string(m->order) + " s" + text(m->session) + " " +
                    text(m->destination.group) + " e" + text(m->destination.epoch);
  if (m->destination.number) out += " n" + text(m->destination.number);
  for (const Destination& d : m->more_destinations) {
    out += " +" + text(d.group) + " e" + text(d.epoch) + " n" + text(d.number);
  }
  if (m->causal_number) out += " c" + text(m->causal_number);
  if (m->context != nullptr) out += list(*m->context);
  if (m->predecessor) out += " pred" + text(m->predecessor);
  if (m->after) out += " after" + text(m->after);
  if (m->closes) out += " closes" + text(m->closes);
  if (m->to) out += " to " + text(*m->to);
  return out + " L" + text(m->stamp) + ")";
}

std::string text(const Progress& p) {
  return "sent" + text(p.sent) + " rcv" + list(p.received) + " ord" + text(p.ordered) + " ann" +
         text(p.announced) + " L" + text(p.clock);
}

std::string text(const GroupView& v) {
  return text(v.id) + " " + list(v.members) + " joined " + list(v.joined) + " left " +
         list(v.left) + " with " + list(v.transitional);
}

std::string body_text(const PeerBody& body) {
  return std::visit(
      Overloaded{
          [](const Batch& b) {
            return "Batch " + list(b.messages) + " places " + text(b.first_place) + list(b.places) +
                   " " + text(b.progress);
          },
          [](const Nack& n) {
            return "Nack " + list(n.missing) + " places " + text(n.first_place) + "-" +
                   text(n.last_place);
          },
          [](const Repair& r) { return "Repair of " + text(r.original) + " " + list(r.messages); },
          [](const Heartbeat& h) {
            return "Heartbeat " + text(h.progress) + " hears " + list(h.hears) +
                   (h.leaving ? " leaving" : "");
          },
          [](const Beacon& b) {
            return std::string("Beacon") + (b.active ? " active" : "") +
                   (b.decided ? " decided " + text(*b.decided) : "") + " hears " + list(b.hears);
          },
          [](const Prepare& p) { return "Prepare " + text(p.ballot); },
          [](const State& s) {
            return "State " + text(s.ballot) + (s.living ? " living" : " record") + " held " +
                   list(s.held) + " places " + text(s.first_place) + list(s.places) + " hears " +
                   list(s.hears) + (s.leaving ? " leaving" : "") + " delivered" +
                   text(s.delivered) +
                   (s.accepted
                        ? " ACCEPTED " + text(s.accepted->ballot) + " " + text(s.accepted->value)
                        : "");
          },
          [](const BallotRefused& r) { return "BallotRefused " + text(r.promised); },
          [](const Propose& p) { return "Propose " + text(p.ballot) + " " + text(p.value); },
          [](const Accept& a) { return "Accept " + text(a.ballot); },
          [](const Install& i) {
            return "Install " + text(i.value) +
                   (i.groups ? " groups " + text(i.groups->size()) : "") +
                   (i.departed == Incarnation{} ? "" : " departed " + text(i.departed));
          },
          [](const InstallRequest&) { return std::string("InstallRequest"); },
      },
      body);
}

template <typename T>
std::string request(const char* what, const T& m) {
  return std::string(what) + " " + text(m.request) + " " + m.group;
}

}  // namespace

std::string short_name(const ProcessId& process) {
  return process.name + "@" + process.daemon + "#" + text(process.key.daemon) + "." +
         text(process.key.session);
}

std::string describe(const PeerFrame& frame) {
  return text(frame.header.sender) + " in " + text(frame.header.view) + ": " +
         body_text(frame.body);
}

std::string describe(const ClientMessage& message) {
  return std::visit(
      Overloaded{
          [](const Hello& m) { return "Hello " + m.name; },
          [](const Join& m) { return request("Join", m); },
          [](const Leave& m) { return request("Leave", m); },
          [](const MulticastChunk& m) { return "MulticastChunk " + text(m.payload.size()); },
          [](const Multicast& m) {
            std::string out = "Multicast " + text(m.request) + " " + to_string(m.order) + " " +
                              text(m.group) + list(m.more_groups) + " " + sizes(m);
            if (m.self_discard) out += " self_discard";
            if (m.to) out += " to " + text(*m.to);
            return out;
          },
          [](const BlockOk& m) { return request("BlockOk", m); },
          [](const Consumed& m) { return "Consumed " + text(m.bytes_total); },
          [](const Bye&) { return std::string("Bye"); },
          [](const StatusQuery&) { return std::string("StatusQuery"); },
          [](const Bootstrap&) { return std::string("Bootstrap"); },
          [](const GroupsQuery&) { return std::string("GroupsQuery"); },
          [](const Watch&) { return std::string("Watch"); },
      },
      message);
}

std::string describe(const DaemonMessage& message) {
  return std::visit(
      Overloaded{
          [](const Welcome& m) { return "Welcome " + text(m.process); },
          [](const Refused& m) { return "Refused " + m.reason; },
          [](const Accepted& m) { return "Accepted up to " + text(m.up_to); },
          [](const Rejected& m) {
            return "Rejected " + text(m.request) + " " + text(m.group) + " " + to_string(m.reason);
          },
          [](const SendFail& m) { return "SendFail " + text(m.group) + " " + text(m.number); },
          [](const ViewChanged& m) { return "ViewChanged " + m.group + " " + text(m.view); },
          [](const Transition& m) { return "Transition " + text(m.group); },
          [](const DeliverChunk& m) { return "DeliverChunk " + text(m.payload.size()); },
          [](const Deliver& m) {
            return "Deliver " + text(m.group) + " from " +
                   (m.sender ? text(*m.sender) : "rank " + text(m.sender_rank)) + " n" +
                   text(m.number) + " " + to_string(m.order) + " " + sizes(m);
          },
          [](const SafeNotice& m) { return "SafeNotice " + text(m.group) + " " + text(m.number); },
          [](const protocol::Block& m) { return "Block " + text(m.group); },
          [](const protocol::Suspended& m) { return "Suspended " + text(m.group); },
          [](const protocol::Gone& m) {
            return "Gone " + text(m.group) + " " + to_string(m.reason);
          },
          [](const Disconnect& m) { return "Disconnect " + m.reason; },
          [](const StatusReply&) { return std::string("StatusReply"); },
          [](const GroupsReply&) { return std::string("GroupsReply"); },
          [](const BootstrapReply& m) { return "BootstrapReply " + m.text; },
          [](const WatchedView& m) { return "WatchedView " + m.group; },
      },
      message);
}

std::string describe(const daemon::Event& event) {
  return std::visit(
      Overloaded{
          [](const daemon::ClientFrame& e) {
            std::string out = "s" + text(e.session);
            for (const ClientMessage& m : e.messages) out += " | " + describe(m);
            return out;
          },
          [](const daemon::ClientLost& e) { return "ClientLost s" + text(e.session); },
          [](const daemon::PeerFrameReceived& e) { return describe(e.frame); },
          [](const daemon::PeerRefused& e) { return "PeerRefused " + e.name; },
          [](const daemon::PeerConnected& e) { return "PeerConnected " + e.name; },
          [](const daemon::TimerExpired&) { return std::string("TimerExpired"); },
          [](const daemon::InputDrained&) { return std::string("InputDrained"); },
          [](const daemon::LeaveRequested&) { return std::string("LeaveRequested"); },
      },
      event);
}

std::string describe(const daemon::Effect& effect) {
  return std::visit(
      Overloaded{
          [](const daemon::SendToPeers& e) {
            return "to " + list(e.peers) + " " + body_text(e.frame->body);
          },
          [](const daemon::ConnectPeer& e) { return "ConnectPeer " + e.name + " " + e.address; },
          [](const daemon::DisconnectPeer& e) { return "DisconnectPeer " + e.name; },
          [](const daemon::SendToClient& e) {
            return "to s" + text(e.session) + " " + describe(e.message);
          },
          [](const daemon::DeliverMessage& e) {
            return "Deliver " + text(e.reference) + " to s" + list(e.sessions.all()) + " " +
                   describe(DaemonMessage(e.delivery));
          },
          [](const daemon::CloseClient& e) { return "CloseClient s" + text(e.session); },
          [](const daemon::PersistRecord& e) {
            return "PersistRecord " + text(e.record().decided.id) + " promised " +
                   text(e.record().promised) +
                   (e.record().accepted ? " accepted " + text(e.record().accepted->ballot) + " " +
                                              text(e.record().accepted->value)
                                        : "");
          },
          [](const daemon::InstallView& e) {
            return "INSTALL " + text(e.view) + " left " + list(e.left) +
                   (e.recovered ? " recovered" : "");
          },
          [](const daemon::StampMessage& e) {
            return "Stamp " + text(e.daemon_number) + " " + text(e.sender) + " " + e.group + " n" +
                   text(e.number) + " " + to_string(e.order) + " in " + text(e.view) +
                   (e.member ? "" : " (no member)");
          },
          [](const daemon::Report& e) { return "Report " + e.text; },
          [](const daemon::GiveUp& e) { return "GIVE UP " + e.reason; },
          [](const daemon::Finished&) { return std::string("FINISHED"); },
      },
      effect);
}

std::string describe(const Upcall& upcall) {
  return std::visit(
      Overloaded{
          [](const upcall::Connected& u) { return "Connected " + text(u.process); },
          [](const upcall::ViewInstalled& u) { return "View " + u.group + " " + text(u.view); },
          [](const upcall::Transition& u) { return "Transition " + u.group; },
          [](const upcall::Delivered& u) {
            return "Delivered " + u.group + " " + text(u.message.sender) + " n" +
                   text(u.message.number) + " " + to_string(u.message.order) + " " +
                   sizes(u.message.payload, u.run);
          },
          [](const upcall::Accepted& u) {
            return "Accepted " + text(u.request) + " " + u.group + " n" + text(u.number);
          },
          [](const upcall::Rejected& u) {
            return "Rejected " + text(u.request) + " " + u.group + " " + to_string(u.reason);
          },
          [](const upcall::SendFailed& u) {
            return "SendFailed " + u.group + " " + text(u.number);
          },
          [](const upcall::Safe& u) { return "Safe " + u.group + " " + text(u.number); },
          [](const upcall::Suspended& u) { return "Suspended " + u.group; },
          [](const upcall::Block& u) { return "Block " + u.group; },
          [](const upcall::Gone& u) { return "Gone " + u.group + " " + to_string(u.reason); },
          [](const upcall::Disconnected& u) { return "Disconnected " + u.reason; },
          [](const upcall::Status&) { return std::string("Status"); },
          [](const upcall::Groups&) { return std::string("Groups"); },
          [](const upcall::BootstrapAnswered& u) { return "BootstrapAnswered " + u.text; },
          [](const upcall::Watched& u) { return "Watched " + u.group; },
      },
      upcall);
}

}  // namespace groupcomm::simulation
