// Watches every frame that a daemon sends, before the network gets it, and every one that arrives:
// what must hold of the wire itself and shows in no trace.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "groupcomm/protocol/peer_frames.h"
#include "tests/simulation/scene.h"

namespace groupcomm::simulation {

// Complains to the scene where
// - a place of a view is given to two messages, or by another than the sequencer, which is the
//   first member of the view,
// - two different values are installed from one view,
// - a daemon sends new messages or places in a view, or acknowledges more of it, after it promised
//   a ballot that leaves it, be it another's or its own (rule F2),
// - a codec takes a frame that was damaged under way, or refuses one that was not.
class WireMonitor {
 public:
  explicit WireMonitor(Scene& scene) : scene_(scene) {}
  void on_send(const protocol::PeerFrame& frame);
  // `is_taken`: the codec of the daemon that it came to has read it.
  void on_arrival(const std::string& at, bool is_readable, bool is_taken);

 private:
  using SenderInView = std::pair<DaemonId, ViewId>;
  // One that promised: what it holds of each member from then on, where that is known.
  struct Frozen {
    std::optional<std::vector<MessageNumber>> held = {};
  };
  void on_body(const protocol::FrameHeader& header, const protocol::Batch& batch);
  void on_body(const protocol::FrameHeader& header, const protocol::Heartbeat& heartbeat);
  void on_body(const protocol::FrameHeader& header, const protocol::State& state);
  void on_body(const protocol::FrameHeader& header, const protocol::Prepare& prepare);
  void on_body(const protocol::FrameHeader& header, const protocol::Install& install);
  template <typename T>
  void on_body(const protocol::FrameHeader&, const T&) {}
  void check_places(const protocol::FrameHeader& header, const protocol::Batch& batch);
  void check_frozen(const protocol::FrameHeader& header, const protocol::Progress& progress);

  Scene& scene_;
  std::map<std::pair<ViewId, OrderNumber>, protocol::MessageReference> places_;
  std::map<ViewId, DaemonId> sequencers_;  // who gave places first, where the view is not known
  // By the view that is left, and the lineage that is begun by force.
  std::map<std::pair<ViewId, Incarnation>, protocol::ViewChangeValue> decisions_;
  std::map<ViewId, protocol::DaemonView> views_;
  std::map<SenderInView, Frozen> frozen_;
};

}  // namespace groupcomm::simulation
