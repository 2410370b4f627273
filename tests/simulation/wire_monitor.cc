#include "tests/simulation/wire_monitor.h"

namespace groupcomm::simulation {

using protocol::FrameHeader;

void WireMonitor::on_send(const protocol::PeerFrame& frame) {
  std::visit([&](const auto& body) { on_body(frame.header, body); }, frame.body);
}

void WireMonitor::on_arrival(const std::string& at, bool is_readable, bool is_taken) {
  if (is_readable == is_taken) return;
  scene_.complain("wire: " + at +
                  (is_taken ? " takes a damaged frame" : " refuses a frame as it was sent"));
}

void WireMonitor::check_places(const FrameHeader& header, const protocol::Batch& batch) {
  if (batch.places.empty()) return;
  const auto view = views_.find(header.view);
  const auto author = sequencers_.emplace(header.view, header.sender).first;
  const DaemonId& sequencer =
      view == views_.end() ? author->second : view->second.members.front().id;
  if (sequencer != header.sender) {
    scene_.complain("wire: " + to_string(header.sender) + " gives places in view " +
                    to_string(header.view) + ", whose sequencer is " + to_string(sequencer));
  }
  for (std::size_t i = 0; i < batch.places.size(); ++i) {
    const OrderNumber place{batch.first_place.value + i};
    const auto [known, is_new] = places_.try_emplace({header.view, place}, batch.places[i]);
    if (is_new || known->second == batch.places[i]) continue;
    scene_.complain("wire: place " + to_string(place) + " of view " + to_string(header.view) +
                    " is given to two messages");
  }
}

void WireMonitor::check_frozen(const FrameHeader& header, const protocol::Progress& progress) {
  const auto frozen = frozen_.find({header.sender, header.view});
  if (frozen == frozen_.end()) return;
  Frozen& then = frozen->second;
  // A proposer tells nobody what it holds: its first word afterwards stands for that.
  if (!then.held) then.held = progress.received;
  for (std::size_t rank = 0; rank < then.held->size() && rank < progress.received.size(); ++rank) {
    if (progress.received[rank] <= (*then.held)[rank]) continue;
    scene_.complain("wire: " + to_string(header.sender) + " acknowledges more of view " +
                    to_string(header.view) + " than it held when it promised to leave it");
  }
}

void WireMonitor::on_body(const FrameHeader& header, const protocol::Batch& batch) {
  check_places(header, batch);
  check_frozen(header, batch.progress);
  const bool is_new = !batch.messages.empty() || !batch.places.empty();
  if (is_new && frozen_.contains({header.sender, header.view})) {
    scene_.complain("wire: " + to_string(header.sender) + " sends in view " +
                    to_string(header.view) + " after it promised to leave it");
  }
}

void WireMonitor::on_body(const FrameHeader& header, const protocol::Heartbeat& heartbeat) {
  check_frozen(header, heartbeat.progress);
}

void WireMonitor::on_body(const FrameHeader& header, const protocol::State& state) {
  Frozen& frozen = frozen_[{header.sender, header.view}];
  if (state.living && !frozen.held) frozen.held = state.held;
}

void WireMonitor::on_body(const FrameHeader& header, const protocol::Prepare&) {
  frozen_.try_emplace({header.sender, header.view});
}

void WireMonitor::on_body(const FrameHeader&, const protocol::Install& install) {
  const auto [view, is_first] = views_.try_emplace(install.value.next.id, install.value.next);
  if (!is_first && !(view->second == install.value.next)) {
    scene_.complain("wire: two views have the id " + to_string(install.value.next.id));
  }
  if (install.value.claim) return;  // needs no quorum: others may decide something else (rule Q1)
  // One in each lineage: an operator may force another where it is not known what was decided.
  const Incarnation lineage = install.value.forced ? install.value.next.lineage : Incarnation{};
  // Who arrives is not told again what it brought.
  protocol::ViewChangeValue value = install.value;
  for (protocol::Arrival& arrival : value.arrivals) arrival.groups.clear();
  const auto [known, is_new] = decisions_.try_emplace({value.base, lineage}, value);
  if (is_new || known->second == value) return;
  scene_.complain("wire: two values are installed from view " + to_string(value.base));
}

}  // namespace groupcomm::simulation
