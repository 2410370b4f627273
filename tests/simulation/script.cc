// What a scenario's lines do to the cluster.
#include <sstream>

#include "tests/simulation/settings.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

void Simulator::begin_script() {
  for (const Cue& cue : plan_.cues) {
    if (!cue.link.empty()) continue;
    scene_.at(TimePoint{cue.at}, [this, &cue] { play(cue.action); });
  }
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
  if (verb == "heal") return network_->heal();
  if (verb[0] == 'c' && verb.size() > 1 && verb[1] >= '0' && verb[1] <= '9') {
    std::string what;
    std::string group;
    std::string order;
    stream >> what >> group >> order;
    clients_.at(index_of(verb))->play(what, group, order);
    return;
  }
  for (std::string who; stream >> who;) {
    const std::size_t arrow = who.find('>');
    if (verb == "cut" && arrow != std::string::npos) {
      network_->cut_for_good(index_of(who.substr(0, arrow)), index_of(who.substr(arrow + 1)));
      continue;
    }
    DaemonNode& node = *daemons_.at(index_of(who));
    if (verb == "crash") {
      node.crash();
    } else if (verb == "start") {
      start_daemon(index_of(who));
    } else if (verb == "pause") {
      node.pause();
    } else if (verb == "resume") {
      node.resume();
    } else if (verb == "leave") {
      node.ask_to_leave();
    } else {
      scene_.complain("nothing is known of \"" + action + "\"");
    }
  }
}

}  // namespace groupcomm::simulation
