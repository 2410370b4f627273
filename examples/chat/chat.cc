// A complete chat: chat NAME ROOM. Lines in, everybody's lines out, in the same order everywhere.
#include <groupcomm/client.h>

#include <iostream>
#include <string>

using namespace groupcomm;

struct Screen : GroupListener {
  void on_view(Group&, const GroupView& view) override {
    std::cout << "* now here:";
    for (const GroupMember& member : view.members) std::cout << " " << member.process.name;
    std::cout << std::endl;
  }
  void on_message(Group&, const Message& message) override {
    std::cout << message.sender.name << ": " << message.payload.text() << std::endl;
  }
  void on_gone(Group&, GoneReason reason) override {
    std::cout << "* the room is gone: " << to_string(reason) << std::endl;
  }
};

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("usage: chat NAME ROOM");
  Screen screen;
  Client client = Client::connect({.name = argv[1]});
  Group room = client.join(argv[2], screen);
  client.start_thread();
  for (std::string line; std::getline(std::cin, line);) {
    const Queued queued = room.multicast(line, Order::kTotal);
    if (!queued.ok()) std::cout << "* not sent: " << to_string(*queued.refused) << std::endl;
  }
} catch (const Error& error) {
  std::cerr << error.what() << std::endl;
  return 1;
}
