#include "daemon/host/effect_performer.h"

#include <utility>
#include <variant>

#include "daemon/host/describe.h"
#include "daemon/host/unread_bytes.h"
#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {

using Outcome = EffectPerformer::Outcome;

Outcome EffectPerformer::perform(std::vector<Effect> effects, TimePoint now) {
  for (Effect& effect : effects) {
    if (parts_.log.is_debugging()) parts_.log.debug("effect " + describe(effect));
    const Outcome outcome = std::visit([&](auto& it) { return on(it, now); }, effect);
    if (outcome != Outcome::kGoOn) return outcome;
  }
  send(batches_.take_full());
  return Outcome::kGoOn;
}

void EffectPerformer::flush() { send(batches_.take_all()); }

void EffectPerformer::send(const std::vector<ClientBatches::Frame>& frames) {
  for (const ClientBatches::Frame& frame : frames) {
    for (const SessionId session : frame.sessions) parts_.clients.send(session, frame.bytes);
  }
}

Outcome EffectPerformer::on(SendToPeers& effect, TimePoint /*now*/) {
  parts_.peers.send(effect.peers, effect.lane, wire::encode(*effect.frame));
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(ConnectPeer& effect, TimePoint now) {
  parts_.peers.connect(effect.name, effect.address, now);
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(DisconnectPeer& effect, TimePoint /*now*/) {
  parts_.peers.disconnect(effect.name);
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(SendToClient& effect, TimePoint /*now*/) {
  if (auto* reply = std::get_if<protocol::StatusReply>(&effect.message)) {
    parts_.counters.overfull_connections = overfull_connections();
    parts_.counters.clients = parts_.clients.session_count();
    protocol::DaemonStatus status = *reply->status;
    parts_.counters.add_to(status.counters);
    reply->status = std::move(status);
  }
  batches_.add(effect.session, std::move(effect.message));
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(DeliverMessage& effect, TimePoint /*now*/) {
  if (parts_.trace != nullptr) parts_.trace->on_deliver(effect);
  batches_.add(std::move(effect));
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(CloseClient& effect, TimePoint now) {
  send(batches_.take(effect.session));
  parts_.clients.close(effect.session, now);
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(PersistRecord& effect, TimePoint /*now*/) {
  if (parts_.records == nullptr) return Outcome::kGoOn;
  // Clients need not wait for the disk.
  flush();
  const auto saved = parts_.records->save(effect.record());
  ++parts_.counters.record_writes;
  if (saved.ok()) return Outcome::kGoOn;
  parts_.log.error(saved.error() + "; a daemon that cannot keep its votes must not vote");
  return Outcome::kFailed;
}

Outcome EffectPerformer::on(InstallView& effect, TimePoint /*now*/) {
  if (parts_.trace != nullptr) parts_.trace->on_install(effect);
  std::string text = "installed " + describe(effect.view);
  for (const auto& departed : effect.left) {
    text += " left=" + to_string(departed.id) + ":" + to_string(departed.reason);
  }
  if (effect.recovered) text += " recovered=yes";
  if (effect.forced) text += " forced=yes";
  parts_.log.info(text);
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(StampMessage& effect, TimePoint /*now*/) {
  if (parts_.trace != nullptr) parts_.trace->on_stamp(effect);
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(Report& effect, TimePoint /*now*/) {
  if (effect.warning) {
    parts_.log.warning(effect.text);
  } else {
    parts_.log.info(effect.text);
  }
  return Outcome::kGoOn;
}

Outcome EffectPerformer::on(GiveUp& effect, TimePoint /*now*/) {
  parts_.log.warning("this incarnation is over: " + effect.reason);
  if (parts_.trace != nullptr) parts_.trace->on_give_up();
  return Outcome::kGiveUp;
}

Outcome EffectPerformer::on(Finished& /*effect*/, TimePoint /*now*/) {
  if (parts_.trace != nullptr) parts_.trace->on_finished();
  return Outcome::kFinished;
}

}  // namespace groupcomm::daemon
