// What the application at a client's node asks its daemon, and what it is answered.
#include "tests/simulation/client_node.h"

namespace groupcomm::simulation {

void ClientNode::ask_something() {
  scene_.count("queries");
  switch (random_.below(3)) {
    case 0: queries_.insert(core_->query_status()); return;
    case 1: queries_.insert(core_->query_groups()); return;
    default: break;
  }
  std::vector<std::string> groups;
  for (const std::string& group : groups_) {
    if (random_.percent(50)) groups.push_back(group);
  }
  watching_ = std::set<std::string>(groups.begin(), groups.end());
  watched_.clear();
  core_->watch(std::move(groups));
}

std::optional<GroupViewId> ClientNode::watched(const std::string& group) const {
  if (!watching_ || (!watching_->empty() && !watching_->contains(group))) return std::nullopt;
  const auto view = watched_.find(group);
  return view == watched_.end() ? GroupViewId{} : view->second;
}

void ClientNode::on_upcall(const upcall::Status& u) {
  if (queries_.erase(u.request) == 0) {
    return scene_.complain(name_ + " was told a status that it did not ask for");
  }
  if (u.status->daemon.name != core_->process()->daemon) {
    scene_.complain(name_ + " was told the status of " + u.status->daemon.name);
  }
}

// It knows the groups that it is in, and is told of these no earlier and no later view.
void ClientNode::on_upcall(const upcall::Groups& u) {
  if (queries_.erase(u.request) == 0) {
    return scene_.complain(name_ + " was told groups that it did not ask for");
  }
  std::size_t known = 0;
  for (const protocol::GroupStatus& group : u.groups) {
    const auto view = views_.find(group.name);
    if (view == views_.end()) continue;
    ++known;
    std::vector<ProcessId> members;
    for (const GroupMember& member : view->second.members) members.push_back(member.process);
    if (view->second.id == group.view && members == group.members) continue;
    scene_.complain(name_ + " was told another view of " + group.name + " than it is in");
  }
  if (known < views_.size()) scene_.complain(name_ + " was not told of all groups that it is in");
}

void ClientNode::on_upcall(const upcall::Watched& u) {
  // (What comes late, of what it watched before, is of no account.)
  if (!watching_ || (!watching_->empty() && !watching_->contains(u.group))) return;
  scene_.count("views that were watched");
  GroupViewId& newest = watched_[u.group];
  if (u.view.id < newest) {
    scene_.complain(name_ + " was shown an older view of " + u.group + " than before");
  }
  newest = u.view.id;
}

}  // namespace groupcomm::simulation
