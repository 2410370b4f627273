// What a scenario's lines do to the cluster.
#include <sstream>

#include "tests/simulation/settings.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

void Simulator::begin_script() {
  for (std::size_t i = 0; i < plan_.cues.size(); ++i) {
    const Cue& cue = plan_.cues[i];
    if (!cue.link.empty()) continue;
    scene_.at(TimePoint{cue.at}, [this, &cue, i] {
      played_.insert(i);
      play(cue.action);
    });
  }
}

// Empty, or what has waited in vain for its time or its frame.
std::string Simulator::unplayed() const {
  for (std::size_t i = 0; i < plan_.cues.size(); ++i) {
    const Cue& cue = plan_.cues[i];
    if (played_.contains(i)) continue;
    if (cue.link.empty()) return "\"" + cue.action + "\" came too late to be played";
    return "\"" + cue.action + "\" was not played: no " +
           std::string(frame_kind_name(cue.frame_kind)) + " was sent on " + cue.link;
  }
  return "";
}

// Cues that wait for a frame are played once.
void Simulator::pull_cues(std::size_t from, std::size_t to, std::size_t kind) {
  if (plan_.cues.empty()) return;
  const std::string link = daemons_[from]->name() + ">" + daemons_[to]->name();
  for (std::size_t i = 0; i < plan_.cues.size(); ++i) {
    const Cue& cue = plan_.cues[i];
    if (cue.link != link || cue.frame_kind != kind || scene_.now() < TimePoint{cue.at}) continue;
    if (!played_.insert(i).second) continue;
    play(cue.action);
  }
}

void Simulator::play(const std::string& action) {
  if (scene_.is_verbose()) scene_.log("sim", "CUE " + action);
  std::istringstream stream(action);
  std::string verb;
  stream >> verb;
  if (verb == "heal") {
    lost_frames_.clear();
    held_frames_.clear();
    return network_->heal();
  }
  if (verb == "release") return release_frames();
  if (verb == "lose" || verb == "hold") {
    std::string kind;
    stream >> kind;
    for (std::string link; stream >> link;) play_on_frames(verb, frame_kind(kind), link);
    return;
  }
  if (verb[0] == 'c' && verb.size() > 1 && verb[1] >= '0' && verb[1] <= '9') {
    return play_on_client(index_of(verb), stream);
  }
  for (std::string who; stream >> who;) {
    const std::size_t arrow = who.find('>');
    if (arrow == std::string::npos) {
      play_on_daemon(verb, index_of(who));
      continue;
    }
    const std::size_t from = index_of(who.substr(0, arrow));
    const std::size_t to = index_of(who.substr(arrow + 1));
    if (verb == "cut") {
      network_->cut_for_good(from, to);
    } else if (verb == "stray") {
      send_foreign_frame(from, to, /*is_other_cluster=*/true);
      send_foreign_frame(from, to, /*is_other_cluster=*/false);
    } else {
      scene_.complain("nothing is known of \"" + action + "\"");
    }
  }
}

void Simulator::play_on_daemon(const std::string& verb, std::size_t daemon) {
  DaemonNode& node = *daemons_.at(daemon);
  if (verb == "crash") {
    node.crash();
  } else if (verb == "start") {
    start_daemon(daemon);
  } else if (verb == "pause") {
    node.pause();
  } else if (verb == "resume") {
    node.resume();
  } else if (verb == "leave") {
    node.ask_to_leave();
  } else {
    scene_.complain("nothing is known of \"" + verb + "\"");
  }
}

void Simulator::play_on_client(std::size_t client, std::istream& words) {
  ClientNode::ScriptedAct act;
  words >> act.what;
  if (act.what != "repeat" && act.what != "expire") {
    words >> act.group >> act.order >> act.bytes;
    if (std::size_t times = 0; words >> times) act.times = times;
    return clients_.at(client)->play(act);
  }
  std::string whose;
  words >> whose >> act.group;
  const Payload& payload = clients_.at(index_of(whose))->last_payload();
  send_for_another(client, {.group = act.group, .payload = payload}, act.what == "expire");
}

void Simulator::play_on_frames(const std::string& verb, std::size_t kind, const std::string& link) {
  const std::size_t arrow = link.find('>');
  if (kind == std::variant_size_v<protocol::PeerBody> || arrow == std::string::npos) {
    return scene_.complain("nothing is known of \"" + verb + " " + link + "\"");
  }
  const FrameRule rule{kind, index_of(link.substr(0, arrow)), index_of(link.substr(arrow + 1))};
  (verb == "lose" ? lost_frames_ : held_frames_).insert(rule);
}

bool Simulator::is_kept_back(std::size_t from, std::size_t to, std::size_t kind,
                             const Payload& bytes) {
  const FrameRule rule{kind, from, to};
  if (held_frames_.contains(rule)) {
    held_.emplace_back(to, bytes);
    return true;
  }
  return lost_frames_.contains(rule);
}

// In the order in which they were sent, however old they are.
void Simulator::release_frames() {
  held_frames_.clear();
  for (auto& [to, bytes] : std::exchange(held_, {})) {
    scene_.after(std::chrono::milliseconds(1),
                 [this, to = to, bytes = bytes] { on_arrival(to, {bytes}); });
  }
}

}  // namespace groupcomm::simulation
