// groupcommctl bootstrap: the operator's word that a component without a quorum may go on.
#include <iostream>
#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/questions.h"

namespace groupcomm::ctl {
namespace {

void say(std::string text) { write_out(text); }

bool user_agrees() {
  say("Go on? Type yes: ");
  std::string answer;
  return std::getline(std::cin, answer) && answer == "yes";
}

}  // namespace

int BootstrapCommand::run() const {
  const BootstrapAnswer outlook = ask_bootstrap(socket, timeout, {});
  if (!outlook.possible) throw CommandFailed{"nothing to force: " + outlook.text};
  say(outlook.text + ".\n");
  if (!force) throw CommandFailed{"nothing was done: \"bootstrap --force\" does it"};
  if (!yes && !user_agrees()) throw CommandFailed{"nothing was done"};
  const BootstrapAnswer outcome = ask_bootstrap(socket, timeout, outlook.without);
  if (!outcome.possible) throw CommandFailed{"nothing to force: " + outcome.text};
  say(outcome.text + "\n");
  return 0;
}

}  // namespace groupcomm::ctl
