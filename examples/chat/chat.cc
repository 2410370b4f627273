// A complete chat: chat NAME ROOM. Lines in, everybody's lines out, in the same order everywhere.
#include <groupcomm/client.h>

#include <iostream>
#include <string>
#include <thread>

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
    if (reason != GoneReason::kLeft) std::cout << "* out: " << to_string(reason) << std::endl;
    client->stop();
  }
  Client* client = nullptr;
};

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("usage: chat NAME ROOM");
  Screen screen;
  Client client = Client::connect({.name = argv[1]});
  screen.client = &client;
  const Group room = client.join(argv[2], screen);
  std::jthread keyboard([room] {
    for (std::string line; std::getline(std::cin, line);) room.multicast(line);
    room.leave();
  });
  client.run();
} catch (const Error& error) {
  std::cerr << error.what() << std::endl;
  return 1;
}
