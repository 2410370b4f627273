#include "daemon/host/describe.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace groupcomm::daemon {
namespace {

using namespace protocol;  // NOLINT(google-build-using-namespace): the alphabets are named in full

// The names of a variant's alternatives, in its order.
constexpr std::array<std::string_view, std::variant_size_v<ClientMessage>> kClientMessages = {
    "Hello",    "Join", "Leave",       "MulticastChunk", "Multicast", "BlockOk",
    "Consumed", "Bye",  "StatusQuery", "GroupsQuery",    "Watch",     "Bootstrap"};
constexpr std::array<std::string_view, std::variant_size_v<DaemonMessage>> kDaemonMessages = {
    "Welcome",    "Refused",      "Accepted",    "Rejected",    "SendFail",    "ViewChanged",
    "Transition", "DeliverChunk", "Deliver",     "SafeNotice",  "Block",       "Suspended",
    "Gone",       "Disconnect",   "StatusReply", "GroupsReply", "WatchedView", "BootstrapReply"};
constexpr std::array<std::string_view, std::variant_size_v<PeerBody>> kPeerBodies = {
    "Batch", "Nack",          "Repair",  "Heartbeat", "Beacon",  "Prepare",
    "State", "BallotRefused", "Propose", "Accept",    "Install", "InstallRequest"};

template <typename Variant, std::size_t kSize>
std::string kind(const Variant& value, const std::array<std::string_view, kSize>& names) {
  static_assert(std::variant_size_v<Variant> == kSize);
  return std::string(names.at(value.index()));
}

std::string list(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ",") + text;
  return joined;
}

std::string list(const std::vector<SessionId>& sessions) {
  std::vector<std::string> texts;
  for (const SessionId session : sessions) texts.push_back(to_string(session));
  return list(texts);
}

std::string kinds(const std::vector<ClientMessage>& messages) {
  std::vector<std::string> texts;
  for (const ClientMessage& message : messages) texts.push_back(kind(message, kClientMessages));
  return list(texts);
}

// Names and reasons may come from elsewhere.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
  return text;
}

struct EventText {
  std::string operator()(const ClientFrame& event) const {
    return "ClientFrame session=" + to_string(event.session) + " messages=" + kinds(event.messages);
  }
  std::string operator()(const ClientLost& event) const {
    return "ClientLost session=" + to_string(event.session);
  }
  std::string operator()(const PeerFrameReceived& event) const {
    const FrameHeader& header = event.frame.header;
    return "PeerFrameReceived from=" + to_string(header.sender) +
           " view=" + to_string(header.view) + " body=" + kind(event.frame.body, kPeerBodies);
  }
  std::string operator()(const PeerRefused& event) const {
    return "PeerRefused peer=" + event.name;
  }
  std::string operator()(const PeerConnected& event) const {
    return "PeerConnected peer=" + event.name;
  }
  std::string operator()(const TimerExpired&) const { return "TimerExpired"; }
  std::string operator()(const InputDrained&) const { return "InputDrained"; }
  std::string operator()(const LeaveRequested&) const { return "LeaveRequested"; }
};

struct EffectText {
  std::string operator()(const SendToPeers& effect) const {
    return "SendToPeers peers=" + list(effect.peers) +
           " lane=" + (effect.lane == Lane::kControl ? "control" : "data") +
           " view=" + to_string(effect.frame->header.view) +
           " body=" + kind(effect.frame->body, kPeerBodies);
  }
  std::string operator()(const ConnectPeer& effect) const {
    return "ConnectPeer peer=" + effect.name + " address=" + effect.address;
  }
  std::string operator()(const DisconnectPeer& effect) const {
    return "DisconnectPeer peer=" + effect.name;
  }
  std::string operator()(const SendToClient& effect) const {
    return "SendToClient session=" + to_string(effect.session) +
           " message=" + kind(effect.message, kDaemonMessages);
  }
  std::string operator()(const DeliverMessage& effect) const {
    return "DeliverMessage sessions=" + list(effect.sessions.all()) +
           " sender=" + std::to_string(effect.reference.sender) +
           " number=" + to_string(effect.reference.number) +
           " count=" + std::to_string(1 + effect.delivery.run.size()) +
           " order=" + to_string(effect.delivery.order);
  }
  std::string operator()(const CloseClient& effect) const {
    return "CloseClient session=" + to_string(effect.session);
  }
  std::string operator()(const PersistRecord& effect) const {
    return "PersistRecord decided=" + to_string(effect.record().decided.id) +
           " promised=" + std::to_string(effect.record().promised.round) +
           " accepted=" + (effect.record().accepted ? "yes" : "no");
  }
  std::string operator()(const InstallView& effect) const {
    return "InstallView " + describe(effect.view);
  }
  std::string operator()(const StampMessage& effect) const {
    return "StampMessage sender=" + to_string(effect.sender) + " group=" + effect.group +
           " number=" + to_string(effect.number) +
           " daemon_number=" + to_string(effect.daemon_number);
  }
  std::string operator()(const Report& effect) const { return "Report text=" + effect.text; }
  std::string operator()(const GiveUp& effect) const { return "GiveUp reason=" + effect.reason; }
  std::string operator()(const Finished&) const { return "Finished"; }
};

}  // namespace

std::string describe(const Event& event) { return one_line(std::visit(EventText{}, event)); }
std::string describe(const Effect& effect) { return one_line(std::visit(EffectText{}, effect)); }

std::string describe(const protocol::DaemonView& view) {
  std::vector<std::string> members;
  for (const DaemonMember& member : view.members) members.push_back(to_string(member.id));
  return "view=" + to_string(view.id) + " members=" + list(members) +
         " primary=" + (view.primary ? "yes" : "no");
}

}  // namespace groupcomm::daemon
